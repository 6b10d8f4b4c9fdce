// CommitQueue holds back what must not be seen before what it tells of is
// durable.
//
//   core.Step(event, now, effects);
//   Batch batch;
//   queue.Take(effects, released, batch);  // what may go out at once
//   if (!batch.empty()) queue.Appended(log.Append(std::move(batch)));
//   ... later: queue.Durable(number, released);
//
// Owner: gcs::Server and the simulator's control store.   Threading: none.
// Invariants: (1) effects leave in the order of the core; (2) none leaves
// before every batch of its own step and of earlier steps is durable, SetTimer
// excepted; (3) at most `held_max` effects are held: beyond it Full() is true
// and the shell reads no more.
#ifndef MOBULA_GCS_CORE_COMMIT_QUEUE_H_
#define MOBULA_GCS_CORE_COMMIT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "gcs/core/events.h"

namespace mobula::gcs {

using Batch = std::vector<Write>;

// The build with plants (bugs on purpose, for the simulator to find) has names
// of its own, so that one program can hold both.
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

class CommitQueue {
 public:
  struct Options {
    std::size_t held_max = 100'000;
#ifdef MOBULA_PLANTS
    bool plant_reply_before_write = false;  // holds nothing back
#endif
  };

  explicit CommitQueue(Options options) : options_(options) {}

  // Takes the effects of one step (and empties the buffer): its writes to
  // `batch`, what may go out now to `released`. If the batch is not empty,
  // Appended must follow before the next Take.
  void Take(Effects& effects, Effects& released, Batch& batch);
  // The number that the log gave the batch; they grow.
  void Appended(std::uint64_t number);
  // Every batch up to `number` is durable.
  void Durable(std::uint64_t number, Effects& released);

  [[nodiscard]] bool Full() const { return held_.size() >= options_.held_max; }
  [[nodiscard]] std::size_t held() const { return held_.size(); }

 private:
  struct Held {
    std::uint64_t number;  // of the batch for which it waits
    Effect effect;
  };

  const Options options_;
  std::uint64_t appended_ = 0;
  std::uint64_t durable_ = 0;
  bool awaits_number_ = false;
  std::size_t unnumbered_ = 0;  // at the end of held_, of the batch to append
  std::deque<Held> held_;
};

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_COMMIT_QUEUE_H_

// StreamQueue is one stream at its caller: the items that came and were not
// asked for, the cells that were asked for and have none, and how far its
// generator may go ahead.
//
//   open --End--> ended        (items that came before are still given)
//   queue.Arrived(item); queue.Ask(cell);
//   while (auto given = queue.Give()) ...       // pairs, then the end
//   if (auto limit = queue.NewLimit()) ...      // is to be told
// Items are counted from 0 through all attempts: an attempt after another one
// goes on where that stopped. The window is of items that arrived, or may
// arrive, and have not reached who asked (Taken): one that a cell holds counts.
// Owner: StreamTable; LocalBackend.   Threading: none; pure.
// Invariants: (1) items are given in order, each once, then the failure once,
// then the end as often as it is asked for; (2) received <= limit <= taken +
// window.
#ifndef MOBULA_RUNTIME_STREAMS_STREAM_QUEUE_H_
#define MOBULA_RUNTIME_STREAMS_STREAM_QUEUE_H_

#include <cstdint>
#include <deque>
#include <optional>

#include "base/failure.h"
#include "base/ids.h"

namespace mobula::runtime {

class StreamQueue {
 public:
  // What a cell comes to hold: an item, why there are no more, or neither: the
  // end.
  struct Given {
    base::ObjectId cell;
    std::optional<base::ObjectId> item;
    std::optional<base::Failure> failure;
  };

  explicit StreamQueue(std::uint32_t window);

  void Ask(base::ObjectId cell);
  // False if it is not the one that is next, has no leave, or all has ended.
  bool Arrived(std::uint64_t index, base::ObjectId item);
  void End(std::optional<base::Failure> failure);
  void Taken();
  // The next pair, nothing if there is none.
  std::optional<Given> Give();

  // How many have arrived: what another attempt is to leave out.
  [[nodiscard]] std::uint64_t received() const { return received_; }
  // Before which items may arrive, as was told last.
  [[nodiscard]] std::uint64_t limit() const { return limit_; }
  // The limit as it is now, which is told hereby.
  std::uint64_t TellLimit();
  // The same where it is worth a message: half a window has been taken.
  std::optional<std::uint64_t> NewLimit();
  [[nodiscard]] bool ended() const { return ended_; }
  // The items that nobody asked for, and the cells that have none; it keeps
  // neither.
  struct Left {
    std::deque<base::ObjectId> items;
    std::deque<base::ObjectId> cells;
  };
  Left Clear();

 private:
  const std::uint64_t window_;
  std::uint64_t received_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t limit_;
  bool ended_ = false;
  std::optional<base::Failure> failure_;  // not yet given
  std::deque<base::ObjectId> items_;
  std::deque<base::ObjectId> cells_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_STREAMS_STREAM_QUEUE_H_

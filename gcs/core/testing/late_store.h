// LateStore is a core with its commit queue and a log that becomes durable when
// it is told to, for tests that kill it in between.
//
//   store.Step(Received{peer, message}, now);
//   store.Sync(2);                       // two batches more are durable
//   for (Effect& effect : store.TakeOut()) ...
//   store.Kill(now);                     // only what is durable is left
//
// After each step the core's invariants are checked. What is durable at once:
// fake_store.h. Owner: tests.   Threading: none.
#ifndef MOBULA_GCS_CORE_TESTING_LATE_STORE_H_
#define MOBULA_GCS_CORE_TESTING_LATE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/ids.h"
#include "gcs/core/commit_queue.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class LateStore {
 public:
  explicit LateStore(Core::Options options) : options_(options) { Begin(); }

  void Step(const Event& event, base::BootTime now);
  // Up to `batches` more of them are durable.
  void Sync(std::size_t batches);
  // Starts again as the next epoch.
  void Kill(base::BootTime now);
  // A session ended: what was on its way is lost.
  void Drop(base::ProcessId peer);
  // What the outside sees next.
  Effects TakeOut();

  [[nodiscard]] base::BootTime timer() const { return timer_; }
  [[nodiscard]] std::uint64_t epoch() const { return options_.epoch; }

 private:
  void Begin();
  void Carry(Effects& effects);

  Core::Options options_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<CommitQueue> queue_;
  std::map<std::string, std::string> durable_;
  std::deque<Batch> pending_;
  std::uint64_t appended_ = 0, synced_ = 0;
  Effects out_;
  base::BootTime timer_ = base::BootTime::Never();
  base::BootTime now_;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_TESTING_LATE_STORE_H_

// RemadeWaits is where the threads of a process wait for values whose bytes
// they found lost, until there is another outcome.
//
//   Await: reports the loss to the core --Settle with another outcome--> told
//   Watch: the same without a thread that waits
// An outcome that names the same lost place was under way before the report:
// it is no answer.
// Owner: Process.
// Threading: Await, which waits, from any thread but the strand; Watch from
// any; Settle on the strand; Close from any. Invariants: (1) nobody waits after
// Close; (2) `report`, and who watches, are called without a lock held; (3) who
// watches is told once.
#ifndef MOBULA_RUNTIME_MEMORY_REMADE_WAITS_H_
#define MOBULA_RUNTIME_MEMORY_REMADE_WAITS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class RemadeWaits {
 public:
  // `report` hands it to the core.
  explicit RemadeWaits(std::function<void(ReportLost report)> report);
  RemadeWaits(const RemadeWaits&) = delete;
  RemadeWaits& operator=(const RemadeWaits&) = delete;

  // What the object holds now that `lost`'s bytes are not where it says;
  // kTimeout if the deadline comes first.
  base::Outcome Await(const base::Value& lost, base::BootTime deadline,
                      const LentWait::BlockedFn& blocked)
      MOBULA_EXCLUDES(mutex_);
  using ToldFn = std::function<void(base::Outcome)>;
  // The same, told on the strand, in Close, or at once where that was.
  void Watch(const base::Value& lost, ToldFn told) MOBULA_EXCLUDES(mutex_);
  // The object has that outcome, now or for long.
  void Settle(base::ObjectId object, const base::Outcome& outcome)
      MOBULA_EXCLUDES(mutex_);
  // Who waits, now or later, gets this.
  void Close(base::Failure failure) MOBULA_EXCLUDES(mutex_);

 private:
  struct Waiter {
    base::Extent lost;
    std::optional<base::Outcome> outcome;
    ToldFn told;  // of who watches
  };
  using Waiters = std::multimap<base::ObjectId, std::shared_ptr<Waiter>>;

  // Null after Close.
  std::shared_ptr<Waiter> Add(const base::Value& lost, ToldFn told)
      MOBULA_EXCLUDES(mutex_);

  const std::function<void(ReportLost)> report_;
  base::Mutex mutex_;
  base::CondVar changed_;
  Waiters waiters_ MOBULA_GUARDED_BY(mutex_);
  std::optional<base::Failure> closed_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_REMADE_WAITS_H_

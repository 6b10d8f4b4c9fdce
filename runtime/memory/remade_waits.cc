#include "runtime/memory/remade_waits.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

RemadeWaits::RemadeWaits(std::function<void(ReportLost)> report)
    : report_(std::move(report)) {
  MOBULA_CHECK(report_ != nullptr);
}

base::Outcome RemadeWaits::Await(const base::Value& lost,
                                 base::BootTime deadline,
                                 const LentWait::BlockedFn& blocked) {
  MOBULA_CHECK(lost.is_stored(), "only what is stored can be lost");
  Waiter waiter{lost.extent(), std::nullopt};
  {
    base::MutexLock lock(mutex_);
    if (closed_) return *closed_;
    waiters_.emplace(lost.name().object, &waiter);
  }
  report_(ReportLost{lost.name(), lost.extent()});
  LentWait wait(deadline, blocked);
  base::MutexLock lock(mutex_);
  while (!waiter.outcome && !closed_ && wait.Sleep(mutex_, changed_)) {
  }
  std::erase_if(waiters_, [&waiter](const auto& entry) {
    return entry.second == &waiter;
  });
  if (waiter.outcome) return *std::move(waiter.outcome);
  if (closed_) return *closed_;
  return base::MakeFailure(
      base::FailureCode::kTimeout, base::Executed::kMaybe,
      "the value's bytes are gone, and it was not made again until the "
      "deadline");
}

void RemadeWaits::Settle(base::ObjectId object, const base::Outcome& outcome) {
  base::MutexLock lock(mutex_);
  const auto [begin, end] = waiters_.equal_range(object);
  bool any = false;
  for (auto it = begin; it != end; ++it) {
    Waiter& waiter = *it->second;
    const base::Value* stored = base::StoredIn(outcome);
    if (stored != nullptr && stored->extent() == waiter.lost) continue;
    waiter.outcome = outcome;
    any = true;
  }
  if (any) changed_.NotifyAll();
}

void RemadeWaits::Close(base::Failure failure) {
  base::MutexLock lock(mutex_);
  if (closed_) return;
  closed_ = std::move(failure);
  changed_.NotifyAll();
}

}  // namespace mobula::runtime

#include "runtime/memory/remade_waits.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

RemadeWaits::RemadeWaits(std::function<void(ReportLost)> report)
    : report_(std::move(report)) {
  MOBULA_CHECK(report_ != nullptr);
}

std::shared_ptr<RemadeWaits::Waiter> RemadeWaits::Add(const base::Value& lost,
                                                      ToldFn told) {
  MOBULA_CHECK(lost.is_stored(), "only what is stored can be lost");
  auto waiter = std::make_shared<Waiter>();
  waiter->lost = lost.extent();
  waiter->told = std::move(told);
  {
    base::MutexLock lock(mutex_);
    if (closed_) return nullptr;
    waiters_.emplace(lost.name().object, waiter);
  }
  report_(ReportLost{lost.name(), lost.extent()});
  return waiter;
}

base::Outcome RemadeWaits::Await(const base::Value& lost,
                                 base::BootTime deadline,
                                 const LentWait::BlockedFn& blocked) {
  const std::shared_ptr<Waiter> waiter = Add(lost, nullptr);
  LentWait wait(deadline, blocked);
  base::MutexLock lock(mutex_);
  if (waiter == nullptr) return *closed_;
  while (!waiter->outcome && !closed_ && wait.Sleep(mutex_, changed_)) {
  }
  std::erase_if(waiters_, [&waiter](const auto& entry) {
    return entry.second == waiter;
  });
  if (waiter->outcome) return *std::move(waiter->outcome);
  if (closed_) return *closed_;
  return base::MakeFailure(
      base::FailureCode::kTimeout, base::Executed::kMaybe,
      "the value's bytes are gone, and it was not made again until the "
      "deadline");
}

void RemadeWaits::Watch(const base::Value& lost, ToldFn told) {
  MOBULA_CHECK(told != nullptr);
  if (Add(lost, told) != nullptr) return;
  std::optional<base::Failure> closed;
  {
    base::MutexLock lock(mutex_);
    closed = closed_;
  }
  told(*std::move(closed));
}

void RemadeWaits::Settle(base::ObjectId object, const base::Outcome& outcome) {
  std::vector<std::shared_ptr<Waiter>> watching;
  {
    base::MutexLock lock(mutex_);
    const base::Value* stored = base::StoredIn(outcome);
    auto [it, end] = waiters_.equal_range(object);
    while (it != end) {
      const std::shared_ptr<Waiter>& waiter = it->second;
      if (stored != nullptr && stored->extent() == waiter->lost) {
        ++it;
      } else if (waiter->told == nullptr) {
        waiter->outcome = outcome;
        changed_.NotifyAll();
        ++it;
      } else {
        watching.push_back(waiter);
        it = waiters_.erase(it);
      }
    }
  }
  for (const auto& waiter : watching) waiter->told(outcome);
}

void RemadeWaits::Close(base::Failure failure) {
  Waiters watching;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = failure;
    watching.swap(waiters_);
    changed_.NotifyAll();
  }
  for (const auto& [object, waiter] : watching) {
    if (waiter->told != nullptr) waiter->told(failure);
  }
}

}  // namespace mobula::runtime

#include "runtime/memory/cancel_waits.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

CancelWaits::CancelWaits(std::function<void(Cancel)> ask)
    : ask_(std::move(ask)) {
  MOBULA_CHECK(ask_ != nullptr);
}

std::optional<base::CancelVerdict> CancelWaits::Ask(Cancel cancel,
                                                    base::BootTime deadline,
                                                    const BlockedFn& blocked) {
  const base::RequestId request = cancel.request;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return base::CancelVerdict::kFinished;
    const bool is_new = answers_.try_emplace(request).second;
    MOBULA_CHECK(is_new, "a request is asked once");
  }
  ask_(std::move(cancel));
  LentWait wait(deadline, blocked);
  base::MutexLock lock(mutex_);
  while (!answers_.at(request) && !closed_ && wait.Sleep(mutex_, answered_)) {
  }
  std::optional<base::CancelVerdict> answer = answers_.at(request);
  if (!answer && closed_) answer = base::CancelVerdict::kFinished;
  answers_.erase(request);
  return answer;
}

void CancelWaits::Settle(const CancelReady& ready) {
  base::MutexLock lock(mutex_);
  const auto found = answers_.find(ready.request);
  if (found == answers_.end()) return;
  found->second = ready.verdict;
  answered_.NotifyAll();
}

void CancelWaits::Close() {
  base::MutexLock lock(mutex_);
  closed_ = true;
  answered_.NotifyAll();
}

}  // namespace mobula::runtime

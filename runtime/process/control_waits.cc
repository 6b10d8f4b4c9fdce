#include "runtime/process/control_waits.h"

#include <utility>

#include "base/boot_time.h"
#include "base/check.h"

namespace mobula::runtime {

ControlWaits::ControlWaits(std::function<void(AskControl)> ask)
    : ask_(std::move(ask)) {
  MOBULA_CHECK(ask_ != nullptr);
}

base::ControlReply ControlWaits::Ask(AskControl ask, const BlockedFn& blocked) {
  const base::RequestId request = ask.request;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return *closed_;
    const bool is_new = answers_.try_emplace(request).second;
    MOBULA_CHECK(is_new, "a request is asked once");
  }
  ask_(std::move(ask));
  LentWait wait(base::BootTime::Never(), blocked);
  base::MutexLock lock(mutex_);
  while (!answers_.at(request) && !closed_ && wait.Sleep(mutex_, answered_)) {
  }
  Answer answer = std::move(answers_.at(request));
  if (!answer) answer = *closed_;
  answers_.erase(request);
  return *std::move(answer);
}

void ControlWaits::Settle(ControlReady ready) {
  base::MutexLock lock(mutex_);
  const auto found = answers_.find(ready.request);
  if (found == answers_.end() || found->second) return;
  found->second = std::move(ready.reply);
  answered_.NotifyAll();
}

void ControlWaits::Close(base::Failure failure) {
  base::MutexLock lock(mutex_);
  if (!closed_) closed_ = std::move(failure);
  answered_.NotifyAll();
}

}  // namespace mobula::runtime

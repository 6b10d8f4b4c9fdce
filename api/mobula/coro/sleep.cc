#include "api/mobula/coro/sleep.h"

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/scope.h"

namespace mobula::detail {

SleepWait::~SleepWait() = default;

bool SleepWait::Enter(bool joins) {
  if (!joins) return false;
  State begun = State::kBegun;
  return !state_.compare_exchange_strong(begun, State::kWaiting);
}

void SleepWait::Abandon(End end) noexcept {
  State found = state_.load();
  while (found != State::kOver) {
    // Finish waits for us, or for the wake that follows.
    if (!state_.compare_exchange_weak(found, State::kOver)) continue;
    EndAs(end == End::kTimeout ? End::kGranted : end);
    if (found == State::kWaiting) Wake();
    return;
  }
}

void SleepWait::await_resume() {
  // A time of nothing is over at once.
  (void)FinishInTime();
}

void YieldAwait::await_suspend(std::coroutine_handle<> yielding) {
  setting_ = CurrentSetting();
  if (setting_.executor == nullptr) setting_.executor = &DefaultExecutor();
  yielding_ = yielding;
  resumption_.self = this;
  resumption_.run = [](base::Work* work) noexcept {
    const YieldAwait* const self = static_cast<Resumption*>(work)->self;
    Drive(self->yielding_, self->setting_);
  };
  setting_.executor->PostLast(&resumption_);
}

void YieldAwait::await_resume() const { ThrowIfStopped(); }

}  // namespace mobula::detail

#include "api/mobula/coro/detail/wait.h"

#include "api/mobula/coro/detail/process_executor.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/threads/futex.h"

namespace mobula::detail {

Wait::~Wait() { MOBULA_CHECK(!has_timer_ && !on_stop_.has_value()); }

bool Wait::await_ready() {
  setting_ = CurrentSetting();
  const Context* const context = setting_.context;
  if (can_stop_ && context != nullptr && context->token().stop_requested()) {
    end_ = End::kStopped;
    return true;
  }
  if (Enter(/*joins=*/false)) return true;
  if (timeout_.IsInfinite()) return false;
  if (timeout_.nanoseconds() == timeout_.nanoseconds().zero()) {
    end_ = End::kTimeout;
    return true;
  }
  deadline_ = base::BootNow() + timeout_.nanoseconds();
  return false;
}

bool Wait::await_suspend(std::coroutine_handle<> waiter) {
  if (setting_.executor == nullptr) setting_.executor = &DefaultExecutor();
  waiter_ = waiter;
  resumption_.wait = this;
  resumption_.run = [](base::Work* work) noexcept {
    Wait* const wait = static_cast<Resumption*>(work)->wait;
    Drive(wait->waiter_, wait->setting_);
  };
  ArmTimer();
  ArmStop();
  // Once it has joined it may be over, and gone.
  return !Enter(/*joins=*/true);
}

void Wait::Block() {
  if (await_ready()) return;
  ArmStop();
  if (Enter(/*joins=*/true)) return;
  if (SleepHere(&signal_, deadline_)) return;
  Abandon(End::kTimeout);
  SleepHere(&signal_, base::BootTime::Never());
}

void Wait::Wake() noexcept {
  if (waiter_) {
    setting_.executor->Post(&resumption_);
    return;
  }
  std::atomic<std::uint32_t>* const signal = &signal_;
  signal->store(1, std::memory_order_release);
  base::FutexWake(signal);
}

void Wait::ArmStop() {
  if (!can_stop_ || setting_.context == nullptr) return;
  on_stop_.emplace(setting_.context->token(), OnStop{this});
}

void Wait::ArmTimer() {
  if (deadline_.IsNever()) return;
  timer_.wait = this;
  timer_.at = deadline_;
  timer_.fire = [](base::Timer* timer) noexcept {
    static_cast<WaitTimer*>(timer)->wait->Abandon(End::kTimeout);
  };
  has_timer_ = true;
  AddTimer(&timer_);
}

void Wait::Disarm() {
  on_stop_.reset();
  if (has_timer_) RemoveTimer(&timer_);
  has_timer_ = false;
}

bool Wait::FinishInTime() {
  Disarm();
  if (end_ == End::kStopped) ThrowStopped(setting_.context->reason());
  MOBULA_CHECK(end_ != End::kNone, "a wait that goes on is over");
  return end_ == End::kGranted;
}

void Wait::Finish() {
  if (!FinishInTime()) ThrowTimedOut();
}

}  // namespace mobula::detail

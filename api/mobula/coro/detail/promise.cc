#include "api/mobula/coro/detail/promise.h"

#include "api/mobula/error.h"
#include "base/check.h"
#include "base/threads/debug_mode.h"
#include "runtime/debug/debug_reports.h"
#include "runtime/debug/symbol_names.h"

namespace mobula::detail {
namespace {

void RefuseTwice(bool was_started) {
  if (!was_started) return;
  ThrowBadArgument("a Coro is awaited or started once, and this one was");
}

}  // namespace

void PromiseBase::RunFor(std::coroutine_handle<> self,
                         std::coroutine_handle<> awaiting) {
  RefuseTwice(was_started());
  target_ = awaiting.address();
  back_ = CurrentSetting();
  Transfer(self, back_);
}

void PromiseBase::SetStarter(EndedFn ended, void* starter) {
  RefuseTwice(was_started());
  ended_ = ended;
  target_ = starter;
}

void PromiseBase::NoteLost(const void* frame) noexcept {
  if (!base::IsDebugging() || std::uncaught_exceptions() > 0) return;
  runtime::Report({runtime::DebugKind::kLostTask,
                   "lost task: the Coro of " +
                       runtime::NameOfCoroutine(runtime::ResumeOf(frame)) +
                       " was made, and neither awaited nor started"});
}

void PromiseBase::GoOn() noexcept {
  MOBULA_CHECK(target_ != nullptr, "a coroutine that ends was started");
  if (ended_ != nullptr) {
    ended_(target_);
    return;
  }
  const auto awaiting = std::coroutine_handle<>::from_address(target_);
  if (back_.executor == nullptr ||
      back_.executor == CurrentSetting().executor) {
    Transfer(awaiting, back_);
    return;
  }
  // It went to another executor (On): who awaits goes on where it was.
  hand_over_.promise = this;
  hand_over_.run = [](base::Work* work) noexcept {
    const PromiseBase& self = *static_cast<HandOver*>(work)->promise;
    Drive(std::coroutine_handle<>::from_address(self.target_), self.back_);
  };
  back_.executor->Post(&hand_over_);
}

}  // namespace mobula::detail

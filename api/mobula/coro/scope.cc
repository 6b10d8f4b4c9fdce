#include "api/mobula/coro/scope.h"

#include "api/mobula/coro/detail/setting.h"
#include "base/clock.h"

namespace mobula {
namespace {

detail::Context* Current() { return detail::CurrentSetting().context; }

}  // namespace

Scope::Scope(const ScopeOptions& options)
    : context_(options, Current()), entered_(&context_) {}

std::stop_token CurrentStopToken() {
  const detail::Context* const context = Current();
  return context == nullptr ? std::stop_token() : context->token();
}

Timeout CurrentTimeLeft() {
  const detail::Context* const context = Current();
  if (context == nullptr || context->deadline().IsNever()) return Timeout();
  return context->deadline() - base::BootNow();
}

int CurrentPriority() {
  const detail::Context* const context = Current();
  return context == nullptr ? 0 : context->priority();
}

TraceId CurrentTrace() {
  const detail::Context* const context = Current();
  return context == nullptr ? TraceId() : context->trace();
}

void ThrowIfStopped() {
  const detail::Context* const context = Current();
  if (context == nullptr || !context->token().stop_requested()) return;
  detail::ThrowStopped(context->reason());
}

}  // namespace mobula

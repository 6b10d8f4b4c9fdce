#include "api/mobula/coro/detail/context.h"

#include <algorithm>

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/error.h"
#include "base/clock.h"
#include "base/failure.h"

namespace mobula::detail {
namespace {

using base::BootTime;

}  // namespace

Context::Context(const ScopeOptions& options, Context* parent)
    : parent_(parent) {
  const ScopeOptions::Values& values = options.values();
  if (parent != nullptr) {
    priority_ = parent->priority_;
    trace_ = parent->trace_;
    if (!values.shielded) {
      deadline_ = parent->deadline_;
      task_ = parent->task_;
    }
  }
  if (values.priority.has_value()) priority_ = *values.priority;
  if (values.trace.has_value()) trace_ = *values.trace;
  if (!values.timeout.IsInfinite()) {
    const BootTime now = base::BootNow();
    const BootTime own = now + values.timeout.nanoseconds();
    if (own < deadline_) {
      deadline_ = own;
      has_timer_ = own > now;
      if (!has_timer_) Stop(Reason::kTimeout);
    }
  }
  if (parent != nullptr && !values.shielded) {
    of_parent_.emplace(parent->token_, Follow{this, parent});
  }
  if (values.stop.stop_possible()) {
    of_user_.emplace(values.stop, Follow{this, nullptr});
  }
  if (!has_timer_) return;
  timer_.self = this;
  timer_.at = deadline_;
  timer_.fire = [](base::Timer* timer) noexcept {
    static_cast<DeadlineTimer*>(timer)->self->Stop(Reason::kTimeout);
  };
  AddTimer(&timer_);
}

Context::~Context() {
  of_user_.reset();
  of_parent_.reset();
  if (has_timer_) RemoveTimer(&timer_);
}

void Context::Stop(Reason reason) noexcept {
  Reason none = Reason::kNone;
  reason_.compare_exchange_strong(none, reason, std::memory_order_acq_rel);
  // What it tells may end this; the state stays until it has told all.
  std::stop_source source = source_;
  source.request_stop();
}

void ThrowTimedOut() {
  ThrowFailure(base::MakeFailure(base::FailureCode::kTimeout,
                                 base::Executed::kMaybe,
                                 "the time for a wait is over"));
}

void ThrowStopped(Context::Reason reason) {
  if (reason == Context::Reason::kTimeout) {
    ThrowFailure(base::MakeFailure(base::FailureCode::kTimeout,
                                   base::Executed::kMaybe,
                                   "the deadline of the scope has passed"));
  }
  ThrowFailure(base::MakeFailure(base::FailureCode::kCancelled,
                                 base::Executed::kMaybe,
                                 "the scope was stopped while this waited"));
}

Entered::Entered(Context* context) : before_(CurrentSetting().context) {
  SetContextHere(context);
}

Entered::~Entered() { SetContextHere(before_); }

}  // namespace mobula::detail

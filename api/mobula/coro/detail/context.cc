#include "api/mobula/coro/detail/context.h"

#include <memory>
#include <utility>

#include "api/mobula/coro/detail/new_trace.h"
#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/clock.h"
#include "base/failure.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {
namespace {

using base::BootTime;

std::atomic<std::uint64_t> last_spawn_id{0};

void TellRuntime(runtime::Event event) {
  const std::shared_ptr<Session> session = Session::Current();
  runtime::Backend* const backend =
      session == nullptr ? nullptr : session->backend();
  if (backend != nullptr) backend->Post(std::move(event));
}

}  // namespace

Context::Context(const ScopeOptions& options, Context* parent)
    : followed_(options.values().shielded ? nullptr : parent), is_run_(false) {
  const ScopeOptions::Values& values = options.values();
  if (parent != nullptr) {
    priority_ = parent->priority_;
    trace_ = parent->trace_;
  }
  if (followed_ != nullptr) {
    deadline_ = followed_->deadline_;
    task_ = followed_->task_;
  }
  if (values.priority.has_value()) priority_ = *values.priority;
  if (values.trace.has_value()) trace_ = *values.trace;
  if (trace_.IsNil()) trace_ = NewTrace();
  if (!values.timeout.IsInfinite()) {
    SetDeadline(base::BootNow() + values.timeout.nanoseconds());
  }
  Begin(values.stop, Reason::kStopped);
}

Context::Context(const Origin& origin, Context* parent)
    : followed_(parent), is_run_(parent == nullptr), task_(origin.task) {
  if (parent != nullptr) {
    priority_ = parent->priority_;
    trace_ = parent->trace_;
    deadline_ = parent->deadline_;
  }
  if (origin.scope != nullptr) {
    priority_ = origin.scope->priority;
    if (!origin.scope->trace.IsNil()) trace_ = origin.scope->trace;
  }
  // All that a task without one does has the task's own.
  if (trace_.IsNil()) trace_ = TraceId{task_.hi, task_.lo};
  SetDeadline(origin.deadline);
  Begin(origin.stop, Reason::kCancelled);
}

Context::~Context() {
  of_user_.reset();
  of_parent_.reset();
  if (has_timer_) RemoveTimer(&timer_);
  const std::uint64_t id = spawn_id_.load();
  if (id == 0) return;
  TellRuntime(
      runtime::EndScope{id, followed_ == nullptr ? 0 : followed_->SpawnId()});
}

void Context::SetDeadline(BootTime deadline) {
  if (deadline >= deadline_) return;
  deadline_ = deadline;
  has_timer_ = deadline > base::BootNow();
  if (!has_timer_) Stop(Reason::kTimeout);
}

void Context::Begin(std::stop_token stop, Reason reason) {
  if (followed_ != nullptr) {
    of_parent_.emplace(followed_->token_, Follow{this, followed_});
  }
  if (stop.stop_possible()) {
    of_user_.emplace(std::move(stop), Follow{this, nullptr, reason});
  }
  if (!has_timer_) return;
  timer_.self = this;
  timer_.at = deadline_;
  timer_.fire = [](base::Timer* timer) noexcept {
    static_cast<DeadlineTimer*>(timer)->self->Stop(Reason::kTimeout);
  };
  AddTimer(&timer_);
}

void Context::Stop(Reason reason) noexcept {
  Reason none = Reason::kNone;
  const bool is_first = reason_.compare_exchange_strong(none, reason);
  if (is_first && reason == Reason::kStopped) CancelSpawned();
  // What it tells may end this; the state stays until it has told all.
  std::stop_source source = source_;
  source.request_stop();
}

// Of Stop and a call that is spawned at the same time one sees the other.
std::uint64_t Context::SpawnId() {
  if (is_run_) return 0;
  std::uint64_t id = spawn_id_.load();
  if (id != 0) return id;
  const std::uint64_t made =
      last_spawn_id.fetch_add(1, std::memory_order_relaxed) + 1;
  return spawn_id_.compare_exchange_strong(id, made) ? made : id;
}

void Context::CancelSpawned() noexcept {
  const std::uint64_t id = spawn_id_.load();
  if (id != 0) TellRuntime(runtime::StopScope{id});
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

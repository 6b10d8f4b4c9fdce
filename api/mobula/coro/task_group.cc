#include "api/mobula/coro/task_group.h"

#include <memory>
#include <string>

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/error.h"
#include "base/threads/debug_mode.h"
#include "base/threads/executor.h"
#include "runtime/debug/debug_reports.h"

namespace mobula {

// Lives from Start to the end of its coroutine.
struct TaskGroup::Child : base::Work {
  Coro<> coro;
  TaskGroup* group = nullptr;
  detail::Setting setting;
};

TaskGroup::TaskGroup(const ScopeOptions& options)
    : context_(options, detail::CurrentSetting().context) {}

TaskGroup::~TaskGroup() {
  bool runs = false;
  {
    base::MutexLock lock(mutex_);
    runs = running_ > 0;
    stopped_here_ = stopped_here_ || runs;
  }
  if (runs) {
    context_.Stop(detail::Context::Reason::kStopped);
    detail::QueuedWait all(*this, Timeout(), /*can_stop=*/false);
    all.Block();
    all.await_resume();
  }
  if (base::IsDebugging()) NoteLostError();
}

void TaskGroup::NoteLostError() {
  std::exception_ptr error;
  {
    base::MutexLock lock(mutex_);
    if (!is_error_taken_) error = first_error_;
  }
  if (error == nullptr || std::uncaught_exceptions() > 0) return;
  std::string what = "an exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {  // NOLINT: it says nothing
  }
  runtime::Report({runtime::DebugKind::kLostError,
                   "lost error: a child of a TaskGroup failed, and nobody "
                   "called Wait: " +
                       what});
}

void TaskGroup::Start(Coro<> child) {
  auto made = std::make_unique<Child>();
  const auto frame = CoroAccess::Frame(child);
  frame.promise().SetStarter(&Ended, made.get());
  made->run = &Begin;
  made->group = this;
  made->coro = std::move(child);
  made->setting = detail::CurrentSetting();
  made->setting.context = &context_;
  made->setting.flow = detail::NewFlow();
  if (made->setting.executor == nullptr) {
    made->setting.executor = &detail::DefaultExecutor();
  }
  {
    base::MutexLock lock(mutex_);
    ++running_;
  }
  base::Executor* const executor = made->setting.executor;
  executor->Post(made.release());
}

void TaskGroup::Begin(base::Work* work) noexcept {
  const Child& child = *static_cast<Child*>(work);
  detail::Drive(CoroAccess::Frame(child.coro), child.setting);
}

void TaskGroup::Ended(void* ended) noexcept {
  std::unique_ptr<Child> child(static_cast<Child*>(ended));
  TaskGroup& group = *child->group;
  std::exception_ptr error = CoroAccess::Frame(child->coro).promise().error();
  // With all that it holds, before anybody hears that it has ended.
  child.reset();
  group.TakeEnd(std::move(error));
}

void TaskGroup::TakeEnd(std::exception_ptr error) noexcept {
  if (error != nullptr) Fail(std::move(error));
  detail::Woken woken;
  base::MutexLock lock(mutex_);
  --running_;
  if (running_ == 0) GrantWaiting(woken);
}

void TaskGroup::Fail(std::exception_ptr error) noexcept {
  bool is_cancelled = false;
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    is_cancelled = true;
  } catch (...) {  // NOLINT: only what kind it is matters
  }
  {
    base::MutexLock lock(mutex_);
    if (is_cancelled && stopped_here_) return;
    if (first_error_ == nullptr) first_error_ = std::move(error);
    // From here on the others only do what they were told.
    stopped_here_ = true;
  }
  context_.Stop(detail::Context::Reason::kStopped);
}

void TaskGroup::Stop() {
  {
    base::MutexLock lock(mutex_);
    stopped_here_ = true;
  }
  context_.Stop(detail::Context::Reason::kStopped);
}

std::size_t TaskGroup::size() const {
  base::MutexLock lock(mutex_);
  return running_;
}

void TaskGroup::ThrowFirstError() {
  std::exception_ptr error;
  {
    base::MutexLock lock(mutex_);
    error = first_error_;
    is_error_taken_ = true;
  }
  if (error != nullptr) std::rethrow_exception(error);
}

bool TaskGroup::Grant(detail::ListedWait& /*wait*/, detail::Woken& /*woken*/) {
  return running_ == 0;
}

}  // namespace mobula

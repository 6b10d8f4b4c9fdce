#include "api/mobula/coro/detail/remote_run.h"

#include <stop_token>
#include <utility>

#include "api/mobula/coro/detail/context.h"
#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/detail/setting.h"
#include "runtime/executor/current.h"

namespace mobula::detail {
namespace {

class RemoteRun final : public base::CoroutineRun {
 public:
  RemoteRun(Coro<base::Outcome> body, base::Executor* executor, Owner& owner)
      : context_(Here(), nullptr),
        body_(std::move(body)),
        executor_(executor),
        owner_(owner) {}

  ~RemoteRun() override { CoroAccess::Discard(body_); }

  void Begin() override {
    const auto frame = CoroAccess::Frame(body_);
    frame.promise().SetStarter(&Ended, this);
    Setting setting = CurrentSetting();
    setting.executor = executor_ != nullptr ? executor_ : &DefaultExecutor();
    setting.context = &context_;
    setting.flow = NewFlow();
    // It may be gone when this returns.
    Drive(frame, setting);
  }

  void Stop() noexcept override { context_.Stop(Context::Reason::kCancelled); }

 private:
  static Context::Origin Here() {
    const runtime::CurrentExecution* const task = runtime::Current();
    if (task == nullptr) return {};
    return {task->task, task->scope, task->deadline, std::stop_token()};
  }
  static void Ended(void* starter) noexcept {
    RemoteRun* const self = static_cast<RemoteRun*>(starter);
    base::Outcome outcome = CoroAccess::Frame(self->body_).promise().Take();
    // With all that it holds, before anybody hears that it has ended.
    self->body_ = Coro<base::Outcome>();
    self->owner_.Ended(std::move(outcome));
  }

  Context context_;
  Coro<base::Outcome> body_;
  base::Executor* const executor_;
  Owner& owner_;
};

}  // namespace

std::shared_ptr<base::CoroutineRun> PrepareRun(
    Coro<base::Outcome> body, base::Executor* executor,
    base::CoroutineRun::Owner& owner) {
  return std::make_shared<RemoteRun>(std::move(body), executor, owner);
}

}  // namespace mobula::detail

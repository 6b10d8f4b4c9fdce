#include "api/mobula/coro/detail/setting.h"

#include <utility>

#include "base/threads/debug_mode.h"
#include "runtime/debug/lock_watch.h"
#include "runtime/debug/step_watch.h"
#include "runtime/debug/symbol_names.h"
#include "runtime/executor/current.h"

namespace mobula::detail {
namespace {

// The task is kept where the runtime, too, finds it.
struct Here {
  base::Executor* executor = nullptr;
  Context* context = nullptr;
  bool drives = false;
  std::uint64_t flow = 0;
  std::coroutine_handle<> next;
};

thread_local constinit Here here;

void Enter(const Setting& setting) noexcept {
  here.executor = setting.executor;
  here.context = setting.context;
  here.flow = setting.flow;
  if (setting.task != runtime::Current()) runtime::SetCurrent(setting.task);
}

void Resume(std::coroutine_handle<> coroutine) {
  if (base::IsDebugging()) {
    const runtime::WatchedStep step(runtime::ResumeOf(coroutine.address()));
    coroutine.resume();
  } else {
    coroutine.resume();
  }
}

}  // namespace

std::uint64_t NewFlow() { return base::IsDebugging() ? runtime::NewFlow() : 0; }

std::uint64_t CurrentFlow() {
  if (!base::IsDebugging()) return 0;
  return here.drives ? here.flow : runtime::FlowOfThread();
}

Setting CurrentSetting() noexcept {
  return {here.executor, here.context, runtime::Current(), here.flow};
}
void SetExecutorHere(base::Executor* executor) noexcept {
  here.executor = executor;
}
void SetContextHere(Context* context) noexcept { here.context = context; }

void Transfer(std::coroutine_handle<> next, Setting setting) noexcept {
  if (!here.drives || here.next) {
    // Something else resumed the coroutine that hands over: it has no loop.
    Drive(next, setting);
    return;
  }
  Enter(setting);
  here.next = next;
}

void Drive(std::coroutine_handle<> first, Setting setting) noexcept {
  const Here before = std::exchange(here, Here());
  const runtime::ScopedCurrent scope(setting.task);
  Enter(setting);
  here.drives = true;
  while (first) {
    Resume(first);
    first = std::exchange(here.next, std::coroutine_handle<>());
  }
  here = before;
}

}  // namespace mobula::detail

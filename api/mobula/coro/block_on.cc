#include "api/mobula/coro/block_on.h"

#include <atomic>
#include <cstdint>

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/detail/setting.h"
#include "base/boot_time.h"
#include "base/threads/executor.h"
#include "base/threads/futex.h"

namespace mobula::detail {
namespace {

// On the stack of the thread that waits.
struct Root : base::Work {
  std::coroutine_handle<> frame;
  Setting setting;
  std::atomic<std::uint32_t> ended{0};
};

void Begin(base::Work* work) noexcept {
  const Root& root = *static_cast<Root*>(work);
  Drive(root.frame, root.setting);
}

void Ended(void* starter) noexcept {
  std::atomic<std::uint32_t>* const ended = &static_cast<Root*>(starter)->ended;
  ended->store(1, std::memory_order_release);
  base::FutexWake(ended);
}

}  // namespace

void RunToEnd(std::coroutine_handle<> frame, PromiseBase& promise) {
  Root root;
  promise.SetStarter(&Ended, &root);
  root.run = &Begin;
  root.frame = frame;
  root.setting = CurrentSetting();
  root.setting.executor = &DefaultExecutor();
  root.setting.flow = CurrentFlow();
  root.setting.executor->Post(&root);
  SleepHere(&root.ended, base::BootTime::Never());
}

}  // namespace mobula::detail

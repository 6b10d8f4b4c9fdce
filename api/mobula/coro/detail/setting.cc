#include "api/mobula/coro/detail/setting.h"

#include <utility>

namespace mobula::detail {
namespace {

struct Here {
  Setting setting;
  bool drives = false;
  std::coroutine_handle<> next;
};

thread_local constinit Here here;

}  // namespace

Setting CurrentSetting() noexcept { return here.setting; }
void SetExecutorHere(base::Executor* executor) noexcept {
  here.setting.executor = executor;
}
void SetContextHere(Context* context) noexcept {
  here.setting.context = context;
}

void Transfer(std::coroutine_handle<> next, Setting setting) noexcept {
  if (!here.drives || here.next) {
    // Something else resumed the coroutine that hands over: it has no loop.
    Drive(next, setting);
    return;
  }
  here.setting = setting;
  here.next = next;
}

void Drive(std::coroutine_handle<> first, Setting setting) noexcept {
  const Here before = std::exchange(here, Here());
  here.setting = setting;
  here.drives = true;
  while (first) {
    first.resume();
    first = std::exchange(here.next, std::coroutine_handle<>());
  }
  here = before;
}

}  // namespace mobula::detail

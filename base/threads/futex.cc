#include "base/threads/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace mobula::base {

void FutexWait(std::atomic<std::uint32_t>* word, Duration timeout) {
  timespec spec{};
  timeout = std::max(timeout, Duration::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  spec.tv_sec = seconds.count();
  spec.tv_nsec = (timeout - seconds).count();
  ::syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0,
            timeout == Duration::max() ? nullptr : &spec, nullptr, 0);
}

void FutexWake(void* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace mobula::base

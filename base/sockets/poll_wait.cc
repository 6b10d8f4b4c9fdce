#include "base/sockets/poll_wait.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace mobula::base {

int PollTimeout(BootTime deadline) {
  if (deadline.IsNever()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - BootNow());
  return static_cast<int>(std::clamp<std::int64_t>(
      left.count(), 0, std::numeric_limits<int>::max()));
}

bool WaitReadable(int fd, BootTime deadline) {
  while (true) {
    pollfd poll{fd, POLLIN, 0};
    const int timeout = PollTimeout(deadline);
    const int ready = ::poll(&poll, 1, timeout);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (timeout == 0) return false;
  }
}

}  // namespace mobula::base

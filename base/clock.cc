#include "base/clock.h"

#include <sys/random.h>
#include <time.h>

#include <cerrno>

#include "base/check.h"

namespace mobula::base {

BootTime BootNow() {
  timespec now;
  MOBULA_CHECK(::clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return BootTime::FromSinceBoot(std::chrono::seconds(now.tv_sec) +
                                 std::chrono::nanoseconds(now.tv_nsec));
}

std::uint64_t RandomBits() {
  std::uint64_t bits = 0;
  while (bits == 0) {
    const ssize_t got = ::getrandom(&bits, sizeof bits, 0);
    // The kernel gives up to 256 bytes whole or is interrupted.
    MOBULA_CHECK(got == sizeof bits || (got < 0 && errno == EINTR));
    if (got < 0) bits = 0;
  }
  return bits;
}

}  // namespace mobula::base

// Waiting for one descriptor, for programs and daemons without a strand.
//
//   if (!WaitReadable(pidfd, BootNow() + std::chrono::seconds(3))) ...
// Threading: any; WaitReadable blocks the calling thread.
#ifndef MOBULA_BASE_SOCKETS_POLL_WAIT_H_
#define MOBULA_BASE_SOCKETS_POLL_WAIT_H_

#include "base/boot_time.h"

namespace mobula::base {

// What poll(2) is to be told: milliseconds until then, rounded up, so that one
// that has waited for them is not early; -1, for ever, if IsNever.
[[nodiscard]] int PollTimeout(BootTime deadline);

// Until the descriptor is readable (a pidfd: until its process has ended, a
// socket: also at its end). False if the deadline came first, or the
// descriptor cannot be waited for.
[[nodiscard]] bool WaitReadable(int fd, BootTime deadline);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SOCKETS_POLL_WAIT_H_

// ConnectWithin connects to where a control store listens, and waits until it
// is connected.
//
//   int failed = 0;
//   UniqueFd socket = ConnectWithin(address, BootNow() + seconds(2), &failed);
//   if (!socket.valid() && IsNobody(failed)) ...   // nobody listens there
// Threading: blocks the calling thread.
// Failure: invalid, and the error number; ETIMEDOUT if the deadline came first.
#ifndef MOBULA_BASE_SOCKETS_CONNECT_WITHIN_H_
#define MOBULA_BASE_SOCKETS_CONNECT_WITHIN_H_

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/unique_fd.h"

namespace mobula::base {

// The socket is non-blocking and close-on-exec.
UniqueFd ConnectWithin(const ControlAddress& address, BootTime deadline,
                       int* failed);

// The socket does not exist, or whoever had it has ended.
[[nodiscard]] bool IsNobody(int failed);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SOCKETS_CONNECT_WITHIN_H_

#include "base/sockets/connect_within.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "base/sockets/listener_socket.h"
#include "base/sockets/poll_wait.h"

namespace mobula::base {
namespace {

// 0, or why it is not connected by then.
int AwaitConnected(int fd, BootTime deadline) {
  pollfd wait{fd, POLLOUT, 0};
  while (true) {
    const int ready = ::poll(&wait, 1, PollTimeout(deadline));
    if (ready > 0) break;
    if (ready < 0 && errno != EINTR) return errno;
    if (BootNow() >= deadline) return ETIMEDOUT;
  }
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
  return failed;
}

}  // namespace

UniqueFd ConnectWithin(const ControlAddress& address, BootTime deadline,
                       int* failed) {
  UniqueFd socket = MakeSocket(address);
  *failed = socket.valid() ? ConnectSocket(address, socket.get()) : errno;
  if (*failed == EINPROGRESS) *failed = AwaitConnected(socket.get(), deadline);
  return *failed == 0 ? std::move(socket) : UniqueFd();
}

bool IsNobody(int failed) {
  return failed == ENOENT || failed == ENOTDIR || failed == ECONNREFUSED;
}

}  // namespace mobula::base

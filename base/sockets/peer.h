// PeerOf tells who made the other end of a Unix socket: what the kernel wrote
// down when it connected.
// Threading: a pure system call.
// Failure: nothing for a socket of another kind.
#ifndef MOBULA_BASE_SOCKETS_PEER_H_
#define MOBULA_BASE_SOCKETS_PEER_H_

#include <sys/socket.h>

#include <optional>

namespace mobula::base {

// The pid is 0 where the process lives in another pid namespace.
inline std::optional<ucred> PeerOf(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return std::nullopt;
  }
  return peer;
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_SOCKETS_PEER_H_

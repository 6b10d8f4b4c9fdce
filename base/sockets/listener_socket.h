// ListenerSocket is a socket at which somebody listens: a Unix path
// (0600) or a loopback port.
//
// A path whose listener is dead is taken over; one whose listener lives is
// refused, naming it, and so is a port that somebody has. What two that begin
// at the same time do is ordered by a lock on the folder.
// Owner: Acceptor.   Threading: one thread.
// Failure: nothing, and why.
#ifndef MOBULA_BASE_SOCKETS_LISTENER_SOCKET_H_
#define MOBULA_BASE_SOCKETS_LISTENER_SOCKET_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/control/control_address.h"
#include "base/unique_fd.h"

namespace mobula::base {

class ListenerSocket {
 public:
  // With the port that was chosen in `bound`.
  static std::optional<ListenerSocket> Open(const ControlAddress& address,
                                            ControlAddress* bound,
                                            std::string* error);
  ~ListenerSocket();  // the path goes, if it still is this socket's
  ListenerSocket(ListenerSocket&&) noexcept;
  ListenerSocket& operator=(ListenerSocket&&) = delete;

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool is_unix() const { return !path_.empty(); }

 private:
  ListenerSocket() = default;
  static std::optional<ListenerSocket> OpenUnix(const ControlAddress& address,
                                                std::string* error);
  static std::optional<ListenerSocket> OpenTcp(ControlAddress* address,
                                               std::string* error);

  UniqueFd socket_;
  std::string path_;  // "" for TCP
  ino_t inode_ = 0;
};

// A stream socket for the address, not connected: non-blocking, close-on-exec.
UniqueFd MakeSocket(const ControlAddress& address);
// 0, EINPROGRESS, or why it cannot be connected.
int ConnectSocket(const ControlAddress& address, int fd);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SOCKETS_LISTENER_SOCKET_H_

#include "api/mobula/io/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "api/mobula/error.h"
#include "api/mobula/io/detail/connect.h"
#include "api/mobula/io/detail/endpoint.h"
#include "api/mobula/io/system_error.h"
#include "runtime/executor/io_loop.h"

namespace mobula {
namespace {

constexpr int kProbes = 3;

void SetOption(int fd, int level, int name, int value,
               const std::string& peer) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return;
  detail::ThrowNetworkError(errno, "cannot set an option of " + peer, peer);
}

}  // namespace

Coro<TcpStream> TcpStream::Connect(std::string host, std::uint16_t port,
                                   Timeout timeout) {
  const Deadline deadline(timeout);
  Coro<std::vector<detail::Endpoint>> find =
      detail::FindEndpoints(host, port, timeout);
  std::vector<detail::Endpoint> endpoints = co_await find;
  Coro<detail::StreamPtr> connect = detail::Connect(
      std::move(endpoints), detail::HostAndPort(host, port), deadline.Left());
  co_return TcpStream(co_await connect);
}

void TcpStream::SetNoDelay(bool no_delay) {
  SetOption(descriptor()->fd(), IPPROTO_TCP, TCP_NODELAY, no_delay ? 1 : 0,
            peer());
}

void TcpStream::SetKeepAlive(std::chrono::seconds silence) {
  if (silence < std::chrono::seconds(0) || silence > std::chrono::hours(9)) {
    detail::ThrowBadArgument("a silence is 0 s to 9 h long");
  }
  const detail::DescriptorPtr kept = descriptor();
  const int socket = kept->fd();
  const int seconds = static_cast<int>(silence.count());
  SetOption(socket, SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0, peer());
  if (seconds == 0) return;
  SetOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, seconds, peer());
  SetOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / kProbes),
            peer());
  SetOption(socket, IPPROTO_TCP, TCP_KEEPCNT, kProbes, peer());
}

}  // namespace mobula

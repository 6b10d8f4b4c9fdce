#include "api/mobula/io/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <vector>

#include "api/mobula/coro/detail/process_io.h"
#include "api/mobula/error.h"
#include "api/mobula/io/detail/shared_descriptor.h"
#include "api/mobula/io/system_error.h"
#include "base/unique_fd.h"
#include "runtime/executor/io_loop.h"

namespace mobula {
namespace detail {

struct UdpState {
  explicit UdpState(base::UniqueFd fd)
      : address(Endpoint::LocalOf(fd.get())),
        descriptor(WatchFd(std::move(fd), "datagrams")) {}

  const Endpoint address;
  SharedDescriptor descriptor;
  std::atomic<bool> is_closed{false};
};

namespace {

constexpr std::size_t kDatagramMax = 65'536;

DescriptorPtr DescriptorOf(const UdpPtr& socket) {
  if (socket == nullptr) ThrowBadArgument("this socket was never bound");
  DescriptorPtr descriptor = socket->descriptor.get();
  if (descriptor != nullptr) return descriptor;
  ThrowNetworkError(ECANCELED, "this socket is closed",
                    socket->address.ToString());
}

}  // namespace

UdpWait::UdpWait(UdpPtr socket, Direction direction, Timeout timeout)
    : IoWait(DescriptorOf(socket), direction, timeout),
      socket_(std::move(socket)) {}

UdpWait::~UdpWait() = default;

IoWait::Attempt UdpWait::FailedAttempt() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return Attempt::kNotReady;
  error_ = errno;
  return Attempt::kOver;
}

void UdpWait::FinishWell(const char* what) {
  Finish();
  if (error_ == 0) return;
  const std::string address = socket_->address.ToString();
  ThrowNetworkError(error_, std::string(what) + " " + address, address);
}

DatagramWait::DatagramWait(UdpPtr socket, std::size_t bytes_max,
                           Timeout timeout)
    : UdpWait(std::move(socket), Direction::kRead, timeout) {
  if (bytes_max == 0 || bytes_max > kDatagramMax) {
    ThrowBadArgument("a datagram has 1 to 65,536 bytes");
  }
  bytes_.resize(bytes_max);
}

IoWait::Attempt DatagramWait::Try() noexcept {
  if (socket_->is_closed) {
    error_ = ECANCELED;
    return Attempt::kOver;
  }
  from_.size = sizeof from_.storage;
  const ssize_t size = ::recvfrom(fd(), bytes_.data(), bytes_.size(), MSG_TRUNC,
                                  from_.get(), &from_.size);
  if (size < 0) return FailedAttempt();
  if (static_cast<std::size_t>(size) > bytes_.size()) {
    error_ = EMSGSIZE;
  } else {
    bytes_.resize(static_cast<std::size_t>(size));
  }
  return Attempt::kOver;
}

SendToWait::SendToWait(UdpPtr socket, const Endpoint& to,
                       std::string_view bytes, Timeout timeout)
    : UdpWait(std::move(socket), Direction::kWrite, timeout),
      to_(to),
      bytes_(bytes) {
  if (to_.size == 0) ThrowBadArgument("this address is none");
}

IoWait::Attempt SendToWait::Try() noexcept {
  if (socket_->is_closed) {
    error_ = ECANCELED;
    return Attempt::kOver;
  }
  const ssize_t sent = ::sendto(fd(), bytes_.data(), bytes_.size(),
                                MSG_NOSIGNAL, to_.get(), to_.size);
  return sent < 0 ? FailedAttempt() : Attempt::kOver;
}

void SendToWait::await_resume() { FinishWell("cannot send from"); }

}  // namespace detail

Coro<UdpAddress> UdpAddress::Find(std::string host, std::uint16_t port,
                                  Timeout timeout) {
  Coro<std::vector<detail::Endpoint>> find =
      detail::FindEndpoints(host, port, timeout);
  const std::vector<detail::Endpoint> endpoints = co_await find;
  co_return UdpAddress(endpoints.front());
}

UdpSocket UdpSocket::Bind(const std::string& host, std::uint16_t port) {
  int error = EADDRNOTAVAIL;
  for (const detail::Endpoint& endpoint : detail::EndpointsToBind(host, port)) {
    base::UniqueFd fd = detail::MakeSocket(endpoint.family(), SOCK_DGRAM);
    if (fd.valid() && ::bind(fd.get(), endpoint.get(), endpoint.size) == 0) {
      return UdpSocket(std::make_shared<detail::UdpState>(std::move(fd)));
    }
    error = errno;
  }
  const std::string name = detail::HostAndPort(host, port);
  detail::ThrowNetworkError(error, "cannot bind to " + name, name);
}

UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
  if (this != &other) {
    Close();
    state_ = std::move(other.state_);
  }
  return *this;
}

UdpSocket::~UdpSocket() { Close(); }

void UdpSocket::Close() {
  if (state_ == nullptr) return;
  state_->is_closed.store(true);
  const detail::DescriptorPtr last = state_->descriptor.Drop();
  if (last != nullptr && !last->IsOfParent()) last->TryAll();
}

std::string UdpSocket::address() const {
  return state_ == nullptr ? "" : state_->address.ToString();
}
std::uint16_t UdpSocket::port() const {
  return state_ == nullptr ? std::uint16_t{0} : state_->address.port();
}

}  // namespace mobula

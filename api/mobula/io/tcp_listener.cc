#include "api/mobula/io/tcp_listener.h"

#include "api/mobula/io/detail/endpoint.h"

namespace mobula {

TcpListener TcpListener::Listen(const std::string& host, std::uint16_t port,
                                const ListenOptions& options) {
  return TcpListener(
      detail::ListenerState::Listen(detail::EndpointsToBind(host, port),
                                    detail::HostAndPort(host, port), options));
}

TcpListener& TcpListener::operator=(TcpListener&& other) noexcept {
  if (this != &other) {
    Close();
    state_ = std::move(other.state_);
  }
  return *this;
}

TcpListener::~TcpListener() { Close(); }

void TcpListener::Close() {
  if (state_ == nullptr) return;
  state_->Close();
}

std::string TcpListener::address() const {
  return state_ == nullptr ? "" : state_->address();
}
std::uint16_t TcpListener::port() const {
  return state_ == nullptr ? std::uint16_t{0} : state_->port();
}
std::size_t TcpListener::connections() const {
  return state_ == nullptr ? 0 : state_->connections();
}

}  // namespace mobula

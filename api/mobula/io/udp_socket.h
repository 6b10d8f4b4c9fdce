// UdpSocket sends and receives datagrams: pieces of up to 65,507 bytes each of
// which arrives whole, late, twice, or not at all.
//
//   auto socket = mobula::UdpSocket::Bind("127.0.0.1", 0);
//   auto find = mobula::UdpAddress::Find("127.0.0.1", 5353);
//   mobula::UdpAddress server = co_await find;
//   co_await socket.SendTo(server, "who?");
//   mobula::Datagram answer = co_await socket.Receive(1500, 1s);
//   std::cout << answer.from.ToString() << ": " << answer.bytes;
//
// Anybody can send to it, and say to be whom he likes. One that is stopped has
// received or sent nothing.
// Threading: any thread or coroutine, any number at once. Close at any time:
// who waits ends with NetworkError, std::errc::operation_canceled. A forked
// child drops those of its parent. Errors: NetworkError (the address is in use;
// std::errc::message_size for a datagram that is too long: what was received is
// gone then), TimeoutError, Cancelled; BadArgument for one that was never bound
// and an address that is none.
#ifndef MOBULA_API_MOBULA_IO_UDP_SOCKET_H_
#define MOBULA_API_MOBULA_IO_UDP_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/detail/io_wait.h"
#include "api/mobula/io/detail/endpoint.h"
#include "api/mobula/timeout.h"

namespace mobula {

// Of a socket that datagrams are sent to.
class UdpAddress {
 public:
  UdpAddress() = default;  // none

  // The first that the host has; the host is a name or an address.
  [[nodiscard]] static Coro<UdpAddress> Find(std::string host,
                                             std::uint16_t port,
                                             Timeout timeout = {});

  // "127.0.0.1:53"; "" if it is none.
  [[nodiscard]] std::string ToString() const { return endpoint_.ToString(); }
  [[nodiscard]] std::uint16_t port() const { return endpoint_.port(); }

 private:
  friend class UdpSocket;
  explicit UdpAddress(const detail::Endpoint& endpoint) : endpoint_(endpoint) {}

  detail::Endpoint endpoint_;
};

struct Datagram {
  std::string bytes;
  UdpAddress from;
};

namespace detail {

struct UdpState;
using UdpPtr = std::shared_ptr<UdpState>;

class UdpWait : public IoWait {
 protected:
  UdpWait(UdpPtr socket, Direction direction, Timeout timeout);
  ~UdpWait() override;

  // Whether a call of the system that failed is to be made again.
  [[nodiscard]] Attempt FailedAttempt();
  // Throws unless it was granted and went well.
  void FinishWell(const char* what);

  const UdpPtr socket_;
  int error_ = 0;
};

class DatagramWait : public UdpWait {
 protected:
  DatagramWait(UdpPtr socket, std::size_t bytes_max, Timeout timeout);

  std::string bytes_;
  Endpoint from_;

 private:
  Attempt Try() noexcept override;
};

class SendToWait final : public UdpWait {
 public:
  SendToWait(UdpPtr socket, const Endpoint& to, std::string_view bytes,
             Timeout timeout);
  void await_resume();

 private:
  Attempt Try() noexcept override;

  const Endpoint to_;
  const std::string_view bytes_;
};

}  // namespace detail

class UdpSocket {
 public:
  UdpSocket() = default;  // none
  UdpSocket(UdpSocket&&) noexcept = default;
  UdpSocket& operator=(UdpSocket&& other) noexcept;
  // Close.
  ~UdpSocket();

  // `host` is an address of this machine, or a name of one, which is looked up
  // on the calling thread; "" is all of them. Port 0: one that is free.
  [[nodiscard]] static UdpSocket Bind(const std::string& host,
                                      std::uint16_t port);

  // co_await it, or BlockOn it: gives a Datagram of up to `bytes_max` bytes.
  [[nodiscard]] auto Receive(std::size_t bytes_max, Timeout timeout = {}) {
    return ReceiveWait(state_, bytes_max, timeout);
  }
  // It is with the system then. `bytes` stay until it is awaited.
  [[nodiscard]] auto SendTo(const UdpAddress& to, std::string_view bytes,
                            Timeout timeout = {}) {
    return detail::SendToWait(state_, to.endpoint_, bytes, timeout);
  }
  void Close();

  // "" and 0 if it was never bound.
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::uint16_t port() const;

 private:
  class ReceiveWait final : public detail::DatagramWait {
   public:
    ReceiveWait(const detail::UdpPtr& socket, std::size_t bytes_max,
                Timeout timeout)
        : DatagramWait(socket, bytes_max, timeout) {}
    Datagram await_resume() {
      FinishWell("cannot receive at");
      Datagram datagram;
      datagram.bytes = std::move(bytes_);
      datagram.from = UdpAddress(from_);
      return datagram;
    }
  };

  explicit UdpSocket(detail::UdpPtr state) : state_(std::move(state)) {}

  detail::UdpPtr state_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_UDP_SOCKET_H_

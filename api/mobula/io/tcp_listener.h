// TcpListener lets others connect over TCP.
//
//   auto serve = [&](mobula::TaskGroup& group) -> mobula::Coro<> {
//     while (true) group.Start(Talk(co_await door.Accept()));
//   };
//   mobula::Coro<> serving = mobula::WithGroup(serve);
//   auto door = mobula::TcpListener::Listen("127.0.0.1", 0);   // any free port
//   std::cout << door.address();
//
// Anybody who can reach the address can connect: "127.0.0.1" is this machine,
// "" all addresses that it has. Where as many connections live as the options
// allow, Accept waits until one of them has ended; more wait in the backlog.
// Threading: any thread or coroutine; any number may accept. Close at any time:
// who waits ends with NetworkError, std::errc::operation_canceled. Errors:
// NetworkError (the address is in use, too many files are open), TimeoutError,
// Cancelled; BadArgument where it was never opened.
#ifndef MOBULA_API_MOBULA_IO_TCP_LISTENER_H_
#define MOBULA_API_MOBULA_IO_TCP_LISTENER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "api/mobula/io/detail/listener_state.h"
#include "api/mobula/io/listen_options.h"
#include "api/mobula/io/tcp_stream.h"
#include "api/mobula/timeout.h"

namespace mobula {

class TcpListener {
 public:
  TcpListener() = default;  // closed
  TcpListener(TcpListener&&) noexcept = default;
  TcpListener& operator=(TcpListener&& other) noexcept;
  // Close.
  ~TcpListener();

  // `host` is an address of this machine, or a name of one, which is looked up
  // on the calling thread. Port 0: one that is free.
  [[nodiscard]] static TcpListener Listen(
      const std::string& host, std::uint16_t port,
      const ListenOptions& options = ListenOptions());

  // co_await it, or BlockOn it: gives a TcpStream.
  [[nodiscard]] auto Accept(Timeout timeout = {}) {
    return StreamWait(state_, timeout);
  }
  // Those that were accepted live on.
  void Close();

  // "127.0.0.1:4321"; "" and 0 where it was never opened.
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::uint16_t port() const;
  // That were accepted and live.
  [[nodiscard]] std::size_t connections() const;

 private:
  class StreamWait final : public detail::AcceptWait {
   public:
    StreamWait(const detail::ListenerPtr& listener, Timeout timeout)
        : AcceptWait(listener, timeout) {}
    TcpStream await_resume() { return TcpStream(TakeStream()); }
  };

  explicit TcpListener(detail::ListenerPtr state) : state_(std::move(state)) {}

  detail::ListenerPtr state_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_TCP_LISTENER_H_

// UnixListener lets processes of this machine and user connect.
//
//   auto door = mobula::UnixListener::Listen("/run/app.sock");
//   mobula::UnixStream peer = co_await door.Accept();
//
// It makes a socket file of mode 0600 and removes it again; one that is there
// is in the way, also if whoever made it has been killed. Where as many
// connections live as the options allow, Accept waits until one of them has
// ended; more wait in the backlog. Threading: any thread or coroutine; any
// number may accept. Close at any time: who waits ends with NetworkError,
// std::errc::operation_canceled. Errors: NetworkError (the address is in use,
// too many files are open), TimeoutError, Cancelled; BadArgument where it was
// never opened.
#ifndef MOBULA_API_MOBULA_IO_UNIX_LISTENER_H_
#define MOBULA_API_MOBULA_IO_UNIX_LISTENER_H_

#include <cstddef>
#include <string>
#include <utility>

#include "api/mobula/io/detail/listener_state.h"
#include "api/mobula/io/listen_options.h"
#include "api/mobula/io/unix_stream.h"
#include "api/mobula/timeout.h"

namespace mobula {

class UnixListener {
 public:
  UnixListener() = default;  // closed
  UnixListener(UnixListener&&) noexcept = default;
  UnixListener& operator=(UnixListener&& other) noexcept;
  // Close.
  ~UnixListener();

  // Of 107 bytes at most; "@name" is a name without a file, for every user.
  [[nodiscard]] static UnixListener Listen(
      const std::string& path, const ListenOptions& options = ListenOptions());

  // co_await it, or BlockOn it: gives a UnixStream.
  [[nodiscard]] auto Accept(Timeout timeout = {}) {
    return StreamWait(state_, timeout);
  }
  // Those that were accepted live on.
  void Close();

  // Its path; "" where it was never opened.
  [[nodiscard]] std::string address() const;
  // That were accepted and live.
  [[nodiscard]] std::size_t connections() const;

 private:
  class StreamWait final : public detail::AcceptWait {
   public:
    StreamWait(const detail::ListenerPtr& listener, Timeout timeout)
        : AcceptWait(listener, timeout) {}
    UnixStream await_resume() { return UnixStream(TakeStream()); }
  };

  UnixListener(detail::ListenerPtr state, std::string file)
      : state_(std::move(state)), file_(std::move(file)) {}

  detail::ListenerPtr state_;
  std::string file_;  // "": none
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_UNIX_LISTENER_H_

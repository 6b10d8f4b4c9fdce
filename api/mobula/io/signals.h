// Signals waits for signals of the system.
//
//   mobula::Coro<> Reload(Config& config) {
//     mobula::Signals signals({SIGHUP, SIGUSR1});
//     while (true) {
//       const int signal = co_await signals.Next();
//       if (signal == SIGHUP) config.Read();
//     }
//   }
//   const int signal = mobula::BlockOn(signals.Next(5s));   // on a thread
//
// From when it is made until it ends the process does nothing else about these
// signals: what they did before (a handler, the end of the process) they do
// again afterwards. So SIGINT, Ctrl-C, ends a driver as ever, unless there is a
// Signals of it. A signal that comes while nobody waits is kept; several of one
// kind that nobody took are one, as in the system. Each Signals object is told
// of each signal, and one of those who wait at it gets it.
// Signals go to the process: a thread of it must not block them, and those of
// the library block all. A worker that is to get one is sent it by its pid.
// Threading: any thread or coroutine. It is of the process that made it.
// Errors: Next throws TimeoutError when its time is over; TimeoutError or
// Cancelled when the scope is stopped. BadArgument for none, for SIGKILL and
// SIGSTOP, and for those that a fault of the thread causes; LimitError for more
// than 64 at once; SystemError.
#ifndef MOBULA_API_MOBULA_IO_SIGNALS_H_
#define MOBULA_API_MOBULA_IO_SIGNALS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "api/mobula/coro/detail/io_wait.h"
#include "api/mobula/timeout.h"

namespace mobula {
namespace detail {

class SignalWait final : public IoWait {
 public:
  SignalWait(std::shared_ptr<runtime::IoDescriptor> woken, std::size_t slot,
             Timeout timeout);
  int await_resume();

 private:
  Attempt Try() noexcept override;

  const std::size_t slot_;
  int signal_ = 0;
};

}  // namespace detail

class Signals {
 public:
  explicit Signals(const std::vector<int>& signals);
  // Nobody waits for them any more.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // co_await it, or BlockOn it: gives the number of a signal.
  [[nodiscard]] auto Next(Timeout timeout = {}) {
    return detail::SignalWait(woken_, slot_, timeout);
  }

 private:
  std::uint64_t mask_ = 0;
  std::size_t slot_ = 0;
  std::shared_ptr<runtime::IoDescriptor> woken_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_SIGNALS_H_

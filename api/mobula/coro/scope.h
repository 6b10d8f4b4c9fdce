// Scope bounds what is done inside it: by a deadline and by a stop token; and
// it carries a priority and a trace id along.
//
//   mobula::Scope scope(mobula::ScopeOptions().Timeout(5s));
//   mobula::BlockOn(Fetch());          // throws TimeoutError after 5 s
//
// It holds from where it is declared to the end of the block, in a thread and
// in a coroutine alike, for every wait of this library there, and for all that
// is called and awaited there; a coroutine keeps its scope on whatever thread
// it goes on. Code that computes asks for itself: ThrowIfStopped().
// Scopes nest, and end in the opposite order.
//
// It reaches what is spawned, called and created in it, on whatever machine
// that runs. A function runs in a scope that has the time that was left when it
// was sent, the priority and the trace, and so does what it calls in turn. When
// the deadline passes, Refs that are not ready fail with TimeoutError, what has
// not started never does, and what runs is told to stop, as by Cancel. When the
// scope is stopped, tasks and calls that were made in it and are not done are
// cancelled, with all that they have spawned. Actors live on; in a Shielded
// scope so do tasks and calls. What is done when a scope ends stays as it is:
// what is not belongs to the scope around it.
// A forked child is in the scope of its parent, but the deadline that it has
// does not come there: begin one in the child.
// Threading: Stop and token() from any thread; it ends in the thread or
// coroutine that made it.
// Errors: waits inside throw TimeoutError once the deadline has passed,
// Cancelled once it was stopped.
// The idea: nested scopes of cancellation, from Trio (N. J. Smith,
// "Timeouts and cancellation for humans", 2018).
#ifndef MOBULA_API_MOBULA_CORO_SCOPE_H_
#define MOBULA_API_MOBULA_CORO_SCOPE_H_

#include <stop_token>

#include "api/mobula/coro/detail/context.h"
#include "api/mobula/coro/scope_options.h"
#include "api/mobula/timeout.h"

namespace mobula {

class Scope {
 public:
  explicit Scope(const ScopeOptions& options = ScopeOptions());
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Whatever waits inside ends with Cancelled. Twice is once.
  void Stop() { context_.Stop(detail::Context::Reason::kStopped); }
  [[nodiscard]] const std::stop_token& token() const {
    return context_.token();
  }

 private:
  detail::Context context_;
  const detail::Entered entered_;
};

// Of the scope in which the calling code runs.
//
// Whether, and that, it is to stop: for code that computes for long, and for
// libraries that take a std::stop_token. Where there is no scope it is a token
// that never stops. What is registered with it (std::stop_callback) runs on the
// thread that stops, for a deadline that of the timers: it must not wait.
[[nodiscard]] std::stop_token CurrentStopToken();
// Until its deadline; infinite if it has none.
[[nodiscard]] Timeout CurrentTimeLeft();
// 0 if none was set.
[[nodiscard]] int CurrentPriority();
// Nil if none was set.
[[nodiscard]] TraceId CurrentTrace();
// Throws TimeoutError or Cancelled if the scope was stopped.
void ThrowIfStopped();

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_SCOPE_H_

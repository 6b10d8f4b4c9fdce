// SleepFor and SleepUntil wait for a time, Yield for nothing but its turn.
//
//   co_await mobula::SleepFor(10ms);                 // in a coroutine
//   mobula::BlockOn(mobula::SleepFor(10ms));         // on a thread
//   co_await mobula::Yield();                        // others go first
//
// Never shorter than asked, usually longer by some 0.1 ms. A time that is over
// does not wait.
// Threading: any.
// Errors: TimeoutError or Cancelled when the scope is stopped meanwhile.
#ifndef MOBULA_API_MOBULA_CORO_SLEEP_H_
#define MOBULA_API_MOBULA_CORO_SLEEP_H_

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>

#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/coro/detail/wait.h"
#include "api/mobula/timeout.h"
#include "base/threads/executor.h"

namespace mobula {
namespace detail {

// Nothing grants it: its time ends it.
class SleepWait final : public Wait {
 public:
  explicit SleepWait(Timeout time) : Wait(time) {}
  ~SleepWait() override;
  void await_resume();

 private:
  enum class State : std::uint8_t { kBegun, kWaiting, kOver };

  bool Enter(bool joins) override;
  void Abandon(End end) noexcept override;

  std::atomic<State> state_{State::kBegun};
};

class YieldAwait {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> yielding);
  void await_resume() const;

 private:
  struct Resumption : base::Work {
    YieldAwait* self = nullptr;
  };
  std::coroutine_handle<> yielding_;
  Setting setting_;
  Resumption resumption_;
};

}  // namespace detail

// For ever if `time` is infinite: until the scope is stopped.
[[nodiscard]] inline detail::SleepWait SleepFor(Timeout time) {
  return detail::SleepWait(time);
}

// By the clock of `time`, as it goes now.
template <class Clock, class Span>
[[nodiscard]] detail::SleepWait SleepUntil(
    std::chrono::time_point<Clock, Span> time) {
  return detail::SleepWait(time - Clock::now());
}

// Goes to the end of the pool's queue. Another thread of the pool may take it
// up at once, and now and then it is before what its own thread began.
// Coroutines only.
[[nodiscard]] inline detail::YieldAwait Yield() { return {}; }

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_SLEEP_H_

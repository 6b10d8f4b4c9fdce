// PromiseBase is what the coroutines of this library have in common: who goes
// on when one has ended, and what it ended with. Not for users.
//
//   made --awaited | started--> running --> ended
// Owner: the coroutine's frame, which its Coro owns.
// Threading: of the thread that runs the coroutine; the end of it comes before
// whatever goes on then. Invariant: it is awaited or started once.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_PROMISE_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_PROMISE_H_

#include <coroutine>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "api/mobula/coro/detail/setting.h"
#include "base/threads/executor.h"

namespace mobula::detail {

class PromiseBase {
 public:
  // The coroutine has ended, and may be destroyed inside.
  using EndedFn = void (*)(void* starter) noexcept;

  PromiseBase() = default;
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  // `self` runs on this thread, then `awaiting` goes on, where it was.
  void RunFor(std::coroutine_handle<> self, std::coroutine_handle<> awaiting);
  // `ended` is told of the end.
  void SetStarter(EndedFn ended, void* starter);
  [[nodiscard]] bool was_started() const { return target_ != nullptr; }

  struct FinalAwait {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      self.promise().GoOn();
    }
    void await_resume() const noexcept {}
  };

  // It is destroyed and was never awaited nor started: a report of the debug
  // mode, unless an exception passes.
  static void NoteLost(const void* frame) noexcept;
  // Nor is it to be.
  void Discard() { target_ = this; }

  static std::suspend_always initial_suspend() noexcept { return {}; }
  static FinalAwait final_suspend() noexcept { return {}; }

 private:
  struct HandOver : base::Work {
    PromiseBase* promise = nullptr;
  };
  void GoOn() noexcept;

  EndedFn ended_ = nullptr;
  void* target_ = nullptr;  // the starter, or the address of who awaits
  Setting back_;            // of who awaits
  HandOver hand_over_;
};

// What a coroutine ended with.
template <class T>
class CoroResult {
 public:
  template <class U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    held_.template emplace<1>(std::forward<U>(value));
  }
  void unhandled_exception() noexcept {
    held_.template emplace<2>(std::current_exception());
  }
  [[nodiscard]] std::exception_ptr error() const {
    return held_.index() == 2 ? std::get<2>(held_) : std::exception_ptr();
  }
  T Take() {
    if (held_.index() == 2) std::rethrow_exception(std::get<2>(held_));
    return std::move(std::get<1>(held_));
  }

 private:
  std::variant<std::monostate, T, std::exception_ptr> held_;
};

template <class T>
class CoroResult<T&> {
 public:
  void return_value(T& value) { value_ = std::addressof(value); }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  [[nodiscard]] std::exception_ptr error() const { return error_; }
  T& Take() {
    if (error_) std::rethrow_exception(error_);
    return *value_;
  }

 private:
  T* value_ = nullptr;
  std::exception_ptr error_;
};

template <>
class CoroResult<void> {
 public:
  void return_void() noexcept {}
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  [[nodiscard]] std::exception_ptr error() const { return error_; }
  void Take() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_PROMISE_H_

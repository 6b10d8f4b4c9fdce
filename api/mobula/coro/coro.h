// Coro<T> is a function that may wait without holding a thread: a coroutine. It
// begins when it is awaited, and gives a T or throws.
//
//   mobula::Coro<int> Answer() {
//     co_await mobula::SleepFor(10ms);
//     co_return 42;
//   }
//   mobula::Coro<int> Twice() {
//     mobula::Coro<int> answer = Answer();      // nothing runs yet
//     co_return 2 * co_await answer;
//   }
//   int main() { return mobula::BlockOn(Twice()) == 84 ? 0 : 1; }
//
// GCC 12 destroys an aggregate twice that is brace-initialised in the statement
// that awaits: bind it, or the Coro, to a name first, as above
// (docs/coroutines.md). Parameters by value are kept in the coroutine; what is
// taken by reference must outlive it, and so must the lambda that it is of.
// A Coro belongs to who made it; one that is never awaited never runs. Chains
// of them, however long, take no stack. Threading: a coroutine runs on one
// thread at a time, on whichever thread of its pool is free after each wait; a
// Coro is a value that can be moved. Errors: awaiting throws what the coroutine
// threw; BadArgument if it is empty or was awaited before. The idea: L. Baker,
// "C++ Coroutines: Understanding Symmetric Transfer", 2020, with a loop in
// place of tail calls.
#ifndef MOBULA_API_MOBULA_CORO_CORO_H_
#define MOBULA_API_MOBULA_CORO_CORO_H_

#include <coroutine>
#include <utility>

#include "api/mobula/coro/detail/promise.h"
#include "api/mobula/error.h"

// Where the compiler can, a Coro that is awaited at once lives in the frame of
// who awaits it.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::coro_await_elidable)
#define MOBULA_CORO_ELIDABLE [[clang::coro_await_elidable]]
#endif
#endif
#ifndef MOBULA_CORO_ELIDABLE
#define MOBULA_CORO_ELIDABLE
#endif

namespace mobula {

template <class T = void>
class MOBULA_CORO_ELIDABLE [[nodiscard]] Coro {
 public:
  class promise_type;  // of the language
  using Value = T;

  Coro() = default;  // empty
  Coro(Coro&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Coro& operator=(Coro&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Coro() {
    if (!frame_) return;
    if (!frame_.promise().was_started()) {
      detail::PromiseBase::NoteLost(frame_.address());
    }
    frame_.destroy();
  }

  explicit operator bool() const { return static_cast<bool>(frame_); }

  // Runs it; gives its T.
  auto operator co_await() const { return Awaiter{Checked()}; }

 private:
  friend struct CoroAccess;
  using Frame = std::coroutine_handle<promise_type>;

  struct Awaiter {
    Frame frame;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) const {
      frame.promise().RunFor(frame, awaiting);
    }
    T await_resume() const { return frame.promise().Take(); }
  };

  explicit Coro(Frame frame) : frame_(frame) {}
  Frame Checked() const {
    if (!frame_) detail::ThrowBadArgument("this Coro is empty");
    return frame_;
  }

  Frame frame_;
};

template <class T>
class Coro<T>::promise_type : public detail::PromiseBase,
                              public detail::CoroResult<T> {
 public:
  Coro get_return_object() { return Coro(Frame::from_promise(*this)); }
};

// The library's own way into a Coro. Not for users.
struct CoroAccess {
  template <class T>
  static std::coroutine_handle<typename Coro<T>::promise_type> Frame(
      const Coro<T>& coro) {
    return coro.Checked();
  }
  // It may end without having been awaited.
  template <class T>
  static void Discard(const Coro<T>& coro) {
    if (coro && !coro.frame_.promise().was_started()) {
      coro.frame_.promise().Discard();
    }
  }
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_CORO_H_

// Generator<T> is a coroutine that gives one T after another, each when it is
// asked for; it does not wait.
//
//   mobula::Generator<int> Squares(int n) {
//     for (int i = 0; i < n; ++i) co_yield i * i;
//   }
//   for (int square : Squares(10)) sum += square;
//
// An AsyncGenerator<T> may co_await between two of them:
//
//   mobula::AsyncGenerator<std::string> Lines(mobula::Channel<std::string>&
//   in); mobula::AsyncGenerator<std::string> lines = Lines(in); while
//   (std::optional<std::string> line = co_await lines.Next()) Use(*line);
//
// Where a generator moves to another pool (On), who asks goes along.
// Either runs no further than it is asked to, and is destroyed where it stands
// with its owner. A T is moved out to who asked.
// Threading: one at a time; an AsyncGenerator runs where who asks runs.
// Errors: what it throws comes out of ++, begin or Next, and is its end.
#ifndef MOBULA_API_MOBULA_CORO_GENERATOR_H_
#define MOBULA_API_MOBULA_CORO_GENERATOR_H_

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/error.h"

namespace mobula {

template <class T>
class [[nodiscard]] Generator {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr error;

    Generator get_return_object() {
      return Generator(Frame::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    template <class U>
    std::suspend_always yield_value(U&& next) {
      value.emplace(std::forward<U>(next));
      return {};
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
    // It may be walked on any thread, so there is nobody to wake it.
    void await_transform(auto&&) = delete;
  };

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    T& operator*() const { return *frame_.promise().value; }
    T* operator->() const { return &*frame_.promise().value; }
    Iterator& operator++() {
      Advance(frame_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) {
      return !it.frame_ || it.frame_.done();
    }

   private:
    friend class Generator;
    explicit Iterator(std::coroutine_handle<promise_type> frame)
        : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_;
  };

  Generator() = default;  // gives nothing
  Generator(Generator&& other) noexcept
      : frame_(std::exchange(other.frame_, {})) {}
  Generator& operator=(Generator&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Generator() {
    if (frame_) frame_.destroy();
  }

  // Once: it goes on from where it stands.
  Iterator begin() {
    if (frame_ && !frame_.done()) Advance(frame_);
    return Iterator(frame_);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  using Frame = std::coroutine_handle<promise_type>;
  explicit Generator(Frame frame) : frame_(frame) {}

  static void Advance(Frame frame) {
    frame.promise().value.reset();
    frame.resume();
    if (frame.promise().error) {
      std::rethrow_exception(std::exchange(frame.promise().error, nullptr));
    }
  }

  Frame frame_;
};

template <class T>
class [[nodiscard]] AsyncGenerator {
 public:
  struct promise_type {
    // Back to who asked, where it was.
    struct GiveAwait {
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      void await_suspend(
          std::coroutine_handle<promise_type> self) const noexcept {
        const promise_type& promise = self.promise();
        detail::Setting back = promise.back;
        // A generator has no way to bring its reader back to another pool.
        back.executor = detail::CurrentSetting().executor;
        detail::Transfer(promise.asking, back);
      }
      void await_resume() const noexcept {}
    };

    std::optional<T> value;
    std::exception_ptr error;
    std::coroutine_handle<> asking;
    detail::Setting back;

    AsyncGenerator get_return_object() {
      return AsyncGenerator(Frame::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static GiveAwait final_suspend() noexcept { return {}; }
    template <class U>
    GiveAwait yield_value(U&& next) {
      value.emplace(std::forward<U>(next));
      return {};
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
  };

  AsyncGenerator() = default;  // gives nothing
  AsyncGenerator(AsyncGenerator&& other) noexcept
      : frame_(std::exchange(other.frame_, {})) {}
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~AsyncGenerator() {
    if (frame_) frame_.destroy();
  }

  // co_await it: the next one, nothing after the last. One at a time.
  [[nodiscard]] auto Next() { return NextAwait{frame_}; }

 private:
  using Frame = std::coroutine_handle<promise_type>;

  struct NextAwait {
    Frame frame;
    [[nodiscard]] bool await_ready() const { return !frame || frame.done(); }
    void await_suspend(std::coroutine_handle<> asking) const {
      promise_type& promise = frame.promise();
      promise.value.reset();
      promise.asking = asking;
      promise.back = detail::CurrentSetting();
      detail::Transfer(frame, promise.back);
    }
    std::optional<T> await_resume() const {
      if (!frame) return std::nullopt;
      promise_type& promise = frame.promise();
      if (promise.error) {
        std::rethrow_exception(std::exchange(promise.error, nullptr));
      }
      return std::exchange(promise.value, std::nullopt);
    }
  };

  explicit AsyncGenerator(Frame frame) : frame_(frame) {}

  Frame frame_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_GENERATOR_H_

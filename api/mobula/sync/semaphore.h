// Semaphore holds a number of permits; who takes some waits until there are as
// many, in the order in which they came.
//
//   mobula::Semaphore connections(10);
//   co_await connections.Acquire();
//   ...
//   connections.Release();
//   { auto permit = co_await connections.Hold(); ... }   // Release at the end
//
// Threading: any thread or coroutine; it must outlive those who wait.
// Errors: Acquire and Hold throw TimeoutError when their time is over;
// TimeoutError or Cancelled when the scope is stopped. BadArgument for a count
// that is negative, or that makes more than 2^63 - 1 permits.
#ifndef MOBULA_API_MOBULA_SYNC_SEMAPHORE_H_
#define MOBULA_API_MOBULA_SYNC_SEMAPHORE_H_

#include <cstdint>
#include <utility>

#include "api/mobula/coro/detail/wait_queue.h"
#include "api/mobula/timeout.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula {

class Semaphore final : private detail::WaitQueue {
 public:
  // Permits that go back when it ends.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)), count_(other.count_) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(of_, other.of_);
      std::swap(count_, other.count_);
      return *this;
    }
    ~Permit() {
      if (of_ != nullptr) of_->Release(count_);
    }

   private:
    friend class Semaphore;
    Permit(Semaphore* of, std::int64_t count) : of_(of), count_(count) {}
    Semaphore* of_;
    std::int64_t count_;
  };

  explicit Semaphore(std::int64_t permits);
  ~Semaphore() override;

  // co_await it, or BlockOn it. They are to be released, by whomever.
  [[nodiscard]] auto Acquire(std::int64_t count = 1, Timeout timeout = {}) {
    return AcquireWait(*this, count, timeout);
  }
  // The same; gives a Permit.
  [[nodiscard]] auto Hold(std::int64_t count = 1, Timeout timeout = {}) {
    return HoldWait(*this, count, timeout);
  }
  // Whether there were as many, and nobody was waiting.
  [[nodiscard]] bool TryAcquire(std::int64_t count = 1) MOBULA_EXCLUDES(mutex_);
  void Release(std::int64_t count = 1) MOBULA_EXCLUDES(mutex_);

  // Permits that nobody has.
  [[nodiscard]] std::int64_t available() const MOBULA_EXCLUDES(mutex_);

 private:
  class AcquireWait : public detail::QueuedWait {
   public:
    AcquireWait(Semaphore& of, std::int64_t count, Timeout timeout);

   private:
    friend class Semaphore;
    const std::int64_t count_;
  };
  class HoldWait final : public AcquireWait {
   public:
    HoldWait(Semaphore& of, std::int64_t count, Timeout timeout)
        : AcquireWait(of, count, timeout), of_(of), held_(count) {}
    Permit await_resume() {
      Finish();
      return Permit(&of_, held_);
    }

   private:
    Semaphore& of_;
    const std::int64_t held_;
  };

  bool Grant(detail::ListedWait& wait, detail::Woken& woken) override
      MOBULA_REQUIRES(mutex_);

  std::int64_t permits_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_SYNC_SEMAPHORE_H_

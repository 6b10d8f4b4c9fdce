// Barrier holds up a number of comrades until all have arrived; then all go on,
// and it serves the next round.
//
//   mobula::Barrier barrier(4);
//   const bool was_last = co_await barrier.Arrive();
//
// One that gives up (its time is over, its scope is stopped) has not arrived:
// the others go on waiting for somebody in its place.
// Threading: any thread or coroutine; it must outlive those who wait.
// Errors: Arrive throws TimeoutError when its time is over; TimeoutError or
// Cancelled when the scope is stopped. BadArgument for a count under 1.
#ifndef MOBULA_API_MOBULA_SYNC_BARRIER_H_
#define MOBULA_API_MOBULA_SYNC_BARRIER_H_

#include <cstddef>

#include "api/mobula/coro/detail/wait_queue.h"
#include "api/mobula/timeout.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula {

class Barrier final : private detail::WaitQueue {
 public:
  explicit Barrier(std::size_t count);
  ~Barrier() override;

  // co_await it, or BlockOn it: gives whether it was the last of its round.
  [[nodiscard]] auto Arrive(Timeout timeout = {}) {
    return ArriveWait(*this, timeout);
  }

 private:
  class ArriveWait final : public detail::QueuedWait {
   public:
    using QueuedWait::QueuedWait;
    bool await_resume() {
      Finish();
      return was_last_;
    }

   private:
    friend class Barrier;
    bool was_last_ = false;
  };

  bool Grant(detail::ListedWait& wait, detail::Woken& woken) override
      MOBULA_REQUIRES(mutex_);

  const std::size_t count_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_SYNC_BARRIER_H_

// Event is set once, and lets all who wait for it go on.
//
//   mobula::Event ready;
//   co_await ready.Wait();             // in a coroutine
//   mobula::BlockOn(ready.Wait(1s));   // on a thread
//   ready.Set();                       // from anywhere
//
// What came before Set is visible to who waited. It stays set until Reset.
// Threading: any thread or coroutine; it must outlive those who wait.
// Errors: Wait throws TimeoutError when its time is over; TimeoutError or
// Cancelled when the scope is stopped.
#ifndef MOBULA_API_MOBULA_SYNC_EVENT_H_
#define MOBULA_API_MOBULA_SYNC_EVENT_H_

#include "api/mobula/coro/detail/wait_queue.h"
#include "api/mobula/timeout.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula {

class Event final : private detail::WaitQueue {
 public:
  Event() = default;
  ~Event() override;

  // co_await it, or BlockOn it.
  [[nodiscard]] auto Wait(Timeout timeout = {}) {
    return detail::QueuedWait(*this, timeout);
  }
  void Set() MOBULA_EXCLUDES(mutex_);
  void Reset() MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] bool IsSet() const MOBULA_EXCLUDES(mutex_);

 private:
  bool Grant(detail::ListedWait& wait, detail::Woken& woken) override
      MOBULA_REQUIRES(mutex_);

  bool set_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_SYNC_EVENT_H_

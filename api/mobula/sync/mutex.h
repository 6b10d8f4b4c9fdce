// Mutex lets one at a time in, in the order in which they came: coroutines and
// threads alike, and it may be held over a co_await.
//
//   {
//     mobula::Mutex::Guard guard = co_await mutex.Lock();
//     co_await file.Append(line);       // nobody else meanwhile
//   }                                   // unlocked with the guard
//   auto guard = mobula::BlockOn(mutex.Lock(1s));    // on a thread
//
// For a few instructions on plain memory a std::mutex is cheaper, which must
// not be held over a co_await. It is not recursive. A guard may be moved, and
// end on another thread. The debug mode (debug.h) finds mutexes that are locked
// in different orders. Threading: any thread or coroutine; it must outlive
// those who wait. Errors: Lock throws TimeoutError when its time is over;
// TimeoutError or Cancelled when the scope is stopped.
#ifndef MOBULA_API_MOBULA_SYNC_MUTEX_H_
#define MOBULA_API_MOBULA_SYNC_MUTEX_H_

#include <optional>
#include <source_location>
#include <utility>

#include "api/mobula/coro/detail/wait_queue.h"
#include "api/mobula/timeout.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/debug_mode.h"

namespace mobula {

class Mutex final : private detail::WaitQueue {
 public:
  // Holds the lock; unlocks when it ends.
  class [[nodiscard]] Guard {
   public:
    Guard(Guard&& other) noexcept
        : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      std::swap(mutex_, other.mutex_);
      return *this;
    }
    ~Guard() {
      if (mutex_ != nullptr) mutex_->Unlock();
    }

   private:
    friend class Mutex;
    explicit Guard(Mutex* mutex) : mutex_(mutex) {}
    Mutex* mutex_;
  };

  Mutex() = default;
  ~Mutex() override;

  // co_await it, or BlockOn it: gives a Guard.
  // `where` is for the debug mode.
  [[nodiscard]] auto Lock(
      Timeout timeout = {},
      std::source_location where = std::source_location::current()) {
    return LockWait(*this, timeout, where);
  }
  // Nothing if somebody holds it.
  [[nodiscard]] std::optional<Guard> TryLock(
      std::source_location where = std::source_location::current())
      MOBULA_EXCLUDES(mutex_);

 private:
  class LockWait final : public detail::QueuedWait {
   public:
    LockWait(Mutex& mutex, Timeout timeout, std::source_location where)
        : QueuedWait(mutex, timeout), of_(mutex), where_(where) {
      if (base::IsDebugging()) of_.NoteAsked(where_);
    }
    Guard await_resume() {
      Finish();
      if (base::IsDebugging()) of_.NoteTaken(where_);
      return Guard(&of_);
    }

   private:
    Mutex& of_;
    const std::source_location where_;
  };

  void Unlock() MOBULA_EXCLUDES(mutex_);
  void NoteAsked(const std::source_location& where) const;
  void NoteTaken(const std::source_location& where) const;
  bool Grant(detail::ListedWait& wait, detail::Woken& woken) override
      MOBULA_REQUIRES(mutex_);

  bool locked_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_SYNC_MUTEX_H_

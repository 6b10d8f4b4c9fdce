// Mutex is std::mutex with annotations that clang checks. (absl's is not used:
// ThreadSanitizer reports Debian's build of it falsely.)
//
//   MutexLock lock(mutex_);
//   while (!ready_) ready_changed_.Wait(mutex_);
//
// Only in base, rpc and the hot path; elsewhere a Strand stands in its place.
// Nothing is called with one held.
// Threading: any.
#ifndef MOBULA_BASE_MUTEX_H_
#define MOBULA_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#include "base/boot_time.h"
#include "base/thread_annotations.h"

namespace mobula::base {

class MOBULA_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() MOBULA_ACQUIRE() { mutex_.lock(); }
  void Unlock() MOBULA_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class MOBULA_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) MOBULA_ACQUIRE(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() MOBULA_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits may end without reason: always wait in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) MOBULA_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();
  }
  // Ends after `timeout` at the latest; <= 0 does not wait. A deadline is
  // turned into a timeout by the caller, who knows the clock.
  void WaitFor(Mutex& mutex, Duration timeout) MOBULA_REQUIRES(mutex) {
    if (timeout <= Duration::zero()) return;
    // A day at most: a longer sum would overflow the library's clock.
    constexpr Duration kWaitMax = std::chrono::hours(24);
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    changed_.wait_for(lock, timeout < kWaitMax ? timeout : kWaitMax);
    lock.release();
  }
  void NotifyOne() { changed_.notify_one(); }
  void NotifyAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_MUTEX_H_

// TimerQueue fires timers when their time has come.
//
//   timer.at = base::BootNow() + 10ms;
//   timer.fire = [](base::Timer* timer) noexcept { ... };
//   timers.Add(&timer);
//   ...
//   timers.Remove(&timer);          // from here on it does not fire
//
// Owner: the process's executor.
// Threading: Add and Remove from any thread; timers fire one after the other on
// a thread of the queue's, which the first Add starts.
// Invariants: (1) a timer fires once, never before its time, unless it is
// removed first; (2) after Remove it neither fires nor is it firing, except
// where it is removed by its own fire. Failure: if the thread cannot be started
// the process ends.
#ifndef MOBULA_RUNTIME_EXECUTOR_TIMER_QUEUE_H_
#define MOBULA_RUNTIME_EXECUTOR_TIMER_QUEUE_H_

#include <cstddef>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/executor.h"

namespace mobula::runtime {

class TimerQueue {
 public:
  TimerQueue() = default;
  // Timers that have not fired never do.
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  void Add(base::Timer* timer) MOBULA_EXCLUDES(mutex_);
  // Whether it had not fired. No effect on one that was never added, or to
  // another queue: a forked child's has none of the parent's.
  bool Remove(base::Timer* timer) MOBULA_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t size() const MOBULA_EXCLUDES(mutex_);

 private:
  void Run() MOBULA_EXCLUDES(mutex_);
  void FireFirst() MOBULA_REQUIRES(mutex_);
  // A heap, the earliest first; each timer knows its place.
  void Place(base::Timer* timer, std::size_t at) MOBULA_REQUIRES(mutex_);
  void Rise(std::size_t at) MOBULA_REQUIRES(mutex_);
  void Sink(std::size_t at) MOBULA_REQUIRES(mutex_);
  void Take(std::size_t at) MOBULA_REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  base::CondVar earlier_;
  base::CondVar fired_;
  std::vector<base::Timer*> heap_ MOBULA_GUARDED_BY(mutex_);
  const base::Timer* firing_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  std::size_t removers_ MOBULA_GUARDED_BY(mutex_) = 0;
  bool stopping_ MOBULA_GUARDED_BY(mutex_) = false;
  std::thread thread_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_TIMER_QUEUE_H_

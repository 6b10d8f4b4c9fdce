// MethodThreads is the threads on which the plain methods of one actor run at
// the same time.
//
//   MethodThreads threads(4, [](Execute work) { ... });
//   if (threads.Push(work) != MethodThreads::Pushed::kTaken) ...
//   for (Execute& late : threads.Close()) ...
//   threads.AwaitEnd();
// Who pushes says what may run at the same time (the host's gate, call_gate.h):
// at most `threads_max`, so that nothing waits here but for a thread that is
// about to be free. A thread is started when there is none that is free, and
// stays as long as the actor.
// Owner: the actor's place in SlotThread.   Threading: any thread; `run` is
// called on a thread of this class with no lock held. AwaitEnd and the
// destructor not there. Invariants: (1) things begin in the order pushed; (2)
// nothing begins after Close; (3) after AwaitEnd, that follows Close, no `run`
// is being called.
#ifndef MOBULA_RUNTIME_EXECUTOR_SLOT_METHOD_THREADS_H_
#define MOBULA_RUNTIME_EXECUTOR_SLOT_METHOD_THREADS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class MethodThreads {
 public:
  using RunFn = std::function<void(Execute work)>;
  enum class Pushed : std::uint8_t {
    kTaken,
    kClosed,
    kNoThread,  // not even one can be started
  };

  MethodThreads(std::int32_t threads_max, RunFn run);
  ~MethodThreads();  // Close, AwaitEnd, and joins
  MethodThreads(const MethodThreads&) = delete;
  MethodThreads& operator=(const MethodThreads&) = delete;

  // What is not taken is left as it was.
  [[nodiscard]] Pushed Push(Execute& work) MOBULA_EXCLUDES(mutex_);
  // What has not begun, which does not.
  std::vector<Execute> Close() MOBULA_EXCLUDES(mutex_);
  void AwaitEnd() MOBULA_EXCLUDES(mutex_);

  // What runs now.
  [[nodiscard]] std::vector<base::TaskId> Running() const
      MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t threads() const MOBULA_EXCLUDES(mutex_);

 private:
  void Serve() MOBULA_EXCLUDES(mutex_);
  // Whether there is a thread for what waits, now or soon.
  bool HaveThread() MOBULA_REQUIRES(mutex_);

  const std::size_t threads_max_;
  const RunFn run_;

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  base::CondVar ended_;
  bool closed_ MOBULA_GUARDED_BY(mutex_) = false;
  std::size_t free_ MOBULA_GUARDED_BY(mutex_) = 0;  // threads that wait
  std::deque<Execute> waiting_ MOBULA_GUARDED_BY(mutex_);
  std::set<base::TaskId> running_ MOBULA_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SLOT_METHOD_THREADS_H_

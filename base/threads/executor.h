// Executor is something that runs Work: a pool of threads, or one thread.
//
//   struct Greeting : base::Work { std::string name; };
//   executor.Post(&greeting);       // later: greeting.run(&greeting)
//
// Work and Timer are links of their owner's, who keeps them where they are: a
// coroutine has its own in its frame, so that nothing is allocated for each
// wait and resumption, and no queue of them can overflow.
// Threading: Post and PostLast from any thread. Work that was posted belongs to
// the executor until its run is called, Timers until they fire or are removed.
#ifndef MOBULA_BASE_THREADS_EXECUTOR_H_
#define MOBULA_BASE_THREADS_EXECUTOR_H_

#include <cstddef>

#include "base/boot_time.h"

namespace mobula::base {

struct Work {
  // Called once for each Post, with no lock held. Must not throw; may end the
  // life of `work`.
  using RunFn = void (*)(Work* work) noexcept;

  RunFn run = nullptr;
  Work* next = nullptr;  // the executor's
};

class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Soon: a thread of the executor that posts may run it before older work.
  virtual void Post(Work* work) = 0;
  // Behind what waits now, as far as the executor keeps an order: for who lets
  // others go first.
  virtual void PostLast(Work* work) = 0;

 protected:
  ~Executor() = default;
};

struct Timer {
  // Called once, at `at` or later, with no lock held; must not wait or throw.
  using FireFn = void (*)(Timer* timer) noexcept;
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  BootTime at;
  FireFn fire = nullptr;
  std::size_t place = kNowhere;  // the queue's
  const void* queue = nullptr;   // the queue's: to which it was added last
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_EXECUTOR_H_

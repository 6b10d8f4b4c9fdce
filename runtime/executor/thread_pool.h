// ThreadPool runs Work on a bounded number of threads, which it starts only
// when there is work for them.
//
//   ThreadPool pool({.name = "mobula-pool", .threads_max = 4});
//   pool.Post(&work);
//
// Each thread has a deque of its own, newest first; what other threads post,
// and what does not fit, waits in one shared queue, oldest first. A thread with
// nothing to do looks there, then steals, then sleeps. Now and then it takes
// what has waited longest, in turn from the shared queue, its own deque and
// those of the others, so that nothing starves behind work that posts itself.
// One thread at a time searches, and wakes the next when it has found
// something: a burst wakes as many as it needs, a trickle one. A thread that is
// blocked says so (BlockedHere): another may run in its place, and sleeps again
// when the first goes on.
// Owner: the process's executor, or a user's Pool.
// Threading: Post, PostLast and threads() from any thread; BlockedHere tells of
// the calling one; the destructor from a thread that is not one of its own,
// also while who posted the last work is still in Post.
// Invariants: (1) each Work posted runs once; (2) at most threads_max threads
// run and are not blocked, but from when one stops being blocked until the
// first of them has ended its work; (3) no thread sleeps while work waits and
// fewer run than may.
// Failure: if no thread at all can be started the process ends; with one, work
// waits for it.
#ifndef MOBULA_RUNTIME_EXECUTOR_THREAD_POOL_H_
#define MOBULA_RUNTIME_EXECUTOR_THREAD_POOL_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/executor.h"

namespace mobula::runtime {

class ThreadPool final : public base::Executor {
 public:
  struct Options {
    std::string name = "mobula-pool";  // of its threads, 15 bytes are shown
    std::size_t threads_max = 1;       // that run at once
    std::size_t extra_max = 256;       // in place of those that are blocked
    std::size_t threads_kept = 0;      // when there is nothing to do
    base::Duration idle_max = std::chrono::seconds(10);  // of the others
    // What holds a thread for long is no mistake there (debug mode).
    bool may_block = false;
  };

  explicit ThreadPool(Options options);
  // Runs all that was posted first.
  ~ThreadPool();

  void Post(base::Work* work) override MOBULA_EXCLUDES(mutex_);
  void PostLast(base::Work* work) override MOBULA_EXCLUDES(mutex_);

  // The calling thread is blocked from here on, or goes on; nothing if it is
  // of no pool.
  static void BlockedHere(bool is_blocked);
  // Whether the calling thread is of a pool.
  [[nodiscard]] static bool IsHere();
  // In a forked child, of the thread that forked: it is of no pool any more,
  // and ends with what it runs. The pool stays behind in the parent.
  static void LeaveHere();

  // How many there are now.
  [[nodiscard]] std::size_t threads() const;

 private:
  struct Worker;

  base::Work* PopShared() MOBULA_EXCLUDES(mutex_);
  // There is new work, or room for a thread: sees to it that somebody looks.
  void Alert() MOBULA_EXCLUDES(mutex_);
  void AlertLocked() MOBULA_REQUIRES(mutex_);
  [[nodiscard]] bool NeedsAnother() const;
  void StartThread() MOBULA_REQUIRES(mutex_);
  void Run(Worker& self) MOBULA_EXCLUDES(mutex_);
  base::Work* Find(Worker& self) MOBULA_EXCLUDES(mutex_);
  base::Work* FindOldest(Worker& self) MOBULA_EXCLUDES(mutex_);
  base::Work* StealFor(Worker& self);
  [[nodiscard]] bool HasWork() const;
  // False when the thread is to end.
  bool Sleep(Worker& self) MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] bool MayEnd(bool is_idle) const MOBULA_REQUIRES(mutex_);

  const Options options_;
  const std::size_t workers_max_;
  // Made one after the other, and never destroyed before the pool.
  const std::unique_ptr<std::unique_ptr<Worker>[]> workers_;
  std::atomic<std::size_t> made_{0};
  std::atomic<std::size_t> threads_{0};    // changed under the lock
  std::atomic<std::size_t> running_{0};    // neither asleep nor blocked
  std::atomic<std::size_t> searching_{0};  // of them
  std::atomic<std::size_t> shared_size_{0};

  base::Mutex mutex_;
  base::CondVar woken_;
  base::CondVar ended_;
  base::Work* first_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  base::Work* last_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  std::size_t sleepers_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::size_t wakes_ MOBULA_GUARDED_BY(mutex_) = 0;  // told, not yet awake
  bool stopping_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_THREAD_POOL_H_

// HostThreads runs the work of a host of shared actors on a bounded number of
// threads, and on others in place of those that are blocked.
//
//   HostThreads threads({.threads_max = 2, .extra_max = 256}, refuse);
//   threads.Post(&work);                    // oldest first
//   HostThreads::BlockedHere(true);         // of one of its threads
//
// A thread that is blocked in one of our waits says so; one that is blocked in
// something else is seen to sleep, twice kStalledAfter apart, while work waits
// for a thread. Another runs in its place, up to extra_max. Beyond that work
// waits: for a thread, or for one that is blocked and wants just that work done
// (Withdraw), and after `patience` it is refused: nothing would ever run it if
// all of them wait for it. Threads have large stacks of which only what is used
// takes memory, since what is withdrawn runs on top of what waits for it.
// Owner: SharedSlots.
// Threading: any, but Join by its owner; `refuse` runs on a thread of its own,
// with no lock held.
// Invariants: (1) each work posted is run, withdrawn or refused, once; (2) at
// most threads_max threads run and are not blocked, but from when one stops
// being blocked until the first of them has ended its work; (3) at most
// threads_max + extra_max threads.
#ifndef MOBULA_RUNTIME_EXECUTOR_HOST_THREADS_H_
#define MOBULA_RUNTIME_EXECUTOR_HOST_THREADS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/boot_time.h"
#include "base/mutex.h"
#include "base/shm/worker_page.h"
#include "base/thread_annotations.h"
#include "base/threads/executor.h"

namespace mobula::runtime {

class HostThreads {
 public:
  static constexpr base::Duration kStalledAfter = std::chrono::milliseconds(10);
  static constexpr std::size_t kStackBytes = std::size_t{64} << 20;

  struct Options {
    std::size_t threads_max = 1;
    std::size_t extra_max = 256;
    base::Duration patience = std::chrono::seconds(3);
    // Says whether any of them runs; may be null.
    base::WorkerPage* page = nullptr;
  };
  // What is done with work that no thread can be had for.
  using RefuseFn = std::function<void(base::Work* work)>;

  HostThreads(Options options, RefuseFn refuse);
  ~HostThreads();  // Join first, if anything was posted
  HostThreads(const HostThreads&) = delete;
  HostThreads& operator=(const HostThreads&) = delete;

  void Post(base::Work* work) MOBULA_EXCLUDES(mutex_);
  // All that is posted has run, and nothing more comes.
  void Join() MOBULA_EXCLUDES(mutex_);

  // The calling thread is blocked from here on, or goes on; nothing if it is
  // not of any.
  static void BlockedHere(bool is_blocked);
  [[nodiscard]] static bool IsHere();
  // What is left of the calling thread's stack; 0 if it is not of any.
  [[nodiscard]] static std::size_t StackLeft();

  // Work waits, all threads are blocked, and there may be no more of them.
  [[nodiscard]] bool IsFull() const MOBULA_EXCLUDES(mutex_);
  // Takes it back, if it waits for a thread.
  bool Withdraw(base::Work* work) MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t threads() const MOBULA_EXCLUDES(mutex_);

 private:
  struct Thread;
  struct Ready {
    base::Work* work = nullptr;
    base::BootTime since;
  };

  void Run(Thread& self) MOBULA_EXCLUDES(mutex_);
  void SetBlocked(Thread& self, bool is_blocked) MOBULA_EXCLUDES(mutex_);
  // Sees to it that a thread looks, where one may run.
  void Alert() MOBULA_REQUIRES(mutex_);
  [[nodiscard]] bool Full() const MOBULA_REQUIRES(mutex_);
  void StartThread() MOBULA_REQUIRES(mutex_);
  void CountRunning(int change) MOBULA_REQUIRES(mutex_);
  void Watch() MOBULA_EXCLUDES(mutex_);
  void NoteStalled() MOBULA_REQUIRES(mutex_);
  // Of what has waited for so long that it is to be refused.
  base::Work* TakeOverdue() MOBULA_REQUIRES(mutex_);

  const Options options_;
  const RefuseFn refuse_;
  mutable base::Mutex mutex_;
  base::CondVar woken_;    // a thread
  base::CondVar watched_;  // the one that watches
  base::CondVar ended_;
  std::deque<Ready> ready_ MOBULA_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Thread>> all_ MOBULA_GUARDED_BY(mutex_);
  std::size_t all_max_ MOBULA_GUARDED_BY(mutex_);
  std::size_t living_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::size_t running_ MOBULA_GUARDED_BY(mutex_) = 0;  // and not blocked
  std::size_t idle_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::size_t wakes_ MOBULA_GUARDED_BY(mutex_) = 0;  // told, not yet awake
  bool ending_ MOBULA_GUARDED_BY(mutex_) = false;
  bool watcher_sleeps_ MOBULA_GUARDED_BY(mutex_) = false;
  base::BootTime full_since_ MOBULA_GUARDED_BY(mutex_) =
      base::BootTime::Never();
  std::thread watcher_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_HOST_THREADS_H_

#include "runtime/executor/thread_pool.h"

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/threads/debug_mode.h"
#include "runtime/debug/step_watch.h"
#include "runtime/executor/named_thread.h"
#include "runtime/executor/work_deque.h"

namespace mobula::runtime {
namespace {

// Every so many turns what has waited longest goes first.
constexpr std::uint32_t kFairTurns = 61;

}  // namespace

struct ThreadPool::Worker {
  ThreadPool* pool = nullptr;
  WorkDeque deque;
  std::uint32_t turns = 0;
  bool runs = false;   // under the pool's lock
  std::thread thread;  // under the pool's lock
};

namespace {

// The pool's worker that the calling thread is.
thread_local void* worker_here = nullptr;

void RunWatched(base::Work* work) {
  if (base::IsDebugging()) {
    const WatchedStep step(reinterpret_cast<const void*>(work->run));
    work->run(work);
  } else {
    work->run(work);
  }
}

}  // namespace

ThreadPool::ThreadPool(Options options)
    : options_(std::move(options)),
      workers_max_(options_.threads_max + options_.extra_max),
      workers_(std::make_unique<std::unique_ptr<Worker>[]>(workers_max_)) {
  MOBULA_CHECK(options_.threads_max > 0, "a pool has a thread");
}

ThreadPool::~ThreadPool() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    woken_.NotifyAll();
    while (threads_.load() > 0) ended_.Wait(mutex_);
  }
  for (std::size_t i = 0; i < made_.load(); ++i) {
    if (workers_[i]->thread.joinable()) workers_[i]->thread.join();
  }
  MOBULA_CHECK(!HasWork(), "all that was posted has run");
}

std::size_t ThreadPool::threads() const { return threads_.load(); }

void ThreadPool::Post(base::Work* work) {
  MOBULA_CHECK(work->run != nullptr);
  auto* const self = static_cast<Worker*>(worker_here);
  if (self == nullptr || self->pool != this || !self->deque.Push(work)) {
    PostLast(work);
    return;
  }
  Alert();
}

// In one piece: once the lock is free the work may have run, and the pool be
// gone.
void ThreadPool::PostLast(base::Work* work) {
  MOBULA_CHECK(work->run != nullptr);
  base::MutexLock lock(mutex_);
  work->next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = work;
  last_ = work;
  shared_size_.fetch_add(1);
  AlertLocked();
}

base::Work* ThreadPool::PopShared() {
  if (shared_size_.load() == 0) return nullptr;
  base::MutexLock lock(mutex_);
  base::Work* const work = first_;
  if (work == nullptr) return nullptr;
  first_ = work->next;
  shared_size_.fetch_sub(1);
  return work;
}

// Who posts pushes first and then looks at searching_ and running_; who stops
// searching or running changes those first and then looks for work: one of the
// two sees the other.
bool ThreadPool::NeedsAnother() const {
  return searching_.load() == 0 && running_.load() < options_.threads_max;
}

void ThreadPool::Alert() {
  if (!NeedsAnother()) return;
  base::MutexLock lock(mutex_);
  AlertLocked();
}

void ThreadPool::AlertLocked() {
  if (!NeedsAnother()) return;
  if (sleepers_ > 0) {
    --sleepers_;
    running_.fetch_add(1);
    searching_.fetch_add(1);
    ++wakes_;
    woken_.NotifyOne();
  } else if (threads_.load() < workers_max_) {
    StartThread();
  }
}

void ThreadPool::StartThread() {
  std::size_t at = 0;
  while (at < made_.load() && workers_[at]->runs) ++at;
  MOBULA_CHECK(at < workers_max_);
  if (at == made_.load()) {
    workers_[at] = std::make_unique<Worker>();
    workers_[at]->pool = this;
    made_.store(at + 1);
  }
  Worker& worker = *workers_[at];
  // One that has ended holds no lock any more.
  if (worker.thread.joinable()) worker.thread.join();
  // It counts before it can run: its own first steps rely on that.
  worker.runs = true;
  threads_.fetch_add(1);
  running_.fetch_add(1);
  searching_.fetch_add(1);
  try {
    worker.thread =
        StartNamedThread(options_.name, [this, &worker] { Run(worker); });
  } catch (const std::system_error& error) {
    worker.runs = false;
    searching_.fetch_sub(1);
    running_.fetch_sub(1);
    MOBULA_CHECK(threads_.fetch_sub(1) > 1, "no thread can be started")
        << error.what();
  }
}

void ThreadPool::Run(Worker& self) {
  worker_here = &self;
  if (options_.may_block) MayBlockHere();
  bool searches = true;
  while (true) {
    // Not while there are more than may run, since one goes on again.
    const bool may_run = running_.load() <= options_.threads_max;
    base::Work* const work = may_run ? Find(self) : nullptr;
    const bool was_last = searches && searching_.fetch_sub(1) == 1;
    if (was_last && work != nullptr && HasWork()) Alert();
    searches = false;
    if (work != nullptr) {
      RunWatched(work);
      if (worker_here == nullptr) return;  // in a forked child
      continue;
    }
    if (!Sleep(self)) return;
    searches = true;
  }
}

base::Work* ThreadPool::Find(Worker& self) {
  if (++self.turns % kFairTurns == 0) return FindOldest(self);
  if (base::Work* const work = self.deque.Pop()) return work;
  if (base::Work* const work = PopShared()) return work;
  return StealFor(self);
}

base::Work* ThreadPool::FindOldest(Worker& self) {
  const std::uint32_t first = self.turns / kFairTurns;
  for (std::uint32_t i = 0; i < 3; ++i) {
    base::Work* work = nullptr;
    switch ((first + i) % 3) {
      case 0:
        work = PopShared();
        break;
      case 1:
        work = self.deque.Steal();
        break;
      default:
        work = StealFor(self);
    }
    if (work != nullptr) return work;
  }
  return self.deque.Pop();  // where a thief was after the same
}

base::Work* ThreadPool::StealFor(Worker& self) {
  const std::size_t made = made_.load();
  for (std::size_t i = 0; i < made; ++i) {
    Worker& victim = *workers_[(self.turns + i) % made];
    if (&victim == &self) continue;
    if (base::Work* const work = victim.deque.Steal()) return work;
  }
  return nullptr;
}

bool ThreadPool::HasWork() const {
  if (shared_size_.load() > 0) return true;
  const std::size_t made = made_.load();
  for (std::size_t i = 0; i < made; ++i) {
    if (!workers_[i]->deque.Empty()) return true;
  }
  return false;
}

bool ThreadPool::MayEnd(bool is_idle) const {
  if (stopping_) return !HasWork();
  return is_idle && running_.load() + sleepers_ > options_.threads_kept;
}

bool ThreadPool::Sleep(Worker& self) {
  base::BootTime end = base::BootNow() + options_.idle_max;
  base::MutexLock lock(mutex_);
  running_.fetch_sub(1);
  ++sleepers_;
  while (wakes_ == 0) {
    if (running_.load() < options_.threads_max && HasWork()) {
      --sleepers_;
      running_.fetch_add(1);
      searching_.fetch_add(1);
      return true;
    }
    const base::BootTime now = base::BootNow();
    if (MayEnd(now >= end)) {
      self.runs = false;
      --sleepers_;
      threads_.fetch_sub(1);
      // Those that had to wait for this one's work may end now.
      if (stopping_) woken_.NotifyAll();
      if (threads_.load() == 0) ended_.NotifyAll();
      return false;
    }
    if (now >= end) end = now + options_.idle_max;
    woken_.WaitFor(mutex_, end - now);
  }
  --wakes_;
  return true;
}

// ---- the calling thread -----------------------------------------------------

bool ThreadPool::IsHere() { return worker_here != nullptr; }

void ThreadPool::LeaveHere() { worker_here = nullptr; }

void ThreadPool::BlockedHere(bool is_blocked) {
  auto* const self = static_cast<Worker*>(worker_here);
  if (self == nullptr) return;
  ThreadPool& pool = *self->pool;
  if (!is_blocked) {
    pool.running_.fetch_add(1);
    return;
  }
  pool.running_.fetch_sub(1);
  if (pool.HasWork()) pool.Alert();
}

}  // namespace mobula::runtime

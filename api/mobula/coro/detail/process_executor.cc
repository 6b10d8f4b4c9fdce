#include "api/mobula/coro/detail/process_executor.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/detail/session.h"
#include "base/check.h"
#include "base/threads/futex.h"
#include "runtime/executor/thread_pool.h"
#include "runtime/executor/timer_queue.h"
#include "runtime/memory/lent_wait.h"
#include "runtime/process/backend.h"

namespace mobula::detail {
namespace {

using runtime::ThreadPool;

constexpr std::size_t kBlockingThreadsMax = 64;

std::size_t UsableCpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

struct ProcessExecutor {
  const std::size_t cpus = UsableCpus();
  ThreadPool pool{
      {.name = "mobula-pool", .threads_max = cpus, .threads_kept = cpus}};
  ThreadPool blocking{{.name = "mobula-blocking",
                       .threads_max = kBlockingThreadsMax,
                       .threads_kept = 0,
                       .may_block = true}};
  runtime::TimerQueue timers;
};

std::atomic<ProcessExecutor*> executor{nullptr};

std::atomic<std::uint32_t> forks{0};

std::atomic<void (*)()> at_shutdown{nullptr};

// The threads are the parent's: a child begins anew. The thread that forked
// may be one of a pool, and have run a coroutine there.
void BeginAnew() {
  executor.store(nullptr, std::memory_order_relaxed);
  forks.fetch_add(1, std::memory_order_relaxed);
  SetExecutorHere(nullptr);
  ThreadPool::LeaveHere();
}

ProcessExecutor& TheExecutor() {
  ProcessExecutor* found = executor.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  (void)ForkCount();
  auto made = std::make_unique<ProcessExecutor>();
  if (executor.compare_exchange_strong(found, made.get())) {
    found = made.release();
  }
  return *found;
}

}  // namespace

std::uint32_t ForkCount() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, &BeginAnew);
  MOBULA_CHECK(registered == 0);
  return forks.load(std::memory_order_relaxed);
}

base::Executor& DefaultExecutor() { return TheExecutor().pool; }
base::Executor& BlockingExecutor() { return TheExecutor().blocking; }

void AddTimer(base::Timer* timer) { TheExecutor().timers.Add(timer); }
void RemoveTimer(base::Timer* timer) { TheExecutor().timers.Remove(timer); }

void AtShutdown(void (*rest)()) { at_shutdown.store(rest); }

void RestAtShutdown() {
  if (void (*const rest)() = at_shutdown.load()) rest();
}

bool SleepHere(std::atomic<std::uint32_t>* signal, base::BootTime deadline) {
  std::shared_ptr<Session> lent;
  const runtime::LentWait::BlockedFn blocked = [&lent](bool is_blocked) {
    ThreadPool::BlockedHere(is_blocked);
    if (is_blocked) lent = Session::Current();
    runtime::Backend* const backend =
        lent == nullptr ? nullptr : lent->backend();
    if (backend != nullptr) backend->Blocked(is_blocked);
  };
  runtime::LentWait wait(deadline, blocked);
  while (signal->load(std::memory_order_acquire) == 0) {
    const auto timeout = wait.Next();
    if (!timeout) return signal->load(std::memory_order_acquire) != 0;
    base::FutexWait(signal, *timeout);
  }
  return true;
}

}  // namespace mobula::detail

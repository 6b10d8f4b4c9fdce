// The executor of this process: the pool that coroutines run on, the pool for
// what blocks, the timers. Each starts when it is first used. Not for users.
//
// Owner: the process, for good: coroutines may outlive every other object of
// the program. A forked child has one of its own, for what is begun there: the
// parent's threads and timers, and what waits for them, stay behind.
// Threading: any thread.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_PROCESS_EXECUTOR_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_PROCESS_EXECUTOR_H_

#include <atomic>
#include <cstdint>

#include "base/boot_time.h"
#include "base/threads/executor.h"

namespace mobula::detail {

[[nodiscard]] base::Executor& DefaultExecutor();
[[nodiscard]] base::Executor& BlockingExecutor();

void AddTimer(base::Timer* timer);
// From here on it neither fires nor is firing.
void RemoveTimer(base::Timer* timer);

// How often this line of processes has forked, from the first call on: a child
// sees another number than its parent.
[[nodiscard]] std::uint32_t ForkCount();

// `rest` is called whenever a Runtime shuts down. For one who has a thread that
// has nothing to do then; the last one that was given counts.
void AtShutdown(void (*rest)());
void RestAtShutdown();

// Sleeps until `signal` is not 0; false if the deadline comes first. While it
// is blocked for long, its pool and its node let others run.
bool SleepHere(std::atomic<std::uint32_t>* signal, base::BootTime deadline);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_PROCESS_EXECUTOR_H_

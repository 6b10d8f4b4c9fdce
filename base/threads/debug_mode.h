// Whether the process reports what looks like a mistake of the program: steps
// that hold a thread for long, work that nobody waits for, locks that are taken
// in different orders.
//
//   if (base::IsDebugging()) ...     // off: one load and a branch
// There is one switch a process, as there is one log.
// Threading: any.
#ifndef MOBULA_BASE_THREADS_DEBUG_MODE_H_
#define MOBULA_BASE_THREADS_DEBUG_MODE_H_

#include <atomic>

namespace mobula::base {

inline std::atomic<bool> debug_mode{false};

inline bool IsDebugging() { return debug_mode.load(std::memory_order_relaxed); }

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_DEBUG_MODE_H_

// CallScope is what of a scope (api/mobula/coro/scope.h) travels with a task,
// a call or the making of an actor.
//
//   deadline ----> budget: the receiver adds it to its own clock's time
// Points in time stay where they are: two machines' clocks have nothing to do
// with one another. A budget loses what the message takes on its way.
// CallerScope is the same at home, as far as the runtime has to know it:
//   run.scope = Travelling(task.scope.get(), task.deadline, now);
// Threading: values and pure functions.
#ifndef MOBULA_BASE_SCHEDULING_CALL_SCOPE_H_
#define MOBULA_BASE_SCHEDULING_CALL_SCOPE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/boot_time.h"
#include "base/ids.h"

namespace mobula::base {

// Names one request on its way through coroutines, processes and machines: 128
// bits, shown as 32 hex digits (ToString, Parse).
using TraceId = Id<struct TraceTag>;

inline constexpr std::int64_t kUnboundedNs = -1;

struct CallScope {
  TraceId trace;                          // nil: none
  std::int32_t priority = 0;              // higher goes first
  std::int64_t budget_ns = kUnboundedNs;  // until its outcome must be there

  friend bool operator==(const CallScope&, const CallScope&) = default;
};

// A scope of this process under which something was spawned; 0: none.
using SpawnScope = std::uint64_t;

struct CallerScope {
  TraceId trace;
  std::int32_t priority = 0;
  BootTime deadline = BootTime::Never();
  SpawnScope id = 0;
};

// To be kept: null where there is nothing that travels but a deadline.
inline std::unique_ptr<const CallerScope> KeptScope(const CallerScope& scope) {
  if (scope.trace.IsNil() && scope.priority == 0) return nullptr;
  return std::make_unique<const CallerScope>(scope);
}

// The earlier of both ends; `timeout` from now.
inline BootTime EarlierEnd(Duration timeout, BootTime deadline, BootTime now) {
  if (timeout == Duration::max()) return deadline;
  return std::min(deadline, now + std::max(timeout, Duration::zero()));
}

// What is said of it now to who runs the call; nothing where all is usual.
// `scope` may be null.
inline std::optional<CallScope> Travelling(const CallerScope* scope,
                                           BootTime deadline, BootTime now) {
  if (scope == nullptr && deadline.IsNever()) return std::nullopt;
  CallScope travels;
  if (scope != nullptr) {
    travels.trace = scope->trace;
    travels.priority = scope->priority;
  }
  if (!deadline.IsNever()) {
    const Duration left = std::max(deadline - now, Duration::zero());
    travels.budget_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
  }
  return travels;
}

// When what came with that budget must have its outcome.
inline BootTime DeadlineOf(const std::optional<CallScope>& scope,
                           BootTime now) {
  if (!scope.has_value() || scope->budget_ns < 0) {
    return BootTime::Never();
  }
  return now + std::chrono::nanoseconds(scope->budget_ns);
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_SCHEDULING_CALL_SCOPE_H_

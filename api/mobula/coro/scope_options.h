// ScopeOptions says what a Scope, a TaskGroup or WithScope adds to the scope
// around it.
//
//   mobula::Scope scope(mobula::ScopeOptions().Timeout(5s).Stop(token));
//
// What is not set is inherited. A deadline can only come nearer, and who stops
// the outer scope stops the inner one, unless it is Shielded.
// Threading: a value.
#ifndef MOBULA_API_MOBULA_CORO_SCOPE_OPTIONS_H_
#define MOBULA_API_MOBULA_CORO_SCOPE_OPTIONS_H_

#include <optional>
#include <stop_token>
#include <utility>

#include "api/mobula/timeout.h"
#include "base/scheduling/call_scope.h"

namespace mobula {

// Names one request on its way through coroutines, processes and machines: 128
// bits, shown as 32 hex digits (ToString, Parse).
using TraceId = base::TraceId;

class ScopeOptions {
 public:
  ScopeOptions() = default;

  // From now on; waits inside then throw TimeoutError.
  ScopeOptions& Timeout(mobula::Timeout timeout) {
    values_.timeout = timeout;
    return *this;
  }
  // Stops the scope: waits inside then throw Cancelled.
  ScopeOptions& Stop(std::stop_token token) {
    values_.stop = std::move(token);
    return *this;
  }
  // Carried along, default 0. Of what this job's processes wait for on a node
  // the higher goes first: a task for a slot, an actor for its worker. To other
  // jobs it says nothing, nor to calls of an actor, which keep their order.
  ScopeOptions& Priority(int priority) {
    values_.priority = priority;
    return *this;
  }
  // Carried along. Default: a scope inside of no other makes one.
  ScopeOptions& Trace(TraceId trace) {
    values_.trace = trace;
    return *this;
  }
  // Neither the stop nor the deadline of the scope around it reach it.
  ScopeOptions& Shielded(bool shielded = true) {
    values_.shielded = shielded;
    return *this;
  }

  struct Values {
    mobula::Timeout timeout;
    std::stop_token stop;
    std::optional<int> priority;
    std::optional<TraceId> trace;
    bool shielded = false;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_SCOPE_OPTIONS_H_

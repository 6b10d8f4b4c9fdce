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
#include "base/ids.h"

namespace mobula {

// Names one request on its way through coroutines, processes and machines: 128
// bits, shown as 32 hex digits (ToString, Parse).
using TraceId = base::Id<struct TraceTag>;

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
  // Carried along; higher goes first where somebody asks for it. Default 0.
  ScopeOptions& Priority(int priority) {
    values_.priority = priority;
    return *this;
  }
  // Carried along. Default: none.
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

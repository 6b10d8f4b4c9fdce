// CancelledFailure is the outcome of what was cancelled, TimeoutFailure that of
// what was not done in time.
//
// A function whose scope's deadline passes hears of it from its waits, and ends
// by an exception as a rule, at the very moment at which its caller's time is
// over: IsOfScope tells that exception from one of its own.
// Threading: pure functions.
#ifndef MOBULA_RUNTIME_CORE_SCOPE_FAILURES_H_
#define MOBULA_RUNTIME_CORE_SCOPE_FAILURES_H_

#include <string>
#include <utility>

#include "base/failure.h"

namespace mobula::runtime {

inline base::Failure CancelledFailure(base::Executed executed) {
  return base::MakeFailure(base::FailureCode::kCancelled, executed,
                           executed == base::Executed::kNo
                               ? "it was cancelled before it started"
                               : "it was cancelled");
}

// `what`: "task", "call".
inline base::Failure TimeoutFailure(base::Executed executed, const char* what) {
  std::string message = "the timeout passed before the ";
  message += what;
  message += executed == base::Executed::kNo ? " could start" : " had ended";
  return base::MakeFailure(base::FailureCode::kTimeout, executed,
                           std::move(message));
}

// Whether that is what a wait throws whose scope was stopped.
inline bool IsOfScope(const base::Failure& failure) {
  return failure.code == base::FailureCode::kUserException &&
         (failure.exception_type == "mobula::TimeoutError" ||
          failure.exception_type == "mobula::Cancelled");
}

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_SCOPE_FAILURES_H_

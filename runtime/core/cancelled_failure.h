// CancelledFailure is the outcome of what was cancelled.
// Threading: a pure function.
#ifndef MOBULA_RUNTIME_CORE_CANCELLED_FAILURE_H_
#define MOBULA_RUNTIME_CORE_CANCELLED_FAILURE_H_

#include "base/failure.h"

namespace mobula::runtime {

inline base::Failure CancelledFailure(base::Executed executed) {
  return base::MakeFailure(base::FailureCode::kCancelled, executed,
                           executed == base::Executed::kNo
                               ? "it was cancelled before it started"
                               : "it was cancelled");
}

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_CANCELLED_FAILURE_H_

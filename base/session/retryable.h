// Whether what failed may work when it is tried again: a property of the code,
// in this one table.
//
// It does not say that trying again is allowed: that is for the call's retries
// and for what ran already (Failure::executed).
// Threading: a pure function.
#ifndef MOBULA_BASE_SESSION_RETRYABLE_H_
#define MOBULA_BASE_SESSION_RETRYABLE_H_

#include "base/failure.h"

namespace mobula::base {

constexpr bool IsRetryable(FailureCode code) {
  switch (code) {
    case FailureCode::kWorkerDied:       // another worker may live
    case FailureCode::kWorkerStart:      // another start may find the memory
    case FailureCode::kLimit:            // the queue drains
    case FailureCode::kControlAway:      // it comes back
    case FailureCode::kDiskFull:         // somebody makes room
    case FailureCode::kObjectStoreFull:  // the same
      return true;
    case FailureCode::kUserException:   // the caller decides, not the code
    case FailureCode::kActorDied:       // for ever
    case FailureCode::kActorRestarted:  // the caller wanted that incarnation
    case FailureCode::kTimeout:         // its time is over
    case FailureCode::kCancelled:
    case FailureCode::kInfeasible:
    case FailureCode::kTooLarge:
    case FailureCode::kDecode:
    case FailureCode::kNoSuchFunction:
    case FailureCode::kRayletDied:  // this process's way to all others
    case FailureCode::kShutdown:
    case FailureCode::kBadArgument:
    case FailureCode::kNameTaken:  // until its holder ends: the caller decides
    case FailureCode::kNoSuchActor:
    case FailureCode::kConflict:  // the caller reads again
    case FailureCode::kNoSuchJob:
    case FailureCode::kObjectLost:  // what could be tried has been
    case FailureCode::kOwnerDied:
    case FailureCode::kNoSuchObject:  // until somebody publishes it
    case FailureCode::kElsewhere:
    case FailureCode::kCoHosted:
      return false;
  }
  return false;  // a code of a newer peer
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_SESSION_RETRYABLE_H_

#include "tests/sim/oracle.h"

#include <algorithm>
#include <variant>

namespace mobula::sim {

using base::FailureCode;

void Oracle::CheckProcess(base::ProcessId process) {
  for (OpIndex i = 0; i < ledger_.operations().size(); ++i) {
    const Operation& operation = ledger_.operations()[i];
    if (operation.owner != process || !operation.watched) continue;
    if (!operation.outcome.has_value()) {
      verdict_.Violate("I1", ledger_.Describe(i) + " has no outcome");
      continue;
    }
    if (const auto* failure = std::get_if<base::Failure>(&*operation.outcome)) {
      CheckFailure(i, *failure);
    }
  }
}

void Oracle::CheckFailure(OpIndex index, const base::Failure& failure) {
  const Operation& operation = ledger_.operations()[index];
  if (IsInherited(operation, failure)) return;
  if (!IsJustified(operation, failure)) {
    verdict_.Violate("reason", ledger_.Describe(index) + ", charged " +
                                   std::to_string(operation.losses) +
                                   " times, fails without reason: " +
                                   base::DescribeFailure(failure));
  }
  CheckGap(index, failure);
}

// The failure of an argument is the outcome of the call too.
bool Oracle::IsInherited(const Operation& operation,
                         const base::Failure& failure, bool again) const {
  again = again || operation.may_differ();
  if (!operation.actor.IsNil() && operation.kind != OpKind::kConstructor) {
    const OpIndex made = ledger_.actors().at(operation.actor).constructor;
    if (IsInherited(ledger_.operations()[made], failure, again)) return true;
  }
  for (const base::ObjectName& passed : operation.passed) {
    if (IsPassedOn(passed, failure)) return true;
  }
  return std::any_of(
      operation.dependencies.begin(), operation.dependencies.end(),
      [this, &failure, again](OpIndex index) {
        const Operation& dependency = ledger_.operations()[index];
        if (!dependency.outcome.has_value()) return !dependency.watched;
        // It may have come to another end that nobody looked at.
        const bool differs = again || dependency.may_differ();
        if (differs && (IsJustified(dependency, failure, true) ||
                        IsInherited(dependency, failure, true))) {
          return true;
        }
        const auto* other = std::get_if<base::Failure>(&*dependency.outcome);
        return other != nullptr && other->code == failure.code;
      });
}

bool Oracle::IsPassedOn(const base::ObjectName& passed,
                        const base::Failure& failure) const {
  const auto index = ledger_.FindByResult(passed.object);
  if (!index.has_value()) return false;
  const Operation& op = ledger_.operations()[*index];
  // A constructor that could not begin is the death of its actor.
  const auto is_same = [&failure](const base::Failure& other) {
    return other.code == failure.code ||
           failure.code == FailureCode::kActorDied;
  };
  if (op.outcome.has_value()) {
    const auto* other = std::get_if<base::Failure>(&*op.outcome);
    if (other != nullptr) return is_same(*other);
  } else if (op.kind != OpKind::kPut) {
    return true;  // nobody saw what became of it
  }
  return truth_.MayFail(passed, failure);
}

bool Oracle::IsJustified(const Operation& operation,
                         const base::Failure& failure, bool again) const {
  switch (failure.code) {
    case FailureCode::kUserException:
      return IsExceptionJustified(operation);
    case FailureCode::kWorkerDied:
      return IsWorkerDeathJustified(operation);
    case FailureCode::kWorkerStart:
      return facts_.workers_failed_to_start;
    case FailureCode::kActorDied:
      return IsActorDeathJustified(operation);
    case FailureCode::kActorRestarted:
      return operation.bound_incarnation != 0;
    case FailureCode::kTimeout:
      if (operation.timeout == base::Duration::max()) return false;
      // Run again it has that time once more.
      return again || operation.run_again ||
             operation.settled_at - operation.asked_at >= operation.timeout;
    case FailureCode::kInfeasible:
      return operation.infeasible;
    case FailureCode::kLimit:
      if (facts_.worker_cap_reached) return true;
      return !operation.actor.IsNil() &&
             ledger_.actors().at(operation.actor).pending_calls_max >= 0;
    case FailureCode::kRayletDied:
      return facts_.raylet_died;
    case FailureCode::kCancelled:
      return ledger_.MayBeCancelled(operation);
    case FailureCode::kCoHosted:
      return IsSharedLossJustified(operation);
    case FailureCode::kTooLarge:
    case FailureCode::kDecode:
    case FailureCode::kNoSuchFunction:
    case FailureCode::kShutdown:
    case FailureCode::kBadArgument:
    case FailureCode::kNameTaken:
    case FailureCode::kNoSuchActor:
    case FailureCode::kConflict:
    case FailureCode::kControlAway:
    case FailureCode::kDiskFull:
    case FailureCode::kNoSuchJob:
    case FailureCode::kNoSuchObject:
    case FailureCode::kElsewhere:
    case FailureCode::kOwnerDied:
      return false;
    case FailureCode::kObjectStoreFull:
      return operation.store_full > 0;
    case FailureCode::kObjectLost:
      return IsLossJustified(operation);
  }
  return false;
}

bool Oracle::IsExceptionJustified(const Operation& operation) const {
  // What the constructor threw is the outcome of all calls.
  if (!operation.actor.IsNil() &&
      ledger_.actors().at(operation.actor).constructor_threw) {
    return true;
  }
  std::int32_t threw = 0;
  for (const std::size_t run : operation.executions) {
    if (ledger_.executions()[run].threw) ++threw;
  }
  if (threw == 0) return false;
  if (!operation.retry_exceptions) return true;
  // Each attempt was lost or threw.
  return threw + operation.losses >= operation.retries_max + 1;
}

// What can be made again must have been.
bool Oracle::IsLossJustified(const Operation& operation) const {
  if (!operation.may_differ()) return false;
  if (operation.kind != OpKind::kTask || operation.retries_max == 0)
    return true;
  const auto runs = static_cast<std::int32_t>(operation.executions.size());
  if (operation.retries_max > 0 &&
      runs + operation.losses > operation.retries_max) {
    return true;
  }
  // What it needs may be free, and have been put or made by an actor.
  return !operation.dependencies.empty() || !operation.passed.empty() ||
         !operation.mentioned.empty();
}

std::int32_t Oracle::SpentOnLosses(const Operation& operation) const {
  if (!operation.may_differ()) return 0;
  std::int32_t spent = 0;
  for (const std::size_t run : operation.executions) {
    const Execution& execution = ledger_.executions()[run];
    if (execution.finished && !execution.threw) ++spent;
  }
  return spent;
}

bool Oracle::IsWorkerDeathJustified(const Operation& operation) const {
  if (operation.retries_max < 0) return false;
  if (operation.kind == OpKind::kCall) {
    // Kill ends the worker without waiting for its last word: whatever was
    // in flight may have run.
    const ActorRecord& actor = ledger_.actors().at(operation.actor);
    if (operation.losses > 0) return true;
    // A borrower learns of a loss from the owner, with less than certainty.
    const bool is_borrowed = actor.owner != operation.owner;
    return operation.sent > 0 &&
           (actor.kills > 0 || (is_borrowed && actor.hosts_lost > 0));
  }
  std::int32_t threw = 0;
  if (operation.retry_exceptions) {
    for (const std::size_t run : operation.executions) {
      if (ledger_.executions()[run].threw) ++threw;
    }
  }
  return threw + operation.losses + SpentOnLosses(operation) >=
         operation.retries_max + 1;
}

bool Oracle::IsSharedLossJustified(const Operation& operation) const {
  if (operation.actor.IsNil()) return false;
  const ActorRecord& actor = ledger_.actors().at(operation.actor);
  // Its host ended, or one that lived there was killed and did not leave.
  return actor.shared && operation.sent > 0;
}

bool Oracle::IsActorDeathJustified(const Operation& operation) const {
  if (operation.actor.IsNil()) return false;
  const ActorRecord& actor = ledger_.actors().at(operation.actor);
  if (actor.exited || actor.final_kills > 0 || actor.constructor_threw ||
      actor.dropped || facts_.workers_failed_to_start) {
    return true;
  }
  // What lives on another node cannot be called.
  if (actor.detached && facts_.has_other_nodes) return true;
  if (actor.restarts_max < 0) {
    // It lives on; a call that may have run when a host died does not.
    return actor.hosts_lost > 0 && operation.losses > 0;
  }
  return actor.hosts_lost > 0 || actor.kills > 0;
}

// A call that is said never to have run, although a later one of its caller did
// run in the same actor, was skipped.
void Oracle::CheckGap(OpIndex index, const base::Failure& failure) {
  const Operation& skipped = ledger_.operations()[index];
  if (skipped.kind != OpKind::kCall ||
      failure.code != FailureCode::kActorDied ||
      failure.executed != base::Executed::kNo) {
    return;
  }
  // It was out of reach, and has moved here.
  if (ledger_.actors().at(skipped.actor).detached && ledger_.nodes_lost() > 0) {
    return;
  }
  for (OpIndex i = index + 1; i < ledger_.operations().size(); ++i) {
    const Operation& later = ledger_.operations()[i];
    if (later.owner != skipped.owner || later.actor != skipped.actor ||
        later.kind != OpKind::kCall || later.executions.empty()) {
      continue;
    }
    verdict_.Violate("I4", ledger_.Describe(index) + " was skipped: " +
                               base::DescribeFailure(failure) + "; then " +
                               ledger_.Describe(i) + " ran");
    return;
  }
}

}  // namespace mobula::sim

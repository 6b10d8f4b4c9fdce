// Scopes and cancelling in local mode.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "runtime/core/scope_failures.h"
#include "runtime/local/local_backend.h"

namespace mobula::runtime {

using base::CancelVerdict;
using base::Failure;
using base::FailureCode;

void LocalBackend::SetScope(Run& run, const base::CallerScope& scope) {
  run.scope.trace = scope.trace;
  run.scope.priority = scope.priority;
  run.deadline = scope.deadline;
}

std::optional<Failure> LocalBackend::Late(const base::CallerScope& scope,
                                          std::string_view function) {
  if (scope.deadline > base::BootNow()) return std::nullopt;
  Failure late = TimeoutFailure(base::Executed::kNo, "function");
  late.function = function;
  late.trace = scope.trace;
  return late;
}

std::optional<Failure> LocalBackend::Admit(const Submit& submit) {
  const std::string& name =
      submit.name.empty() ? submit.function_name : submit.name;
  if (std::optional<Failure> late = Late(submit.scope, name)) return late;
  base::MutexLock lock(mutex_);
  if (spawned_.Add(submit.parent, submit.scope.id, submit.task,
                   submit.result)) {
    spawned_.Settled(submit.result);
    Failure failure = CancelledFailure(base::Executed::kNo);
    failure.function = name;
    return failure;
  }
  runs_[submit.result].task = submit.task;
  return std::nullopt;
}

void LocalBackend::EndTask(const Submit& submit, base::Outcome& outcome) {
  const auto run = runs_.find(submit.result);
  MOBULA_CHECK(run != runs_.end(), "a task that ends was admitted");
  if (run->second.cancelled) {
    Failure failure = CancelledFailure(base::Executed::kMaybe);
    failure.function = submit.name.empty() ? submit.function_name : submit.name;
    outcome = std::move(failure);
  }
  runs_.erase(run);
  running_.Forget(submit.task);
  spawned_.Ended(submit.task);
  spawned_.Settled(submit.result);
}

void LocalBackend::On(const StopScope& stop) {
  base::MutexLock lock(mutex_);
  CancelAll(spawned_.StopScope(stop.scope));
}

void LocalBackend::On(const EndScope& end) {
  base::MutexLock lock(mutex_);
  CancelAll(spawned_.EndScope(end.scope, end.heir));
}

void LocalBackend::CancelAll(std::vector<SpawnedTasks::Child> children) {
  while (!children.empty()) {
    const SpawnedTasks::Child child = children.back();
    children.pop_back();
    const bool runs = runs_.contains(child.result);
    CancelOne(child.result, /*force=*/false);
    if (!runs) continue;
    const auto more = spawned_.Stop(child.task);
    children.insert(children.end(), more.begin(), more.end());
  }
}

Failure LocalBackend::Cancelled(const Call& call, base::Executed executed) {
  Failure failure = CancelledFailure(executed);
  failure.function = call.method_name;
  return failure;
}

std::optional<CancelVerdict> LocalBackend::Cancel(
    const base::ObjectName& object, bool force, bool recursive,
    base::BootTime /*deadline*/) {
  base::MutexLock lock(mutex_);
  const auto run = runs_.find(object.object);
  const base::TaskId task =
      run == runs_.end() ? base::TaskId() : run->second.task;
  const CancelVerdict verdict = CancelOne(object.object, force);
  if (recursive && !task.IsNil() && verdict == CancelVerdict::kCancelled) {
    CancelAll(spawned_.Stop(task));
  }
  return verdict;
}

CancelVerdict LocalBackend::CancelOne(base::ObjectId result, bool force) {
  if (objects_.WasPut(result)) return CancelVerdict::kNoTask;
  const auto pending = pending_.find(result);
  if (force && pending != pending_.end()) return CancelVerdict::kActorCall;
  const auto run = runs_.find(result);
  if (run != runs_.end()) {
    run->second.cancelled = true;
    running_.Stop(run->second.task);
    return CancelVerdict::kCancelled;
  }
  if (pending == pending_.end()) {
    const Settled* const settled = objects_.Find(result);
    if (settled == nullptr) return CancelVerdict::kFinished;
    if (force && settled->incarnation > 0) return CancelVerdict::kActorCall;
    const auto* failure = std::get_if<Failure>(&settled->outcome);
    const bool is_cancelled =
        failure != nullptr && failure->code == FailureCode::kCancelled;
    return is_cancelled ? CancelVerdict::kCancelled : CancelVerdict::kFinished;
  }
  std::deque<Call>& waiting = Find(pending->second)->waiting;
  const auto call = std::find_if(
      waiting.begin(), waiting.end(),
      [result](const Call& each) { return each.result == result; });
  MOBULA_CHECK(call != waiting.end(), "a pending call waits or runs");
  const Call taken = std::move(*call);
  waiting.erase(call);
  Settle(taken, {Cancelled(taken, base::Executed::kNo), 0});
  return CancelVerdict::kCancelled;
}

}  // namespace mobula::runtime

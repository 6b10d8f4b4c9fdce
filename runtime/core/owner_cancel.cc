// The part of Owner that cancels: docs/decisions/0016.
#include <variant>

#include "runtime/core/emit.h"
#include "runtime/core/owner.h"

namespace mobula::runtime {
namespace {

using base::CancelVerdict;
using Kind = ObjectMaker::Kind;

bool IsCancelled(const base::Outcome& outcome) {
  const auto* failure = std::get_if<base::Failure>(&outcome);
  return failure != nullptr && failure->code == base::FailureCode::kCancelled;
}

}  // namespace

void Owner::On(const Cancel& cancel) {
  if (cancel.object.owner != options_.self && Refusal() == nullptr) {
    cancels_.Ask(cancel, out_);
    return;
  }
  const CancelVerdict verdict =
      CancelOwn(cancel.object.object, cancel.force, cancel.recursive);
  Emit(*out_.effects, CancelReady{cancel.request, verdict});
}

void Owner::On(base::ProcessId from, const base::CancelObject& cancel) {
  const CancelVerdict verdict =
      CancelOwn(cancel.object, cancel.force, cancel.recursive);
  out_.SendTo(from, base::ObjectCancelled{cancel.request, verdict});
}

void Owner::On(base::ProcessId from, const base::ObjectCancelled& answer) {
  cancels_.Answered(from, answer, out_);
}

void Owner::On(base::ProcessId from, const base::TaskStopping& stopping) {
  tasks_.Stopping(from, stopping.task, out_);
  calls_.Stopping(from, stopping.task, out_);
}

CancelVerdict Owner::CancelOwn(base::ObjectId object, bool force,
                               bool recursive) {
  const ObjectMaker* maker = refs_.MakerOf(object);
  if (maker == nullptr) return CancelVerdict::kFinished;
  if (maker->kind == Kind::kNone) return CancelVerdict::kNoTask;
  if (force && maker->kind == Kind::kCall) return CancelVerdict::kActorCall;
  // It was finished, and others wait for its bytes.
  if (remaking_.contains(object)) return CancelVerdict::kFinished;
  // Also of one that has its outcome: it may run on all the same.
  tasks_.Cancel(maker->task, force, recursive, now_, out_);
  calls_.Cancel(maker->task, recursive, out_);
  const base::Outcome* outcome = refs_.Find(object);
  return outcome == nullptr || IsCancelled(*outcome) ? CancelVerdict::kCancelled
                                                     : CancelVerdict::kFinished;
}

void Owner::NoteSpawned(base::TaskId parent, base::SpawnScope scope,
                        base::TaskId child, base::ObjectId result) {
  if (spawned_.Add(parent, scope, child, result)) CancelAll({{child, result}});
}

void Owner::CancelSpawned(base::TaskId parent) {
  CancelAll(spawned_.Stop(parent));
}

void Owner::On(const StopScope& stop) {
  CancelAll(spawned_.StopScope(stop.scope));
}

void Owner::On(const EndScope& end) {
  CancelAll(spawned_.EndScope(end.scope, end.heir));
}

void Owner::CancelAll(const std::vector<SpawnedTasks::Child>& children) {
  for (const SpawnedTasks::Child& child : children) {
    tasks_.Cancel(child.task, /*force=*/false, /*recursive=*/true, now_, out_);
    calls_.Cancel(child.task, /*recursive=*/true, out_);
  }
}

}  // namespace mobula::runtime

#include "runtime/core/owner.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

using base::FailureCode;

Owner::Owner(Options options, base::IdSource& ids)
    : options_(options),
      arg_waits_(objects_),
      tasks_(options.job, ids, options.seed) {}

void Owner::Begin(base::BootTime now, Effects& effects) {
  MOBULA_CHECK(out_.settled.empty() && out_.abandoned.empty());
  now_ = now;
  out_.effects = &effects;
}

void Owner::End() {
  Flush();
  out_.effects = nullptr;
}

void Owner::On(Submit submit) {
  objects_.Add(submit.result);
  base::Failure refusal;
  refusal.executed = base::Executed::kNo;
  refusal.function = submit.function_name;
  if (raylet_lost_.has_value()) {
    refusal.code = raylet_lost_->code;
    refusal.message = raylet_lost_->message;
  } else if (tasks_.size() >= options_.tasks_max) {
    refusal.code = FailureCode::kLimit;
    refusal.message = "this process has too many unfinished tasks";
  } else {
    tasks_.Add(submit, now_);
    std::optional<ResolvedArgs> resolved =
        arg_waits_.Begin(submit.task, std::move(submit.args));
    if (resolved.has_value()) Deliver(submit.task, std::move(*resolved));
    return;
  }
  out_.Settle(submit.result, std::move(refusal));
}

void Owner::On(Put put) { objects_.Put(put.object, std::move(put.outcome)); }

void Owner::On(const DropObject& drop) { objects_.Drop(drop.object); }

void Owner::On(const Watch& watch) {
  objects_.Watch(watch.object, *out_.effects);
}

void Owner::On(const Tick& /*tick*/) { tasks_.Tick(now_, out_); }

void Owner::On(const base::Registered& registered) {
  tasks_.Joined(registered, now_, out_);
}

void Owner::On(const base::LeaseGranted& granted) {
  tasks_.Granted(granted, now_, out_);
}

void Owner::On(const base::LeaseRefused& refused) {
  tasks_.Refused(refused, now_, out_);
}

void Owner::On(const base::LeaseLost& lost) { tasks_.Lost(lost, now_, out_); }

void Owner::Done(base::ProcessId from, base::TaskDone done) {
  tasks_.Done(from, std::move(done), now_, out_);
}

void Owner::PeerLost(base::ProcessId process) {
  tasks_.LinkEnded(process, now_, out_);
}

void Owner::RayletLost() {
  if (raylet_lost_.has_value()) return;
  base::Failure failure;
  failure.code = FailureCode::kRayletDied;
  failure.message = "the node's agent (mobula raylet) has ended";
  raylet_lost_ = failure;
  tasks_.FailAll(failure, out_);
}

void Owner::Deliver(base::TaskId task, ResolvedArgs resolved) {
  auto* failure = std::get_if<base::Failure>(&resolved);
  if (tasks_.Has(task)) {
    if (failure != nullptr) {
      tasks_.Fail(task, std::move(*failure), now_, out_);
    } else {
      tasks_.Resolve(task, std::move(std::get<0>(resolved)), now_, out_);
    }
  }
}

void Owner::Flush() {
  while (!out_.settled.empty() || !out_.abandoned.empty()) {
    for (const base::TaskId task : out_.abandoned) arg_waits_.Abandon(task);
    out_.abandoned.clear();
    if (out_.settled.empty()) break;
    Settled settled = std::move(out_.settled.front());
    out_.settled.pop_front();
    woken_.clear();
    objects_.Settle(settled.object, std::move(settled.outcome),
                    settled.incarnation, *out_.effects, woken_);
    for (const base::TaskId task : woken_) {
      std::optional<ResolvedArgs> resolved =
          arg_waits_.Wake(task, settled.object);
      if (resolved.has_value()) Deliver(task, std::move(*resolved));
    }
  }
}

base::BootTime Owner::Next() const { return tasks_.Next(); }

bool Owner::HasPendingWork() const { return tasks_.size() > 0; }

}  // namespace mobula::runtime

#include "raylet/actors/hosted_actors.h"

#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::raylet {

using base::ActorReport;
using base::ActorState;
using base::Failure;

ActorReport HostedActors::ReportOf(const Actor& actor, ActorState state) const {
  ActorReport report;
  report.actor = actor.record.actor;
  report.incarnation = actor.record.incarnation;
  report.state = state;
  report.node = node_;
  if (state == ActorState::kAlive) {
    report.worker = actor.worker;
    report.pid = actor.pid;
  }
  report.restarts = actor.record.restarts;
  report.job = actor.record.job;
  report.class_name = actor.record.class_name;
  report.restarts_max = actor.record.restarts_max;
  return report;
}

const HostedActors::Actor* HostedActors::Host(const base::ActorRecord& record,
                                              Ids ids, Out& out) {
  if (!record.spec.has_value()) return nullptr;
  const auto gone = gone_.find(record.actor);
  if (gone != gone_.end() && gone->second >= record.incarnation) return nullptr;
  const auto found = actors_.find(record.actor);
  if (found != actors_.end()) {
    if (found->second.record.incarnation >= record.incarnation) return nullptr;
    Forget(found->second, /*at_once=*/true, out);
  }
  Actor actor;
  actor.record = record;
  actor.job = ids.job;
  actor.lease = ids.lease;
  actor.creation = ids.creation;
  of_lease_.emplace(ids.lease, record.actor);
  const auto it = actors_.emplace(record.actor, std::move(actor)).first;
  out.reports.push_back(ReportOf(it->second, ActorState::kPending));
  return &it->second;
}

void HostedActors::Stop(base::ActorId id, std::int64_t incarnation, Out& out) {
  const auto found = actors_.find(id);
  if (found == actors_.end()) return;
  if (found->second.record.incarnation > incarnation) return;
  Forget(found->second, /*at_once=*/true, out);
}

HostedActors::Actor* HostedActors::FindByLease(base::LeaseId lease) {
  const auto found = of_lease_.find(lease);
  return found == of_lease_.end() ? nullptr : &actors_.at(found->second);
}

std::optional<base::CreateActor> HostedActors::Granted(base::LeaseId lease,
                                                       base::ProcessId worker,
                                                       std::int32_t pid) {
  Actor* actor = FindByLease(lease);
  if (actor == nullptr || actor->stage != Stage::kWaiting) return std::nullopt;
  actor->stage = Stage::kCreating;
  actor->worker = worker;
  actor->pid = pid;
  of_worker_.emplace(worker, actor->record.actor);
  base::CreateActor create;
  create.task = actor->creation;
  create.actor = actor->record.actor;
  create.incarnation = actor->record.incarnation;
  create.constructor = actor->record.spec->constructor;
  for (base::Bytes& arg : actor->record.spec->args) {
    create.args.emplace_back(std::move(arg));
  }
  actor->record.spec->args.clear();
  create.assigned =
      base::Assigned{actor->record.name, actor->record.spec->resources};
  create.concurrency = actor->record.spec->concurrency;
  return create;
}

void HostedActors::Lost(base::LeaseId lease, const Failure& failure, Out& out) {
  const Actor* actor = FindByLease(lease);
  if (actor == nullptr) return;
  End(*actor, ActorState::kRestarting, failure, out);
}

void HostedActors::CannotBegin(base::LeaseId lease, const Failure& failure,
                               Out& out) {
  const Actor* actor = FindByLease(lease);
  if (actor == nullptr || actor->stage != Stage::kWaiting) return;
  End(*actor, ActorState::kDead, failure, out);
}

void HostedActors::End(const Actor& actor, ActorState state,
                       const Failure& failure, Out& out) {
  ActorReport report = ReportOf(actor, state);
  report.cause = failure;
  report.cause.incarnation = actor.record.incarnation;
  if (report.cause.function.empty()) {
    report.cause.function = actor.record.class_name;
  }
  out.reports.push_back(std::move(report));
  Forget(actor, /*at_once=*/true, out);
}

void HostedActors::Done(base::ProcessId worker, const base::TaskDone& done,
                        Out& out) {
  const auto found = of_worker_.find(worker);
  if (found == of_worker_.end()) return;
  Actor& actor = actors_.at(found->second);
  if (done.task != actor.creation) return;
  const auto* failure = std::get_if<Failure>(&done.outcome);
  if (failure == nullptr && !done.actor_exited) {
    if (actor.stage != Stage::kCreating) return;
    actor.stage = Stage::kAlive;
    out.reports.push_back(ReportOf(actor, ActorState::kAlive));
    return;
  }
  // A worker that is ending takes nothing: that is not the constructor's doing.
  const bool was_cancelled =
      failure != nullptr && failure->code == base::FailureCode::kCancelled;
  ActorReport report = ReportOf(
      actor, was_cancelled ? ActorState::kRestarting : ActorState::kDead);
  if (failure != nullptr) {
    report.cause = *failure;
    if (report.cause.pid == 0) report.cause.pid = actor.pid;
  } else {
    report.cause.code = base::FailureCode::kActorDied;
    report.cause.message = "the actor ended itself";
  }
  report.cause.incarnation = actor.record.incarnation;
  out.reports.push_back(std::move(report));
  Forget(actor, /*at_once=*/false, out);
}

void HostedActors::Forget(const Actor& actor, bool at_once, Out& out) {
  out.end_jobs.push_back({actor.job, at_once});
  of_lease_.erase(actor.lease);
  of_worker_.erase(actor.worker);
  const base::ActorId id = actor.record.actor;
  const std::int64_t incarnation = actor.record.incarnation;
  if (gone_.insert_or_assign(id, incarnation).second) gone_order_.push_back(id);
  actors_.erase(id);
  if (gone_order_.size() <= kGoneMax) return;
  gone_.erase(gone_order_.front());
  gone_order_.pop_front();
}

const HostedActors::Actor* HostedActors::Find(base::ActorId actor) const {
  const auto found = actors_.find(actor);
  return found == actors_.end() ? nullptr : &found->second;
}

const HostedActors::Actor* HostedActors::OfLease(base::LeaseId lease) const {
  const auto found = of_lease_.find(lease);
  return found == of_lease_.end() ? nullptr : Find(found->second);
}

void HostedActors::CheckInvariants() const {
  MOBULA_CHECK(of_lease_.size() == actors_.size());
  for (const auto& [id, actor] : actors_) {
    MOBULA_CHECK(of_lease_.at(actor.lease) == id);
    const bool has_worker = actor.stage != Stage::kWaiting;
    MOBULA_CHECK(has_worker == !actor.worker.IsNil());
    if (has_worker) MOBULA_CHECK(of_worker_.at(actor.worker) == id);
  }
}

}  // namespace mobula::raylet

// Shared actors: the hosts in which they live, and what becomes of them with
// those.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "runtime/actors/actor_table.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

// For people: what a host's lease is for.
std::string LabelOf(const HostTable::Host& host) {
  return host.group.empty() ? "shared actors" : "shared " + host.group;
}

// `by`: the class of who is charged.
Failure CoHosted(const Failure& story, const std::optional<std::string>& by) {
  Failure failure = story;
  failure.code = FailureCode::kCoHosted;
  failure.function.clear();
  failure.message = by.has_value()
                        ? "co-hosted: a shared actor of class " + *by +
                              " ended the process that they shared"
                        : "co-hosted: the process that it shared has ended";
  if (!story.message.empty()) failure.message += ": " + story.message;
  return failure;
}

}  // namespace

void ActorTable::AskHost(Actor& actor, Produced& out) {
  MOBULA_CHECK(actor.host.IsNil());
  HostTable::Host& host = hosts_.Place(actor.id, actor.class_name, ids_);
  actor.host = host.lease;
  if (!host.worker.IsNil()) {
    Construct(actor, host.worker, host.pid, out);
  } else if (host.been.size() == 1) {
    out.SendTo(raylet_, base::RequestLease{
                            host.lease, options_.job, {}, true, LabelOf(host)});
  }
}

void ActorTable::LeaveHost(Actor& actor, bool stop, Produced& out) {
  HostTable::Host* const host = hosts_.Find(actor.host);
  if (host == nullptr) return;
  std::optional<HostTable::Leaver> leaver;
  if (!actor.worker.IsNil()) {
    leaver.emplace();
    leaver->class_name = actor.class_name;
    if (stop) leaver->deadline = now_ + actor.kill_grace;
    if (!host->loss.suspected()) {
      out.SendTo(host->worker,
                 base::LeaveActor{actor.id, actor.incarnation, stop});
    }
  }
  hosts_.Leave(*host, actor.id, std::move(leaver));
  actor.host = base::LeaseId();
  actor.worker = base::ProcessId();
  SetHostWake(*host);
  ReturnIfEmpty(*host, out);
}

void ActorTable::ReturnIfEmpty(HostTable::Host& host, Produced& out) {
  if (!host.IsEmpty() || host.loss.suspected()) return;
  if (host.worker.IsNil()) {
    out.SendTo(raylet_, base::CancelLease{host.lease});
  } else {
    out.SendTo(raylet_, base::ReturnLease{host.lease, /*discard=*/false});
  }
  const base::LeaseId lease = host.lease;
  host.leavers.clear();
  SetHostWake(host);
  hosts_.Take(lease);
}

void ActorTable::SetHostWake(const HostTable::Host& host) {
  base::BootTime at = host.FirstDeadline();
  if (host.loss.suspected()) at = std::min(at, host.loss.decide_at());
  if (const auto known = host_wakes_.find(host.lease);
      known != host_wakes_.end()) {
    host_timers_.Remove(known->second, host.lease);
    host_wakes_.erase(known);
  }
  if (at.IsNever()) return;
  host_wakes_.emplace(host.lease, at);
  host_timers_.Add(at, host.lease);
}

bool ActorTable::HostGranted(const base::LeaseGranted& granted, Produced& out) {
  HostTable::Host* const host = hosts_.Find(granted.lease);
  if (host == nullptr) return false;
  if (!host->worker.IsNil()) return true;  // said twice
  hosts_.Granted(*host, granted.worker, granted.pid);
  for (const base::ActorId id : host->actors) {
    Construct(actors_.at(id), granted.worker, granted.pid, out);
  }
  return true;
}

bool ActorTable::HostRefused(const base::LeaseRefused& refused, Produced& out) {
  HostTable::Host* const host = hosts_.Find(refused.lease);
  if (host == nullptr) return false;
  const HostTable::Host gone = hosts_.Take(refused.lease);
  for (const base::ActorId id : gone.actors) {
    Actor& actor = actors_.at(id);
    actor.host = base::LeaseId();
    Failure cause = refused.failure;
    cause.executed = base::Executed::kNo;
    cause.function = actor.class_name;
    Die(actor, std::move(cause), Unstarted::kAllButFirst, out);
  }
  return true;
}

bool ActorTable::HostLost(const base::LeaseLost& lost, base::BootTime now,
                          Produced& out) {
  HostTable::Host* const host = hosts_.Find(lost.lease);
  if (host == nullptr) return false;
  if (host->worker.IsNil()) {  // it was lost before we heard of the grant
    const HostTable::Host gone = hosts_.Take(lost.lease);
    for (const base::ActorId id : gone.actors) {
      Actor& actor = actors_.at(id);
      actor.host = base::LeaseId();
      AskLease(actor, out);
    }
    return true;
  }
  host->loss.Told(lost.failure, now);
  host->charged = lost.charged;
  DecideHostLoss(*host, now, out);
  return true;
}

void ActorTable::DecideHostLoss(HostTable::Host& host, base::BootTime now,
                                Produced& out) {
  if (!host.loss.Decided(now)) {
    SetHostWake(host);
    return;
  }
  Failure failure = host.loss.failure();
  if (failure.pid == 0) failure.pid = host.pid;
  const Unstarted unstarted =
      host.loss.complete() ? Unstarted::kAllButFirst : Unstarted::kUnknown;
  if (!host.loss.told()) {
    out.SendTo(raylet_, base::ReturnLease{host.lease, /*discard=*/true});
  }
  EmptyHost(host.lease, failure, unstarted, host.charged, now, out);
}

void ActorTable::EmptyHost(base::LeaseId lease, const Failure& failure,
                           Unstarted unstarted, base::ActorId charged,
                           base::BootTime now, Produced& out) {
  HostTable::Host gone = hosts_.Take(lease);
  std::optional<std::string> by;
  if (gone.actors.contains(charged)) {
    by = actors_.at(charged).class_name;
  } else if (const auto left = gone.leavers.find(charged);
             left != gone.leavers.end()) {
    by = left->second.class_name;
  }
  if (by.has_value()) hosts_.Charge(*by);
  for (const base::ActorId id : gone.actors) {
    Actor& actor = actors_.at(id);
    actor.host = base::LeaseId();
    actor.worker = base::ProcessId();
    const bool counted = id == charged;
    Crash(actor, counted ? failure : CoHosted(failure, by), unstarted, now, out,
          counted);
  }
  const auto leavers = std::exchange(gone.leavers, {});
  gone.loss = WorkerLoss();
  SetHostWake(gone);
  for (const auto& [id, leaver] : leavers) AskAgain(id, out);
}

void ActorTable::AskAgain(base::ActorId id, Produced& out) {
  Actor* const actor = Find(id);
  if (actor == nullptr || actor->state != State::kBackoff) return;
  if (actor->wake_at.IsNever()) AskLease(*actor, out);
}

void ActorTable::Left(base::ProcessId from, const base::ActorLeft& left,
                      Produced& out) {
  HostTable::Host* const host = hosts_.Left(from, left.actor);
  if (host == nullptr) return;
  const Actor* const actor = Find(left.actor);
  if (actor == nullptr || actor->state == State::kDead) {
    host->been.erase(left.actor);  // it comes no more
  }
  SetHostWake(*host);
  const base::LeaseId lease = host->lease;
  AskAgain(left.actor, out);
  if (HostTable::Host* const still = hosts_.Find(lease)) {
    ReturnIfEmpty(*still, out);
  }
}

void ActorTable::TickHosts(base::BootTime now, Produced& out) {
  while (const std::optional<base::LeaseId> lease = host_timers_.PopDue(now)) {
    host_wakes_.erase(*lease);
    HostTable::Host* const host = hosts_.Find(*lease);
    MOBULA_CHECK(host != nullptr);
    if (host->loss.suspected() && host->loss.Decided(now)) {
      DecideHostLoss(*host, now, out);
      continue;
    }
    const auto late = std::find_if(
        host->leavers.begin(), host->leavers.end(),
        [now](const auto& each) { return each.second.deadline <= now; });
    MOBULA_CHECK(late != host->leavers.end());
    Failure failure = base::MakeFailure(
        FailureCode::kWorkerDied, base::Executed::kMaybe,
        "a shared actor of class " + late->second.class_name +
            " was killed and did not end in time, so that its process was");
    failure.pid = host->pid;
    out.SendTo(raylet_, base::ReturnLease{*lease, /*discard=*/true});
    EmptyHost(*lease, failure, Unstarted::kUnknown, base::ActorId(), now, out);
  }
}

}  // namespace mobula::runtime

#include "runtime/actors/actor_table.h"

#include <utility>

#include "base/check.h"
#include "base/value.h"
#include "runtime/core/scope_failures.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

constexpr int kRefusalsMax = 10;  // of workers, in a row, before giving up

// The worker did not take the constructor at all.
bool IsRefusal(const Failure& failure) {
  return failure.executed == base::Executed::kNo &&
         (failure.code == FailureCode::kCancelled ||
          failure.code == FailureCode::kBadArgument ||
          failure.code == FailureCode::kLimit);
}

}  // namespace

void ActorTable::Joined(const base::Registered& registered, Produced& out) {
  raylet_ = registered.raylet;
  node_ = registered.node;
  node_name_ = registered.node_name;
  for (auto& [id, actor] : actors_) {
    Report(actor, actor.cause, out);
    if (actor.state == State::kLeasing) AskLease(actor, out);
  }
}

void ActorTable::Add(Create create, Produced& out) {
  MOBULA_CHECK(!create.actor.IsNil() && !create.task.IsNil());
  const auto [it, is_new] = actors_.try_emplace(create.actor);
  MOBULA_CHECK(is_new) << "actor " << create.actor << " exists";
  Actor& actor = it->second;
  actor.id = create.actor;
  actor.creation = create.task;
  actor.constructor = create.constructor;
  actor.class_name = std::move(create.class_name);
  actor.name = std::move(create.name);
  actor.resources = std::move(create.resources);
  actor.placement = std::move(create.placement);
  actor.restarts_max = create.restarts_max;
  actor.concurrency = std::move(create.concurrency);
  actor.held = create.held;
  actor.shared = create.shared;
  actor.kill_grace = create.kill_grace;
  actor.scope = create.scope;
  actor.since = now_;
  of_creation_[actor.creation] = &actor;
  ++starting_;
  Report(actor, out);
}

ActorTable::Actor* ActorTable::Find(base::ActorId actor) {
  const auto it = actors_.find(actor);
  return it == actors_.end() ? nullptr : &it->second;
}

ActorTable::Actor* ActorTable::OfLease(base::LeaseId lease) {
  const auto it = of_lease_.find(lease);
  return it == of_lease_.end() ? nullptr : it->second;
}

bool ActorTable::Awaits(base::TaskId creation) const {
  const auto it = of_creation_.find(creation);
  return it != of_creation_.end() && it->second->state == State::kWaitingArgs;
}

void ActorTable::Resolve(base::TaskId creation, std::vector<base::Value> args,
                         Produced& out) {
  MOBULA_CHECK(Awaits(creation));
  Actor& actor = *of_creation_.find(creation)->second;
  actor.args = std::move(args);
  if (actor.held) {
    SetState(actor, State::kHeld);
  } else {
    AskLease(actor, out);
  }
}

void ActorTable::Start(base::ActorId id, Produced& out) {
  Actor* actor = Find(id);
  if (actor == nullptr || !actor->held) return;
  actor->held = false;
  Report(*actor, actor->cause, out);
  if (actor->state == State::kHeld) AskLease(*actor, out);
}

void ActorTable::FailArguments(base::TaskId creation, Failure failure,
                               Produced& out) {
  MOBULA_CHECK(Awaits(creation));
  Die(*of_creation_.find(creation)->second, std::move(failure),
      Unstarted::kAllButFirst, out);
}

void ActorTable::Refuse(base::ActorId id, Failure cause, Produced& out) {
  Actor* actor = Find(id);
  MOBULA_CHECK(actor != nullptr && actor->state == State::kWaitingArgs);
  Die(*actor, std::move(cause), Unstarted::kAllButFirst, out);
}

void ActorTable::SetState(Actor& actor, State state) {
  MOBULA_CHECK(actor.state != State::kDead, "the dead do not return");
  const bool was_starting = actor.state != State::kAlive;
  const bool is_starting = state != State::kAlive && state != State::kDead;
  actor.state = state;
  actor.since = now_;
  if (was_starting && !is_starting) --starting_;
  if (!was_starting && is_starting) ++starting_;
}

void ActorTable::SetWake(Actor& actor, base::BootTime at) {
  timers_.Remove(actor.wake_at, actor.id);
  actor.wake_at = at;
  timers_.Add(at, actor.id);
}

void ActorTable::AskLease(Actor& actor, Produced& out) {
  SetState(actor, State::kLeasing);
  if (raylet_.IsNil()) return;  // Joined asks
  if (actor.shared) {
    AskHost(actor, out);
    return;
  }
  MOBULA_CHECK(actor.lease.IsNil());
  actor.lease = ids_.Next<base::LeaseId>();
  of_lease_[actor.lease] = &actor;
  out.SendTo(raylet_,
             base::RequestLease{actor.lease, options_.job, actor.resources,
                                true, actor.class_name, actor.scope.priority,
                                actor.placement});
}

void ActorTable::LeaveLease(Actor& actor, bool discard, Produced& out) {
  if (actor.shared) LeaveHost(actor, discard, out);
  if (actor.lease.IsNil()) return;
  if (actor.worker.IsNil()) {
    out.SendTo(raylet_, base::CancelLease{actor.lease});
  } else {
    out.SendTo(raylet_, base::ReturnLease{actor.lease, discard});
  }
  ForgetLease(actor);
}

void ActorTable::ForgetLease(Actor& actor) {
  of_lease_.erase(actor.lease);
  const auto it = of_worker_.find(actor.worker);
  if (it != of_worker_.end() && it->second == &actor) of_worker_.erase(it);
  actor.lease = base::LeaseId();
  actor.worker = base::ProcessId();
  actor.loss = WorkerLoss();
  SetWake(actor, base::BootTime::Never());
}

bool ActorTable::Granted(const base::LeaseGranted& granted, Produced& out) {
  if (HostGranted(granted, out)) return true;
  Actor* actor = OfLease(granted.lease);
  if (actor == nullptr || actor->state != State::kLeasing) return false;
  of_worker_[granted.worker] = actor;
  if (IsLate(*actor)) {
    actor->worker = granted.worker;
    LeaveLease(*actor, /*discard=*/false, out);
    Failure late = TimeoutFailure(base::Executed::kNo, "constructor");
    late.function = actor->class_name;
    Die(*actor, std::move(late), Unstarted::kAll, out);
    return true;
  }
  Construct(*actor, granted.worker, granted.pid, out);
  return true;
}

void ActorTable::Construct(Actor& actor, base::ProcessId worker,
                           std::int32_t pid, Produced& out) {
  actor.worker = worker;
  actor.pid = pid;
  SetState(actor, State::kCreating);
  base::CreateActor create;
  create.task = actor.creation;
  create.actor = actor.id;
  create.incarnation = actor.incarnation;
  create.constructor = actor.constructor;
  create.args = actor.args;
  create.assigned = base::Assigned{actor.name, actor.resources};
  create.shared = actor.shared;
  create.concurrency = actor.concurrency;
  create.scope = Travelling(
      &actor.scope,
      actor.lived == 0 ? actor.scope.deadline : base::BootTime::Never(), now_);
  out.SendTo(worker, std::move(create));
}

bool ActorTable::Refused(const base::LeaseRefused& refused, Produced& out) {
  if (HostRefused(refused, out)) return true;
  Actor* actor = OfLease(refused.lease);
  if (actor == nullptr) return false;
  ForgetLease(*actor);
  Failure cause = refused.failure;
  cause.executed = base::Executed::kNo;
  cause.function = actor->class_name;
  Die(*actor, std::move(cause), Unstarted::kAllButFirst, out);
  return true;
}

bool ActorTable::Lost(const base::LeaseLost& lost, base::BootTime now,
                      Produced& out) {
  if (HostLost(lost, now, out)) return true;
  Actor* actor = OfLease(lost.lease);
  if (actor == nullptr) return false;
  if (actor->worker.IsNil()) {  // it was lost before we heard of the grant
    ForgetLease(*actor);
    AskLease(*actor, out);
    return true;
  }
  actor->loss.Told(lost.failure, now);
  DecideLoss(*actor, now, out);
  return true;
}

void ActorTable::LinkEnded(base::ProcessId worker, base::BootTime now,
                           Produced& out) {
  if (HostTable::Host* const host = hosts_.OfWorker(worker)) {
    host->loss.LinkEnded(now);
    DecideHostLoss(*host, now, out);
    return;
  }
  const auto it = of_worker_.find(worker);
  if (it == of_worker_.end()) return;
  it->second->loss.LinkEnded(now);
  DecideLoss(*it->second, now, out);
}

void ActorTable::DecideLoss(Actor& actor, base::BootTime now, Produced& out) {
  if (!actor.loss.Decided(now)) {
    SetWake(actor, actor.loss.decide_at());
    return;
  }
  Failure failure = actor.loss.failure();
  if (failure.pid == 0) failure.pid = actor.pid;
  const Unstarted unstarted =
      actor.loss.complete() ? Unstarted::kAllButFirst : Unstarted::kUnknown;
  if (actor.loss.told()) {
    ForgetLease(actor);
  } else {
    LeaveLease(actor, /*discard=*/true, out);
  }
  Crash(actor, std::move(failure), unstarted, now, out);
}

void ActorTable::Crash(Actor& actor, Failure failure, Unstarted unstarted,
                       base::BootTime now, Produced& out, bool counted) {
  MOBULA_CHECK(actor.lease.IsNil() && actor.host.IsNil());
  const bool lived = actor.state == State::kAlive;
  if (lived && now - actor.alive_since >= kSoundLife) actor.crashes = 0;
  if (counted && actor.restarts_max >= 0 &&
      actor.restarts >= actor.restarts_max) {
    failure.code = FailureCode::kActorDied;
    failure.executed = base::Executed::kNo;
    if (failure.node.empty()) failure.node = node_name_;
    const std::string story = failure.message;
    failure.message = "the worker of actor " + actor.class_name +
                      " ended, and no restart is left";
    if (!story.empty()) failure.message += ": " + story;
    Die(actor, std::move(failure), unstarted, out);
    return;
  }
  if (counted) ++actor.restarts;
  ++actor.incarnation;
  const Failure cause = failure;
  // Even a constructor that was lost may have been waited for by watchers.
  if (lived) {
    ActorNews news;
    news.what = ActorNews::What::kDown;
    news.actor = actor.id;
    news.incarnation = actor.lived;
    news.failure = std::move(failure);
    news.unstarted = unstarted;
    news_.push_back(std::move(news));
  }
  StartAgain(actor, now, out);
  Report(actor, cause, out);
  if (lived) TellWatchers(actor, out, &cause);
}

void ActorTable::StartAgain(Actor& actor, base::BootTime now, Produced& out) {
  ++actor.crashes;
  const base::Duration delay = backoff_.Next(actor.crashes);
  if (hosts_.IsLeaving(actor.id)) {
    SetState(actor, State::kBackoff);  // Left, or the end of its host, goes on
    return;
  }
  if (delay == base::Duration::zero()) {
    AskLease(actor, out);
    return;
  }
  SetState(actor, State::kBackoff);
  SetWake(actor, now + delay);
}

bool ActorTable::Done(base::ProcessId from, base::TaskDone& done,
                      base::BootTime now, Produced& out) {
  const auto it = of_creation_.find(done.task);
  if (it == of_creation_.end()) return false;
  Actor& actor = *it->second;
  if (actor.worker != from || done.incarnation != actor.incarnation) {
    return true;  // an answer of another life
  }
  if (done.actor_exited) {
    Exited(actor.id, out);
  } else if (actor.state == State::kCreating) {
    if (auto* failure = std::get_if<Failure>(&done.outcome)) {
      ConstructorFailed(actor, std::move(*failure), now, out);
    } else {
      Live(actor, now, out);
    }
  }
  return true;
}

void ActorTable::Live(Actor& actor, base::BootTime now, Produced& out) {
  SetState(actor, State::kAlive);
  actor.alive_since = now;
  MOBULA_CHECK(actor.incarnation > actor.lived);
  actor.lived = actor.incarnation;
  ActorNews news;
  news.what = ActorNews::What::kUp;
  news.actor = actor.id;
  news.incarnation = actor.incarnation;
  news.worker = actor.worker;
  news.pid = actor.pid;
  news_.push_back(std::move(news));
  Report(actor, out);
  TellWatchers(actor, out);
}

void ActorTable::ConstructorFailed(Actor& actor, Failure failure,
                                   base::BootTime now, Produced& out) {
  if (IsRefusal(failure) && actor.crashes < kRefusalsMax) {
    LeaveLease(actor, /*discard=*/true, out);
    StartAgain(actor, now, out);
    return;
  }
  if (IsLate(actor) && IsOfScope(failure)) {
    failure = TimeoutFailure(base::Executed::kYes, "constructor");
  }
  if (failure.function.empty()) failure.function = actor.class_name;
  if (failure.trace.IsNil()) failure.trace = actor.scope.trace;
  if (failure.node.empty()) failure.node = node_name_;
  if (failure.pid == 0) failure.pid = actor.pid;
  if (failure.attempt == 0) failure.attempt = 1;
  Die(actor, std::move(failure), Unstarted::kAllButFirst, out);
}

void ActorTable::Exited(base::ActorId id, Produced& out) {
  Actor* actor = Find(id);
  if (actor == nullptr || actor->state == State::kDead) return;
  LeaveLease(*actor, /*discard=*/false, out);
  Die(*actor,
      base::NotRun(FailureCode::kActorDied,
                   "actor " + actor->class_name + " called ExitActor"),
      Unstarted::kAll, out);
}

void ActorTable::Kill(const base::KillActor& kill, base::BootTime now,
                      Produced& out) {
  Actor* actor = Find(kill.actor);
  if (actor == nullptr || actor->state == State::kDead) return;
  if (!kill.restart) {
    // Its worker ends by itself, or is ended by its raylet. A shared one is
    // told to stop and waited for in any case.
    if (kill.graceful && !actor->shared) {
      LeaveLease(*actor, /*discard=*/false, out);
    }
    Die(*actor,
        base::NotRun(FailureCode::kActorDied,
                     "actor " + actor->class_name + " was killed"),
        Unstarted::kUnknown, out);
    return;
  }
  if (actor->worker.IsNil()) return;  // nothing lives: it starts anyway
  Failure failure =
      base::NotRun(FailureCode::kWorkerDied, "actor " + actor->class_name +
                                                 " was killed to be restarted");
  failure.pid = actor->pid;
  LeaveLease(*actor, /*discard=*/true, out);
  Crash(*actor, std::move(failure), Unstarted::kUnknown, now, out);
}

void ActorTable::Die(Actor& actor, Failure cause, Unstarted unstarted,
                     Produced& out) {
  if (actor.state == State::kWaitingArgs) {
    out.abandoned.push_back(actor.creation);
  }
  LeaveLease(actor, /*discard=*/true, out);
  SetWake(actor, base::BootTime::Never());
  SetState(actor, State::kDead);
  actor.args.clear();
  actor.cause = cause;
  ActorNews news;
  news.what = ActorNews::What::kDead;
  news.actor = actor.id;
  news.incarnation = actor.lived;
  news.failure = std::move(cause);
  news.unstarted = unstarted;
  news_.push_back(std::move(news));
  Report(actor, actor.cause, out);
  TellWatchers(actor, out);
  // They have heard the last of it, and will not say that they leave.
  for (const base::ProcessId watcher : actor.watchers) {
    watched_.erase({watcher, actor.id});
  }
  actor.watchers.clear();
}

void ActorTable::Drop(base::ActorId id) {
  Actor* actor = Find(id);
  if (actor == nullptr) return;
  MOBULA_CHECK(actor->handles > 0) << "actor " << id << " has no handle";
  --actor->handles;
}

void ActorTable::Keep(base::ActorId id) {
  if (Actor* actor = Find(id)) ++actor->handles;
}

ActorChanged ActorTable::View(base::ActorId id) const {
  const Actor& actor = actors_.at(id);
  return ActorChanged{id, actor.lived, actor.state == State::kDead};
}

bool ActorTable::ForgetIfUnused(base::ActorId id, Produced& out) {
  Actor* actor = Find(id);
  if (actor == nullptr || actor->handles > 0 || !actor->watchers.empty()) {
    return false;
  }
  if (actor->state != State::kDead) {
    if (actor->state == State::kWaitingArgs) {
      out.abandoned.push_back(actor->creation);
    }
    LeaveLease(*actor, /*discard=*/actor->state != State::kAlive, out);
    SetWake(*actor, base::BootTime::Never());
    SetState(*actor, State::kDead);
    Report(*actor,
           base::NotRun(FailureCode::kActorDied, "its last handle was dropped"),
           out);
  }
  of_creation_.erase(actor->creation);
  actors_.erase(id);
  return true;
}

base::ActorMoved ActorTable::Where(const Actor& actor) {
  base::ActorMoved moved;
  moved.actor = actor.id;
  moved.incarnation = actor.lived;
  if (actor.state == State::kAlive) moved.worker = actor.worker;
  moved.dead = actor.state == State::kDead;
  if (moved.dead) moved.failure = actor.cause;
  return moved;
}

void ActorTable::TellWatchers(const Actor& actor, Produced& out,
                              const Failure* loss) const {
  if (actor.watchers.empty()) return;
  base::ActorMoved moved = Where(actor);
  if (loss != nullptr) moved.failure = *loss;
  for (const base::ProcessId watcher : actor.watchers) {
    out.SendTo(watcher, moved);
  }
}

void ActorTable::Report(const Actor& actor, Produced& out) const {
  Report(actor, Failure(), out);
}

void ActorTable::Report(const Actor& actor, Failure cause,
                        Produced& out) const {
  if (raylet_.IsNil() || actor.held) return;  // Joined reports, or Start
  base::ActorReport report;
  report.actor = actor.id;
  report.incarnation = actor.incarnation;
  report.restarts = actor.restarts;
  if (actor.state == State::kDead) {
    report.state = base::ActorState::kDead;
  } else if (actor.state == State::kAlive) {
    report.state = base::ActorState::kAlive;
    report.node = node_;
    report.worker = actor.worker;
    report.pid = actor.pid;
  } else {
    report.state = actor.incarnation == 1 ? base::ActorState::kPending
                                          : base::ActorState::kRestarting;
  }
  report.cause = std::move(cause);
  report.job = options_.job;
  report.owner = options_.self;
  report.class_name = actor.class_name;
  report.restarts_max = actor.restarts_max;
  report.shared = actor.shared;
  report.separated = actor.shared && hosts_.IsSeparated(actor.class_name);
  out.SendTo(raylet_, std::move(report));
}

void ActorTable::Watch(base::ProcessId watcher, base::ActorId id,
                       Produced& out) {
  Actor* actor = Find(id);
  if (actor == nullptr) {
    base::ActorMoved moved;
    moved.actor = id;
    moved.dead = true;
    moved.failure =
        base::NotRun(FailureCode::kActorDied,
                     "the actor ended: its owner has no handle of it");
    out.SendTo(watcher, std::move(moved));
    return;
  }
  if (actor->state != State::kDead) {
    actor->watchers.insert(watcher);
    watched_.emplace(watcher, id);
  }
  out.SendTo(watcher, Where(*actor));
}

void ActorTable::Unwatch(base::ProcessId watcher, base::ActorId id) {
  watched_.erase({watcher, id});
  if (Actor* actor = Find(id)) actor->watchers.erase(watcher);
}

std::vector<base::ActorId> ActorTable::LoseWatcher(base::ProcessId watcher) {
  std::vector<base::ActorId> actors;
  for (auto it = watched_.lower_bound({watcher, base::ActorId()});
       it != watched_.end() && it->first == watcher; ++it) {
    actors.push_back(it->second);
  }
  for (const base::ActorId actor : actors) Unwatch(watcher, actor);
  return actors;
}

void ActorTable::Tick(base::BootTime now, Produced& out) {
  TickHosts(now, out);
  while (const std::optional<base::ActorId> id = timers_.PopDue(now)) {
    Actor* actor = Find(*id);
    MOBULA_CHECK(actor != nullptr);
    actor->wake_at = base::BootTime::Never();
    if (actor->state == State::kBackoff) {
      AskLease(*actor, out);
    } else {
      MOBULA_CHECK(actor->loss.Decided(now));
      DecideLoss(*actor, now, out);
    }
  }
}

void ActorTable::FailAll(const Failure& failure, Produced& out) {
  raylet_ = base::ProcessId();
  hosts_.Clear();
  for (const auto& [lease, at] : host_wakes_) host_timers_.Remove(at, lease);
  host_wakes_.clear();
  for (auto& [id, actor] : actors_) {
    if (actor.state == State::kDead) continue;
    actor.host = base::LeaseId();
    ForgetLease(actor);
    Die(actor, failure, Unstarted::kUnknown, out);
  }
}

std::vector<base::HeldActor> ActorTable::Held() const {
  std::vector<base::HeldActor> held;
  for (const auto& [id, actor] : actors_) {
    base::HeldActor& one = held.emplace_back();
    one.actor = id;
    one.owner = options_.self;
    one.worker = actor.worker;
    one.class_name = actor.class_name;
    one.is_dead = actor.state == State::kDead;
    one.handles = actor.handles;
  }
  return held;
}

}  // namespace mobula::runtime

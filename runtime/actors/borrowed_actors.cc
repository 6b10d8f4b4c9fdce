#include "runtime/actors/borrowed_actors.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {
namespace {

base::Failure OwnerGone() {
  return base::NotRun(
      base::FailureCode::kActorDied,
      "the process that owned the actor has ended, or its node is lost");
}

base::Failure Elsewhere() {
  return base::NotRun(
      base::FailureCode::kActorDied,
      "the actor lives on a node that this one cannot reach now (`mobula get` "
      "names it; the log of this node's raylet says why)");
}

}  // namespace

bool BorrowedActors::Adopt(base::ActorId id, base::ProcessId owner,
                           Produced& out) {
  const auto [it, is_new] = actors_.try_emplace(id);
  Actor& actor = it->second;
  ++actor.handles;
  if (!is_new) return false;
  actor.id = id;
  actor.owner = owner;
  owners_.emplace(owner, id);
  if (links_.Reach(owner, out)) StartWatching(actor, out);
  return true;
}

void BorrowedActors::StartWatching(Actor& actor, Produced& out) {
  actor.watching = true;
  out.SendTo(actor.owner, base::WatchActor{actor.id});
  if (actor.kill.has_value()) {
    out.SendTo(actor.owner, *actor.kill);
    actor.kill.reset();
  }
}

void BorrowedActors::Kill(const base::KillActor& kill, Produced& out) {
  const auto it = actors_.find(kill.actor);
  if (it == actors_.end() || it->second.dead) return;
  if (it->second.watching) {
    out.SendTo(it->second.owner, kill);
  } else {
    it->second.kill = kill;
  }
}

void BorrowedActors::Exited(base::ActorId id) {
  const auto it = actors_.find(id);
  if (it == actors_.end() || !it->second.up) return;
  Die(it->second,
      base::NotRun(base::FailureCode::kActorDied, "the actor ended itself"),
      Unstarted::kAll);
}

void BorrowedActors::Moved(base::ProcessId from, base::ActorMoved moved,
                           base::BootTime now, Produced& out) {
  const auto it = actors_.find(moved.actor);
  if (it == actors_.end()) return;
  Actor& actor = it->second;
  if (actor.dead || from != actor.owner) return;
  if (!actor.up) {
    Apply(actor, moved, out);
    return;
  }
  if (!moved.dead && moved.worker == actor.worker &&
      moved.incarnation == actor.incarnation) {
    return;
  }
  // Of a death it tells below.
  base::Failure failure = moved.dead ? base::Failure() : moved.failure;
  if (failure.code != base::FailureCode::kCoHosted) {
    failure.code = base::FailureCode::kWorkerDied;
  }
  if (failure.message.empty()) failure.message = "the actor's worker has ended";
  actor.next = std::move(moved);
  actor.loss.Told(std::move(failure), now);
  DecideLoss(actor, now, out);
}

void BorrowedActors::Apply(Actor& actor, const base::ActorMoved& moved,
                           Produced& out) {
  MOBULA_CHECK(!actor.up);
  if (moved.dead) {
    Die(actor, moved.failure, Unstarted::kAllButFirst);
    return;
  }
  if (moved.incarnation < actor.incarnation) return;
  actor.incarnation = moved.incarnation;
  Locate(actor, moved.worker, out);
}

void BorrowedActors::Locate(Actor& actor, base::ProcessId worker,
                            Produced& out) {
  SetWake(actor, base::BootTime::Never());
  workers_.erase({actor.worker, actor.id});
  actor.worker = worker;
  if (worker.IsNil()) return;
  workers_.emplace(worker, actor.id);
  if (links_.Reach(worker, out)) GoUp(actor);
}

void BorrowedActors::GoUp(Actor& actor) {
  MOBULA_CHECK(!actor.up && !actor.dead && !actor.worker.IsNil());
  actor.up = true;
  SetWake(actor, base::BootTime::Never());
  ActorNews news;
  news.what = ActorNews::What::kUp;
  news.actor = actor.id;
  news.incarnation = actor.incarnation;
  news.worker = actor.worker;
  news_.push_back(std::move(news));
}

void BorrowedActors::DecideLoss(Actor& actor, base::BootTime now,
                                Produced& out) {
  if (!actor.loss.Decided(now)) {
    SetWake(actor, actor.loss.decide_at());
    return;
  }
  SetWake(actor, base::BootTime::Never());
  const Unstarted unstarted =
      actor.loss.complete() ? Unstarted::kAllButFirst : Unstarted::kUnknown;
  base::Failure failure = actor.loss.failure();
  actor.loss = WorkerLoss();
  actor.up = false;
  const std::optional<base::ActorMoved> next =
      std::exchange(actor.next, std::nullopt);
  if (next.has_value() && next->dead) {
    Die(actor, next->failure, unstarted);
    return;
  }
  ActorNews news;
  news.what = ActorNews::What::kDown;
  news.actor = actor.id;
  news.incarnation = actor.incarnation;
  news.failure = std::move(failure);
  news.unstarted = unstarted;
  news_.push_back(std::move(news));
  if (next.has_value()) {
    Apply(actor, *next, out);
  } else {
    Locate(actor, actor.worker, out);  // only the link broke: a new one
  }
}

void BorrowedActors::Die(Actor& actor, base::Failure cause,
                         Unstarted unstarted) {
  MOBULA_CHECK(!actor.dead);
  actor.dead = true;
  actor.up = false;
  SetWake(actor, base::BootTime::Never());
  workers_.erase({actor.worker, actor.id});
  ActorNews news;
  news.what = ActorNews::What::kDead;
  news.actor = actor.id;
  news.incarnation = actor.incarnation;
  news.failure = std::move(cause);
  news.unstarted = unstarted;
  news_.push_back(std::move(news));
}

void BorrowedActors::SetWake(Actor& actor, base::BootTime at) {
  timers_.Remove(actor.wake_at, actor.id);
  actor.wake_at = at;
  timers_.Add(at, actor.id);
}

std::vector<base::ActorId> BorrowedActors::Involving(
    base::ProcessId process) const {
  std::set<base::ActorId> found;
  for (const auto* index : {&owners_, &workers_}) {
    for (auto it = index->lower_bound({process, base::ActorId()});
         it != index->end() && it->first == process; ++it) {
      found.insert(it->second);
    }
  }
  return {found.begin(), found.end()};
}

std::vector<base::ActorId> BorrowedActors::Attached(base::ProcessId peer,
                                                    Produced& out) {
  std::vector<base::ActorId> dropped;
  for (const base::ActorId id : Involving(peer)) {
    Actor& actor = actors_.find(id)->second;
    if (actor.dead) continue;
    if (actor.owner == peer && !actor.watching) StartWatching(actor, out);
    if (actor.worker == peer && !actor.up) GoUp(actor);
    if (actor.handles == 0) dropped.push_back(id);
  }
  return dropped;
}

void BorrowedActors::Unreachable(base::ProcessId peer, base::BootTime now) {
  for (const base::ActorId id : Involving(peer)) {
    Actor& actor = actors_.find(id)->second;
    if (actor.dead) continue;
    if (actor.owner == peer) {
      Die(actor, OwnerGone(), Unstarted::kUnknown);
    } else if (!actor.up) {
      // If its worker is gone, the owner will say where it lives next.
      SetWake(actor, now + kReachPatience);
    }
  }
}

void BorrowedActors::LinkEnded(base::ProcessId peer, base::BootTime now,
                               Produced& out) {
  for (const base::ActorId id : Involving(peer)) {
    Actor& actor = actors_.find(id)->second;
    if (actor.dead) continue;
    if (actor.owner == peer) {
      Die(actor, OwnerGone(), Unstarted::kUnknown);
    } else if (actor.up) {
      actor.loss.LinkEnded(now);
      DecideLoss(actor, now, out);
    }
  }
}

void BorrowedActors::Drop(base::ActorId id) {
  const auto it = actors_.find(id);
  if (it == actors_.end()) return;
  MOBULA_CHECK(it->second.handles > 0) << "actor " << id << " has no handle";
  --it->second.handles;
}

ActorChanged BorrowedActors::View(base::ActorId id) const {
  const Actor& actor = actors_.at(id);
  // Before its link is there it is not known to live.
  return ActorChanged{id, actor.incarnation, actor.dead};
}

bool BorrowedActors::ForgetIfUnused(base::ActorId id, Produced& out) {
  const auto it = actors_.find(id);
  if (it == actors_.end() || it->second.handles > 0) return false;
  Actor& actor = it->second;
  if (!actor.dead && actor.kill.has_value()) return false;  // it is said first
  if (!actor.dead && actor.watching) {
    out.SendTo(actor.owner, base::UnwatchActor{id});
  }
  SetWake(actor, base::BootTime::Never());
  owners_.erase({actor.owner, id});
  workers_.erase({actor.worker, id});
  actors_.erase(it);
  return true;
}

void BorrowedActors::Tick(base::BootTime now, Produced& out) {
  while (const std::optional<base::ActorId> id = timers_.PopDue(now)) {
    Actor& actor = actors_.find(*id)->second;
    actor.wake_at = base::BootTime::Never();
    if (!actor.up) {
      Die(actor, Elsewhere(), Unstarted::kUnknown);
      continue;
    }
    MOBULA_CHECK(actor.loss.Decided(now));
    DecideLoss(actor, now, out);
  }
}

void BorrowedActors::FailAll(const base::Failure& failure) {
  for (auto& [id, actor] : actors_) {
    if (!actor.dead) Die(actor, failure, Unstarted::kUnknown);
  }
}

std::vector<base::HeldActor> BorrowedActors::Held() const {
  std::vector<base::HeldActor> held;
  for (const auto& [id, actor] : actors_) {
    base::HeldActor& one = held.emplace_back();
    one.actor = id;
    one.owner = actor.owner;
    one.worker = actor.worker;
    one.is_dead = actor.dead;
    one.handles = actor.handles;
  }
  return held;
}

}  // namespace mobula::runtime

#include "runtime/core/owner.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "runtime/core/emit.h"

namespace mobula::runtime {
namespace {

using base::FailureCode;
using Maker = ObjectMaker::Kind;

// Whether this is the value that one of them holds.
bool Holds(const std::deque<Settled>& settled, const base::Extent& extent) {
  return std::any_of(settled.begin(), settled.end(),
                     [&extent](const Settled& one) {
                       const base::Value* value = base::StoredIn(one.outcome);
                       return value != nullptr && value->extent() == extent;
                     });
}

}  // namespace

Owner::Owner(Options options, base::IdSource& ids)
    : options_(options),
      refs_(options.self, links_),
      arg_holds_(refs_),
      arg_waits_(refs_),
      ids_(ids),
      lineage_(options.self, options.lineage),
      tasks_(options.job, ids, options.seed),
      // Tasks and actors must not draw the same delays.
      actors_({options.self, options.job, options.seed ^ 0xA5A5A5A5A5A5A5A5ULL},
              ids),
      borrowed_(links_),
      cancels_(links_),
      streams_(options.self) {}

void Owner::Begin(base::BootTime now, Effects& effects) {
  MOBULA_CHECK(out_.settled.empty() && out_.abandoned.empty());
  MOBULA_CHECK(out_.lost_attempts.empty() && out_.refetches.empty());
  now_ = now;
  out_.effects = &effects;
  actors_.Begin(now);
  calls_.Begin(now);
  refs_.Begin(now, out_);
}

void Owner::End() {
  do {
    Flush();
    refs_.Carry();
    ForgetLineage();
  } while (!refs_.woken().empty());
  FreeUnused();
  refs_.End();
  out_.effects = nullptr;
}

void Owner::FreeUnused() {
  for (const LostAttempt& lost : out_.lost_attempts) {
    if (lost_results_.Note(lost.worker, lost.result)) {
      NoteLostAttempt(lost.result);
    }
  }
  out_.lost_attempts.clear();
  if (refs_.unused().empty()) return;
  base::FreeObjects free;
  free.objects = std::exchange(refs_.unused(), {});
  if (!raylet_.IsNil() && Refusal() == nullptr) {
    out_.SendTo(raylet_, std::move(free));
  }
}

const base::Failure* Owner::Refusal() const {
  return raylet_lost_.has_value() ? &*raylet_lost_ : nullptr;
}

void Owner::On(Submit submit) {
  refs_.Add(submit.result, {submit.task, Maker::kTask});
  if (submit.items_max > 0) {
    streams_.Add(submit.result, submit.task, submit.items_max);
  }
  arg_holds_.Hold(submit.result, submit.args);
  base::Failure refusal;
  if (const base::Failure* lost = Refusal()) {
    refusal = *lost;
  } else if (tasks_.size() >= options_.tasks_max) {
    refusal = base::NotRun(FailureCode::kLimit,
                           "this process has too many unfinished tasks");
  } else {
    tasks_.Add(submit, now_);
    std::optional<ResolvedArgs> resolved =
        arg_waits_.Begin(submit.task, std::move(submit.args));
    NoteSpawned(submit.parent, submit.scope.id, submit.task, submit.result);
    if (resolved.has_value()) Deliver(submit.task, std::move(*resolved));
    return;
  }
  refusal.function = std::move(submit.function_name);
  out_.Settle(submit.result, std::move(refusal));
}

void Owner::On(Create create) {
  const base::ActorId actor = create.actor;
  const base::TaskId task = create.task;
  std::vector<Arg> args = std::move(create.args);
  arg_holds_.Hold(actor, args);
  calls_.AddActor(actor, create.pending_calls_max);
  const bool full = actors_.size() >= options_.tasks_max;
  actors_.Add(std::move(create), out_);
  if (const base::Failure* lost = Refusal()) {
    actors_.Refuse(actor, *lost, out_);
  } else if (full) {
    actors_.Refuse(
        actor,
        base::NotRun(FailureCode::kLimit, "this process owns too many actors"),
        out_);
  } else {
    std::optional<ResolvedArgs> resolved =
        arg_waits_.Begin(task, std::move(args));
    if (resolved.has_value()) Deliver(task, std::move(*resolved));
  }
}

void Owner::On(const StartActor& start) { actors_.Start(start.actor, out_); }

void Owner::On(Call call) {
  refs_.Add(call.result, {call.task, Maker::kCall});
  if (call.items_max > 0) streams_.Add(call.result, call.task, call.items_max);
  arg_holds_.Hold(call.result, call.args);
  if (!calls_.HasActor(call.actor)) {
    base::Failure refusal = base::NotRun(
        FailureCode::kBadArgument,
        "this process has no handle of actor " + call.actor.ToString());
    refusal.function = std::move(call.method_name);
    out_.Settle(call.result, std::move(refusal));
    return;
  }
  const base::TaskId task = call.task;
  const base::TaskId parent = call.parent;
  const base::SpawnScope scope = call.scope.id;
  const base::ObjectId result = call.result;
  std::vector<Arg> args = std::move(call.args);
  if (!calls_.Add(std::move(call), now_, out_)) return;
  std::optional<ResolvedArgs> resolved =
      arg_waits_.Begin(task, std::move(args));
  NoteSpawned(parent, scope, task, result);
  if (resolved.has_value()) Deliver(task, std::move(*resolved));
}

void Owner::On(Put put) { refs_.Put(put.object, std::move(put.outcome)); }

void Owner::On(const HoldObject& hold) { refs_.Hold(hold.object); }

void Owner::On(const DropObject& drop) { refs_.Drop(drop.object); }

void Owner::On(const Watch& watch) { refs_.Watch(watch.object); }

void Owner::On(const Adopt& adopt) {
  MOBULA_CHECK(!adopt.owner.IsNil());
  if (adopt.owner == options_.self) {
    AdoptOwn(adopt.actor);
    return;
  }
  if (borrowed_.Has(adopt.actor)) {
    borrowed_.Adopt(adopt.actor, adopt.owner, out_);
    Emit(*out_.effects, borrowed_.View(adopt.actor));
    return;
  }
  MOBULA_CHECK(!calls_.HasActor(adopt.actor), "an actor has one owner");
  calls_.AddActor(adopt.actor, -1);
  borrowed_.Adopt(adopt.actor, adopt.owner, out_);
  if (const base::Failure* lost = Refusal()) borrowed_.FailAll(*lost);
}

void Owner::AdoptOwn(base::ActorId actor) {
  if (actors_.Has(actor)) {
    actors_.Keep(actor);
    Emit(*out_.effects, actors_.View(actor));
    return;
  }
  // It ended when its last handle went; calls to it say so.
  if (++ended_[actor] > 1) return;
  calls_.AddActor(actor, -1);
  ActorNews news;
  news.what = ActorNews::What::kDead;
  news.actor = actor;
  news.failure = base::NotRun(FailureCode::kActorDied,
                              "the actor ended with its last handle");
  actors_.news().push_back(std::move(news));
}

void Owner::On(const DropActor& drop) {
  const auto ended = ended_.find(drop.actor);
  if (ended != ended_.end()) {
    if (--ended->second > 0) return;
    ended_.erase(ended);
    calls_.ForgetActor(drop.actor);
    return;
  }
  actors_.Drop(drop.actor);
  borrowed_.Drop(drop.actor);
  Flush();
  ForgetIfUnused(drop.actor);
}

// An actor ends when no handle is left and its calls from here are done.
void Owner::ForgetIfUnused(base::ActorId actor) {
  if (!calls_.HasActor(actor) || calls_.Unfinished(actor) > 0) return;
  const bool own = actors_.Has(actor);
  const bool borrowed = borrowed_.Has(actor);
  if ((own && actors_.ForgetIfUnused(actor, out_)) ||
      (borrowed && borrowed_.ForgetIfUnused(actor, out_))) {
    arg_holds_.Release(actor);
    calls_.ForgetActor(actor);
  }
}

void Owner::On(const Kill& kill) {
  const base::KillActor message{kill.actor, kill.restart, kill.graceful};
  actors_.Kill(message, now_, out_);
  borrowed_.Kill(message, out_);
}

void Owner::On(const base::KillActor& kill) { actors_.Kill(kill, now_, out_); }

void Owner::On(const Tick& /*tick*/) {
  tasks_.Tick(now_, out_);
  actors_.Tick(now_, out_);
  borrowed_.Tick(now_, out_);
  refs_.Tick();
  Flush();  // so that the calls know where their actors are
  calls_.Tick(now_, out_);
}

void Owner::On(const base::Registered& registered) {
  raylet_ = registered.raylet;
  links_.Joined(raylet_, out_);
  links_.Attached(options_.self);  // the core hands it what is for itself
  refs_.Joined(raylet_);
  calls_.SetNode(registered.node_name);
  tasks_.Joined(registered, now_, out_);
  actors_.Joined(registered, out_);
  // It is the owner of detached actors.
  BorrowedAttached(registered.raylet);
}

void Owner::On(const base::LeaseGranted& granted) {
  if (!tasks_.Granted(granted, now_, out_)) actors_.Granted(granted, out_);
}

void Owner::On(const base::LeaseRefused& refused) {
  if (!tasks_.Refused(refused, now_, out_)) actors_.Refused(refused, out_);
}

void Owner::On(const base::OwnerGone& gone) {
  FreeLostResults(gone.owner);
  refs_.On(gone);
}

void Owner::FreeLostResults(base::ProcessId worker) {
  for (const base::ObjectId result : lost_results_.Gone(worker)) {
    NoteLostAttempt(result);
  }
}

void Owner::On(const base::LeaseLost& lost) {
  FreeLostResults(lost.worker);
  calls_.Suspend(lost.worker);
  if (!tasks_.Lost(lost, now_, out_)) actors_.Lost(lost, now_, out_);
}

void Owner::On(const base::Attach& attach) {
  links_.Attached(attach.peer);
  refs_.Attached(attach.peer);
  cancels_.Attached(attach.peer, out_);
  BorrowedAttached(attach.peer);
}

void Owner::BorrowedAttached(base::ProcessId peer) {
  for (const base::ActorId actor : borrowed_.Attached(peer, out_)) {
    Flush();
    ForgetIfUnused(actor);
  }
}

void Owner::On(const base::PeerGone& gone) {
  links_.Refused(gone.peer);
  refs_.Unreachable(gone.peer);
  cancels_.Unreachable(gone.peer, out_);
  borrowed_.Unreachable(gone.peer, now_);
}

void Owner::On(base::ProcessId from, const base::WatchActor& watch) {
  actors_.Watch(from, watch.actor, out_);
}

void Owner::On(base::ProcessId from, const base::UnwatchActor& unwatch) {
  actors_.Unwatch(from, unwatch.actor);
  Flush();
  ForgetIfUnused(unwatch.actor);
}

void Owner::On(base::ProcessId from, base::ActorMoved moved) {
  borrowed_.Moved(from, std::move(moved), now_, out_);
}

void Owner::On(base::ProcessId from, const base::ActorLeft& left) {
  actors_.Left(from, left, out_);
}

void Owner::Done(base::ProcessId from, base::TaskDone done) {
  if (!streams_.empty()) streams_.Answered(from, done.task);
  const base::Value* value = base::StoredIn(done.outcome);
  if (value == nullptr) {
    Conclude(from, done);
    return;
  }
  const base::FreedObject stored{value->name().object, value->extent()};
  MOBULA_CHECK(out_.settled.empty());
  Conclude(from, done);
  // An answer that nobody waits for (any more).
  if (!Holds(out_.settled, stored.extent)) refs_.unused().push_back(stored);
}

void Owner::Conclude(base::ProcessId from, base::TaskDone& done) {
  // What has its outcome already is known by its worker alone.
  if (!calls_.Has(done.task)) {
    if (tasks_.Done(from, done, now_, out_)) return;
    if (actors_.Done(from, done, now_, out_)) return;
  }
  const std::optional<base::ActorId> exited = calls_.Done(from, done, out_);
  if (!exited.has_value()) return;
  actors_.Exited(*exited, out_);
  borrowed_.Exited(*exited);
}

void Owner::Aside(base::ProcessId from, const base::TaskAside& aside) {
  if (tasks_.Aside(from, aside, now_, out_)) return;
  calls_.Aside(from, aside, out_);
}

void Owner::PeerLost(base::ProcessId process) {
  links_.Ended(process);
  calls_.Suspend(process);
  tasks_.LinkEnded(process, now_, out_);
  actors_.LinkEnded(process, now_, out_);
  borrowed_.LinkEnded(process, now_, out_);
  cancels_.LinkEnded(process, out_);
  if (!streams_.empty()) streams_.LinkEnded(process, out_);
  refs_.PeerLost(process);
  const std::vector<base::ActorId> unwatched = actors_.LoseWatcher(process);
  Flush();
  for (const base::ActorId actor : unwatched) ForgetIfUnused(actor);
}

void Owner::RayletLost(const base::Failure& failure) {
  if (raylet_lost_.has_value()) return;
  raylet_lost_ = failure;
  tasks_.FailAll(*raylet_lost_, out_);
  actors_.FailAll(*raylet_lost_, out_);
  borrowed_.FailAll(*raylet_lost_);
  cancels_.FailAll(out_);
  refs_.FailAll(*raylet_lost_);
}

void Owner::Deliver(base::TaskId task, ResolvedArgs resolved) {
  auto* failure = std::get_if<base::Failure>(&resolved);
  if (tasks_.Has(task)) {
    if (failure != nullptr) {
      tasks_.Fail(task, std::move(*failure), now_, out_);
    } else {
      tasks_.Resolve(task, std::move(std::get<0>(resolved)), now_, out_);
    }
  } else if (calls_.Has(task)) {
    if (failure != nullptr) {
      calls_.Fail(task, std::move(*failure), out_);
    } else {
      calls_.Resolve(task, std::move(std::get<0>(resolved)), out_);
    }
  } else if (actors_.Awaits(task)) {
    if (failure != nullptr) {
      actors_.FailArguments(task, std::move(*failure), out_);
    } else {
      actors_.Resolve(task, std::move(std::get<0>(resolved)), out_);
    }
  }
}

void Owner::Flush() {
  for (;;) {
    if (!actors_.news().empty()) {
      CarryNews(actors_.news());
    } else if (!borrowed_.news().empty()) {
      CarryNews(borrowed_.news());
    } else if (!out_.settled.empty() || !out_.abandoned.empty()) {
      CarryOutcomes();
    } else if (!streams_.given().empty()) {
      ReleaseGiven();
    } else if (!out_.refetches.empty()) {
      CarryRefetches();
    } else if (!refs_.woken().empty()) {
      CarryWoken();
    } else if (const std::optional<base::ActorId> actor = calls_.PopDrained()) {
      ForgetIfUnused(*actor);
    } else {
      return;
    }
  }
}

void Owner::CarryNews(std::vector<ActorNews>& news) {
  const std::vector<ActorNews> carried = std::exchange(news, {});
  for (const ActorNews& one : carried) {
    calls_.Hear(one, out_);
    if (one.what == ActorNews::What::kDown) continue;
    const bool dead = one.what == ActorNews::What::kDead;
    Emit(*out_.effects, ActorChanged{one.actor, one.incarnation, dead});
    if (!dead) continue;
    arg_holds_.Release(one.actor);
    // Its watchers have heard the last of it: no handle may be left.
    ForgetIfUnused(one.actor);
  }
}

void Owner::CarryOutcomes() {
  for (const base::TaskId task : out_.abandoned) arg_waits_.Abandon(task);
  out_.abandoned.clear();
  if (out_.settled.empty()) return;
  Settled settled = std::move(out_.settled.front());
  out_.settled.pop_front();
  if (!spawned_.empty()) spawned_.Settled(settled.object);
  if (!streams_.empty()) {
    streams_.Ended(settled.object, settled.outcome, out_);
  }
  NoteLineage(settled);
  refs_.Settle(settled.object, std::move(settled.outcome), settled.incarnation);
  arg_holds_.Release(settled.object);
  if (remaking_.erase(settled.object) > 0) refs_.Drop(settled.object);
}

void Owner::CarryWoken() {
  for (const auto& [task, object] : std::exchange(refs_.woken(), {})) {
    std::optional<ResolvedArgs> resolved = arg_waits_.Wake(task, object);
    if (resolved.has_value()) Deliver(task, std::move(*resolved));
  }
}

std::vector<base::HeldActor> Owner::HeldActors() const {
  std::vector<base::HeldActor> held = actors_.Held();
  const std::vector<base::HeldActor> borrowed = borrowed_.Held();
  held.insert(held.end(), borrowed.begin(), borrowed.end());
  for (base::HeldActor& one : held) {
    if (calls_.HasActor(one.actor)) one.calls = calls_.Unfinished(one.actor);
    one.arguments = arg_holds_.NamesFor(one.actor);
  }
  return held;
}

base::BootTime Owner::Next() const {
  return std::min({tasks_.Next(), actors_.Next(), borrowed_.Next(),
                   calls_.Next(), refs_.Next()});
}

bool Owner::HasPendingWork() const {
  return tasks_.size() > 0 || calls_.size() > 0 || actors_.starting() > 0;
}

}  // namespace mobula::runtime

// The actors of local mode: how they begin, are called, cancelled and ended.
#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/functions/callable.h"
#include "base/value.h"
#include "runtime/local/local_backend.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

// What a constructor's failure is to those who call the actor: the same, but
// their method did not run.
Failure AsDeath(Failure failure) {
  failure.executed = base::Executed::kNo;
  return failure;
}

}  // namespace

LocalBackend::Actor* LocalBackend::Find(base::ActorId id) {
  const auto found = actors_.find(id);
  return found == actors_.end() ? nullptr : &found->second;
}

void LocalBackend::Occupy(Actor& actor) const {
  MOBULA_CHECK(!actor.busy);
  actor.busy = true;
  actor.busy_thread = std::this_thread::get_id();
}

std::optional<Failure> LocalBackend::Refusal(const Create& create) const {
  if (!node_.total.Fits(create.resources)) {
    return NotRun(FailureCode::kInfeasible, create.class_name,
                  "the actor needs " + create.resources.ToString() +
                      ", this process has " + node_.total.ToString());
  }
  return std::nullopt;
}

std::optional<Failure> LocalBackend::Refusal(const Actor& actor,
                                             const Call& call) const {
  if (call.bound_incarnation == 0 ||
      call.bound_incarnation == actor.incarnation) {
    return std::nullopt;
  }
  Failure failure =
      NotRun(FailureCode::kActorRestarted, call.method_name,
             "the call was bound to incarnation " +
                 std::to_string(call.bound_incarnation) + ", the actor is at " +
                 std::to_string(actor.incarnation));
  failure.incarnation = actor.incarnation;
  return failure;
}

void LocalBackend::On(Create create) { Begin(std::move(create), 1); }

void LocalBackend::Begin(Create create, int handles) {
  std::vector<base::Value> args;
  std::optional<Failure> refusal = Resolve(create.args, &args);
  if (refusal.has_value()) refusal = AsDeath(std::move(*refusal));
  const base::ActorId id = create.actor;
  if (!refusal.has_value()) refusal = Refusal(create);
  if (!refusal.has_value()) refusal = Late(create.scope, create.class_name);
  {
    base::MutexLock lock(mutex_);
    Actor& actor = actors_[id];
    objects_.HoldArgs(create.args);
    actor.restarts_left = create.restarts_max;
    actor.args = std::move(args);
    actor.create = std::move(create);
    actor.gate = CallGate(actor.create.concurrency);
    actor.handles = handles;
    actor.detached = handles == 0;
    actor.held = actor.create.held;
    if (refusal.has_value()) Die(actor, *std::move(refusal));
  }
  while (Step(id)) {
  }
}

void LocalBackend::On(const StartActor& start) {
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(start.actor);
    if (actor == nullptr) return;
    actor->held = false;
  }
  while (Step(start.actor)) {
  }
}

void LocalBackend::On(Call call) {
  const base::ActorId id = call.actor;
  AddStream(call.result, call.items_max);
  {
    base::MutexLock lock(mutex_);
    pending_.emplace(call.result, id);
    objects_.Expect(call.result);
    objects_.HoldArgs(call.args);
    const bool stopped =
        spawned_.Add(call.parent, call.scope.id, call.task, call.result);
    Actor* const actor = Find(id);
    if (actor != nullptr) ++actor->unfinished;
    if (actor == nullptr) {
      Settle(call, {NotRun(FailureCode::kActorDied, call.method_name,
                           "there is no such actor"),
                    0});
    } else if (stopped) {
      Settle(call, {Cancelled(call, base::Executed::kNo), 0});
    } else if (const int most = actor->create.pending_calls_max;
               most >= 0 && actor->unfinished > most) {
      Settle(call, {NotRun(FailureCode::kLimit, call.method_name,
                           "the actor has " + std::to_string(most) +
                               " calls without an answer"),
                    0});
    } else if (!actor->gate.GroupOf(call.group).has_value()) {
      Settle(call, {NotRun(FailureCode::kBadArgument, call.method_name,
                           actor->gate.WhyUnknown(call.group)),
                    0});
    } else {
      actor->waiting.push_back(std::move(call));
    }
  }
  while (Step(id)) {
  }
}

void LocalBackend::On(const runtime::Kill& kill) {
  std::shared_ptr<void> ended;  // destroyed with no lock held
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(kill.actor);
    if (actor == nullptr || actor->death.has_value()) return;
    ended = std::move(actor->instance);
    actor->instance = nullptr;
    if (kill.restart && actor->restarts_left != 0) {
      if (actor->restarts_left > 0) --actor->restarts_left;
    } else {
      Die(*actor, NotRun(FailureCode::kActorDied, actor->create.class_name,
                         "it was killed"));
    }
    StopCalls(kill.actor);
  }
  StopCoroutines(kill.actor);
  while (Step(kill.actor)) {
  }
}

void LocalBackend::On(const Adopt& adopt) {
  base::MutexLock lock(mutex_);
  Actor* actor = Find(adopt.actor);
  if (actor == nullptr) {  // it has ended meanwhile
    actor = &actors_[adopt.actor];
    actor->create.actor = adopt.actor;
    Die(*actor,
        NotRun(FailureCode::kActorDied, "", "the actor ended meanwhile"));
  }
  ++actor->handles;
}

void LocalBackend::Die(Actor& actor, Failure cause) {
  store_.Ended(actor.create.actor);
  cause.incarnation = actor.incarnation;
  actor.death = std::move(cause);
}

void LocalBackend::On(const DropActor& drop) {
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(drop.actor);
    if (actor == nullptr) return;
    MOBULA_CHECK(actor->handles > 0);
    --actor->handles;
  }
  while (Step(drop.actor)) {
  }
}

void LocalBackend::On(const HoldObject& hold) {
  const base::ObjectId object = hold.object.object;
  base::MutexLock lock(mutex_);
  if (objects_.Hold(object)) return;
  objects_.Add(object, {NotRun(FailureCode::kObjectLost, "",
                               "the object was freed before there was a ref"),
                        0});
}

void LocalBackend::On(const DropObject& drop) {
  base::MutexLock lock(mutex_);
  objects_.Release(drop.object);
}

LocalBackend::Actor LocalBackend::Erase(base::ActorId id) {
  const auto found = actors_.find(id);
  MOBULA_CHECK(found != actors_.end());
  Actor actor = std::move(found->second);
  actors_.erase(found);
  objects_.ReleaseArgs(actor.create.args);
  return actor;
}

// A coroutine that goes on.
bool LocalBackend::StepTurn(base::ActorId id) {
  base::Work* turn = nullptr;
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(id);
    if (actor == nullptr || actor->busy || actor->turning) return false;
    turn = TakeTurn(*actor);
    if (turn == nullptr) return false;
    if (IsConcurrent(*actor)) {
      actor->turning = true;
      actor->turning_thread = std::this_thread::get_id();
    } else {
      Occupy(*actor);
    }
  }
  turn->run(turn);
  Leave(id, /*is_coroutine=*/true);
  return true;
}

bool LocalBackend::IsCoroutine(const Call& call) const {
  const base::FunctionEntry* const entry = table_.Find(call.method);
  return entry != nullptr && entry->is_coroutine();
}

std::deque<Call>::iterator LocalBackend::NextCall(Actor& actor) {
  std::deque<Call>& waiting = actor.waiting;
  if (actor.death.has_value() || !IsConcurrent(actor)) return waiting.begin();
  std::vector<bool> held(actor.gate.groups());  // by one that waits
  for (auto call = waiting.begin(); call != waiting.end(); ++call) {
    const std::size_t group = *actor.gate.GroupOf(call->group);
    const bool may_begin = !held[group] && actor.gate.HasRoom(group) &&
                           !(actor.turning && IsCoroutine(*call));
    if (may_begin) return call;
    held[group] = true;
  }
  return waiting.end();
}

void LocalBackend::Enter(Actor& actor, const Call& call) {
  Running& running = runs_[call.result];
  running.task = call.task;
  running.actor = call.actor;
  running.group = *actor.gate.GroupOf(call.group);
  running.thread = std::this_thread::get_id();
  running.is_coroutine = IsCoroutine(call);
  ++actor.running;
  if (!IsConcurrent(actor)) {
    Occupy(actor);
    return;
  }
  actor.gate.Begin(running.group);
  if (!running.is_coroutine) return;
  actor.turning = true;
  actor.turning_thread = running.thread;
}

bool LocalBackend::Step(base::ActorId id) {
  if (StepTurn(id)) return true;
  std::optional<Actor> ended;  // destroyed with no lock held
  std::optional<Call> call;
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(id);
    if (actor == nullptr || actor->busy || ended_) return false;
    const bool begins = actor->instance == nullptr && !actor->death.has_value();
    const bool is_held = begins && actor->held;
    if (is_held || (!begins && actor->waiting.empty())) {
      const bool is_kept = actor->detached && !actor->death.has_value();
      const bool runs =
          actor->coroutines > 0 || actor->running > 0 || actor->turning;
      if (actor->handles > 0 || is_kept || runs) return false;
      store_.Ended(id);
      ended = Erase(id);
      return false;
    }
    if (!begins) {
      const auto next = NextCall(*actor);
      if (next == actor->waiting.end()) return false;
      call = std::move(*next);
      actor->waiting.erase(next);
    }
    if (call.has_value() && actor->death.has_value()) {
      Failure failure = *actor->death;
      Settle(*call, {std::move(failure), actor->incarnation});
      return true;
    }
    if (call.has_value()) {
      Enter(*actor, *call);
    } else {
      Occupy(*actor);
    }
  }
  if (call.has_value()) {
    RunCall(id, *std::move(call));
  } else {
    Begin(id);
  }
  return true;
}

void LocalBackend::Begin(base::ActorId id) {
  Run run;
  std::vector<base::Value> args;
  std::string class_name;
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(id);
    MOBULA_CHECK(actor != nullptr, "an actor that is busy stays");
    run.task = actor->create.task;
    run.actor = id;
    run.incarnation = ++actor->incarnation;
    run.is_constructor = true;
    run.function = actor->create.constructor;
    run.assigned = base::Assigned{actor->create.name, actor->create.resources};
    SetScope(run, actor->create.scope);
    if (run.incarnation > 1) run.deadline = base::BootTime::Never();
    class_name = actor->create.class_name;
    args = actor->args;
  }
  run.name = class_name;
  std::shared_ptr<void> instance;
  base::Outcome outcome = Execute(run, args, &instance).outcome;
  base::MutexLock lock(mutex_);
  Actor* const actor = Find(id);
  MOBULA_CHECK(actor != nullptr, "an actor that is busy stays");
  actor->busy = false;
  if (actor->death.has_value()) return;  // killed by its own constructor
  if (auto* const failure = std::get_if<Failure>(&outcome)) {
    Die(*actor, AsDeath(std::move(*failure)));
  } else {
    store_.Lives(id, actor->incarnation);
    actor->instance = std::move(instance);
    actor->constructor = table_.Find(actor->create.constructor);
  }
}

void LocalBackend::RunCall(base::ActorId id, Call call) {
  Run run;
  std::shared_ptr<void> instance;
  Settled settled;
  Finished finished;
  std::optional<Failure> refusal;
  const bool is_coroutine = IsCoroutine(call);
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(id);
    MOBULA_CHECK(actor != nullptr, "an actor that is busy stays");
    instance = actor->instance;
    run.constructor = actor->constructor;
    run.assigned = base::Assigned{actor->create.name, actor->create.resources};
    run.incarnation = settled.incarnation = actor->incarnation;
    run.stop = running_.TokenOf(call.task);
    refusal = Refusal(*actor, call);
  }
  SetScope(run, call.scope);
  if (!refusal.has_value()) refusal = Late(call.scope, call.method_name);
  std::vector<base::Value> args;
  if (!refusal.has_value()) refusal = Resolve(call.args, &args);
  if (refusal.has_value()) {
    settled.outcome = std::move(*refusal);
  } else if (!run.stop.stop_requested()) {
    run.task = call.task;
    run.result = call.result;
    run.actor = id;
    run.function = call.method;
    run.name = call.method_name;
    if (call.by_name) run.called = call.method_name;
    run.timeout = call.timeout;
    const base::FunctionEntry* const entry = table_.Find(call.method);
    if (entry != nullptr && entry->is_coroutine() &&
        !base::Misplaced(*entry, run.constructor).has_value()) {
      BeginCall(run, std::move(call), *entry, std::move(args),
                std::move(instance));
      Leave(id, is_coroutine);
      return;
    }
    finished = Execute(run, args, &instance);
    settled.outcome = std::move(finished.outcome);
  }
  FinishCall(call, std::move(settled), finished.exit_actor);
  if (finished.exit_actor) StopCoroutines(id);
  instance.reset();
  Leave(id, is_coroutine);
}

void LocalBackend::Leave(base::ActorId id, bool is_coroutine) {
  base::MutexLock lock(mutex_);
  Actor* const actor = Find(id);
  if (actor == nullptr) return;  // it ran beside others, and was the last
  if (!IsConcurrent(*actor)) {
    MOBULA_CHECK(actor->busy);
    actor->busy = false;
  } else if (is_coroutine) {
    MOBULA_CHECK(actor->turning);
    actor->turning = false;
  }
}

void LocalBackend::StopCalls(base::ActorId of) {
  for (const auto& [result, running] : runs_) {
    const bool is_here = running.thread == std::this_thread::get_id();
    if (running.actor == of && !is_here) running_.Stop(running.task);
  }
}

void LocalBackend::FinishCall(const Call& call, Settled settled,
                              bool exit_actor) {
  std::shared_ptr<void> ended;  // destroyed with no lock held
  base::MutexLock lock(mutex_);
  Actor* const actor = Find(call.actor);
  MOBULA_CHECK(actor != nullptr, "an actor that runs something stays");
  const auto running = runs_.find(call.result);
  MOBULA_CHECK(running != runs_.end());
  const bool cancelled = running->second.cancelled;
  --actor->running;
  if (IsConcurrent(*actor)) actor->gate.End(running->second.group);
  runs_.erase(running);
  running_.Forget(call.task);
  spawned_.Ended(call.task);
  if (cancelled) {
    settled.outcome = Cancelled(call, base::Executed::kMaybe);
    // Killed while it ran, or it ended itself while this waited.
  } else if (actor->instance == nullptr ||
             actor->incarnation != settled.incarnation) {
    Failure failure = NotRun(FailureCode::kActorDied, call.method_name,
                             "the actor was ended while it ran");
    failure.executed = base::Executed::kMaybe;
    failure.incarnation = settled.incarnation;
    settled.outcome = std::move(failure);
  }
  if (exit_actor && actor->instance != nullptr) {
    Die(*actor, NotRun(FailureCode::kActorDied, actor->create.class_name,
                       "it ended itself (ExitActor)"));
    ended = std::move(actor->instance);
    actor->instance = nullptr;
    StopCalls(call.actor);
  }
  Settle(call, std::move(settled));
}

}  // namespace mobula::runtime

// The actors of local mode: how they begin, are called, cancelled and ended.
#include <algorithm>
#include <thread>
#include <utility>

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
    if (actor == nullptr) {
      Settle(call, {NotRun(FailureCode::kActorDied, call.method_name,
                           "there is no such actor"),
                    0});
    } else if (stopped) {
      Settle(call, {Cancelled(call, base::Executed::kNo), 0});
    } else if (const int most = actor->create.pending_calls_max;
               most >= 0 &&
               actor->waiting.size() >= static_cast<std::size_t>(most)) {
      Settle(call, {NotRun(FailureCode::kLimit, call.method_name,
                           "the actor has " + std::to_string(most) +
                               " calls without an answer"),
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

bool LocalBackend::Step(base::ActorId id) {
  std::optional<Actor> ended;  // destroyed with no lock held
  std::optional<Call> call;
  base::Work* turn = nullptr;
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(id);
    if (actor == nullptr || actor->busy) return false;
    turn = TakeTurn(*actor);
    if (turn != nullptr) Occupy(*actor);
    if (turn == nullptr && ended_) return false;
  }
  if (turn != nullptr) {
    turn->run(turn);
    Free(id);
    return true;
  }
  {
    base::MutexLock lock(mutex_);
    Actor* const actor = Find(id);
    if (actor == nullptr || actor->busy || ended_) return false;
    const bool begins = actor->instance == nullptr && !actor->death.has_value();
    const bool is_held = begins && actor->held;
    if (is_held || (!begins && actor->waiting.empty())) {
      const bool is_kept = actor->detached && !actor->death.has_value();
      if (actor->handles > 0 || is_kept || actor->coroutines > 0) return false;
      store_.Ended(id);
      ended = Erase(id);
      return false;
    }
    if (!begins) {
      call = std::move(actor->waiting.front());
      actor->waiting.pop_front();
    }
    if (call.has_value() && actor->death.has_value()) {
      Failure failure = *actor->death;
      Settle(*call, {std::move(failure), actor->incarnation});
      return true;
    }
    Occupy(*actor);
    if (call.has_value()) runs_[call->result].task = call->task;
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
      Free(id);
      return;
    }
    finished = Execute(run, args, &instance);
    settled.outcome = std::move(finished.outcome);
  }
  FinishCall(call, std::move(settled), finished.exit_actor);
  instance.reset();
  Free(id);
}

void LocalBackend::Free(base::ActorId id) {
  base::MutexLock lock(mutex_);
  Actor* const actor = Find(id);
  MOBULA_CHECK(actor != nullptr && actor->busy, "an actor that is busy stays");
  actor->busy = false;
}

void LocalBackend::FinishCall(const Call& call, Settled settled,
                              bool exit_actor) {
  std::shared_ptr<void> ended;  // destroyed with no lock held
  base::MutexLock lock(mutex_);
  Actor* const actor = Find(call.actor);
  MOBULA_CHECK(actor != nullptr, "an actor that runs something stays");
  const bool cancelled = std::exchange(runs_[call.result].cancelled, false);
  runs_.erase(call.result);
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
  }
  Settle(call, std::move(settled));
}

}  // namespace mobula::runtime

#include "runtime/local/local_backend.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/callable.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/value.h"
#include "runtime/core/cancelled_failure.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

double UsableCpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

double MachineMemory() {
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<double>(::sysconf(_SC_PAGE_SIZE));
}

// What a constructor's failure is to those who call the actor: the same, but
// their method did not run.
Failure AsDeath(Failure failure) {
  failure.executed = base::Executed::kNo;
  return failure;
}

}  // namespace

LocalBackend::LocalBackend(const base::FunctionTable& table, Options options)
    : Backend(base::RandomBits()),
      table_(table),
      pool_(std::move(options.pool)),
      self_(NewId<base::ProcessId>()) {
  node_.name = HostName();
  node_.total =
      options.resources.With("cpu", options.cpus.value_or(UsableCpus()))
          .With("memory", options.memory_bytes.has_value()
                              ? static_cast<double>(*options.memory_bytes)
                              : MachineMemory());
  home_.raylet = self_;
  home_.node = NewId<base::NodeId>();
  home_.job = NewId<base::JobId>();
  home_.ns = std::move(options.ns);
  home_.is_local = true;
}

LocalBackend::~LocalBackend() { Shutdown(); }

base::BootTime LocalBackend::Now() const { return base::BootNow(); }

void LocalBackend::Post(Event event) {
  {
    base::MutexLock lock(mutex_);
    if (ended_) return;
    if (auto* const put = std::get_if<runtime::Put>(&event)) {
      objects_.Put(put->object, Settled{std::move(put->outcome), 0});
      return;
    }
  }
  std::visit(
      [this](auto&& each) {
        if constexpr (requires {
                        this->On(std::forward<decltype(each)>(each));
                      }) {
          On(std::forward<decltype(each)>(each));
        } else {
          MOBULA_CHECK(false, "not an event of the API");
        }
      },
      std::move(event));
}

Failure LocalBackend::NotRun(FailureCode code, std::string_view function,
                             std::string message) const {
  Failure failure = base::NotRun(code, std::move(message));
  failure.function = function;
  return failure;
}

// ---- functions --------------------------------------------------------------

LocalBackend::Finished LocalBackend::Execute(const Run& run,
                                             std::span<const base::Value> args,
                                             std::shared_ptr<void>* instance) {
  Finished finished;
  const base::FunctionEntry* entry = nullptr;
  auto why = base::FindCallable(table_, {run.function, run.called}, &entry);
  if (!why.has_value() && !run.is_constructor) {
    why = base::Misplaced(*entry, run.constructor);
  }
  if (why.has_value()) {
    why->function = run.name;
    finished.outcome = *std::move(why);
    return finished;
  }
  base::Invocation invocation;
  invocation.args = args;
  invocation.instance = instance;
  const CurrentExecution current = CurrentOf(run, *entry, invocation);
  const ScopedCurrent scope(&current);
  const base::BootTime start = base::BootNow();
  return Conclude(run, start, entry->invoke(invocation), invocation);
}

CurrentExecution LocalBackend::CurrentOf(const Run& run,
                                         const base::FunctionEntry& entry,
                                         base::Invocation& invocation) {
  CurrentExecution current;
  current.task = run.task;
  current.result = run.result;
  current.actor = run.actor;
  current.incarnation = run.incarnation;
  current.attempt = run.attempt;
  current.is_constructor = run.is_constructor;
  current.function = entry.name;
  current.assigned = &run.assigned;
  current.stop = run.stop;
  current.invocation = &invocation;
  return current;
}

LocalBackend::Finished LocalBackend::Conclude(
    const Run& run, base::BootTime start, base::Outcome outcome,
    base::Invocation& invocation) const {
  Finished finished;
  finished.exit_actor = invocation.exit_actor;
  finished.kept = std::move(invocation.kept);
  if (base::BootNow() - start > run.timeout) {
    Failure late;
    late.code = FailureCode::kTimeout;
    late.executed = base::Executed::kYes;
    late.message = "it ran for longer than its timeout";
    outcome = std::move(late);
  }
  if (auto* const failure = std::get_if<Failure>(&outcome)) {
    failure->function = run.name;
    failure->node = node_.name;
    failure->pid = ::getpid();
    failure->attempt = run.attempt;
    failure->incarnation = run.incarnation;
  }
  finished.outcome = std::move(outcome);
  return finished;
}

bool LocalBackend::IsRetried(const Submit& submit, std::int32_t attempt,
                             const base::Outcome& outcome) {
  const auto* const failure = std::get_if<Failure>(&outcome);
  return failure != nullptr && submit.retry_exceptions &&
         failure->code == FailureCode::kUserException &&
         (submit.retries_max < 0 || attempt <= submit.retries_max);
}

std::optional<Failure> LocalBackend::Resolve(const std::vector<Arg>& args,
                                             std::vector<base::Value>* values) {
  values->reserve(args.size());
  for (const Arg& arg : args) {
    if (arg.ref.IsNil()) {
      values->push_back(arg.value);
      continue;
    }
    std::optional<Settled> settled = Await(arg.ref, base::BootTime::Never());
    MOBULA_CHECK(settled.has_value());
    if (auto* const failure = std::get_if<Failure>(&settled->outcome)) {
      return std::move(*failure);
    }
    values->push_back(std::get<base::Value>(std::move(settled->outcome)));
  }
  return std::nullopt;
}

LocalBackend::Finished LocalBackend::RunTask(const Submit& submit) {
  Finished finished;
  if (!node_.total.Fits(submit.resources)) {
    finished.outcome =
        NotRun(FailureCode::kInfeasible,
               submit.name.empty() ? submit.function_name : submit.name,
               "it needs " + submit.resources.ToString() +
                   ", this process has " + node_.total.ToString());
    return finished;
  }
  std::vector<base::Value> args;
  if (std::optional<Failure> failure = Resolve(submit.args, &args)) {
    finished.outcome = std::move(*failure);
    return finished;
  }
  Run run;
  run.task = submit.task;
  run.result = submit.result;
  run.function = submit.function;
  run.name = submit.name.empty() ? submit.function_name : submit.name;
  if (submit.by_name) run.called = submit.function_name;
  run.assigned = base::Assigned{submit.name, submit.resources};
  run.timeout = submit.timeout;
  while (true) {
    finished = Execute(run, args);
    if (!IsRetried(submit, run.attempt, finished.outcome)) return finished;
    ++run.attempt;
  }
}

void LocalBackend::On(const Submit& submit) {
  const base::FunctionEntry* const entry = table_.Find(submit.function);
  if (entry != nullptr && entry->is_coroutine() &&
      node_.total.Fits(submit.resources)) {
    BeginTask(submit, *entry);
    return;
  }
  Finished finished = RunTask(submit);
  base::MutexLock lock(mutex_);
  objects_.Add(submit.result, Settled{std::move(finished.outcome), 0});
  changed_.NotifyAll();
}

// ---- actors -----------------------------------------------------------------

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
  {
    base::MutexLock lock(mutex_);
    pending_.emplace(call.result, id);
    objects_.Expect(call.result);
    objects_.HoldArgs(call.args);
    Actor* const actor = Find(id);
    if (actor == nullptr) {
      Settle(call, {NotRun(FailureCode::kActorDied, call.method_name,
                           "there is no such actor"),
                    0});
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
    if (call.has_value()) calls_[call->result].task = call->task;
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
  const bool cancelled = std::exchange(calls_[call.result].cancelled, false);
  calls_.erase(call.result);
  running_.Forget(call.task);
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

// ---- cancelling -------------------------------------------------------------

Failure LocalBackend::Cancelled(const Call& call, base::Executed executed) {
  Failure failure = CancelledFailure(executed);
  failure.function = call.method_name;
  return failure;
}

std::optional<base::CancelVerdict> LocalBackend::Cancel(
    const base::ObjectName& object, bool force, bool /*recursive*/,
    base::BootTime /*deadline*/) {
  using base::CancelVerdict;
  const base::ObjectId result = object.object;
  base::MutexLock lock(mutex_);
  if (objects_.WasPut(result)) return CancelVerdict::kNoTask;
  const auto pending = pending_.find(result);
  if (pending == pending_.end()) {
    const Settled* const settled = objects_.Find(result);
    if (settled == nullptr) return CancelVerdict::kFinished;
    if (force && settled->incarnation > 0) return CancelVerdict::kActorCall;
    const auto* failure = std::get_if<Failure>(&settled->outcome);
    const bool is_cancelled =
        failure != nullptr && failure->code == FailureCode::kCancelled;
    return is_cancelled ? CancelVerdict::kCancelled : CancelVerdict::kFinished;
  }
  if (force) return CancelVerdict::kActorCall;
  const auto runs = calls_.find(result);
  if (runs != calls_.end()) {
    runs->second.cancelled = true;
    running_.Stop(runs->second.task);
    return CancelVerdict::kCancelled;
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

// ---- objects ----------------------------------------------------------------

void LocalBackend::Settle(const Call& call, Settled settled) {
  pending_.erase(call.result);
  objects_.Settle(call.result, std::move(settled));
  TellWatches(call.result);
  objects_.ReleaseArgs(call.args);
  changed_.NotifyAll();
}

bool LocalBackend::WaitsForItself(base::ObjectId object) const {
  const auto pending = pending_.find(object);
  if (pending == pending_.end()) return false;
  const auto actor = actors_.find(pending->second);
  return actor != actors_.end() && actor->second.busy &&
         actor->second.busy_thread == std::this_thread::get_id();
}

Failure LocalBackend::WaitsForItselfFailure() const {
  return NotRun(FailureCode::kBadArgument, "",
                "this wait would never end: the actor that would answer is the "
                "one that waits");
}

std::optional<Backend::Settled> LocalBackend::Look(
    base::ObjectId object) const {
  if (const Settled* const settled = objects_.Find(object)) return *settled;
  if (ended_) {
    return Settled{
        NotRun(FailureCode::kShutdown, "", "the runtime was shut down"), 0};
  }
  if (objects_.IsPending(object)) return std::nullopt;
  return Settled{
      NotRun(FailureCode::kBadArgument, "", "there is no such object"), 0};
}

bool LocalBackend::StartWatch(base::ObjectId object, base::OutcomeWatch* watch,
                              bool join) {
  base::MutexLock lock(mutex_);
  if (watch->state == base::OutcomeWatch::State::kGivenUp) return true;
  if (std::optional<Settled> settled = Look(object)) {
    watch->outcome = std::move(settled->outcome);
    watch->state = base::OutcomeWatch::State::kReady;
    return true;
  }
  if (!join) return false;
  if (WaitsForItself(object)) {
    watch->outcome = WaitsForItselfFailure();
    watch->state = base::OutcomeWatch::State::kReady;
    return true;
  }
  watch->state = base::OutcomeWatch::State::kWaiting;
  watches_.emplace(object, watch);
  return false;
}

base::OutcomeWatch::State LocalBackend::StopWatch(base::ObjectId object,
                                                  base::OutcomeWatch* watch) {
  using State = base::OutcomeWatch::State;
  base::MutexLock lock(mutex_);
  const State before = watch->state;
  if (before == State::kReady) return before;
  watch->state = State::kGivenUp;
  const auto [first, last] = watches_.equal_range(object);
  const auto found = std::find_if(
      first, last, [watch](const auto& each) { return each.second == watch; });
  if (found != last) watches_.erase(found);
  return before;
}

void LocalBackend::TellWatches(base::ObjectId object) {
  const auto [first, last] = watches_.equal_range(object);
  for (auto at = first; at != last; ++at) {
    base::OutcomeWatch* const watch = at->second;
    watch->outcome = Look(object)->outcome;
    watch->state = base::OutcomeWatch::State::kReady;
    watch->ready(watch);
  }
  watches_.erase(first, last);
}

std::optional<Backend::Settled> LocalBackend::Await(base::ObjectId object,
                                                    base::BootTime deadline) {
  base::MutexLock lock(mutex_);
  while (true) {
    if (std::optional<Settled> settled = Look(object)) return settled;
    const base::BootTime now = base::BootNow();
    if (WaitsForItself(object)) {
      if (!deadline.IsNever()) return std::nullopt;
      return Settled{WaitsForItselfFailure(), 0};
    }
    if (now >= deadline) return std::nullopt;
    changed_.WaitFor(mutex_, deadline - now);
  }
}

std::vector<bool> LocalBackend::AwaitSome(
    std::span<const base::ObjectId> objects, std::size_t count,
    base::BootTime deadline) {
  base::MutexLock lock(mutex_);
  while (true) {
    std::vector<bool> is_settled;
    std::size_t found = 0;
    bool stuck = false;
    for (const base::ObjectId object : objects) {
      is_settled.push_back(ended_ || !objects_.IsPending(object));
      found += is_settled.back() ? 1 : 0;
      stuck = stuck || WaitsForItself(object);
    }
    const base::BootTime now = base::BootNow();
    if (found >= count || now >= deadline) return is_settled;
    // What waits for this thread itself will not come.
    if (stuck) return is_settled;
    changed_.WaitFor(mutex_, deadline - now);
  }
}

// ---- the control store ------------------------------------------------------

base::ControlReply LocalBackend::Ask(base::ControlRequest request,
                                     base::Duration /*timeout*/) {
  {
    base::MutexLock lock(mutex_);
    if (ended_) {
      return NotRun(FailureCode::kShutdown, "", "the runtime was shut down");
    }
  }
  if (const auto* actor = std::get_if<base::RegisterActor>(&request)) {
    return Register(*actor);
  }
  if (const auto* end = std::get_if<base::EndActor>(&request)) {
    return End(*end);
  }
  base::MutexLock lock(mutex_);
  return store_.Ask(request);
}

base::ControlReply LocalBackend::Register(const base::RegisterActor& request) {
  base::ControlReply reply;
  {
    base::MutexLock lock(mutex_);
    reply = store_.Register(request);
  }
  const auto* const answer = std::get_if<base::ActorAnswer>(&reply);
  const base::ActorRecord& actor = request.actor;
  if (answer == nullptr || answer->existed || !actor.spec.has_value()) {
    return reply;
  }
  Create create;
  create.actor = actor.actor;
  create.task = NewId<base::TaskId>();
  create.constructor = actor.spec->constructor;
  create.class_name = actor.class_name;
  create.name = actor.name;
  for (const base::Bytes& value : actor.spec->args) {
    create.args.push_back(Arg{base::ObjectId(), value});
  }
  create.resources = actor.spec->resources;
  create.restarts_max = actor.restarts_max;
  if (std::optional<Failure> refusal = Refusal(create)) {
    base::MutexLock lock(mutex_);
    store_.Ended(actor.actor);
    return *std::move(refusal);
  }
  Begin(std::move(create), 0);
  return reply;
}

base::ControlReply LocalBackend::End(const base::EndActor& request) {
  {
    base::MutexLock lock(mutex_);
    const Actor* const actor = Find(request.actor);
    if (actor == nullptr || actor->death.has_value()) {
      return NotRun(FailureCode::kNoSuchActor, "",
                    "no living actor has that id");
    }
  }
  On(Kill{request.actor, request.restart});
  return base::Done{};
}

Backend::ActorView LocalBackend::ViewActor(base::ActorId actor) {
  base::MutexLock lock(mutex_);
  const Actor* const found = Find(actor);
  if (found == nullptr) return {0, true};
  return {found->incarnation, found->death.has_value()};
}

void LocalBackend::Shutdown() {
  std::map<base::ActorId, Actor> ended;  // destroyed with no lock held
  {
    base::MutexLock lock(mutex_);
    ended_ = true;
  }
  StopAllCoroutines();
  base::MutexLock lock(mutex_);
  for (auto& [id, actor] : actors_) {
    // One that runs on another thread keeps its entry until it returns.
    if (!actor.busy) ended.emplace(id, std::move(actor));
  }
  for (const auto& [id, actor] : ended) actors_.erase(id);
  while (!watches_.empty()) TellWatches(watches_.begin()->first);
  changed_.NotifyAll();
}

}  // namespace mobula::runtime

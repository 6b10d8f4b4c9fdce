#include "runtime/local/local_backend.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/functions/callable.h"
#include "base/value.h"

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
  current.scope = &run.scope;
  current.deadline = std::min(run.deadline, base::BootNow() + run.timeout);
  current.invocation = &invocation;
  return current;
}

LocalBackend::Finished LocalBackend::Conclude(
    const Run& run, base::BootTime start, base::Outcome outcome,
    base::Invocation& invocation) const {
  Finished finished;
  finished.exit_actor = invocation.exit_actor;
  finished.kept = std::move(invocation.kept);
  const base::BootTime now = base::BootNow();
  if (now - start > run.timeout || now >= run.deadline) {
    outcome = base::MakeFailure(FailureCode::kTimeout, base::Executed::kYes,
                                "it ran for longer than its timeout");
  }
  if (auto* const failure = std::get_if<Failure>(&outcome)) {
    failure->function = run.name;
    failure->node = node_.name;
    failure->pid = ::getpid();
    failure->attempt = run.attempt;
    failure->incarnation = run.incarnation;
    if (failure->trace.IsNil()) failure->trace = run.scope.trace;
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
  run.stop = running_.TokenOf(submit.task);
  SetScope(run, submit.scope);
  while (true) {
    finished = Execute(run, args);
    if (!IsRetried(submit, run.attempt, finished.outcome)) return finished;
    ++run.attempt;
  }
}

void LocalBackend::On(const Submit& submit) {
  AddStream(submit.result, submit.items_max);
  if (std::optional<Failure> why = Admit(submit)) {
    base::MutexLock lock(mutex_);
    EndStream(submit.result, *why);
    objects_.Add(submit.result, Settled{*std::move(why), 0});
    changed_.NotifyAll();
    return;
  }
  const base::FunctionEntry* const entry = table_.Find(submit.function);
  if (entry != nullptr && entry->is_coroutine() &&
      node_.total.Fits(submit.resources)) {
    BeginTask(submit, *entry);
    return;
  }
  Finished finished = RunTask(submit);
  base::MutexLock lock(mutex_);
  EndTask(submit, finished.outcome);
  EndStream(submit.result, finished.outcome);
  objects_.Add(submit.result, Settled{std::move(finished.outcome), 0});
  changed_.NotifyAll();
}
// ---- objects ----------------------------------------------------------------

void LocalBackend::Settle(const Call& call, Settled settled) {
  pending_.erase(call.result);
  spawned_.Settled(call.result);
  EndStream(call.result, settled.outcome);
  if (Actor* const actor = Find(call.actor)) --actor->unfinished;
  objects_.Settle(call.result, std::move(settled));
  TellWatches(call.result);
  objects_.ReleaseArgs(call.args);
  changed_.NotifyAll();
}

bool LocalBackend::WaitsForItself(base::ObjectId object) const {
  const auto pending = pending_.find(object);
  if (pending == pending_.end()) return false;
  const auto found = actors_.find(pending->second);
  if (found == actors_.end()) return false;
  const Actor& actor = found->second;
  const std::thread::id here = std::this_thread::get_id();
  if (actor.busy && actor.busy_thread == here) return true;
  if (!IsConcurrent(actor)) return false;
  const bool turns_here = actor.turning && actor.turning_thread == here;
  const auto begun = runs_.find(object);
  if (begun != runs_.end()) return turns_here && begun->second.is_coroutine;
  const auto call = std::find_if(
      actor.waiting.begin(), actor.waiting.end(),
      [object](const Call& each) { return each.result == object; });
  if (call == actor.waiting.end()) return false;
  if (turns_here && IsCoroutine(*call)) return true;
  return IsFullOfHere(actor, *actor.gate.GroupOf(call->group));
}

// What stands in the way of the group's next call is what this thread runs.
bool LocalBackend::IsFullOfHere(const Actor& actor, std::size_t group) const {
  if (actor.gate.HasRoom(group)) return false;
  return std::all_of(runs_.begin(), runs_.end(), [&](const auto& each) {
    const Running& running = each.second;
    return running.actor != actor.create.actor || running.group != group ||
           (running.thread == std::this_thread::get_id() &&
            !running.is_coroutine);
  });
}

Failure LocalBackend::WaitsForItselfFailure() const {
  return NotRun(FailureCode::kBadArgument, "",
                "this wait would never end: the actor that would answer is the "
                "one that waits");
}

std::optional<Backend::Settled> LocalBackend::Look(
    base::ObjectId object) const {
  // What is stopped by the end has an outcome too, which nobody is to see.
  if (ended_) {
    return Settled{
        base::MakeFailure(FailureCode::kShutdown, base::Executed::kMaybe,
                          "the runtime was shut down"),
        0};
  }
  if (const Settled* const settled = objects_.Find(object)) return *settled;
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

// ---- end --------------------------------------------------------------------

void LocalBackend::Shutdown() {
  std::map<base::ActorId, Actor> ended;  // destroyed with no lock held
  {
    base::MutexLock lock(mutex_);
    ended_ = true;
    // Who waits is told of that, before what runs is stopped.
    while (!watches_.empty()) TellWatches(watches_.begin()->first);
    changed_.NotifyAll();
  }
  StopAllCoroutines();
  base::MutexLock lock(mutex_);
  for (auto& [id, actor] : actors_) {
    // One that runs on another thread keeps its entry until it returns.
    const bool runs = actor.busy || actor.turning || actor.running > 0;
    if (!runs) ended.emplace(id, std::move(actor));
  }
  for (const auto& [id, actor] : ended) actors_.erase(id);
}

}  // namespace mobula::runtime

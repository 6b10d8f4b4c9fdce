// The coroutines of local mode: how they begin, go on and end.
#include <deque>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/threads/coroutine_run.h"
#include "runtime/core/scope_failures.h"
#include "runtime/local/local_backend.h"
#include "runtime/local/local_coroutine.h"

namespace mobula::runtime {

// What waits for its turn on an actor. Post may be called with the backend's
// lock held, so there is a lock of its own below that.
struct LocalBackend::Turns final : base::Executor {
  Turns(LocalBackend& runs_in, base::ActorId of)
      : backend(runs_in), actor(of) {}
  void Post(base::Work* work) override MOBULA_EXCLUDES(mutex) {
    {
      base::MutexLock lock(mutex);
      waiting.push_back(work);
    }
    backend.PumpSoon(actor);
  }
  void PostLast(base::Work* work) override { Post(work); }
  base::Work* Take() MOBULA_EXCLUDES(mutex) {
    base::MutexLock lock(mutex);
    if (waiting.empty()) return nullptr;
    base::Work* const work = waiting.front();
    waiting.pop_front();
    return work;
  }

  LocalBackend& backend;
  const base::ActorId actor;
  bool had_last = false;  // of the backend's lock: no call came since
  base::Mutex mutex;
  std::deque<base::Work*> waiting MOBULA_GUARDED_BY(mutex);
};

struct LocalBackend::Pump : base::Work {
  LocalBackend* backend = nullptr;
  base::ActorId actor;
};

// ---- begin ------------------------------------------------------------------

void LocalBackend::BeginTask(const Submit& submit,
                             const base::FunctionEntry& entry) {
  Run run;
  run.task = submit.task;
  run.function = submit.function;
  run.timeout = submit.timeout;
  SetScope(run, submit.scope);
  auto coroutine = std::make_shared<Coroutine>(*this, entry, run);
  coroutine->name = submit.function_name;
  coroutine->run.name = coroutine->name;
  std::optional<base::Failure> refusal = Resolve(submit.args, &coroutine->args);
  {
    base::MutexLock lock(mutex_);
    if (refusal.has_value()) {
      base::Outcome outcome = *std::move(refusal);
      EndTask(submit, outcome);
      EndStream(submit.result, outcome);
      objects_.Add(submit.result, Settled{std::move(outcome), 0});
      changed_.NotifyAll();
      return;
    }
    objects_.Expect(submit.result);
    objects_.HoldArgs(submit.args);
  }
  coroutine->submit = submit;
  Begin(std::move(coroutine));
}

void LocalBackend::BeginCall(Run run, Call call,
                             const base::FunctionEntry& entry,
                             std::vector<base::Value> args,
                             std::shared_ptr<void> instance) {
  auto coroutine = std::make_shared<Coroutine>(*this, entry, run);
  coroutine->name = call.method_name;
  coroutine->run.name = coroutine->name;
  coroutine->args = std::move(args);
  coroutine->instance = std::move(instance);
  coroutine->invocation.instance = &coroutine->instance;
  coroutine->executor = TurnsOf(call.actor);
  coroutine->call = std::move(call);
  Begin(std::move(coroutine));
}

void LocalBackend::Begin(std::shared_ptr<Coroutine> coroutine) {
  while (coroutine != nullptr) {
    Coroutine& one = *coroutine;
    one.invocation.args = one.args;
    if (one.entry.is_generator) {
      one.items.emplace(one, base::ObjectName(), self_, one.run.attempt);
      one.invocation.items = &*one.items;
    }
    one.current = CurrentOf(one.run, one.entry, one.invocation);
    one.start = base::BootNow();
    bool stops = false;
    {
      const ScopedCurrent scope(&one.current);
      one.body = one.entry.begin(one.invocation, one.executor, one);
      {
        base::MutexLock lock(mutex_);
        coroutines_[one.run.task] = coroutine;
        stops = ended_;
      }
      running_.Add(one.run.task, one.body);
      if (stops) one.body->Stop();
      one.body->Begin();
    }
    {
      base::MutexLock lock(mutex_);
      one.begins = false;
      if (!one.outcome.has_value()) return;  // it waits
    }
    coroutine = End(coroutine);
  }
}

// ---- end --------------------------------------------------------------------

void LocalBackend::Ended(Coroutine& coroutine, base::Outcome outcome) {
  std::shared_ptr<Coroutine> ended;
  {
    base::MutexLock lock(mutex_);
    coroutine.outcome = std::move(outcome);
    if (coroutine.begins) return;
    ended = coroutines_.at(coroutine.run.task);
  }
  Begin(End(ended));
}

std::shared_ptr<LocalBackend::Coroutine> LocalBackend::End(
    const std::shared_ptr<Coroutine>& coroutine) {
  Coroutine& one = *coroutine;
  running_.Remove(one.run.task);
  Finished finished =
      Conclude(one.run, one.start, *std::move(one.outcome), one.invocation);
  one.instance.reset();
  std::shared_ptr<Coroutine> next;
  if (one.items.has_value() && one.submit.has_value()) {
    running_.Forget(one.run.task);
    base::MutexLock lock(mutex_);
    const auto run = runs_.find(one.submit->result);
    if (run != runs_.end() && run->second.cancelled) {
      base::Failure stopped = CancelledFailure(base::Executed::kMaybe);
      stopped.function = one.run.name;
      finished.outcome = std::move(stopped);
    }
  }
  if (one.call.has_value()) {
    FinishCall(*one.call,
               Settled{std::move(finished.outcome), one.run.incarnation},
               finished.exit_actor);
    if (finished.exit_actor) StopCoroutines(one.call->actor);
  } else if (IsRetried(*one.submit, one.run.attempt, finished.outcome)) {
    next = std::make_shared<Coroutine>(*this, one.entry, one.run);
    ++next->run.attempt;
    next->name = one.name;
    next->run.name = next->name;
    next->args = std::move(one.args);
    next->submit = std::move(one.submit);
    return next;
  }
  base::MutexLock lock(mutex_);
  if (one.submit.has_value()) {
    EndTask(*one.submit, finished.outcome);
    EndStream(one.submit->result, finished.outcome);
    objects_.Settle(one.submit->result,
                    Settled{std::move(finished.outcome), 0});
    TellWatches(one.submit->result);
    objects_.ReleaseArgs(one.submit->args);
  } else if (Actor* const actor = Find(one.call->actor)) {
    --actor->coroutines;
  }
  coroutines_.erase(one.run.task);
  changed_.NotifyAll();
  return nullptr;
}

// ---- actors' turns ----------------------------------------------------------

base::Executor* LocalBackend::TurnsOf(base::ActorId id) {
  base::MutexLock lock(mutex_);
  Actor* const actor = Find(id);
  MOBULA_CHECK(actor != nullptr, "an actor that is busy stays");
  ++actor->coroutines;
  if (actor->turns == nullptr) {
    actor->turns = std::make_shared<Turns>(*this, id);
  }
  return actor->turns.get();
}

// Who is busy with it looks again by itself.
void LocalBackend::PumpSoon(base::ActorId actor) {
  MOBULA_CHECK(pool_ != nullptr, "coroutines go on on a pool");
  pumps_.fetch_add(1);
  auto pump = std::make_unique<Pump>();
  pump->backend = this;
  pump->actor = actor;
  pump->run = [](base::Work* posted) noexcept {
    const std::unique_ptr<Pump> here(static_cast<Pump*>(posted));
    LocalBackend& backend = *here->backend;
    while (backend.Step(here->actor)) {
    }
    base::MutexLock lock(backend.mutex_);
    backend.pumps_.fetch_sub(1);
    backend.changed_.NotifyAll();
  };
  pool_().Post(pump.release());
}

base::Work* LocalBackend::TakeTurn(Actor& actor) {
  if (actor.turns == nullptr) return nullptr;
  Turns& turns = *actor.turns;
  // In turn with the calls that wait and may begin.
  const bool yields =
      turns.had_last && NextCall(actor) != actor.waiting.end() && !ended_;
  base::Work* const work = yields ? nullptr : turns.Take();
  turns.had_last = work != nullptr;
  return work;
}

// ---- stop -------------------------------------------------------------------

void LocalBackend::StopCoroutines(base::ActorId of) {
  std::vector<std::shared_ptr<Coroutine>> stopped;
  {
    base::MutexLock lock(mutex_);
    for (const auto& [task, coroutine] : coroutines_) {
      if (coroutine->run.actor == of) stopped.push_back(coroutine);
    }
  }
  for (const auto& coroutine : stopped) coroutine->body->Stop();
}

void LocalBackend::StopAllCoroutines() {
  std::vector<std::shared_ptr<Coroutine>> stopped;
  {
    base::MutexLock lock(mutex_);
    for (const auto& [task, coroutine] : coroutines_) {
      stopped.push_back(coroutine);
    }
  }
  for (const auto& coroutine : stopped) coroutine->body->Stop();
  stopped.clear();
  base::MutexLock lock(mutex_);
  while (!coroutines_.empty() || pumps_.load() > 0) changed_.Wait(mutex_);
}

}  // namespace mobula::runtime

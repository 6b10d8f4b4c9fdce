#include "runtime/executor/slot_thread.h"

#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/functions/callable.h"
#include "runtime/core/scope_failures.h"
#include "runtime/executor/current.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

// The slot whose thread the calling one is.
thread_local const SlotThread* slot_here = nullptr;

// What a function printed leaves the process before its result does. With
// nothing buffered this costs no system call.
void FlushOutput() {
  std::cout.flush();
  std::clog.flush();
  if (::__fpending(stdout) > 0) std::fflush(stdout);
  if (::__fpending(stderr) > 0) std::fflush(stderr);
}

// Of a coroutine of an actor that ended itself meanwhile.
Failure LeftBehind() {
  return base::MakeFailure(FailureCode::kActorDied, base::Executed::kYes,
                           "the actor ended itself (ExitActor) while this call "
                           "waited");
}

}  // namespace

SlotThread::SlotThread(const base::FunctionTable& table, base::WorkerPage* page,
                       Hooks hooks, RunningTasks* running, OpenStreams* streams)
    : table_(table),
      page_(page),
      hooks_(std::move(hooks)),
      own_running_(running == nullptr ? std::make_unique<RunningTasks>()
                                      : nullptr),
      running_(running == nullptr ? *own_running_ : *running),
      own_streams_(streams == nullptr
                       ? std::make_unique<OpenStreams>(hooks_.streams)
                       : nullptr),
      streams_(streams == nullptr ? *own_streams_ : *streams) {
  MOBULA_CHECK(hooks_.done != nullptr);
}

SlotThread::~SlotThread() { DropAsked(); }

bool SlotThread::IsHere() const { return slot_here == this; }

// ---- the queue --------------------------------------------------------------

void SlotThread::Append(base::Work* work) {
  work->next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = work;
  last_ = work;
  changed_.NotifyOne();
}

void SlotThread::Push(Execute work) {
  auto asked = std::make_unique<Asked>();
  asked->execute = std::move(work);
  {
    base::MutexLock lock(mutex_);
    if (!stopped_) Append(asked.release());
  }
  Wake();
}

void SlotThread::Post(base::Work* work) {
  MOBULA_CHECK(work->run != nullptr);
  // In one piece: once the lock is free it may have run, and the slot be gone.
  base::MutexLock lock(mutex_);
  Append(work);
  Wake();
}

void SlotThread::Stop() {
  DropAsked();
  Wake();
}

void SlotThread::DropAsked() {
  base::MutexLock lock(mutex_);
  stopped_ = true;
  base::Work* work = std::exchange(first_, nullptr);
  while (work != nullptr) {
    base::Work* const next = work->next;
    if (work->run != nullptr) {
      Append(work);
    } else {
      delete static_cast<Asked*>(work);
    }
    work = next;
  }
  changed_.NotifyAll();
}

void SlotThread::SetNode(std::string name) {
  base::MutexLock lock(mutex_);
  node_ = std::move(name);
}

base::Work* SlotThread::Take() {
  // Where nothing has begun there is no task whose cpu could be lent.
  std::optional<LentWait> lent;
  if (!coroutines_.empty()) lent.emplace(base::BootTime::Never(), hooks_.lend);
  base::MutexLock lock(mutex_);
  if (!stopped_ && first_ == nullptr && page_ != nullptr) page_->SetBusy(false);
  while (!stopped_ && first_ == nullptr) {
    if (lent.has_value()) {
      lent->Sleep(mutex_, changed_);
    } else {
      changed_.Wait(mutex_);
    }
  }
  if (stopped_) return nullptr;
  base::Work* const work = first_;
  first_ = work->next;
  return work;
}

base::Work* SlotThread::FindPosted() {
  base::Work* before = nullptr;
  for (base::Work* work = first_; work != nullptr; work = work->next) {
    if (work->run != nullptr) {
      (before == nullptr ? first_ : before->next) = work->next;
      if (last_ == work) last_ = before;
      return work;
    }
    before = work;
  }
  return nullptr;
}

base::Work* SlotThread::TakePosted() {
  base::MutexLock lock(mutex_);
  while (true) {
    if (base::Work* const work = FindPosted()) return work;
    changed_.Wait(mutex_);
  }
}

base::Work* SlotThread::TakePostedOrStop() {
  LentWait lent(base::BootTime::Never(), hooks_.lend);
  base::MutexLock lock(mutex_);
  while (!stopped_) {
    if (base::Work* const work = FindPosted()) return work;
    lent.Sleep(mutex_, changed_);
  }
  return nullptr;
}

void SlotThread::RunToEnd(TaskRun& run) {
  while (!run.has_ended) {
    base::Work* work = TakePostedOrStop();
    if (work == nullptr) {
      run.coroutine->Stop();
      work = TakePosted();
    }
    work->run(work);
  }
}

void SlotThread::Run() {
  const SlotThread* const before = std::exchange(slot_here, this);
  ShowCurrentOn(page_);
  while (base::Work* const work = Take()) RunOne(work);
  EndAll();
  ShowCurrentOn(nullptr);
  slot_here = before;
}

void SlotThread::RunOne(base::Work* work) {
  if (work->run != nullptr) {
    work->run(work);
  } else {
    const std::unique_ptr<Asked> asked(static_cast<Asked*>(work));
    Start(std::move(asked->execute));
  }
  FinishEnded();
}

void SlotThread::EndAll() {
  Unwind();
  // Each actor's destructor may still look at the others' effects, so they go
  // one at a time while the rest of the process is whole.
  while (!actors_.empty()) actors_.erase(actors_.begin());
  FlushOutput();
}

SlotThread::Ran SlotThread::RunReady(int turns_max) {
  const SlotThread* const before = std::exchange(slot_here, this);
  Ran ran = Ran::kSome;
  for (int turn = 0; turn < turns_max && ran == Ran::kSome; ++turn) {
    base::Work* work = nullptr;
    {
      base::MutexLock lock(mutex_);
      if (stopped_) {
        ran = Ran::kOver;
      } else if (first_ == nullptr) {
        ran = Ran::kAll;
      } else {
        work = first_;
        first_ = work->next;
      }
    }
    if (work != nullptr) RunOne(work);
  }
  if (ran == Ran::kOver) EndAll();
  slot_here = before;
  return ran;
}

base::ObjectId SlotThread::FirstResult() const {
  base::MutexLock lock(mutex_);
  if (first_ == nullptr || first_->run != nullptr) return base::ObjectId();
  return static_cast<const Asked*>(first_)->execute.result;
}

bool SlotThread::RefuseFirst(Failure failure) {
  base::Work* work = nullptr;
  bool has_more = false;
  {
    base::MutexLock lock(mutex_);
    if (first_ == nullptr) return stopped_;
    if (first_->run != nullptr) return true;
    work = first_;
    first_ = work->next;
    has_more = first_ != nullptr || stopped_;
  }
  const std::unique_ptr<Asked> asked(static_cast<Asked*>(work));
  TaskRun run(std::move(asked->execute));
  run.executed.outcome = std::move(failure);
  run.executed.never_ran = true;
  Annotate(run);
  hooks_.done(std::move(run.executed));
  return has_more;
}

// ---- functions --------------------------------------------------------------

void SlotThread::Start(Execute work) {
  const base::FunctionEntry* entry = nullptr;
  auto why = Find(work, &entry);
  if (!why.has_value() && entry->is_coroutine()) {
    StartCoroutine(std::move(work), *entry);
    return;
  }
  TaskRun run(std::move(work));
  if (why.has_value()) {
    run.executed.outcome = *std::move(why);
    Annotate(run);
    hooks_.done(std::move(run.executed));
    return;
  }
  run.entry = entry;
  run.current.function = entry->name;
  {
    const ScopedCurrent scope(&run.current);
    if (Prepare(run)) run.executed.outcome = entry->invoke(run.invocation);
  }
  Finish(run);
}

void SlotThread::StartCoroutine(Execute work,
                                const base::FunctionEntry& entry) {
  MOBULA_CHECK(hooks_.aside != nullptr, "no coroutine is run here");
  auto owned = std::make_unique<TaskRun>(std::move(work));
  TaskRun& run = *owned;
  run.entry = &entry;
  run.current.function = entry.name;
  {
    const ScopedCurrent scope(&run.current);
    if (Prepare(run)) {
      run.ended = &ended_;
      if (entry.is_generator) run.invocation.items = streams_.Open(run.work);
      run.coroutine = entry.begin(run.invocation, this, run);
      running_.Add(run.work.task, run.coroutine);
      const bool is_new =
          coroutines_.emplace(run.work.task, std::move(owned)).second;
      MOBULA_CHECK(is_new, "a task runs once");
      run.coroutine->Begin();
    }
  }
  if (owned != nullptr) {
    Finish(run);
  } else if (entry.holds_slot && run.work.actor.IsNil()) {
    RunToEnd(run);
  } else if (!run.has_ended) {
    hooks_.aside(SetAside{run.work.task, run.RunNs()});
  }
}

std::optional<Failure> SlotThread::Find(
    const Execute& work, const base::FunctionEntry** entry) const {
  auto failure =
      base::FindCallable(table_, {work.function, work.called}, entry);
  if (failure.has_value() || work.is_constructor) return failure;
  if (work.actor.IsNil()) return base::Misplaced(**entry, nullptr);
  const auto living = actors_.find(work.actor);
  if (living == actors_.end()) return std::nullopt;  // FindActor says so
  return base::Misplaced(**entry, living->second.constructor);
}

bool SlotThread::Prepare(TaskRun& run) {
  run.current.stop = running_.TokenOf(run.work.task);
  if (run.current.stop.stop_requested()) {
    run.executed.outcome = CancelledFailure(base::Executed::kNo);
    return false;
  }
  if (auto failure = MapArgs(run)) {
    run.executed.outcome = *std::move(failure);
    return false;
  }
  run.invocation.args =
      std::span(run.mapped.empty() ? run.work.args : run.mapped);
  return run.work.actor.IsNil() || FindActor(run);
}

std::optional<Failure> SlotThread::MapArgs(TaskRun& run) {
  const Execute& work = run.work;
  std::vector<base::LostBytes>& lost = run.executed.lost;
  const bool has_stored =
      std::any_of(work.args.begin(), work.args.end(),
                  [](const base::Value& arg) { return arg.is_stored(); });
  if (!has_stored) return std::nullopt;
  run.mapped = work.args;
  std::optional<Failure> why;
  for (base::Value& arg : run.mapped) {
    if (!arg.is_stored()) continue;
    MOBULA_CHECK(hooks_.map != nullptr,
                 "a stored argument where there is no store");
    auto mapped = hooks_.map(arg, /*remade=*/!work.actor.IsNil());
    if (auto* failure = std::get_if<Failure>(&mapped)) {
      const bool is_lost = failure->code == FailureCode::kObjectLost;
      why = std::move(*failure);
      why->executed = base::Executed::kNo;
      if (is_lost && work.actor.IsNil()) {
        // The others may be lost too: all are said at once.
        lost.push_back({arg.name(), arg.extent()});
        continue;
      }
      lost.clear();
      return why;
    }
    arg = std::get<base::Value>(std::move(mapped));
  }
  return why;
}

bool SlotThread::FindActor(TaskRun& run) {
  const auto found = actors_.find(run.work.actor);
  if (run.work.is_constructor) {
    MOBULA_CHECK(found == actors_.end(), "an actor is constructed once")
        << run.work.actor.ToString();
  } else {
    if (found == actors_.end()) {
      run.executed.outcome =
          base::NotRun(FailureCode::kActorDied,
                       "the actor does not live in this worker (any more)");
      return false;
    }
    run.instance = found->second.instance;
    run.current.assigned = found->second.assigned.get();
  }
  run.invocation.instance = &run.instance;
  return true;
}

void SlotThread::FinishEnded() {
  while (!ended_.empty()) {
    const auto found = coroutines_.find(ended_.front()->work.task);
    MOBULA_CHECK(found != coroutines_.end());
    const std::unique_ptr<TaskRun> run = std::move(found->second);
    ended_.pop_front();
    coroutines_.erase(found);
    if (run->invocation.items != nullptr) streams_.Close(run->work.task);
    running_.Remove(run->work.task);
    Finish(*run);
  }
}

void SlotThread::Finish(TaskRun& run) {
  Executed& executed = run.executed;
  const Execute& work = run.work;
  executed.digest = run.invocation.digest;
  executed.exit_actor = run.invocation.exit_actor && !leaves_;
  executed.run_ns = run.RunNs();
  if (leaves_ && run.coroutine != nullptr &&
      std::holds_alternative<Failure>(executed.outcome)) {
    executed.outcome = LeftBehind();
  }
  if (work.is_constructor &&
      std::holds_alternative<base::Value>(executed.outcome)) {
    actors_.emplace(work.actor, Living{work.assigned, run.entry, run.instance});
  }
  if (executed.exit_actor) {
    leaves_ = true;
    Unwind();
    // The destructor may ask what the actor has.
    const ScopedCurrent scope(&run.current);
    const auto ended = actors_.extract(work.actor);
    run.instance.reset();
  }
  run.instance.reset();
  FlushOutput();
  Annotate(run);
  hooks_.done(std::move(executed));
}

void SlotThread::Unwind() {
  std::vector<std::shared_ptr<base::CoroutineRun>> runs;
  for (const auto& [task, run] : coroutines_) runs.push_back(run->coroutine);
  for (const auto& run : runs) run->Stop();
  FinishEnded();
  while (!coroutines_.empty()) {
    base::Work* const work = TakePosted();
    work->run(work);
    FinishEnded();
  }
}

void SlotThread::Annotate(TaskRun& run) {
  auto* failure = std::get_if<Failure>(&run.executed.outcome);
  if (failure == nullptr) return;
  const Execute& work = run.work;
  if (!work.called.empty()) failure->function = work.called;
  if (work.actor.IsNil() && work.assigned != nullptr &&
      !work.assigned->name.empty()) {
    failure->function = work.assigned->name;
  }
  if (failure->function.empty() && run.entry != nullptr) {
    failure->function = run.entry->name;
  }
  if (failure->pid == 0) failure->pid = static_cast<int>(::getpid());
  if (failure->attempt == 0) failure->attempt = run.work.attempt;
  if (failure->incarnation == 0) failure->incarnation = run.work.incarnation;
  if (!failure->node.empty()) return;
  base::MutexLock lock(mutex_);
  failure->node = node_;
}

}  // namespace mobula::runtime

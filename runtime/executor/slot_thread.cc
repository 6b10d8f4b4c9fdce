#include "runtime/executor/slot_thread.h"

#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/check.h"
#include "base/functions/callable.h"
#include "runtime/core/scope_failures.h"
#include "runtime/executor/current.h"

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

// So long one argument is waited for, while no other is kept, until it is seen
// whether the task was stopped.
constexpr base::Duration kWithNoneKept = std::chrono::seconds(1);

// How long arguments that are there are kept while another one does not come.
// Two that wait for each other's room part soon, since each one's is longer and
// longer, by chance: at last one of them keeps what it has, and has the rest.
class ArgPatience {
 public:
  explicit ArgPatience(base::TaskId task)
      : random_(static_cast<std::uint32_t>(
            task.lo ^ task.hi << 7 ^
            static_cast<std::uint64_t>(::getpid()) << 12)) {}

  base::Duration Next() {
    const auto chance = std::chrono::milliseconds(random_() % 250);
    const base::Duration patience = least_ + chance * (least_ / kFirst);
    least_ = std::min<base::Duration>(2 * least_, kMost);
    return patience;
  }

 private:
  static constexpr std::chrono::milliseconds kFirst{250};
  // Longer than the store lets anybody wait.
  static constexpr std::chrono::seconds kMost{32};

  std::minstd_rand random_;
  base::Duration least_ = kFirst;
};

}  // namespace

SlotThread::SlotThread(const base::FunctionTable& table, base::WorkerPage* page,
                       Hooks hooks, RunningTasks* running, OpenStreams* streams)
    : table_(table),
      page_(page),
      hooks_(std::move(hooks)),
      use_(hooks_.lend),
      blocked_([this](bool is_blocked) { use_.Blocked(is_blocked); }),
      own_running_(running == nullptr ? std::make_unique<RunningTasks>()
                                      : nullptr),
      running_(running == nullptr ? *own_running_ : *running),
      own_streams_(streams == nullptr
                       ? std::make_unique<OpenStreams>(hooks_.streams)
                       : nullptr),
      streams_(streams == nullptr ? *own_streams_ : *streams),
      held_(hooks_.remake, *this,
            [this](std::deque<Execute> calls, std::optional<Failure> why) {
              Resume(std::move(calls), std::move(why));
            }) {
  MOBULA_CHECK(hooks_.done != nullptr);
  MOBULA_CHECK(hooks_.aside != nullptr || hooks_.remake == nullptr,
               "what is held stands aside");
  leave_.slot = this;
  leave_.run = [](base::Work* work) noexcept {
    static_cast<Leaving*>(work)->slot->TakeLeave();
  };
}

SlotThread::~SlotThread() { DropAsked(); }

bool SlotThread::IsHere() const { return slot_here == this; }

// ---- the queue --------------------------------------------------------------

void SlotThread::Append(base::Work* work) {
  work->next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = work;
  last_ = work;
  Notify();
}

void SlotThread::Notify() {
  changed_.NotifyAll();
  if (drives_ && slot_here != this) hooks_.stir();
}

void SlotThread::Push(Execute work) {
  const std::shared_ptr<MethodThreads> threads = ThreadsFor(work);
  if (threads != nullptr) {
    const MethodThreads::Pushed pushed = threads->Push(work);
    if (pushed == MethodThreads::Pushed::kClosed) TurnAway(work);
    if (pushed == MethodThreads::Pushed::kNoThread) RefuseThread(work);
    return;
  }
  auto asked = std::make_unique<Asked>();
  asked->execute = std::move(work);
  {
    base::MutexLock lock(mutex_);
    const bool is_late = !leaving_.IsNil() &&
                         asked->execute.actor == leaving_ &&
                         !asked->execute.is_constructor;
    if (stopped_ || !is_late) {
      if (!stopped_) Append(asked.release());
      Wake();
      return;
    }
  }
  TurnAway(asked->execute);
}

void SlotThread::RefuseThread(const Execute& work) {
  Executed executed;
  executed.task = work.task;
  executed.never_began = true;
  executed.outcome = base::NotRun(
      FailureCode::kLimit,
      "this machine lets the actor's process start no thread for the call");
  hooks_.done(std::move(executed));
}

std::shared_ptr<MethodThreads> SlotThread::ThreadsFor(const Execute& work) {
  if (work.actor.IsNil() || work.is_constructor) return nullptr;
  std::shared_ptr<MethodThreads> threads;
  {
    base::MutexLock lock(mutex_);
    const auto found = threads_.find(work.actor);
    if (stopped_ || found == threads_.end()) return nullptr;
    threads = found->second;
  }
  // What cannot be run, and coroutines, are Run's.
  const base::FunctionEntry* entry = nullptr;
  const bool is_there =
      !base::FindCallable(table_, {work.function, work.called}, &entry);
  return is_there && !entry->is_coroutine() ? threads : nullptr;
}

void SlotThread::TurnAway(const Execute& work) {
  Executed executed;
  executed.task = work.task;
  executed.never_began = true;
  executed.outcome =
      base::NotRun(FailureCode::kActorDied,
                   "the actor ended itself (ExitActor) before this call began");
  hooks_.done(std::move(executed));
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
  Notify();
}

void SlotThread::SetNode(std::string name) {
  base::MutexLock lock(mutex_);
  node_ = std::move(name);
}

void SlotThread::Run() {
  const SlotThread* const before = std::exchange(slot_here, this);
  ShowCurrentOn(&page_);
  while (base::Work* const work = Take()) RunOne(work);
  EndAll();
  ShowCurrentOn(nullptr);
  slot_here = before;
}

void SlotThread::RunOne(base::Work* work) {
  const SlotUse::Share share(use_);
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
  {
    const SlotUse::Share share(use_);
    for (const auto& [actor, living] : actors_) EndMethods(living);
    FinishLeavers();
  }
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
  run.executed.never_began = true;
  Annotate(run);
  hooks_.done(std::move(run.executed));
  return has_more;
}

// ---- functions --------------------------------------------------------------

void SlotThread::Start(Execute work) {
  if (held_.Holds(work)) {
    const SetAside aside{work.task, 0};
    held_.Add(std::move(work));
    hooks_.aside(aside);
    return;
  }
  const Living* const living = FindLiving(work);
  const base::FunctionEntry* entry = nullptr;
  auto why = Find(work, living, &entry);
  if (!why.has_value() && entry->is_coroutine()) {
    StartCoroutine(std::move(work), *entry);
    return;
  }
  TaskRun run(std::move(work));
  if (why.has_value()) {
    run.executed.outcome = *std::move(why);
  } else {
    run.may_hold = held_.can_hold() && living != nullptr;
    RunPlain(run, *entry, living);
  }
  FinishOrHold(run);
}

void SlotThread::FinishOrHold(TaskRun& run) {
  if (!run.missed.has_value()) {
    Finish(run);
    return;
  }
  held_.Hold(run.work, *run.missed);
  hooks_.aside(SetAside{run.work.task, run.RunNs()});
}

void SlotThread::Resume(std::deque<Execute> calls, std::optional<Failure> why) {
  for (Execute& call : calls) {
    {
      base::MutexLock lock(mutex_);
      if (stopped_) return;
    }
    if (why.has_value()) {
      Fail(std::move(call), *std::exchange(why, std::nullopt));
    } else {
      Start(std::move(call));
    }
    FinishEnded();
  }
}

void SlotThread::Fail(Execute work, Failure why) {
  TaskRun run(std::move(work));
  static_cast<void>(Find(run.work, FindLiving(run.work), &run.entry));
  run.executed.outcome = std::move(why);
  Finish(run);
}

void SlotThread::RunPlain(TaskRun& run, const base::FunctionEntry& entry,
                          const Living* living) {
  run.entry = &entry;
  run.current.function = entry.name;
  const ScopedCurrent scope(&run.current);
  if (!Prepare(run, living)) return;
  run.executed.outcome = entry.invoke(run.invocation);
}

void SlotThread::RunMethod(const Living& living, Execute work) {
  const SlotThread* const before = std::exchange(slot_here, this);
  ShowCurrentOn(&page_);
  {
    const SlotUse::Share share(use_);
    const base::FunctionEntry* entry = nullptr;
    auto why = Find(work, &living, &entry);
    auto run = std::make_unique<TaskRun>(std::move(work));
    if (why.has_value()) {
      run->executed.outcome = *std::move(why);
    } else {
      RunPlain(*run, *entry, &living);
    }
    PlaceResult(*run);
    run->executed.run_ns = run->RunNs();
    if (run->invocation.exit_actor) {
      Leave(std::move(run));
    } else {
      Answer(*run);
    }
  }
  if (!use_.in_use()) page_.Rest();
  slot_here = before;
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
    const Living* const living = FindLiving(run.work);
    run.may_hold = held_.can_hold() && living != nullptr;
    if (Prepare(run, living)) {
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
    FinishOrHold(run);
  } else if (entry.holds_slot && run.work.actor.IsNil()) {
    RunToEnd(run);
  } else if (!run.has_ended) {
    hooks_.aside(SetAside{run.work.task, run.RunNs()});
  }
}

const SlotThread::Living* SlotThread::FindLiving(const Execute& work) const {
  const auto found = actors_.find(work.actor);
  return found == actors_.end() ? nullptr : &found->second;
}

std::optional<Failure> SlotThread::Find(
    const Execute& work, const Living* living,
    const base::FunctionEntry** entry) const {
  auto failure =
      base::FindCallable(table_, {work.function, work.called}, entry);
  if (failure.has_value() || work.is_constructor) return failure;
  if (work.actor.IsNil()) return base::Misplaced(**entry, nullptr);
  if (living == nullptr) return std::nullopt;  // FindActor says so
  return base::Misplaced(**entry, living->constructor);
}

bool SlotThread::Prepare(TaskRun& run, const Living* living) {
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
  return run.work.actor.IsNil() || FindActor(run, living);
}

std::optional<Failure> SlotThread::MapArgs(TaskRun& run) {
  const Execute& work = run.work;
  const auto stored =
      std::find_if(work.args.begin(), work.args.end(),
                   [](const base::Value& arg) { return arg.is_stored(); });
  if (stored == work.args.end()) return std::nullopt;
  ArgPatience patience(work.task);
  base::Duration kept_for = patience.Next();
  // The one that did not come is asked for first. If those that are there were
  // asked for before it, they would be back before anybody had their room.
  auto first = static_cast<std::size_t>(stored - work.args.begin());
  // Ends: the store says at last that there is no room.
  while (true) {
    std::size_t missing = first;
    std::optional<Failure> why = MapArgsWithin(run, first, kept_for, &missing);
    const bool again = why.has_value() && why->code == FailureCode::kTimeout &&
                       !run.current.stop.stop_requested();
    if (!again) return why;
    run.mapped.clear();
    if (missing != first) kept_for = patience.Next();
    first = missing;
  }
}

std::optional<Failure> SlotThread::MapArgsWithin(TaskRun& run,
                                                 std::size_t first,
                                                 base::Duration kept_for,
                                                 std::size_t* missing) {
  const Execute& work = run.work;
  std::vector<base::LostBytes>& lost = run.executed.lost;
  run.mapped = work.args;
  std::optional<Failure> why;
  for (std::size_t i = 0; i < run.mapped.size(); ++i) {
    const std::size_t at = (first + i) % run.mapped.size();
    base::Value& arg = run.mapped[at];
    if (!arg.is_stored()) continue;
    MOBULA_CHECK(hooks_.map != nullptr,
                 "a stored argument where there is no store");
    const bool waits = !work.actor.IsNil() && !run.may_hold;
    auto mapped =
        hooks_.map(arg, /*remade=*/waits, i == 0 ? kWithNoneKept : kept_for);
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
      *missing = at;
      if (is_lost && run.may_hold) run.missed = arg;
      return why;
    }
    arg = std::get<base::Value>(std::move(mapped));
  }
  return why;
}

bool SlotThread::FindActor(TaskRun& run, const Living* living) {
  if (run.work.is_constructor) {
    MOBULA_CHECK(living == nullptr, "an actor is constructed once")
        << run.work.actor.ToString();
  } else {
    if (living == nullptr) {
      run.executed.outcome =
          base::NotRun(FailureCode::kActorDied,
                       "the actor does not live in this worker (any more)");
      run.executed.never_began = true;
      return false;
    }
    run.instance = living->instance;
    run.current.assigned = living->assigned.get();
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

void SlotThread::PlaceResult(TaskRun& run) {
  if (run.invocation.place_later == nullptr) return;
  const ScopedCurrent scope(&run.current);
  // What it was given may be in the way.
  run.coroutine.reset();
  run.invocation.args = {};
  run.mapped.clear();
  run.executed.outcome = run.invocation.place_later();
  run.invocation.place_later = nullptr;
}

void SlotThread::Finish(TaskRun& run) {
  PlaceResult(run);
  Executed& executed = run.executed;
  executed.run_ns = run.RunNs();
  executed.exit_actor = run.invocation.exit_actor && !leaves_;
  if (leaves_ && run.coroutine != nullptr &&
      std::holds_alternative<Failure>(executed.outcome)) {
    executed.outcome = LeftBehind();
  }
  if (run.work.is_constructor &&
      std::holds_alternative<base::Value>(executed.outcome)) {
    Settle(run);
  }
  if (executed.exit_actor) EndActor(run);
  Answer(run);
}

void SlotThread::Settle(TaskRun& run) {
  const Execute& work = run.work;
  const auto [it, is_new] = actors_.emplace(
      work.actor, Living{work.assigned, run.entry, run.instance, nullptr});
  MOBULA_CHECK(is_new);
  if (work.threads <= 1) return;
  Living& living = it->second;
  living.threads = std::make_shared<MethodThreads>(
      work.threads,
      [this, &living](Execute w) { RunMethod(living, std::move(w)); });
  base::MutexLock lock(mutex_);
  threads_.emplace(work.actor, living.threads);
}

void SlotThread::Answer(TaskRun& run) {
  run.executed.digest = run.invocation.digest;
  run.instance.reset();
  // Whoever has the answer finds that nothing of the arguments is held.
  run.coroutine.reset();
  run.invocation.args = {};
  run.mapped.clear();
  FlushOutput();
  Annotate(run);
  hooks_.done(std::move(run.executed));
}

// ---- an actor that ends itself ----------------------------------------------

void SlotThread::Leave(std::unique_ptr<TaskRun> run) {
  base::MutexLock lock(mutex_);
  leavers_.push_back(std::move(run));
  if (std::exchange(leave_.is_queued, true)) return;
  Append(&leave_);
  Wake();
}

std::unique_ptr<TaskRun> SlotThread::TakeLeaver() {
  base::MutexLock lock(mutex_);
  if (leavers_.empty()) return nullptr;
  std::unique_ptr<TaskRun> first = std::move(leavers_.front());
  leavers_.pop_front();
  return first;
}

void SlotThread::TakeLeave() {
  {
    base::MutexLock lock(mutex_);
    leave_.is_queued = false;
  }
  FinishLeavers();
}

void SlotThread::FinishLeavers() {
  while (const std::unique_ptr<TaskRun> leaver = TakeLeaver()) {
    leaver->executed.exit_actor = !leaves_;
    if (leaver->executed.exit_actor) EndActor(*leaver);
    Answer(*leaver);
  }
}

std::vector<Execute> SlotThread::TakeAsked(base::ActorId actor) {
  std::vector<Execute> taken;
  base::MutexLock lock(mutex_);
  base::Work* work = std::exchange(first_, nullptr);
  while (work != nullptr) {
    base::Work* const next = work->next;
    auto* const asked =
        work->run == nullptr ? static_cast<Asked*>(work) : nullptr;
    if (asked != nullptr && asked->execute.actor == actor) {
      taken.push_back(std::move(asked->execute));
      delete asked;
    } else {
      Append(work);
    }
    work = next;
  }
  return taken;
}

void SlotThread::EndMethods(const Living& living) {
  if (living.threads == nullptr) return;
  for (const Execute& late : living.threads->Close()) TurnAway(late);
  for (const base::TaskId task : living.threads->Running()) {
    running_.Stop(task);
  }
  use_.Blocked(true);
  living.threads->AwaitEnd();
  use_.Blocked(false);
}

void SlotThread::EndActor(TaskRun& run) {
  const base::ActorId actor = run.work.actor;
  leaves_ = true;
  {
    base::MutexLock lock(mutex_);
    leaving_ = actor;
  }
  for (const Execute& late : held_.TakeOf(actor)) TurnAway(late);
  for (const Execute& late : TakeAsked(actor)) TurnAway(late);
  Unwind();
  const auto found = actors_.find(actor);
  if (found != actors_.end()) EndMethods(found->second);
  {
    base::MutexLock lock(mutex_);
    threads_.erase(actor);
  }
  FinishLeavers();  // of the others
  // The destructor may ask what the actor has.
  const ScopedCurrent scope(&run.current);
  const auto ended = actors_.extract(actor);
  run.instance.reset();
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

#include "runtime/core/host.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "base/scheduling/call_scope.h"
#include "runtime/core/emit.h"
#include "runtime/core/scope_failures.h"
#include "runtime/refs/inside.h"

namespace mobula::runtime {

using base::FailureCode;

namespace {

bool IsRefusal(FailureCode code) {
  return code == FailureCode::kCancelled || code == FailureCode::kActorDied ||
         code == FailureCode::kActorRestarted || code == FailureCode::kLimit ||
         code == FailureCode::kBadArgument;
}

void SetScope(Job& job, std::optional<base::CallScope>& scope,
              base::BootTime now) {
  job.deadline = DeadlineOf(scope, now);
  job.scope = std::move(scope);
}

}  // namespace

void Host::Run(base::ProcessId from, base::RunTask run, Effects& effects) {
  Job job;
  job.kind = Job::Kind::kTask;
  job.from = from;
  job.task = run.task;
  job.result = run.result;
  job.attempt = run.attempt;
  job.function = run.function;
  job.args = std::move(run.args);
  job.called = std::move(run.called);
  job.assigned = std::move(run.assigned);
  SetScope(job, run.scope, now_);
  Enqueue(std::move(job), effects);
}

void Host::Construct(base::ProcessId from, base::CreateActor create,
                     Effects& effects) {
  Job job;
  job.kind = Job::Kind::kConstructor;
  job.from = from;
  job.task = create.task;
  job.actor = create.actor;
  job.incarnation = create.incarnation;
  job.function = create.constructor;
  SetScope(job, create.scope, now_);
  if (accepts_ && !retired_ && !mailbox_.Open(from, create)) {
    Refuse(job, FailureCode::kBadArgument,
           "this worker holds, or has held, another actor", effects);
    return;
  }
  job.args = std::move(create.args);
  job.assigned =
      std::make_shared<const base::Assigned>(std::move(create.assigned));
  Enqueue(std::move(job), effects);
}

void Host::Call(base::ProcessId from, base::CallActor call, Effects& effects) {
  Job job;
  job.kind = Job::Kind::kMethod;
  job.from = from;
  job.task = call.task;
  job.result = call.result;
  job.attempt = call.attempt;
  job.actor = call.actor;
  job.incarnation = call.incarnation;
  job.function = call.method;
  SetScope(job, call.scope, now_);
  switch (mailbox_.Admit(from, call)) {
    case Mailbox::Verdict::kTake:
      break;
    case Mailbox::Verdict::kDuplicate:
      return;
    case Mailbox::Verdict::kNoActor:
      Refuse(job, FailureCode::kActorDied, "the actor does not live here",
             effects);
      return;
    case Mailbox::Verdict::kStale:
      Refuse(job, FailureCode::kActorRestarted,
             "another incarnation of the actor lives here", effects);
      return;
  }
  const auto group = mailbox_.gate().GroupOf(call.group);
  if (!group.has_value()) {
    Refuse(job, FailureCode::kBadArgument,
           mailbox_.gate().WhyUnknown(call.group), effects);
    return;
  }
  job.lane = *group;
  job.args = std::move(call.args);
  job.called = std::move(call.called);
  Enqueue(std::move(job), effects);
}

void Host::Enqueue(Job job, Effects& effects) {
  if (!accepts_) {
    Refuse(job, FailureCode::kBadArgument, "a driver runs nothing for others",
           effects);
    return;
  }
  if (retired_) {
    Refuse(job, FailureCode::kCancelled, "the worker is ending", effects);
    return;
  }
  // The queue keeps the job only where it says so.
  Job answer;
  answer.from = job.from;
  answer.task = job.task;
  answer.attempt = job.attempt;
  answer.incarnation = job.incarnation;
  if (Runs(job.task)) return;
  job.held = Mentions(job.args);
  answer.held = job.held;
  switch (queue_.Add(std::move(job))) {
    case RunQueue::Added::kFull:
      Refuse(answer, FailureCode::kLimit, "the worker's queue is full",
             effects);
      return;
    case RunQueue::Added::kDuplicate:
      return;
    case RunQueue::Added::kYes:
      break;
  }
  for (const base::ObjectName& name : answer.held) refs_.Hold(name);
  StartNext(effects);
}

bool Host::Runs(base::TaskId task) const {
  return (running_.has_value() && running_->job.task == task) ||
         aside_.contains(task);
}

std::optional<std::size_t> Host::NextLane() const {
  const CallGate& gate = mailbox_.gate();
  if (!mailbox_.alive() || !gate.is_said()) {
    const std::size_t most = mailbox_.alive() ? kCallsAsideMax : kTasksAsideMax;
    if (running_.has_value() || aside_.size() >= most) return std::nullopt;
  }
  std::optional<std::size_t> next;
  std::uint64_t arrival = RunQueue::kNever;
  for (std::size_t lane = 0; lane < gate.groups(); ++lane) {
    if (queue_.ArrivalIn(lane) >= arrival) continue;
    if (mailbox_.alive() && gate.is_said() && !gate.HasRoom(lane)) continue;
    arrival = queue_.ArrivalIn(lane);
    next = lane;
  }
  return next;
}

void Host::StartNext(Effects& effects) {
  while (const std::optional<std::size_t> lane = NextLane()) {
    std::optional<Job> job = queue_.PopIn(*lane);
    MOBULA_CHECK(job.has_value());
    if (std::optional<base::Failure> why = WhyNot(*job)) {
      Refuse(*job, *std::move(why), effects);
      LetGo(*job);
      continue;
    }
    Start(std::move(*job), effects);
  }
}

std::optional<base::Failure> Host::WhyNot(const Job& job) {
  if (job.kind == Job::Kind::kMethod && !mailbox_.alive()) {
    return base::NotRun(FailureCode::kActorDied, "the actor has ended");
  }
  if (job.deadline > now_) return std::nullopt;
  if (job.kind == Job::Kind::kConstructor) mailbox_.Constructed(false);
  return TimeoutFailure(base::Executed::kNo, "function");
}

void Host::Start(Job job, Effects& effects) {
  Execute execute;
  execute.task = job.task;
  execute.result = job.result;
  execute.owner = job.from;
  execute.actor = job.actor;
  execute.incarnation = job.incarnation;
  execute.attempt = job.attempt;
  execute.is_constructor = job.kind == Job::Kind::kConstructor;
  if (execute.is_constructor) execute.threads = mailbox_.gate().threads();
  execute.function = job.function;
  execute.args = std::move(job.args);
  execute.called = std::move(job.called);
  execute.assigned = std::move(job.assigned);
  execute.scope = job.scope;
  execute.deadline = job.deadline;
  job.args.clear();
  const bool overtakes = queue_.FirstArrival() < job.arrival;
  announces_ = announces_ || overtakes;
  if (job.kind == Job::Kind::kMethod && mailbox_.gate().is_said()) {
    mailbox_.gate().Begin(job.lane);
  }
  if (running_.has_value()) StandAside(0, effects);
  running_ = Started{std::move(job)};
  if (announces_) StandAside(0, effects);
  Emit(effects, std::move(execute));
}

void Host::StandAside(std::int64_t run_ns, Effects& effects) {
  MOBULA_CHECK(running_.has_value());
  const base::TaskId task = running_->job.task;
  const auto [it, is_new] =
      aside_.emplace(task, *std::exchange(running_, std::nullopt));
  MOBULA_CHECK(is_new);
  if (!it->second.asker_is_gone) {
    SendTo(effects, it->second.job.from,
           base::TaskAside{task, run_ns, announces_});
  }
}

void Host::StopUnwanted(base::TaskId task, Effects& effects) {
  Emit(effects, StopExecution{task});
  stopped_.push_back(task);
}

void Host::StopIfWaits(const Started& started, Effects& effects) {
  // A generator might wait for ever for leave to give more.
  const bool waits = started.waits || started.is_generator;
  if (waits && started.asker_is_gone) StopUnwanted(started.job.task, effects);
}

void Host::Aside(const SetAside& aside, Effects& effects) {
  if (running_.has_value() && running_->job.task == aside.task) {
    StandAside(aside.run_ns, effects);
  }
  const auto it = aside_.find(aside.task);
  MOBULA_CHECK(it != aside_.end(), "what is set aside ran");
  it->second.waits = true;
  StopIfWaits(it->second, effects);
  StartNext(effects);
}

Host::Started Host::TakeStarted(base::TaskId task) {
  if (running_.has_value() && running_->job.task == task) {
    return *std::exchange(running_, std::nullopt);
  }
  auto aside = aside_.extract(task);
  MOBULA_CHECK(!aside.empty(), "nothing of that name was running");
  return std::move(aside.mapped());
}

void Host::Finish(Executed executed, Effects& effects) {
  const Started started = TakeStarted(executed.task);
  const Job& job = started.job;
  if (job.kind == Job::Kind::kMethod && mailbox_.gate().is_said()) {
    mailbox_.gate().End(job.lane);
  }
  if (executed.never_began) {
    auto* failure = std::get_if<base::Failure>(&executed.outcome);
    MOBULA_CHECK(failure != nullptr);
    if (job.kind == Job::Kind::kConstructor) mailbox_.Constructed(false);
    if (!started.asker_is_gone) Refuse(job, std::move(*failure), effects);
    LetGo(job);
    StartNext(effects);
    return;
  }
  if (const base::Value* value = base::StoredIn(executed.outcome)) {
    MOBULA_CHECK(value->name() == (base::ObjectName{job.result, job.from}),
                 "a result is stored under its own name");
  }
  MOBULA_CHECK(executed.lost.empty() || job.kind == Job::Kind::kTask,
               "an actor waits for its arguments itself");
  const bool failed = std::holds_alternative<base::Failure>(executed.outcome);
  if (job.kind == Job::Kind::kConstructor) {
    mailbox_.Constructed(!failed && !executed.exit_actor);
  }
  base::TaskDone done;
  done.task = job.task;
  done.attempt = job.attempt;
  done.outcome = std::move(executed.outcome);
  if (auto* failure = std::get_if<base::Failure>(&done.outcome)) {
    // No outcome of a function must look like a refusal of ours.
    if (IsRefusal(failure->code)) failure->executed = base::Executed::kYes;
  }
  done.incarnation = job.incarnation;
  done.run_ns = executed.run_ns;
  done.digest = executed.digest;
  done.lost = std::move(executed.lost);
  done.actor_exited = executed.exit_actor && !job.actor.IsNil();
  const bool exited = done.actor_exited;
  if (!started.asker_is_gone) SendTo(effects, job.from, std::move(done));
  if (exited) NoteExit(job, effects);
  // What the outcome refers to is counted at the end of the step.
  LetGo(job);
  StartNext(effects);
}

void Host::NoteExit(const Job& job, Effects& effects) {
  mailbox_.Close();
  announces_ = false;  // what the worker runs from here on keeps its order
  if (job.from == mailbox_.owner()) return;
  // The caller knows by its answer; the owner must know too.
  base::TaskDone done;
  done.task = mailbox_.creation();
  done.outcome = base::Bytes();
  done.incarnation = mailbox_.incarnation();
  done.actor_exited = true;
  SendTo(effects, mailbox_.owner(), std::move(done));
}

void Host::Cancel(base::ProcessId from, base::TaskId task, Effects& effects) {
  if (!Runs(task)) TakeBack(from, task, "it was taken back", effects);
}

void Host::TakeBack(base::ProcessId from, base::TaskId task, const char* why,
                    Effects& effects) {
  // Nobody takes back what another one asked for.
  const std::optional<Job> job = queue_.Take(task, from);
  if (!job.has_value()) return;
  MOBULA_CHECK(job->task == task && job->from == from);
  LetGo(*job);
  Refuse(*job, FailureCode::kCancelled, why, effects);
}

bool Host::Stop(base::ProcessId from, base::TaskId task, Effects& effects) {
  if (!Runs(task)) {
    TakeBack(from, task, "it was cancelled", effects);
    return false;
  }
  const auto aside = aside_.find(task);
  const Started& started = aside != aside_.end() ? aside->second : *running_;
  if (started.job.from != from) return false;
  Emit(effects, StopExecution{task});
  SendTo(effects, from, base::TaskStopping{task});
  return true;
}

void Host::Refuse(const Job& job, FailureCode code, std::string why,
                  Effects& effects) {
  Refuse(job, base::NotRun(code, std::move(why)), effects);
}

void Host::Refuse(const Job& job, base::Failure failure, Effects& effects) {
  failure.executed = base::Executed::kNo;
  failure.incarnation = job.incarnation;
  base::TaskDone done;
  done.task = job.task;
  done.attempt = job.attempt;
  done.outcome = std::move(failure);
  done.incarnation = job.incarnation;
  SendTo(effects, job.from, std::move(done));
}

void Host::PeerLost(base::ProcessId process, Effects& effects) {
  for (const Job& job : queue_.TakeAllFrom(process)) LetGo(job);
  mailbox_.ForgetCaller(process);
  if (running_.has_value() && running_->job.from == process) {
    running_->asker_is_gone = true;
    StopIfWaits(*running_, effects);
  }
  for (auto& [task, started] : aside_) {
    if (started.job.from != process || started.asker_is_gone) continue;
    started.asker_is_gone = true;
    StopIfWaits(started, effects);
  }
}

void Host::Retire(Effects& effects) {
  retired_ = true;
  for (const Job& job : queue_.TakeAll()) {
    Refuse(job, FailureCode::kCancelled, "the worker is ending", effects);
    LetGo(job);
  }
}

void Host::StopStarted(Effects& effects) {
  if (running_.has_value()) StopUnwanted(running_->job.task, effects);
  for (const auto& [task, started] : aside_) StopUnwanted(task, effects);
}

base::ActorId Host::actor() const {
  const bool is_here = mailbox_.alive() || mailbox_.constructing();
  return is_here ? mailbox_.actor() : base::ActorId();
}

void Host::LetGo(const Job& job) {
  for (const base::ObjectName& name : job.held) refs_.Release(name);
}

}  // namespace mobula::runtime

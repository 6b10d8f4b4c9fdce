// The part of Core that speaks with the control store, and for it.
#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"
#include "raylet/core/core.h"

namespace mobula::raylet {
namespace {

using base::ActorState;
using base::Failure;
using base::FailureCode;
using Stage = ActorDirectory::Stage;

constexpr char kActors[] = "actors";
// Registrations that wait for the hash of their program.
constexpr std::size_t kAwaitingMax = 10'000;

ActorDirectory::Place PlaceOf(const base::ActorReport& report) {
  ActorDirectory::Place place;
  place.incarnation = report.incarnation;
  place.worker = report.worker;
  place.cause = report.cause;
  switch (report.state) {
    case ActorState::kPending:
      place.stage = Stage::kPending;
      break;
    case ActorState::kAlive:
      place.stage = Stage::kAlive;
      break;
    case ActorState::kRestarting:
    case ActorState::kDead:
      // Whether that is its end the store says: it may have been told to begin
      // another one before it hears of this.
      place.stage = Stage::kLost;
      break;
  }
  return place;
}

// What is known of an actor when it has been registered.
base::ActorReport ReportOf(const base::ActorRecord& actor) {
  base::ActorReport report;
  report.actor = actor.actor;
  report.incarnation = actor.incarnation;
  report.state = ActorState::kPending;
  report.node = actor.owner_node;
  report.job = actor.job;
  report.owner = actor.owner;
  report.class_name = actor.class_name;
  report.restarts_max = actor.restarts_max;
  report.shared = actor.shared;
  report.separated = actor.separated;
  return report;
}

}  // namespace

bool Core::OnControlEvent(const Event& event) {
  if (std::holds_alternative<ControlUp>(event)) {
    OnControlUp();
  } else if (std::holds_alternative<ControlDown>(event)) {
    line_.Down();
    directory_.Down();
    store_.ControlDown();
  } else if (const auto* failed = std::get_if<ControlFailed>(&event)) {
    ControlLine::Out out;
    line_.Fail(failed->reason, out);
    Flush(out);
  } else if (const auto* said = std::get_if<ControlSaid>(&event)) {
    OnControlSaid(said->message);
  } else if (const auto* kept = std::get_if<ProgramKept>(&event)) {
    OnProgramKept(*kept);
  } else {
    return false;
  }
  return true;
}

void Core::OnControlUp() {
  ControlLine::Out line;
  line_.Up(now_, line);
  Flush(line);
  ActorDirectory::Out directory;
  directory_.Up(directory);
  Flush(directory);
  load_told_.reset();
  if (!options_.has_control) return;
  NodeView::Out nodes;
  view_.Up(nodes);
  Flush(nodes);
}

void Core::OnControlSaid(const base::ControlMessage& message) {
  ControlLine::Out line;
  ActorDirectory::Out directory;
  NodeView::Out nodes;
  if (const auto* m = std::get_if<base::ControlAnswer>(&message)) {
    OnControlAnswer(*m);
  } else if (const auto* m = std::get_if<base::NodeJoined>(&message)) {
    line_.Joined(*m);
    store_.ControlUp(now_);
    if (!store_.kept().Named().empty()) TellKept();
    // An earlier raylet of this node may have kept what nobody needs.
    sweep_.Want();
  } else if (const auto* m = std::get_if<base::NodeRenewed>(&message)) {
    line_.Renewed(*m);
  } else if (const auto* m = std::get_if<base::NodeRefused>(&message)) {
    line_.Refused(*m, line);
  } else if (const auto* m = std::get_if<base::HostActor>(&message)) {
    OnHostActor(m->actor);
  } else if (const auto* m = std::get_if<base::StopActor>(&message)) {
    OnStopActor(*m);
  } else if (const auto* m = std::get_if<base::StopJob>(&message)) {
    OnStopJob(*m);
  } else if (const auto* m = std::get_if<base::TableListing>(&message)) {
    if (m->table == kActors) directory_.OnListing(*m, directory);
    view_.OnListing(*m, nodes);
  } else if (const auto* m = std::get_if<base::TableChanges>(&message)) {
    if (m->table == kActors) directory_.OnChanges(*m, directory);
    view_.OnChanges(*m, nodes);
  } else if (const auto* m = std::get_if<base::DropKept>(&message)) {
    OnDropKept(*m);
  }
  // Anything else is not for a raylet.
  Flush(line);
  Flush(directory);
  Flush(nodes);
}

void Core::OnControlAnswer(const base::ControlAnswer& answer) {
  ControlLine::Out line;
  const std::optional<base::ControlCall> call = line_.Answered(answer, line);
  const auto* actor = std::get_if<base::ActorAnswer>(&answer.body);
  if (actor != nullptr && actor->actor.spec.has_value()) {
    sweep_.Note(actor->actor.spec->program);
  }
  if (call.has_value() && call->from == options_.self) {
    if (std::holds_alternative<base::ListActors>(call->body)) {
      OnProgramsListed(answer.body);
      return;
    }
    if (std::holds_alternative<base::PublishValue>(call->body)) {
      OnPublishAnswered(answer);
      return;
    }
    ActorDirectory::Out directory;
    const auto* find = std::get_if<base::FindActor>(&call->body);
    if (find != nullptr && actor != nullptr) {
      directory_.Learn(actor->actor, directory);
    } else if (find != nullptr) {
      Failure failure;
      if (const auto* why = std::get_if<Failure>(&answer.body)) failure = *why;
      failure.code = FailureCode::kActorDied;
      failure.executed = base::Executed::kNo;
      directory_.Missing(find->actor, std::move(failure), directory);
    }
    Flush(directory);
    return;
  }
  // Before the answer: what it makes known is known when it is read.
  if (actor != nullptr && !actor->existed) {
    OnRegistered(call.has_value() ? &*call : nullptr, actor->actor);
  }
  Flush(line);
}

void Core::OnRegistered(const base::ControlCall* call,
                        const base::ActorRecord& actor) {
  if (actor.detached || actor.owner.IsNil()) return;
  if (actor.owner_node != options_.node) return;
  if (call != nullptr &&
      !std::holds_alternative<base::RegisterActor>(call->body)) {
    return;
  }
  base::ActorReport report = ReportOf(actor);
  if (peers_.contains(actor.owner)) {
    line_.Remember(std::move(report));
    return;
  }
  // Its owner ended while it was registered.
  report.state = ActorState::kDead;
  report.cause.code = FailureCode::kActorDied;
  report.cause.message = "the process that owned it has ended";
  ControlLine::Out out;
  line_.Report(std::move(report), out);
  Flush(out);
}

void Core::OnControlCall(ProcessId from, base::ControlCall call) {
  call.from = from;
  const JobId id = peers_.at(from).job;
  Job& job = jobs_.at(id);
  auto* registers = std::get_if<base::RegisterActor>(&call.body);
  if (registers != nullptr) {
    base::ActorRecord& actor = registers->actor;
    if (actor.ns.empty()) actor.ns = job.ns;
    if (actor.owner_node.IsNil()) actor.owner_node = options_.node;
    if (actor.spec.has_value() && actor.spec->program.empty()) {
      actor.spec->program = job.program;
      sweep_.Note(job.program);
      if (job.program.empty() && job.awaiting_program.size() < kAwaitingMax) {
        job.awaiting_program.push_back(std::move(call));
        if (job.asked_program) return;
        job.asked_program = true;
        effects_->push_back(KeepProgram{id});
        return;
      }
    }
  }
  if (auto* value = std::get_if<base::PublishValue>(&call.body)) {
    value->value.job = id;
    if (value->value.ns.empty()) value->value.ns = job.ns;
    if (!value->extent.arena.IsNil()) {
      OnPublish(from, call.request, *value);
      return;
    }
  }
  ControlLine::Out out;
  line_.Call(std::move(call), out);
  Flush(out);
}

void Core::OnProgramKept(const ProgramKept& kept) {
  const auto found = jobs_.find(kept.job);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  job.program = kept.program;
  job.asked_program = false;
  sweep_.Note(kept.program);
  placing_due_ = true;
  spill_at_ = std::min(spill_at_, now_);
  if (kept.program.empty()) RefuseAfarOf(kept.job, kept.reason);
  if (kept.program.empty()) sweep_.Want();  // there may be too many
  std::vector<base::ControlCall> waiting =
      std::exchange(job.awaiting_program, {});
  ControlLine::Out out;
  for (base::ControlCall& call : waiting) {
    if (!kept.program.empty()) {
      std::get<base::RegisterActor>(call.body).actor.spec->program =
          kept.program;
      line_.Call(std::move(call), out);
      continue;
    }
    Failure failure = base::NotRun(
        FailureCode::kWorkerStart,
        "the program cannot be kept for the actor: " + kept.reason);
    failure.node = options_.node_name;
    out.answers.push_back({call.request, call.from, std::move(failure)});
  }
  Flush(out);
}

void Core::OnActorReport(ProcessId from, base::ActorReport report) {
  if (report.owner != from) return;
  report.job = peers_.at(from).job;
  report.node = options_.node;
  ControlLine::Out out;
  line_.Report(std::move(report), out);
  Flush(out);
}

bool Core::OnActorMessage(ProcessId from, const base::Message& message) {
  ActorDirectory::Out directory;
  HostedActors::Out hosted;
  if (const auto* m = std::get_if<base::ControlCall>(&message)) {
    OnControlCall(from, *m);
  } else if (const auto* m = std::get_if<base::ActorReport>(&message)) {
    OnActorReport(from, *m);
  } else if (const auto* m = std::get_if<base::WatchActor>(&message)) {
    directory_.Watch(from, m->actor, directory);
  } else if (const auto* m = std::get_if<base::UnwatchActor>(&message)) {
    directory_.Unwatch(from, m->actor);
  } else if (const auto* m = std::get_if<base::KillActor>(&message)) {
    Ask(base::EndActor{m->actor, m->restart});
  } else if (const auto* m = std::get_if<base::TaskDone>(&message)) {
    hosted_.Done(from, *m, hosted);
  } else {
    return false;
  }
  Flush(directory);
  Flush(hosted);
  return true;
}

void Core::OnHostActor(const base::ActorRecord& record) {
  HostedActors::Ids ids;
  ids.job = ids_.Next<JobId>();
  ids.lease = ids_.Next<LeaseId>();
  ids.creation = ids_.Next<base::TaskId>();
  HostedActors::Out out;
  const HostedActors::Actor* actor = hosted_.Host(record, ids, out);
  if (actor == nullptr) return;
  Job& job = jobs_[ids.job];
  job.actor = record.actor;
  job.ns = record.ns;
  job.output = record.job;
  job.program = record.spec->program;
  sweep_.Note(job.program);
  job.driver_lost = true;  // it never had one
  queue_.AddJob(ids.job, 1);
  workers_.AddJob(ids.job, /*pool=*/0);
  Flush(out);
  const base::ResourceVector& shape = record.spec->resources;
  if (!ledger_.total().Fits(shape)) {
    SendTo(options_.self, base::LeaseRefused{ids.lease, Infeasible(shape)});
    return;
  }
  const bool added = queue_.Add({ids.lease, options_.self, ids.job, shape,
                                 /*for_actor=*/true, record.class_name});
  MOBULA_CHECK(added);
}

void Core::OnProgramLacking(JobId job, Failure failure) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  const std::string program = found->second.program;
  // A driver whose executable it was brings it again with its next actor.
  for (auto& [id, other] : jobs_) {
    if (!other.driver.IsNil() && other.program == program) {
      other.program.clear();
    }
  }
  const HostedActors::Actor* actor = hosted_.Find(found->second.actor);
  if (actor == nullptr || actor->job != job) return;
  failure.message =
      "the program that it is made of is not kept any more: " +
      failure.message +
      "; run the program that creates it again, with GetIfExists, and it is "
      "made anew";
  HostedActors::Out out;
  hosted_.CannotBegin(actor->lease, failure, out);
  Flush(out);
}

void Core::OnStopActor(const base::StopActor& stop) {
  if (!stop.owner.IsNil()) {
    SendTo(stop.owner, base::KillActor{stop.actor, stop.restart, false});
    return;
  }
  const HostedActors::Actor* actor = hosted_.Find(stop.actor);
  if (actor == nullptr) return;
  const std::int64_t incarnation = actor->record.incarnation;
  HostedActors::Out out;
  hosted_.Stop(stop.actor, stop.incarnation, out);
  if (hosted_.Find(stop.actor) != nullptr) return;
  line_.ForgetActor(stop.actor);
  // Whether it is dead, or goes on elsewhere, the store says.
  ActorDirectory::Place lost;
  lost.incarnation = incarnation;
  lost.stage = Stage::kLost;
  ActorDirectory::Out directory;
  directory_.Hosted(stop.actor, lost, directory);
  Flush(directory);
  Flush(out);
}

void Core::OnStopJob(const base::StopJob& stop) {
  const auto found = jobs_.find(stop.job);
  if (found == jobs_.end() || found->second.driver_lost) return;
  const ProcessId driver = found->second.driver;
  SendTo(driver, base::JobEnded{stop.job});
  peers_.erase(driver);
  effects_->push_back(ClosePeer{driver});
  LoseDriver(driver, stop.job, stop.cause);
}

void Core::OnSelf(const base::Message& message) {
  HostedActors::Out out;
  if (const auto* m = std::get_if<base::LeaseGranted>(&message)) {
    auto create = hosted_.Granted(m->lease, m->worker, m->pid);
    if (create.has_value()) SendTo(m->worker, std::move(*create));
  } else if (const auto* m = std::get_if<base::LeaseLost>(&message)) {
    hosted_.Lost(m->lease, m->failure, out);
  } else if (const auto* m = std::get_if<base::LeaseRefused>(&message)) {
    hosted_.Lost(m->lease, m->failure, out);
  }
  Flush(out);
}

base::RequestId Core::Ask(base::ControlRequest request) {
  base::ControlCall call;
  const auto id = ids_.Next<base::RequestId>();
  call.request = id;
  call.from = options_.self;
  call.body = std::move(request);
  ControlLine::Out out;
  line_.Call(std::move(call), out);
  Flush(out);
  return id;
}

void Core::ProgramLeft(const std::string& program) {
  if (!program.empty()) sweep_.Want();
}

void Core::SweepPrograms() {
  if (!MaySweep()) return;
  const auto question = sweep_.Begin(now_);
  if (question.has_value()) Ask(*question);
}

void Core::OnProgramsListed(const base::ControlReply& reply) {
  if (!sweep_.is_asking()) return;
  auto answered = sweep_.Answered(reply);
  if (!answered.has_value()) return;
  if (auto* const next = std::get_if<base::ListActors>(&*answered)) {
    Ask(std::move(*next));
    return;
  }
  ForgetPrograms forget;
  forget.needed = std::get<ProgramSweep::Programs>(std::move(*answered));
  for (const auto& [id, job] : jobs_) {
    if (!job.program.empty()) forget.needed.insert(job.program);
  }
  line_.AddProgramsAsked(forget.needed);
  effects_->emplace_back(std::move(forget));
}

void Core::ForgetProcess(ProcessId process, bool job_over) {
  store_.ProcessGone(process, job_over, now_, *effects_);
  publishing_of_.erase(process);
  const auto awaiting = awaiting_end_.find(process);
  if (awaiting != awaiting_end_.end()) {
    for (const ProcessId asker : awaiting->second) {
      SendTo(asker, base::PeerGone{process});
    }
    awaiting_end_.erase(awaiting);
  }
  directory_.ProcessGone(process);
  for (auto& [id, job] : jobs_) {
    std::erase_if(job.awaiting_program,
                  [process](const base::ControlCall& call) {
                    return call.from == process;
                  });
  }
  ControlLine::Out out;
  line_.ProcessGone(process, out);
  Flush(out);
  NodeQuestions::Out questions;
  questions_.Gone(process, now_, questions);
  Flush(questions);
}

void Core::Flush(ControlLine::Out& out) {
  if (out.need) effects_->emplace_back(NeedControl{});
  for (base::ControlMessage& message : out.tell) {
    effects_->emplace_back(TellControl{std::move(message)});
  }
  for (base::ControlAnswer& answer : out.answers) {
    const ProcessId to = answer.to;
    if (to != options_.self) SendTo(to, std::move(answer));
  }
  if (!out.leave.empty()) effects_->emplace_back(LeaveCluster{out.leave});
  out = ControlLine::Out();
}

void Core::Flush(ActorDirectory::Out& out) {
  for (auto& [process, moved] : out.moved) SendTo(process, std::move(moved));
  for (base::FollowTable& follow : out.follow) {
    effects_->emplace_back(TellControl{std::move(follow)});
  }
  for (const base::ActorId actor : out.ask) {
    base::FindActor find;
    find.actor = actor;
    Ask(std::move(find));
  }
  out = ActorDirectory::Out();
}

void Core::Flush(HostedActors::Out& out) {
  ControlLine::Out line;
  ActorDirectory::Out directory;
  for (base::ActorReport& report : out.reports) {
    if (!report.cause.message.empty()) report.cause.node = options_.node_name;
    directory_.Hosted(report.actor, PlaceOf(report), directory);
    if (report.state == ActorState::kPending) {
      line_.Remember(std::move(report));  // the store said so itself
    } else {
      line_.Report(std::move(report), line);
    }
  }
  Flush(line);
  Flush(directory);
  for (const auto& [job, at_once] : out.end_jobs) {
    EndWorkersOf(job, at_once);
    FinishJobIfEmpty(job);
  }
  out = HostedActors::Out();
}

}  // namespace mobula::raylet

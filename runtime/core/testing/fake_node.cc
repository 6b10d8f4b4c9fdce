#include "runtime/core/testing/fake_node.h"

#include <algorithm>
#include <chrono>

#include "base/bytes.h"
#include "base/check.h"
#include "base/scheduling/resource_vector.h"
#include "base/text_line.h"

namespace mobula::runtime {

using base::BootTime;
using base::Bytes;
using base::ProcessId;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

FakeNode::FakeNode(std::uint64_t seed, std::int64_t cpus)
    : random_(seed),
      now_(BootTime::FromSinceBoot(seconds(1))),
      free_units_(cpus * base::ResourceVector::kUnit),
      cpus_(cpus) {
  StartProcess(kDriver, base::Role::kDriver);
}

FakeNode::Process& FakeNode::StartProcess(ProcessId id, base::Role role) {
  Process& process = processes_[id];
  process.id = id;
  Core::Options options;
  options.self = id;
  options.role = role;
  options.job = {3, 3};
  options.seed = id.lo;
  process.core = std::make_unique<Core>(options, base::IdSource(1'000 + id.lo));
  linked_.insert({kRaylet, id});
  linked_.insert({id, kRaylet});
  Transmit(
      kRaylet, id,
      base::Registered{kRaylet,
                       base::NodeId{4, 4},
                       "fake",
                       base::ResourceVector::Cpus(static_cast<double>(cpus_)),
                       {}});
  return process;
}

void FakeNode::Do(Event event) {
  Feed(processes_.find(kDriver)->second, std::move(event));
}

void FakeNode::Feed(Process& process, Event event) {
  Effects effects;
  process.core->Step(std::move(event), now_, effects);
  CarryOut(process.id, std::move(effects));
}

void FakeNode::CarryOut(ProcessId from, Effects effects) {
  for (Effect& effect : effects) {
    const auto it = processes_.find(from);
    if (it == processes_.end()) return;  // it has ended meanwhile
    Process& process = it->second;
    if (auto* send = std::get_if<Send>(&effect)) {
      Transmit(from, send->to, std::move(send->message));
    } else if (auto* ready_now = std::get_if<Ready>(&effect)) {
      if (from == kDriver) {
        ready[ready_now->object].push_back(std::move(ready_now->outcome));
      } else {
        EndWait(process, ready_now->object);
      }
    } else if (auto* changed = std::get_if<ActorChanged>(&effect)) {
      if (from == kDriver) changes.push_back(*changed);
    } else if (auto* answer = std::get_if<ControlReady>(&effect)) {
      MOBULA_CHECK(from == kDriver);
      control_ready[answer->request].push_back(std::move(answer->reply));
    } else if (auto* verdict = std::get_if<CancelReady>(&effect)) {
      MOBULA_CHECK(from == kDriver);
      cancel_ready[verdict->request].push_back(verdict->verdict);
    } else if (auto* execute = std::get_if<Execute>(&effect)) {
      Begin(process, *execute);
    } else if (auto* stop = std::get_if<StopExecution>(&effect)) {
      StopRunning(process, stop->task);
    } else if (auto* credit = std::get_if<GiveCredit>(&effect)) {
      HearCredit(process, credit->credit);
    } else if (auto* timer = std::get_if<SetTimer>(&effect)) {
      process.timer = timer->at;
    } else if (std::holds_alternative<Exit>(effect)) {
      End(from, false);
    }
  }
}

void FakeNode::Transmit(ProcessId from, ProcessId to, base::Message message) {
  const bool lives = to == kRaylet || processes_.contains(to);
  MOBULA_CHECK(!lives || linked_.contains({from, to}))
      << "message to a peer without a link";
  if (lives) wires_[{from, to}].push_back(std::move(message));
}

bool FakeNode::Step() {
  std::vector<Wire> loaded;
  for (const auto& [wire, packets] : wires_) {
    if (!packets.empty()) loaded.push_back(wire);
  }
  if (!loaded.empty() && Random(20) == 0) {
    now_ = now_ + microseconds(Random(500));
  }
  if (Random(4) == 0) AnswerSomeCall();
  if (Random(2) == 0 && RunDue()) return true;
  if (!loaded.empty()) {
    Deliver(loaded[Random(loaded.size())]);
    return true;
  }
  if (RunDue()) return true;
  return AdvanceTime();
}

void FakeNode::Deliver(Wire wire) {
  Packet packet = std::move(wires_[wire].front());
  wires_[wire].pop_front();
  const auto [from, to] = wire;
  if (to == kRaylet) {
    if (packet.has_value()) RayletHears(from, *packet);
    return;
  }
  const auto it = processes_.find(to);
  if (it == processes_.end()) return;
  if (packet.has_value()) {
    Feed(it->second, Received{from, std::move(*packet)});
  } else {
    Feed(it->second, PeerLost{from});
  }
}

bool FakeNode::RunDue() {
  std::vector<ProcessId> due;
  for (const auto& [id, process] : processes_) {
    if (std::min({process.timer, process.finish_at, process.end_at,
                  AsideDue(process)}) <= now_) {
      due.push_back(id);
    }
  }
  if (due.empty()) return false;
  Process& process = processes_.find(due[Random(due.size())])->second;
  if (process.end_at <= now_) {
    End(process.id, false);
  } else if (process.finish_at <= now_) {
    const base::TaskId task = process.running->task;
    if (process.generators.contains(task)) {
      StepGenerator(process, task);
    } else if (!SetRunningAside(process)) {
      FinishRunning(process);
    }
  } else if (AsideDue(process) <= now_) {
    const base::TaskId task = DueAside(process);
    if (process.generators.contains(task)) {
      StepGenerator(process, task);
    } else {
      FinishAside(process, task);
    }
  } else {
    process.timer = BootTime::Never();
    Feed(process, Tick{});
  }
  return true;
}

bool FakeNode::AdvanceTime() {
  BootTime next = BootTime::Never();
  for (const auto& [id, process] : processes_) {
    next = std::min({next, process.timer, process.finish_at, process.end_at,
                     AsideDue(process)});
  }
  if (next.IsNever()) return false;
  MOBULA_CHECK(next > now_);
  now_ = next;
  return true;
}

// ---- functions
// ---------------------------------------------------------------

void FakeNode::Begin(Process& process, const Execute& execute) {
  if (execute.is_constructor) {
    process.threads = static_cast<std::size_t>(execute.threads);
  } else if (process.leaving && !execute.actor.IsNil()) {
    process.aside[execute.task] = Waiting{execute, now_, true};
    return;
  }
  if (process.running.has_value()) MakeRoom(process);
  process.running = execute;
  process.started_at = now_;
  starts[execute.task].push_back(Start{process.id, execute.actor,
                                       execute.incarnation, execute.attempt,
                                       ++starts_});
  switch (static_cast<Deed>(execute.function.lo)) {
    case Deed::kSlow:
      process.finish_at = now_ + milliseconds(20 + Random(180));
      return;
    case Deed::kNested:
      BeginNested(process);
      return;
    case Deed::kCallActor:
      BeginCall(process, execute);
      return;
    case Deed::kYield:
    case Deed::kYieldThrow:
      BeginGenerator(process, execute);
      return;
    default:
      process.finish_at = now_ + microseconds(1 + Random(300));
  }
}

void FakeNode::MakeRoom(Process& process) {
  ++besides_;
  MOBULA_CHECK(process.threads > 0, "two things run at once");
  const Execute& execute = *process.running;
  process.aside[execute.task] =
      Waiting{execute, process.finish_at, false,
              std::exchange(process.awaits, base::ObjectId()),
              std::exchange(process.borrowed, base::ActorId())};
  process.running.reset();
  process.finish_at = BootTime::Never();
  // A task that was told to stop may still be there.
  const auto methods = std::count_if(
      process.aside.begin(), process.aside.end(),
      [](const auto& each) { return !each.second.execute.actor.IsNil(); });
  MOBULA_CHECK(static_cast<std::size_t>(methods) < process.threads,
               "too many run at once");
}

void FakeNode::EndWait(Process& process, base::ObjectId object) {
  if (object == process.awaits) process.finish_at = now_;
  for (auto& [task, waiting] : process.aside) {
    if (object == waiting.awaits) waiting.finish_at = now_;
  }
}

void FakeNode::StopRunning(Process& process, base::TaskId task) {
  const auto generator = process.generators.find(task);
  if (generator != process.generators.end()) {
    generator->second.stopped = true;
    DueOf(process, task) = now_;
    return;
  }
  const auto aside = process.aside.find(task);
  if (aside != process.aside.end()) {
    aside->second.finish_at = now_;
    ++stops_;
    return;
  }
  MOBULA_CHECK(process.running.has_value() && process.running->task == task)
      << "what does not run is not stopped";
  if (Random(2) == 0) return;
  process.finish_at =
      std::min(process.finish_at, now_ + microseconds(Random(300)));
}

// A worker's own events are fed when the present ones are carried out.
void FakeNode::BeginNested(Process& process) {
  Submit submit;
  submit.task = {process.id.lo, process.next_id++};
  submit.result = {process.id.lo, process.next_id++};
  submit.parent = process.running->task;
  submit.function = Function(Random(4) == 0 ? Deed::kSlow : Deed::kReturn);
  submit.function_name = "Child";
  submit.resources = base::ResourceVector::Cpus(1);
  process.awaits = submit.result;
  const base::ObjectId result = submit.result;
  SetLent(process.id, true);
  Feed(process, std::move(submit));
  Feed(process, Watch{result});
}

void FakeNode::BeginCall(Process& process, const Execute& execute) {
  const base::ActorId actor{
      kDriver.lo, std::stoull(std::string(execute.args.at(0).view()))};
  Call call;
  call.actor = actor;
  call.task = {process.id.lo, process.next_id++};
  call.result = {process.id.lo, process.next_id++};
  call.parent = process.running->task;
  call.method = Function(Deed::kReturn);
  call.method_name = "Borrowed::Method";
  process.awaits = call.result;
  process.borrowed = actor;
  const base::ObjectId result = call.result;
  SetLent(process.id, true);
  Feed(process, Adopt{actor, IsDetached(actor) ? kRaylet : kDriver});
  Feed(process, std::move(call));
  Feed(process, Watch{result});
}

void FakeNode::FinishRunning(Process& process) {
  MOBULA_CHECK(process.running.has_value());
  const Execute execute = std::move(*process.running);
  const base::ObjectId awaited =
      std::exchange(process.awaits, base::ObjectId());
  const base::ActorId borrowed =
      std::exchange(process.borrowed, base::ActorId());
  process.running.reset();
  process.finish_at = BootTime::Never();
  LetGo(process, awaited, borrowed);
  Report(process, execute);
}

void FakeNode::LetGo(Process& process, base::ObjectId awaited,
                     base::ActorId borrowed) {
  if (!awaited.IsNil()) {
    SetLent(process.id, false);
    Feed(process, DropObject{awaited});
  }
  if (!borrowed.IsNil()) Feed(process, DropActor{borrowed});
}

BootTime FakeNode::AsideDue(const Process& process) {
  BootTime due = BootTime::Never();
  for (const auto& [task, waiting] : process.aside) {
    due = std::min(due, waiting.finish_at);
  }
  return due;
}

bool FakeNode::SetRunningAside(Process& process) {
  MOBULA_CHECK(process.running.has_value());
  const Deed deed = static_cast<Deed>(process.running->function.lo);
  const bool may = (deed == Deed::kReturn || deed == Deed::kThrow) &&
                   !process.running->is_constructor;
  if (!may || Random(4) != 0) return false;
  ++asides_;
  const Execute execute = std::move(*process.running);
  process.running.reset();
  process.finish_at = BootTime::Never();
  const base::Duration time = Random(8) == 0
                                  ? base::Duration(milliseconds(Random(300)))
                                  : base::Duration(microseconds(Random(2'000)));
  process.aside[execute.task] = Waiting{execute, now_ + time};
  Feed(process, SetAside{execute.task, (now_ - process.started_at).count()});
  return true;
}

base::TaskId FakeNode::DueAside(const Process& process) const {
  const auto due = std::find_if(
      process.aside.begin(), process.aside.end(),
      [this](const auto& each) { return each.second.finish_at <= now_; });
  return due->first;
}

void FakeNode::FinishAside(Process& process, base::TaskId task) {
  const auto aside = process.aside.find(task);
  const Waiting waiting = aside->second;
  process.aside.erase(aside);
  process.generators.erase(task);
  if (!waiting.never_began) {
    LetGo(process, waiting.awaits, waiting.borrowed);
    Report(process, waiting.execute);
    return;
  }
  Executed executed;
  executed.task = task;
  executed.outcome = base::NotRun(base::FailureCode::kActorDied, "it ended");
  executed.never_began = true;
  Feed(process, std::move(executed));
}

void FakeNode::FinishOthers(Process& process) {
  while (process.running.has_value() || !process.aside.empty()) {
    if (process.running.has_value()) {
      process.generators.erase(process.running->task);
      FinishRunning(process);
    } else {
      FinishAside(process, process.aside.begin()->first);
    }
  }
}

// ---- generators -------------------------------------------------------------

BootTime& FakeNode::DueOf(Process& process, base::TaskId task) {
  const auto aside = process.aside.find(task);
  return aside != process.aside.end() ? aside->second.finish_at
                                      : process.finish_at;
}

void FakeNode::BeginGenerator(Process& process, const Execute& execute) {
  Generator& generator = process.generators[execute.task];
  generator.count = std::stoull(std::string(execute.args.at(0).view()));
  generator.credit.limit = execute.attempt == 1 ? 1 : 0;
  generator.shares = Random(2) == 0;
  process.finish_at = now_ + microseconds(1 + Random(300));
  Feed(process, StreamBegun{execute.task});
}

void FakeNode::HearCredit(Process& process, const base::StreamCredit& credit) {
  const auto found = process.generators.find(credit.task);
  MOBULA_CHECK(found != process.generators.end());
  base::StreamCredit& known = found->second.credit;
  known.skip = std::max(known.skip, credit.skip);
  known.limit = std::max(known.limit, credit.limit);
  known.closed = known.closed || credit.closed;
  BootTime& due = DueOf(process, credit.task);
  if (due.IsNever()) due = now_ + microseconds(Random(100));
}

void FakeNode::StepGenerator(Process& process, base::TaskId task) {
  Generator& generator = process.generators[task];
  const base::StreamCredit& credit = generator.credit;
  const bool is_aside = process.aside.contains(task);
  const bool may_know_end = credit.limit > 0;
  if (generator.stopped || credit.closed ||
      (may_know_end && generator.index == generator.count)) {
    if (is_aside) {
      FinishAside(process, task);
    } else {
      process.generators.erase(task);
      FinishRunning(process);
    }
    return;
  }
  if (generator.index >= credit.limit) {
    DueOf(process, task) = BootTime::Never();
    if (is_aside || !generator.shares) return;
    ++asides_;
    const Execute execute = std::move(*process.running);
    process.running.reset();
    process.aside[task] = Waiting{execute, BootTime::Never()};
    Feed(process, SetAside{task, (now_ - process.started_at).count()});
    return;
  }
  DueOf(process, task) = now_ + microseconds(Random(200));
  const std::uint64_t index = generator.index++;
  if (index < credit.skip) return;
  yielded[task] = std::max(yielded[task], index + 1);
  Feed(process, Yielded{task, index, Bytes::Own(std::to_string(index))});
}

void FakeNode::Report(Process& process, const Execute& execute) {
  Executed executed;
  executed.task = execute.task;
  executed.run_ns = (now_ - process.started_at).count();
  const Deed deed = static_cast<Deed>(execute.function.lo);
  executed.exit_actor = deed == Deed::kExit && !process.leaving;
  // An actor that ends itself ends what runs there first.
  if (executed.exit_actor) {
    process.leaving = true;
    FinishOthers(process);
    process.threads = 0;  // from here on it runs tasks, one at a time
  }
  if (deed == Deed::kThrow || deed == Deed::kYieldThrow) {
    base::Failure failure;
    failure.code = base::FailureCode::kUserException;
    failure.executed = base::Executed::kYes;
    executed.outcome = failure;
  } else {
    executed.outcome = Bytes::Own(std::to_string(execute.incarnation));
  }
  Feed(process, std::move(executed));
}

// ---- the raylet
// --------------------------------------------------------------

void FakeNode::RayletHears(ProcessId from, const base::Message& message) {
  if (!processes_.contains(from)) return;  // what it had is settled by End
  if (const auto* request = std::get_if<base::RequestLease>(&message)) {
    // Said again only its priority is new, which counts for nothing here.
    if (!leases_asked_.insert(request->lease).second) return;
    if (request->shape.GetUnits("cpu") > cpus_ * base::ResourceVector::kUnit) {
      base::Failure failure;
      failure.code = base::FailureCode::kInfeasible;
      failure.executed = base::Executed::kNo;
      Transmit(kRaylet, from, base::LeaseRefused{request->lease, failure});
      return;
    }
    leases_[request->lease] =
        Lease{from, ProcessId(), request->shape.GetUnits("cpu"), false};
    waiting_.push_back(request->lease);
    Grant();
  } else if (const auto* cancel = std::get_if<base::CancelLease>(&message)) {
    if (leases_.contains(cancel->lease)) FreeLease(cancel->lease, false);
  } else if (const auto* back = std::get_if<base::ReturnLease>(&message)) {
    if (leases_.contains(back->lease)) FreeLease(back->lease, back->discard);
  } else if (const auto* connect = std::get_if<base::ConnectTo>(&message)) {
    if (processes_.contains(connect->peer)) {
      Link(from, connect->peer);
    } else {
      Transmit(kRaylet, from, base::PeerGone{connect->peer});
    }
  } else if (const auto* report = std::get_if<base::ActorReport>(&message)) {
    MOBULA_CHECK(report->owner == from);
    reports[report->actor].push_back(*report);
  } else if (const auto* call = std::get_if<base::ControlCall>(&message)) {
    StoreHears(from, *call);
  } else {
    OwnerHears(from, message);
  }
}

// ---- the control store ------------------------------------------------------

void FakeNode::StoreHears(ProcessId from, const base::ControlCall& call) {
  std::set<base::RequestId>& unanswered = unanswered_[from];
  const bool is_new = unanswered.insert(call.request).second;
  MOBULA_CHECK(is_new) << "a request has an id of its own";
  MOBULA_CHECK(call.done_below <= unanswered.begin()->lo)
      << "it forgets what has no answer";
  if (const auto* put = std::get_if<base::PutKey>(&call.body)) {
    keys_heard.insert(put->key);
  }
  if (Random(5) != 0) asked_.emplace_back(from, call.request);  // else lost
}

void FakeNode::AnswerSomeCall() {
  if (asked_.empty()) return;
  const auto it =
      asked_.begin() + static_cast<std::ptrdiff_t>(Random(asked_.size()));
  const auto [to, request] = *it;
  asked_.erase(it);
  unanswered_[to].erase(request);
  base::ControlAnswer answer;
  answer.request = request;
  answer.to = to;
  answer.body = base::Done{};
  Transmit(kRaylet, to, std::move(answer));
}

// ---- detached actors --------------------------------------------------------

void FakeNode::Host(base::ActorId actor) {
  Detached& detached = detached_[actor];
  detached.actor = actor;
  detached.creation = {kRaylet.lo, actor.lo};
  StartDetached(detached);
}

void FakeNode::StartDetached(Detached& actor) {
  actor.alive = false;
  ++actor.incarnation;
  actor.worker = {100, next_worker_++};
  StartProcess(actor.worker, base::Role::kWorker);
  base::CreateActor create;
  create.task = actor.creation;
  create.actor = actor.actor;
  create.incarnation = actor.incarnation;
  create.constructor = Function(Deed::kReturn);
  Transmit(kRaylet, actor.worker, std::move(create));
}

bool FakeNode::OwnerHears(ProcessId from, const base::Message& message) {
  if (const auto* watch = std::get_if<base::WatchActor>(&message)) {
    Detached& actor = detached_.find(watch->actor)->second;
    actor.watchers.insert(from);
    Transmit(kRaylet, from, Where(actor));
  } else if (const auto* left = std::get_if<base::UnwatchActor>(&message)) {
    detached_.find(left->actor)->second.watchers.erase(from);
  } else if (const auto* kill = std::get_if<base::KillActor>(&message)) {
    Detached& actor = detached_.find(kill->actor)->second;
    const ProcessId worker = actor.worker;
    if (actor.dead) return true;
    if (!kill->restart) EndDetached(actor);
    End(worker, false);
  } else if (const auto* done = std::get_if<base::TaskDone>(&message)) {
    for (auto& [id, actor] : detached_) {
      if (actor.creation != done->task || actor.worker != from) continue;
      if (done->actor_exited) {
        EndDetached(actor);
        End(from, false);
      } else {
        actor.alive = true;
        TellWatchers(actor);
      }
      return true;
    }
  } else {
    return false;
  }
  return true;
}

void FakeNode::EndDetached(Detached& actor) {
  actor.dead = true;
  actor.alive = false;
  TellWatchers(actor);
}

void FakeNode::TellWatchers(const Detached& actor) {
  for (const ProcessId watcher : actor.watchers) {
    Transmit(kRaylet, watcher, Where(actor));
  }
}

base::ActorMoved FakeNode::Where(const Detached& actor) {
  base::ActorMoved moved;
  moved.actor = actor.actor;
  moved.incarnation = actor.incarnation;
  if (actor.alive) moved.worker = actor.worker;
  moved.dead = actor.dead;
  if (actor.dead) {
    moved.failure.code = base::FailureCode::kActorDied;
    moved.failure.executed = base::Executed::kNo;
  }
  return moved;
}

void FakeNode::Grant() {
  while (!waiting_.empty()) {
    const base::LeaseId id = waiting_.front();
    Lease& lease = leases_.find(id)->second;
    if (lease.cpu_units > std::max<std::int64_t>(free_units_, 0)) return;
    waiting_.pop_front();
    free_units_ -= lease.cpu_units;
    if (idle_.empty()) {
      const ProcessId worker{100, next_worker_++};
      StartProcess(worker, base::Role::kWorker);
      idle_.insert(worker);
    }
    auto pick = idle_.begin();
    std::advance(pick, Random(idle_.size()));
    lease.worker = *pick;
    idle_.erase(pick);
    Link(lease.owner, lease.worker);
    Transmit(kRaylet, lease.owner,
             base::LeaseGranted{id, lease.worker,
                                static_cast<std::int32_t>(lease.worker.lo)});
  }
}

void FakeNode::FreeLease(base::LeaseId id, bool discard) {
  const Lease lease = leases_.find(id)->second;
  leases_.erase(id);
  std::erase(waiting_, id);
  if (lease.worker.IsNil()) return;
  if (!lease.lent) free_units_ += lease.cpu_units;
  const auto it = processes_.find(lease.worker);
  MOBULA_CHECK(it != processes_.end());
  if (!discard) {
    idle_.insert(lease.worker);
  } else if (Random(2) == 0) {
    End(lease.worker, false);
  } else {
    it->second.retiring = true;
    it->second.end_at = now_ + seconds(1);
    Transmit(kRaylet, lease.worker, base::Retire{});
  }
  Grant();
}

void FakeNode::Link(ProcessId a, ProcessId b) {
  if (!linked_.insert({a, b}).second) return;
  linked_.insert({b, a});
  Transmit(kRaylet, a, base::Attach{b});
  Transmit(kRaylet, b, base::Attach{a});
}

void FakeNode::SetLent(ProcessId worker, bool lent) {
  for (auto& [id, lease] : leases_) {
    if (lease.worker != worker || lease.lent == lent) continue;
    lease.lent = lent;
    free_units_ += lent ? lease.cpu_units : -lease.cpu_units;
  }
  Grant();
}

void FakeNode::End(ProcessId id, bool was_killed) {
  MOBULA_CHECK(id != kDriver);
  processes_.erase(id);
  idle_.erase(id);
  kills_ += was_killed ? 1 : 0;
  for (auto it = linked_.begin(); it != linked_.end();) {
    const Wire wire = *it;
    if (wire.first == id && wire.second != kRaylet) {
      wires_[wire].push_back(std::nullopt);
    }
    if (wire.second == id) wires_.erase(wire);
    it = wire.first == id || wire.second == id ? linked_.erase(it) : ++it;
  }
  std::vector<base::LeaseId> owned;
  std::vector<base::LeaseId> lost;
  for (const auto& [lease_id, lease] : leases_) {
    if (lease.owner == id) owned.push_back(lease_id);
    if (lease.worker == id && lease.owner != id) lost.push_back(lease_id);
  }
  for (const base::LeaseId lease_id : lost) {
    const Lease lease = leases_.find(lease_id)->second;
    leases_.erase(lease_id);
    if (!lease.lent) free_units_ += lease.cpu_units;
    base::Failure failure;
    failure.code = base::FailureCode::kWorkerDied;
    failure.signal = 9;
    failure.pid = static_cast<std::int32_t>(id.lo);
    Transmit(kRaylet, lease.owner, base::LeaseLost{lease_id, id, failure});
  }
  for (const base::LeaseId lease_id : owned) {
    if (leases_.contains(lease_id)) FreeLease(lease_id, true);
  }
  for (auto& [actor_id, actor] : detached_) {
    actor.watchers.erase(id);
    if (actor.worker != id || actor.dead) continue;
    StartDetached(actor);
    TellWatchers(actor);
  }
  Grant();
}

void FakeNode::KillSomeWorker() {
  if (workers() == 0) return;
  auto it = processes_.upper_bound(kDriver);
  std::advance(it, Random(workers()));
  End(it->first, true);
}

void FakeNode::RetireSomeIdleWorker() {
  if (idle_.empty()) return;
  const ProcessId worker = *idle_.begin();
  idle_.erase(idle_.begin());
  Process& process = processes_.find(worker)->second;
  process.retiring = true;
  process.end_at = now_ + seconds(5);
  Transmit(kRaylet, worker, base::Retire{});
}

std::size_t FakeNode::left_in_workers() const {
  std::size_t left = 0;
  for (const auto& [id, process] : processes_) {
    if (id == kDriver) continue;
    const Core::Census census = process.core->Count();
    left += census.objects + census.tasks + census.calls + census.actors +
            census.leases + census.hosted;
  }
  return left;
}

std::string FakeNode::Describe() const {
  base::TextLine text;
  for (const auto& [id, process] : processes_) {
    const Core::Census census = process.core->Count();
    text << "process " << id.lo << ": tasks " << census.tasks << ", calls "
         << census.calls << ", actors " << census.actors << ", leases "
         << census.leases << ", hosted " << census.hosted;
    if (process.running.has_value()) {
      text << ", runs deed " << process.running->function.lo;
    }
    if (!process.borrowed.IsNil()) {
      text << " with actor " << process.borrowed.lo;
    }
    text << (process.retiring ? ", retiring\n" : "\n");
  }
  for (const auto& [id, lease] : leases_) {
    text << "lease " << id.lo << " of " << lease.owner.lo << " at "
         << lease.worker.lo << "\n";
  }
  text << "idle " << idle_.size() << ", free units " << free_units_;
  return text.text();
}

}  // namespace mobula::runtime

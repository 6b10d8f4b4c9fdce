#include "raylet/core/core.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::raylet {

using base::BootTime;

namespace {

constexpr std::size_t kAtOnceMax = 16;
constexpr char kDefaultNamespace[] = "default";
// Waiting requests that a listing names.
constexpr std::size_t kListedMax = 10'000;

// For people.
std::string NameOf(const base::Register& message) {
  const std::string& program = message.program;
  return program.substr(program.rfind('/') + 1) + ", pid " +
         std::to_string(message.pid);
}

ControlLine::Options LineOptions(const Core::Options& options) {
  ControlLine::Options line;
  line.node.node = options.node;
  line.node.raylet = options.self;
  line.node.pid = options.pid;
  line.node.name = options.node_name;
  line.node.socket = options.socket;
  line.node.door = options.door;
  line.node.maker = options.maker;
  line.node.is_head = options.is_head;
  line.node.total = options.total;
  line.node.labels = options.labels;
  line.needed = options.has_control;
  line.join_bytes_max = options.join_bytes_max;
  return line;
}

base::JobRecord RecordOf(const base::Register& message, const std::string& ns,
                         base::NodeId node) {
  base::JobRecord record;
  record.job = message.job;
  record.driver = message.process;
  record.node = node;
  record.pid = message.pid;
  record.program = message.program;
  record.ns = ns;
  record.weight = std::max(message.weight, 1);
  return record;
}

ArenaTable::Options StoreOptions(const Core::Options& options) {
  ArenaTable::Options store;
  store.bytes_max = options.object_store_bytes;
  return store;
}

std::string StateName(const Worker& worker) {
  switch (worker.state) {
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kIdle:
      return "idle";
    case WorkerState::kLeased:
      return worker.actor_host ? "actor" : "leased";
    case WorkerState::kRetiring:
    case WorkerState::kDying:
      break;
  }
  return "ending";
}

// Of a Lease or a QueuedLease.
template <class AnyLease>
base::TaskInfo TaskOf(const AnyLease& lease) {
  base::TaskInfo task;
  task.lease = lease.lease;
  task.job = lease.job;
  task.function = lease.function;
  task.shape = lease.shape;
  return task;
}

}  // namespace

WorkerTable::Options Core::WorkerOptionsFor(double cpus) {
  const auto whole = static_cast<std::size_t>(std::ceil(std::max(cpus, 1.0)));
  WorkerTable::Options options;
  options.workers_max = std::max<std::size_t>(4 * whole, 64);
  // Starting one takes the raylet some 0.3 ms, and an idle one costs memory.
  options.starting_max = std::clamp<std::size_t>(whole, 2, kAtOnceMax);
  options.pool = std::min(whole, kAtOnceMax);
  return options;
}

Core::Core(Options options, base::IdSource ids)
    : options_(std::move(options)),
      ids_(ids),
      queue_({options_.total, options_.passed_over_max}),
      ledger_(options_.total),
      workers_(options_.workers),
      line_(LineOptions(options_)),
      hosted_(options_.node),
      store_(StoreOptions(options_), ids),
      questions_(NodeQuestions::Options()),
      view_(options_.node, /*is_alone=*/!options_.has_control) {
  MOBULA_CHECK(!options_.self.IsNil());
  store_.SetNodes(options_.maker, [this](std::uint64_t maker) {
    const base::NodeId node = view_.OfMaker(maker);
    return node.IsNil() ? std::nullopt : std::optional(node);
  });
}

void Core::Step(const Event& event, BootTime now, Effects& effects) {
  now_ = now;
  effects_ = &effects;
  const std::size_t begin = effects.size();
  Dispatch(event);
  do {
    while (!to_self_.empty()) {
      const base::Message message = std::move(to_self_.front());
      to_self_.pop_front();
      OnSelf(message);
    }
    to_pump_ = false;
    Pump();
    SpillWaiting();
    PlaceAfar();
  } while (!to_self_.empty() || to_pump_);
  store_.Pump(now_, *effects_);
  SweepPrograms();
  TellFreedAfar();
  TellObjects();
  TellLoad();
  PassToGuests(begin);
  UpdateTimer();
  if (ledger_.size() == 0) MOBULA_CHECK(ledger_.free() == ledger_.total());
  effects_ = nullptr;
  tick_ = nullptr;
}

void Core::Dispatch(const Event& event) {
  if (const auto* received = std::get_if<Received>(&event)) {
    OnReceived(*received);
  } else if (const auto* lost = std::get_if<PeerLost>(&event)) {
    OnPeerLost(lost->process);
  } else if (const auto* started = std::get_if<WorkerStarted>(&event)) {
    if (workers_.Find(started->process) != nullptr) {
      workers_.SetPid(started->process, started->pid);
    }
  } else if (const auto* failed = std::get_if<WorkerStartFailed>(&event)) {
    OnWorkerStartFailed(*failed);
  } else if (const auto* exited = std::get_if<WorkerExited>(&event)) {
    OnWorkerExited(exited->process, exited->failure, exited->charged);
  } else if (const auto* tick = std::get_if<Tick>(&event)) {
    OnTick(*tick);
  } else {
    const bool known = OnControlEvent(event) || OnNodeEvent(event) ||
                       store_.Happened(event, now_, *effects_);
    MOBULA_CHECK(known);
  }
}

void Core::OnReceived(const Received& received) {
  const ProcessId from = received.from;
  if (const auto* m = std::get_if<base::Register>(&received.message)) {
    OnRegister(from, *m);
    return;
  }
  if (std::holds_alternative<base::ListLocal>(received.message)) {
    OnListLocal(from);
    return;
  }
  if (const auto* m = std::get_if<base::ListMemory>(&received.message)) {
    OnListMemory(from, *m);
    return;
  }
  if (const auto* m = std::get_if<base::ListTasks>(&received.message)) {
    OnListTasks(from, *m);
    return;
  }
  if (!peers_.contains(from)) return;
  if (OnLeaseMessage(from, received.message)) return;
  if (OnActorMessage(from, received.message)) return;
  if (store_.Received(from, received.message, now_, *effects_)) return;
  NodeQuestions::Out out;
  if (const auto* m = std::get_if<base::RefsAre>(&received.message)) {
    questions_.Said(from, *m, now_, out);
  } else if (const auto* m = std::get_if<base::TasksAre>(&received.message)) {
    questions_.Said(from, *m, now_, out);
  }
  Flush(out);
  // Anything else is not for a raylet.
}

bool Core::OnLeaseMessage(ProcessId from, const base::Message& message) {
  if (const auto* m = std::get_if<base::RequestLease>(&message)) {
    OnRequestLease(from, *m);
  } else if (const auto* m = std::get_if<base::CancelLease>(&message)) {
    OnCancelLease(from, m->lease);
  } else if (const auto* m = std::get_if<base::ReturnLease>(&message)) {
    OnReturnLease(from, m->lease, m->discard);
  } else if (const auto* m = std::get_if<base::TaskBlocked>(&message)) {
    OnTaskBlocked(from, m->blocked);
  } else if (std::holds_alternative<base::Stay>(message)) {
    OnStay(from);
  } else if (const auto* m = std::get_if<base::ConnectTo>(&message)) {
    OnConnectTo(from, m->peer);
  } else if (const auto* m = std::get_if<base::EndJob>(&message)) {
    OnEndJob(from, m->job);
  } else {
    return false;
  }
  return true;
}

void Core::OnRegister(ProcessId from, const base::Register& message) {
  if (message.process != from || message.job.IsNil()) {
    effects_->push_back(ClosePeer{from});
    return;
  }
  if (message.role == base::Role::kDriver) {
    OnRegisterDriver(from, message);
  } else {
    OnRegisterWorker(from, message);
  }
}

void Core::OnRegisterDriver(ProcessId from, const base::Register& message) {
  const auto known = jobs_.find(message.job);
  const bool again = known != jobs_.end() && known->second.driver == from &&
                     peers_.contains(from);
  if (known != jobs_.end() && !again) {
    effects_->push_back(ClosePeer{from});
    return;
  }
  if (!again) {
    Job& job = jobs_[message.job];
    job.driver = from;
    job.ns = message.ns.empty() ? kDefaultNamespace : message.ns;
    job.weight = std::max(message.weight, 1);
    job.output = message.job;
    peers_.emplace(from, Peer{base::Role::kDriver, message.job, message.pid,
                              message.program, base::NodeId()});
    store_.ProcessCame(from, message.job, NameOf(message));
    queue_.AddJob(message.job, std::max(message.weight, 1));
    workers_.AddJob(message.job);
    ControlLine::Out out;
    line_.JobBegan(RecordOf(message, job.ns, options_.node), out);
    Flush(out);
  }
  SendRegistered(from, message.job);
}

void Core::SendRegistered(ProcessId to, JobId job) {
  base::Registered registered;
  registered.raylet = options_.self;
  registered.node = options_.node;
  registered.node_name = options_.node_name;
  registered.total = options_.total;
  registered.ns = jobs_.at(job).ns;
  registered.store_bytes = options_.object_store_bytes;
  registered.address = options_.address;
  // Of no cluster, nothing lies elsewhere.
  if (options_.has_control) registered.maker = options_.maker;
  SendTo(to, std::move(registered));
}

void Core::OnRegisterWorker(ProcessId from, const base::Register& message) {
  const Worker* worker = workers_.Find(from);
  if (worker == nullptr || worker->job != message.job ||
      worker->state == WorkerState::kDying) {
    effects_->push_back(ClosePeer{from});
    return;
  }
  if (!worker->registered) {
    if (worker->pid == 0) workers_.SetPid(from, message.pid);
    workers_.Registered(from, now_);
    peers_.emplace(from, Peer{base::Role::kWorker, message.job, message.pid,
                              message.program, base::NodeId()});
    store_.ProcessCame(from, message.job, NameOf(message));
  }
  SendRegistered(from, message.job);
}

void Core::OnTaskBlocked(ProcessId from, bool blocked) {
  const Lease* lease = ledger_.FindOfWorker(from);
  if (lease == nullptr) return;
  if (workers_.Find(from)->state != WorkerState::kLeased) return;
  ledger_.SetBlocked(lease->lease, blocked);
  workers_.SetBlocked(from, blocked);
}

void Core::OnStay(ProcessId from) {
  if (workers_.Find(from) != nullptr) workers_.Stay(from, now_);
}

bool Core::IsReachable(ProcessId process) const {
  if (!peers_.contains(process)) return false;
  const Worker* worker = workers_.Find(process);
  return worker == nullptr || worker->state != WorkerState::kDying;
}

void Core::OnConnectTo(ProcessId from, ProcessId peer) {
  // Also of another job: detached actors serve everybody of this user.
  const base::NodeId node = NodeOf(peer);
  if (!node.IsNil()) {
    LinkAfar(from, peer, node);
  } else if (!peers_.contains(peer) || peer == from) {
    SendTo(from, base::PeerGone{peer});
  } else if (!IsReachable(peer)) {
    awaiting_end_[peer].insert(from);
  } else {
    Link(from, peer);
  }
}

void Core::Link(ProcessId a, ProcessId b) {
  MOBULA_CHECK(a != b);
  if (!links_[a].insert(b).second) return;
  links_[b].insert(a);
  effects_->push_back(Connect{a, b});
}

void Core::Unlink(ProcessId process, ProcessId except) {
  const auto found = links_.find(process);
  if (found == links_.end()) return;
  const std::set<ProcessId> peers = std::move(found->second);
  links_.erase(found);
  for (const ProcessId peer : peers) {
    links_.at(peer).erase(process);
    if (links_.at(peer).empty()) links_.erase(peer);
    // Its own raylet tells one of another node.
    if (peer != except && !IsGuest(peer)) {
      SendTo(peer, base::PeerGone{process});
    }
  }
}

void Core::OnTick(const Tick& tick) {
  tick_ = &tick;
  timer_ = BootTime::Never();
  for (const ProcessId process : workers_.Overdue(now_)) {
    if (workers_.Find(process)->state == WorkerState::kStarting) {
      workers_.NoteLate(process);
    }
    KillWorkerNow(process);
  }
  ReapIdle();
  ControlLine::Out out;
  line_.Tick(now_, out);
  Flush(out);
  NodeQuestions::Out questions;
  questions_.Tick(now_, questions);
  Flush(questions);
}

void Core::OnListLocal(ProcessId from) {
  base::LocalListing listing;
  for (const auto& [id, job] : jobs_) {
    for (const ProcessId process : workers_.OfJob(id)) {
      const Worker& worker = *workers_.Find(process);
      base::WorkerInfo info;
      info.process = process;
      info.node = options_.node;
      info.pid = worker.pid;
      info.job = id;
      info.actor = job.actor;
      info.state = StateName(worker);
      listing.workers.push_back(std::move(info));
      const Lease* lease = ledger_.FindOfWorker(process);
      if (lease == nullptr || lease->for_actor) continue;
      base::TaskInfo task = TaskOf(*lease);
      task.state = lease->blocked ? "blocked" : "leased";
      task.pid = worker.pid;
      task.node = options_.node;
      listing.tasks.push_back(std::move(task));
    }
  }
  for (const QueuedLease& request : queue_.List(kListedMax)) {
    base::TaskInfo task = TaskOf(request);
    task.state = "queued";
    task.node = options_.node;
    listing.tasks.push_back(std::move(task));
  }
  listing.stores.push_back(DescribeStore());
  // A tool has not registered: it has a link and nothing else.
  effects_->push_back(Send{from, std::move(listing)});
}

void Core::ReapIdle() {
  for (const ProcessId process : workers_.Reapable(now_)) {
    if (ledger_.Owns(process) || queue_.SizeOfOwner(process) > 0) {
      workers_.KeepIdle(process, now_);
    } else {
      RetireWorker(process, /*may_stay=*/true);
    }
  }
}

void Core::SendTo(ProcessId to, base::Message message) {
  if (to == options_.self) {
    to_self_.push_back(std::move(message));
    return;
  }
  if (!peers_.contains(to)) return;
  effects_->push_back(Send{to, std::move(message)});
}

BootTime Core::NextDeadline() const {
  BootTime next = workers_.NextDeadline();
  for (const auto& [id, job] : jobs_) {
    if (job.ending) continue;
    const BootTime start = workers_.StartNotBefore(id);
    if (start <= now_) continue;
    if (queue_.SizeOfJob(id) > 0 || workers_.PoolLacks(id) > 0) {
      next = std::min(next, start);
    }
  }
  next = std::min(next, line_.NextDeadline());
  if (MaySweep()) next = std::min(next, sweep_.NextDeadline());
  next = std::min(next, store_.NextDeadline());
  next = std::min(next, questions_.NextDeadline());
  next = std::min({next, spill_at_, load_at_});
  return std::min(next, stuck_since_ + stuck_patience_);
}

void Core::UpdateTimer() {
  const BootTime next = NextDeadline();
  if (next == timer_) return;
  timer_ = next;
  effects_->push_back(SetTimer{next});
}

void Core::CheckInvariants() const {
  queue_.CheckInvariants();
  ledger_.CheckInvariants();
  workers_.CheckInvariants();
  line_.CheckInvariants();
  hosted_.CheckInvariants();
  directory_.CheckInvariants();
  store_.CheckInvariants();
  questions_.CheckInvariants();
  view_.CheckInvariants();
  afar_.CheckInvariants();
  for (const auto& [process, peer] : peers_) {
    MOBULA_CHECK(jobs_.contains(peer.job));
  }
  for (const auto& [process, peers] : links_) {
    for (const ProcessId peer : peers) {
      MOBULA_CHECK(links_.at(peer).contains(process));
    }
  }
  for (const auto& [process, askers] : awaiting_end_) {
    MOBULA_CHECK(peers_.contains(process) && !IsReachable(process));
  }
  for (const auto& [id, job] : jobs_) {
    for (const ProcessId process : workers_.OfJob(id)) {
      const Lease* lease = ledger_.FindOfWorker(process);
      const Worker* worker = workers_.Find(process);
      const bool leased = worker->state == WorkerState::kLeased;
      MOBULA_CHECK(!leased || lease != nullptr);
      if (lease == nullptr) continue;
      MOBULA_CHECK(leased || worker->state == WorkerState::kDying);
      MOBULA_CHECK(lease->owner == options_.self ||
                   peers_.contains(lease->owner));
      if (leased) MOBULA_CHECK(lease->blocked == worker->blocked);
    }
  }
}

}  // namespace mobula::raylet

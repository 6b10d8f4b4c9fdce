#include "raylet/core/core.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::raylet {

using base::BootTime;
using base::Failure;

namespace {

constexpr std::size_t kAtOnceMax = 16;

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
      workers_(options_.workers) {
  MOBULA_CHECK(!options_.self.IsNil());
}

void Core::Step(const Event& event, BootTime now, Effects& effects) {
  now_ = now;
  effects_ = &effects;
  if (const auto* received = std::get_if<Received>(&event)) {
    OnReceived(*received);
  } else if (const auto* lost = std::get_if<PeerLost>(&event)) {
    OnPeerLost(lost->process);
  } else if (const auto* started = std::get_if<WorkerStarted>(&event)) {
    if (workers_.Find(started->process) != nullptr) {
      workers_.SetPid(started->process, started->pid);
    }
  } else if (const auto* failed = std::get_if<WorkerStartFailed>(&event)) {
    Failure failure;
    failure.code = base::FailureCode::kWorkerStart;
    failure.message = failed->reason;
    OnWorkerExited(failed->process, failure);
  } else if (const auto* exited = std::get_if<WorkerExited>(&event)) {
    OnWorkerExited(exited->process, exited->failure);
  } else if (std::holds_alternative<Tick>(event)) {
    OnTick();
  }
  Pump();
  UpdateTimer();
  if (ledger_.size() == 0) MOBULA_CHECK(ledger_.free() == ledger_.total());
  effects_ = nullptr;
}

void Core::OnReceived(const Received& received) {
  const ProcessId from = received.from;
  if (const auto* m = std::get_if<base::Register>(&received.message)) {
    OnRegister(from, *m);
    return;
  }
  if (!peers_.contains(from)) return;
  if (const auto* m = std::get_if<base::RequestLease>(&received.message)) {
    OnRequestLease(from, *m);
  } else if (const auto* m =
                 std::get_if<base::CancelLease>(&received.message)) {
    OnCancelLease(from, m->lease);
  } else if (const auto* m =
                 std::get_if<base::ReturnLease>(&received.message)) {
    OnReturnLease(from, m->lease, m->discard);
  } else if (const auto* m =
                 std::get_if<base::TaskBlocked>(&received.message)) {
    OnTaskBlocked(from, m->blocked);
  } else if (const auto* m = std::get_if<base::ConnectTo>(&received.message)) {
    OnConnectTo(from, m->peer);
  } else if (const auto* m = std::get_if<base::EndJob>(&received.message)) {
    OnEndJob(from, m->job);
  }
  // Anything else is not for a raylet.
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
    jobs_.emplace(message.job, Job{.driver = from});
    peers_.emplace(from, Peer{base::Role::kDriver, message.job});
    queue_.AddJob(message.job, std::max(message.weight, 1));
    workers_.AddJob(message.job);
  }
  SendTo(from, base::Registered{options_.self, options_.node,
                                options_.node_name, options_.total, {}});
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
    peers_.emplace(from, Peer{base::Role::kWorker, message.job});
  }
  SendTo(from, base::Registered{options_.self, options_.node,
                                options_.node_name, options_.total, {}});
}

void Core::OnTaskBlocked(ProcessId from, bool blocked) {
  const Lease* lease = ledger_.FindOfWorker(from);
  if (lease == nullptr) return;
  if (workers_.Find(from)->state != WorkerState::kLeased) return;
  ledger_.SetBlocked(lease->lease, blocked);
  workers_.SetBlocked(from, blocked);
}

bool Core::IsReachable(ProcessId process) const {
  if (!peers_.contains(process)) return false;
  const Worker* worker = workers_.Find(process);
  return worker == nullptr || worker->state != WorkerState::kDying;
}

void Core::OnConnectTo(ProcessId from, ProcessId peer) {
  const bool same_job =
      IsReachable(peer) && peers_.at(peer).job == peers_.at(from).job;
  if (!same_job || peer == from) {
    SendTo(from, base::PeerGone{peer});
    return;
  }
  Link(from, peer);
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
    if (peer != except) SendTo(peer, base::PeerGone{process});
  }
}

void Core::OnEndJob(ProcessId from, JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || found->second.driver != from) return;
  if (found->second.ended) {
    SendTo(from, base::JobEnded{job});
    return;
  }
  if (!found->second.ending) EndWorkersOf(job, /*at_once=*/false);
  FinishJobIfEmpty(job);
}

void Core::EndWorkersOf(JobId job, bool at_once) {
  Job& ending = jobs_.at(job);
  ending.ending = true;
  for (const QueuedLease& request : queue_.TakeOfJob(job)) {
    ledger_.RememberEnded(request.owner, request.lease);
  }
  for (const ProcessId process : workers_.OfJob(job)) {
    if (const Lease* lease = ledger_.FindOfWorker(process)) {
      ledger_.End(lease->lease);
    }
    if (at_once || !workers_.Find(process)->registered) {
      workers_.ForgiveStart(process);
      KillWorkerNow(process);
    } else {
      RetireWorker(process);
    }
  }
}

void Core::FinishJobIfEmpty(JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || !found->second.ending) return;
  if (workers_.SizeOfJob(job) > 0) return;
  if (found->second.driver_lost) {
    queue_.RemoveJob(job);
    workers_.RemoveJob(job);
    jobs_.erase(found);
    return;
  }
  if (found->second.ended) return;
  found->second.ended = true;
  SendTo(found->second.driver, base::JobEnded{job});
}

void Core::OnPeerLost(ProcessId process) {
  const auto found = peers_.find(process);
  if (found == peers_.end()) {
    // A worker that lost its link before it registered serves nobody; it has
    // failed to start.
    if (workers_.Find(process) != nullptr) KillWorkerNow(process);
    return;
  }
  const Peer peer = found->second;
  peers_.erase(found);
  if (peer.role == base::Role::kDriver) {
    ReleaseOwner(process);
    Unlink(process, ProcessId());
    jobs_.at(peer.job).driver_lost = true;
    EndWorkersOf(peer.job, /*at_once=*/true);
    FinishJobIfEmpty(peer.job);
    return;
  }
  ReleaseOwner(process);
  const Worker* worker = workers_.Find(process);
  // A retiring one closes its link before its destructors run.
  if (worker != nullptr && worker->state != WorkerState::kRetiring) {
    KillWorkerNow(process);
  }
}

void Core::ReleaseOwner(ProcessId owner) {
  queue_.TakeOfOwner(owner);
  for (const LeaseId lease : ledger_.OwnedBy(owner)) {
    EndLease(lease, /*discard=*/true);
  }
  ledger_.ForgetOwner(owner);
}

void Core::OnWorkerExited(ProcessId process, const Failure& failure) {
  const Worker* known = workers_.Find(process);
  if (known == nullptr) return;
  ReleaseOwner(process);
  ProcessId told;
  if (const Lease* lease = ledger_.FindOfWorker(process)) {
    const Lease lost = ledger_.End(lease->lease);
    Failure story = failure;
    story.node = options_.node_name;
    told = lost.owner;
    SendTo(lost.owner, base::LeaseLost{lost.lease, process, std::move(story)});
  }
  Unlink(process, told);
  if (peers_.erase(process) > 0) effects_->push_back(ClosePeer{process});
  const WorkerTable::Removed removed = workers_.Remove(process, now_);
  if (removed.give_up) RefuseWaiting(removed.worker.job, failure);
  FinishJobIfEmpty(removed.worker.job);
}

void Core::OnTick() {
  timer_ = BootTime::Never();
  for (const ProcessId process : workers_.Overdue(now_)) {
    KillWorkerNow(process);
  }
  ReapIdle();
}

void Core::ReapIdle() {
  for (const ProcessId process : workers_.Reapable(now_)) {
    if (ledger_.Owns(process) || queue_.SizeOfOwner(process) > 0) {
      workers_.KeepIdle(process, now_);
    } else {
      RetireWorker(process);
    }
  }
}

void Core::StartOne(JobId job) {
  const ProcessId process = ids_.Next<ProcessId>();
  workers_.Start(process, job, now_);
  // Filled in place: GCC 12 takes a moved-in string for uninitialised.
  auto& start = std::get<StartWorker>(
      effects_->emplace_back(std::in_place_type<StartWorker>));
  start.process = process;
  start.job = job;
}

void Core::RetireWorker(ProcessId process) {
  if (workers_.Find(process)->state == WorkerState::kDying) return;
  workers_.Retire(process, now_);
  SendTo(process, base::Retire{});
}

void Core::KillWorkerNow(ProcessId process) {
  const Worker* worker = workers_.Find(process);
  MOBULA_CHECK(worker != nullptr);
  if (worker->state == WorkerState::kDying) return;
  workers_.Kill(process);
  effects_->push_back(KillWorker{process});
}

void Core::SendTo(ProcessId to, base::Message message) {
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
  for (const auto& [process, peers] : links_) {
    for (const ProcessId peer : peers) {
      MOBULA_CHECK(links_.at(peer).contains(process));
    }
  }
  for (const auto& [id, job] : jobs_) {
    for (const ProcessId process : workers_.OfJob(id)) {
      const Lease* lease = ledger_.FindOfWorker(process);
      const Worker* worker = workers_.Find(process);
      const bool leased = worker->state == WorkerState::kLeased;
      MOBULA_CHECK(!leased || lease != nullptr);
      if (lease == nullptr) continue;
      MOBULA_CHECK(leased || worker->state == WorkerState::kDying);
      MOBULA_CHECK(peers_.contains(lease->owner));
      if (leased) MOBULA_CHECK(lease->blocked == worker->blocked);
    }
  }
}

}  // namespace mobula::raylet

// The half of Core that asks for, grants and ends leases.
#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "raylet/core/core.h"

namespace mobula::raylet {
namespace {

using base::Failure;
using base::FailureCode;

bool MakesSense(const base::ResourceVector& shape) {
  for (const auto& [name, units] : shape.units) {
    if (name.empty() || units <= 0) return false;
  }
  return true;
}

// "2 (Counter, Index)", with how many where there are several of one.
std::string NamesOf(const std::map<std::string, std::size_t>& counts) {
  constexpr std::size_t kNamedMax = 8;
  std::size_t all = 0;
  std::size_t named = 0;
  std::string names;
  for (const auto& [name, count] : counts) {
    all += count;
    if (++named > kNamedMax) continue;
    names += (names.empty() ? "" : ", ") + name;
    if (count > 1) names += " x " + std::to_string(count);
  }
  if (named > kNamedMax) names += ", ...";
  return std::to_string(all) + " (" + names + ")";
}

}  // namespace

void Core::OnRequestLease(ProcessId from, const base::RequestLease& message) {
  if (const Lease* lease = ledger_.Find(message.lease)) {
    if (lease->owner != from) return;
    const Worker* worker = workers_.Find(lease->worker);
    SendTo(from, base::LeaseGranted{lease->lease, lease->worker, worker->pid});
    return;
  }
  if (queue_.Contains(message.lease)) {
    queue_.SetPriority(message.lease, from, message.priority);
    return;
  }
  if (afar_.Find(message.lease) != nullptr) return;
  if (ledger_.HasEnded(from, message.lease)) return;
  const JobId job = peers_.at(from).job;
  if (message.job != job || !MakesSense(message.shape)) {
    Refuse(from, message.lease,
           base::NotRun(
               FailureCode::kBadArgument,
               "a lease of another job, or of a shape that makes no sense"));
    return;
  }
  if (IsTurnedAway(from, message)) return;
  if (jobs_.at(job).ending) {
    Refuse(from, message.lease,
           base::NotRun(FailureCode::kShutdown, "the job has ended"));
    return;
  }
  if (queue_.SizeOfOwner(from) + afar_.SizeOfOwner(from) >=
      options_.requests_of_owner_max) {
    Refuse(from, message.lease,
           base::NotRun(FailureCode::kLimit,
                        "the node holds " +
                            std::to_string(options_.requests_of_owner_max) +
                            " requests for leases of this process already"));
    return;
  }
  if (PlaceElsewhere(from, message)) return;
  if (!ledger_.total().Fits(message.shape)) {
    Refuse(from, message.lease, Infeasible(message.shape));
    return;
  }
  Queue(from, message);
}

void Core::Queue(ProcessId owner, const base::RequestLease& request) {
  const bool added = queue_.Add(
      {request.lease, owner, request.job, request.shape, request.for_actor,
       request.function, request.priority, request.placement});
  MOBULA_CHECK(added);
}

void Core::OnCancelLease(ProcessId from, LeaseId lease) {
  if (const Lease* granted = ledger_.Find(lease)) {
    if (granted->owner == from) EndLease(lease, /*discard=*/false);
    return;
  }
  if (PassLeaseOn(from, lease, base::CancelLease{lease})) return;
  // Remembered also where the request is still on its way.
  queue_.Take(lease);
  ledger_.RememberEnded(from, lease);
}

void Core::OnReturnLease(ProcessId from, LeaseId lease, bool discard) {
  if (PassLeaseOn(from, lease, base::ReturnLease{lease, discard})) return;
  const Lease* granted = ledger_.Find(lease);
  if (granted == nullptr || granted->owner != from) return;
  EndLease(lease, discard);
}

void Core::EndLease(LeaseId lease, bool discard) {
  const Lease ended = ledger_.End(lease);
  const Worker* worker = workers_.Find(ended.worker);
  MOBULA_CHECK(worker != nullptr);
  if (worker->state != WorkerState::kLeased) return;  // it is ending already
  if (discard) {
    KillWorkerNow(ended.worker);
  } else if (ended.for_actor) {
    RetireWorker(ended.worker);
  } else {
    workers_.Release(ended.worker, now_);
  }
}

void Core::Refuse(ProcessId owner, LeaseId lease, Failure failure) {
  failure.node = options_.node_name;
  ledger_.RememberEnded(owner, lease);
  SendTo(owner, base::LeaseRefused{lease, std::move(failure)});
}

Failure Core::Infeasible(const base::ResourceVector& shape) const {
  std::string message = "it needs " + shape.ToString() + ", but node " +
                        options_.node_name + " has " +
                        ledger_.total().ToString();
  if (!options_.infeasible_advice.empty()) {
    message += "; " + options_.infeasible_advice;
  }
  return base::NotRun(FailureCode::kInfeasible, std::move(message));
}

void Core::RefuseWaiting(JobId job, const Failure& exit) {
  Failure failure = exit;
  failure.code = FailureCode::kWorkerStart;
  failure.executed = base::Executed::kNo;
  failure.message = "worker processes of this program end before they serve";
  if (!exit.message.empty()) failure.message += ": " + exit.message;
  for (const QueuedLease& request : queue_.TakeOfJob(job)) {
    Refuse(request.owner, request.lease, failure);
  }
}

void Core::Pump() {
  std::map<JobId, std::size_t> awaited;
  queue_.Round(ledger_.free(), [this, &awaited](const QueuedLease& request) {
    return OfferWorker(request, awaited);
  });
  FillPools();
  RefuseStuck();
}

LeaseQueue::Verdict Core::OfferWorker(const QueuedLease& request,
                                      std::map<JobId, std::size_t>& awaited) {
  // One that is linked to the owner saves a socket; else the warmest.
  ProcessId chosen;
  bool owner_is_idle = false;
  const auto links = links_.find(request.owner);
  for (const ProcessId idle : workers_.IdleOf(request.job)) {
    if (idle == request.owner) {
      owner_is_idle = true;
      continue;
    }
    if (chosen.IsNil()) chosen = idle;
    if (links == links_.end()) break;
    if (links->second.contains(idle)) {
      chosen = idle;
      break;
    }
  }
  if (!chosen.IsNil()) {
    GrantTo(request, chosen);
    return LeaseQueue::Verdict::kGranted;
  }
  std::size_t& taken = awaited[request.job];
  if (taken >= workers_.StartingOf(request.job)) {
    if (!workers_.MayStart(request.job, now_)) {
      MakeRoomFor(request.job);
      return owner_is_idle ? LeaseQueue::Verdict::kNotForIt
                           : LeaseQueue::Verdict::kNoWorker;
    }
    StartOne(request.job);
  }
  ++taken;
  return LeaseQueue::Verdict::kWaits;
}

void Core::GrantTo(const QueuedLease& request, ProcessId worker) {
  workers_.Lease(worker, request.for_actor);
  ledger_.Grant({request.lease, request.owner, worker, request.job,
                 request.shape, request.for_actor, /*blocked=*/false,
                 request.function});
  if (IsGuest(request.owner)) {
    // That node makes the link when it hears of the grant.
    IntroduceTo(peers_.at(request.owner).node, worker);
  } else if (request.owner != options_.self) {
    Link(request.owner, worker);
  }
  SendTo(request.owner,
         base::LeaseGranted{request.lease, worker, workers_.Find(worker)->pid});
}

void Core::MakeRoomFor(JobId job) {
  if (workers_.size() < workers_.workers_max()) return;  // not for want of room
  if (workers_.ending() > 0) return;                     // it is on its way
  const ProcessId idle = workers_.OldestIdleNotOf(job);
  if (!idle.IsNil()) RetireWorker(idle);
}

void Core::FillPools() {
  for (const auto& [id, job] : jobs_) {
    if (job.ending) continue;
    std::size_t lacks = workers_.PoolLacks(id);
    while (lacks > 0 && workers_.MayStart(id, now_)) {
      StartOne(id);
      --lacks;
    }
  }
}

bool Core::CanMove(const Worker& worker) const {
  if (worker.state == WorkerState::kLeased) return !worker.blocked;
  if (worker.state != WorkerState::kIdle) return true;
  // An idle one serves anybody but itself.
  return queue_.SizeOfOwner(worker.process) < queue_.size();
}

base::Duration Core::StuckPatience() const {
  if (queue_.size() == 0) return base::Duration::max();
  if (workers_.size() < workers_.workers_max()) return base::Duration::max();
  bool has_actors = false;
  for (const auto& [id, job] : jobs_) {
    for (const ProcessId process : workers_.OfJob(id)) {
      const Worker& worker = *workers_.Find(process);
      if (!CanMove(worker)) continue;
      if (worker.state != WorkerState::kLeased || !worker.actor_host) {
        return base::Duration::max();
      }
      has_actors = true;
    }
  }
  return has_actors ? options_.stuck_with_actors_after : options_.stuck_after;
}

bool Core::AnActorWorks() const {
  for (const ProcessId process : tick_->at_work) {
    const Worker* worker = workers_.Find(process);
    if (worker == nullptr || worker->state != WorkerState::kLeased) continue;
    if (worker->actor_host && !worker->blocked) return true;
  }
  return false;
}

Failure Core::NoWorkerWillBeFree() const {
  std::map<std::string, std::size_t> actors;  // by class
  std::size_t waiting = 0;
  for (const auto& [id, job] : jobs_) {
    for (const ProcessId process : workers_.OfJob(id)) {
      const Lease* lease = ledger_.FindOfWorker(process);
      if (lease == nullptr || !lease->for_actor) {
        ++waiting;
      } else {
        ++actors[lease->function.empty() ? "of no name" : lease->function];
      }
    }
  }
  std::string message = "node " + options_.node_name + " may have " +
                        std::to_string(workers_.workers_max()) +
                        " worker processes, and none of them is going to be "
                        "free: ";
  if (!actors.empty()) message += "actors hold " + NamesOf(actors);
  if (waiting > 0) {
    message += (actors.empty() ? "" : "; ") + std::to_string(waiting) +
               (waiting == 1 ? " function waits" : " functions wait") +
               " for others";
  }
  return base::NotRun(
      FailureCode::kLimit,
      message +
          ". Allow the node more (--workers-max, "
          "InitOptions::WorkersMax), or end actors of which there is "
          "no more need");
}

void Core::RefuseStuck() {
  stuck_patience_ = StuckPatience();
  if (stuck_patience_ == base::Duration::max()) {
    stuck_since_ = base::BootTime::Never();
    return;
  }
  stuck_since_ = std::min(stuck_since_, now_);
  if (now_ < stuck_since_ + stuck_patience_ || tick_ == nullptr) return;
  if (AnActorWorks()) {
    stuck_since_ = now_;  // what waits for it will go on
    return;
  }
  const Failure failure = NoWorkerWillBeFree();
  for (const auto& [id, job] : jobs_) {
    // What the control store wants to run here waits for as long as it takes.
    if (job.driver.IsNil()) continue;
    for (const QueuedLease& request : queue_.TakeOfJob(id)) {
      Refuse(request.owner, request.lease, failure);
    }
  }
  stuck_since_ = base::BootTime::Never();
}

}  // namespace mobula::raylet

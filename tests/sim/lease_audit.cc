#include "tests/sim/lease_audit.h"

#include <algorithm>
#include <variant>
#include <vector>

namespace mobula::sim {

void LeaseAudit::OnEvent(const raylet::Event& event) {
  if (const auto* received = std::get_if<raylet::Received>(&event)) {
    OnMessage(received->from, received->message);
  } else if (const auto* lost = std::get_if<raylet::PeerLost>(&event)) {
    // With its driver a job is lost.
    const auto job = jobs_.find(lost->process);
    EndWhere([this, lost, job](const Lease& lease) {
      return lease.owner == lost->process ||
             (job != jobs_.end() && lease.job == job->second);
    });
  } else if (const auto* exited = std::get_if<raylet::WorkerExited>(&event)) {
    workers_.erase(exited->process);
    EndWhere([exited](const Lease& lease) {
      return lease.owner == exited->process || lease.worker == exited->process;
    });
  } else if (const auto* failed =
                 std::get_if<raylet::WorkerStartFailed>(&event)) {
    workers_.erase(failed->process);
  }
}

void LeaseAudit::OnMessage(base::ProcessId from, const base::Message& message) {
  if (const auto* hello = std::get_if<base::Register>(&message)) {
    if (hello->role == base::Role::kDriver) jobs_[from] = hello->job;
  } else if (const auto* request = std::get_if<base::RequestLease>(&message)) {
    Lease lease;
    lease.owner = from;
    lease.job = request->job;
    lease.shape = request->shape;
    leases_.emplace(request->lease, std::move(lease));
  } else if (const auto* cancel = std::get_if<base::CancelLease>(&message)) {
    End(cancel->lease);
  } else if (const auto* back = std::get_if<base::ReturnLease>(&message)) {
    End(back->lease);
  } else if (const auto* blocked = std::get_if<base::TaskBlocked>(&message)) {
    const auto found = of_worker_.find(from);
    if (found != of_worker_.end()) {
      leases_.at(found->second).blocked = blocked->blocked;
    }
  } else if (const auto* end = std::get_if<base::EndJob>(&message)) {
    EndWhere([end](const Lease& lease) { return lease.job == end->job; });
  }
}

void LeaseAudit::End(base::LeaseId lease) {
  const auto found = leases_.find(lease);
  if (found == leases_.end() || found->second.state == State::kOver) return;
  if (found->second.state == State::kGranted) {
    of_worker_.erase(found->second.worker);
  }
  found->second.state = State::kOver;
}

void LeaseAudit::EndWhere(const std::function<bool(const Lease&)>& matches) {
  for (const auto& [id, lease] : leases_) {
    if (lease.state != State::kOver && matches(lease)) End(id);
  }
}

void LeaseAudit::OnEffect(const raylet::Effect& effect) {
  if (const auto* start = std::get_if<raylet::StartWorker>(&effect)) {
    if (!workers_.insert(start->process).second) {
      verdict_.Violate("I9", "a worker's id is used twice");
    }
  } else if (const auto* connect = std::get_if<raylet::Connect>(&effect)) {
    if (!links_.insert(std::minmax(connect->a, connect->b)).second) {
      verdict_.Violate("link", "a link is asked for twice");
    }
  } else if (const auto* send = std::get_if<raylet::Send>(&effect)) {
    if (const auto* granted = std::get_if<base::LeaseGranted>(&send->message)) {
      OnGranted(send->to, *granted);
    } else if (const auto* refused =
                   std::get_if<base::LeaseRefused>(&send->message)) {
      End(refused->lease);
    }
  }
}

void LeaseAudit::OnGranted(base::ProcessId to,
                           const base::LeaseGranted& granted) {
  const std::string name = "lease " + std::to_string(granted.lease.lo);
  const auto found = leases_.find(granted.lease);
  if (found == leases_.end() || found->second.owner != to ||
      found->second.state != State::kAsked) {
    verdict_.Violate("I1", name + " is granted and was not waited for");
    return;
  }
  Lease& lease = found->second;
  if (!workers_.contains(granted.worker)) {
    verdict_.Violate("I5", name + " is granted on a worker that is gone");
  }
  if (of_worker_.contains(granted.worker)) {
    verdict_.Violate("I5", name + " is granted on a worker that is leased");
  }
  if (!links_.contains(std::minmax(to, granted.worker))) {
    verdict_.Violate("link", name + " is granted without a link");
  }
  CheckFits(granted.lease, lease.shape);
  lease.state = State::kGranted;
  lease.worker = granted.worker;
  of_worker_[granted.worker] = granted.lease;
}

void LeaseAudit::CheckFits(base::LeaseId lease,
                           const base::ResourceVector& shape) {
  base::ResourceVector held = shape;
  for (const auto& [worker, other] : of_worker_) {
    const Lease& granted = leases_.at(other);
    if (!granted.blocked) held.Add(granted.shape);
  }
  // A wait that is over takes its cpus back, whether they fit or not; what
  // needs none may be granted even then.
  const bool is_over = std::any_of(
      shape.units.begin(), shape.units.end(), [this, &held](const auto& need) {
        return held.GetUnits(need.first) > total_.GetUnits(need.first);
      });
  if (is_over) {
    verdict_.Violate("I5", "lease " + std::to_string(lease.lo) +
                               " makes the granted " + held.ToString() +
                               " of " + total_.ToString());
  }
}

std::size_t LeaseAudit::unanswered() const {
  return static_cast<std::size_t>(std::count_if(
      leases_.begin(), leases_.end(),
      [](const auto& item) { return item.second.state == State::kAsked; }));
}

}  // namespace mobula::sim

#include "raylet/nodes/afar_leases.h"

#include <utility>

#include "base/check.h"

namespace mobula::raylet {

bool AfarLeases::Add(ProcessId owner, base::RequestLease request) {
  const LeaseId id = request.lease;
  const auto [added, is_new] = leases_.try_emplace(id);
  if (!is_new) return false;
  Lease& lease = added->second;
  lease.owner = owner;
  lease.request = std::move(request);
  lease.order = next_order_++;
  of_owner_[owner].insert(id);
  Wait(id, lease);
  return true;
}

void AfarLeases::Wait(LeaseId id, Lease& lease) {
  lease.node = NodeId();
  waiting_[lease.order] = id;
}

void AfarLeases::Unplace(LeaseId id, const Lease& lease) {
  if (lease.node.IsNil()) {
    waiting_.erase(lease.order);
    return;
  }
  const auto of = of_node_.find(lease.node);
  of->second.erase(id);
  if (of->second.empty()) of_node_.erase(of);
}

void AfarLeases::Sent(LeaseId id, NodeId node) {
  Lease& lease = leases_.at(id);
  MOBULA_CHECK(lease.node.IsNil() && !node.IsNil());
  waiting_.erase(lease.order);
  lease.node = node;
  of_node_[node].insert(id);
}

const AfarLeases::Lease* AfarLeases::Granted(LeaseId id, NodeId node,
                                             ProcessId worker) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || found->second.node != node) return nullptr;
  found->second.worker = worker;
  return &found->second;
}

bool AfarLeases::NotNow(LeaseId id, NodeId node) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return false;
  Lease& lease = found->second;
  if (lease.node != node || !lease.worker.IsNil()) return false;
  Unplace(id, lease);
  lease.excluded.insert(node);
  Wait(id, lease);
  return true;
}

void AfarLeases::Relent() {
  for (const auto& [order, id] : waiting_) leases_.at(id).excluded.clear();
}

AfarLeases::Lease AfarLeases::Take(LeaseId id) {
  const auto found = leases_.find(id);
  MOBULA_CHECK(found != leases_.end());
  Lease lease = std::move(found->second);
  leases_.erase(found);
  Unplace(id, lease);
  const auto of = of_owner_.find(lease.owner);
  of->second.erase(id);
  if (of->second.empty()) of_owner_.erase(of);
  return lease;
}

std::vector<AfarLeases::Lease> AfarLeases::TakeOfOwner(ProcessId owner) {
  std::vector<Lease> taken;
  const auto of = of_owner_.find(owner);
  if (of == of_owner_.end()) return taken;
  const std::set<LeaseId> ids = of->second;
  for (const LeaseId id : ids) taken.push_back(Take(id));
  return taken;
}

std::vector<AfarLeases::Lease> AfarLeases::TakeOfJob(base::JobId job) {
  std::vector<LeaseId> ids;
  for (const auto& [id, lease] : leases_) {
    if (lease.request.job == job) ids.push_back(id);
  }
  std::vector<Lease> taken;
  for (const LeaseId id : ids) taken.push_back(Take(id));
  return taken;
}

std::vector<AfarLeases::Lease> AfarLeases::LoseNode(NodeId node) {
  std::vector<Lease> lost;
  const auto of = of_node_.find(node);
  if (of == of_node_.end()) return lost;
  const std::set<LeaseId> ids = of->second;
  for (const LeaseId id : ids) {
    Lease& lease = leases_.at(id);
    if (!lease.worker.IsNil()) {
      lost.push_back(Take(id));
      continue;
    }
    Unplace(id, lease);
    Wait(id, lease);
  }
  return lost;
}

const AfarLeases::Lease* AfarLeases::Find(LeaseId lease) const {
  const auto found = leases_.find(lease);
  return found == leases_.end() ? nullptr : &found->second;
}

std::vector<base::LeaseId> AfarLeases::Waiting() const {
  std::vector<LeaseId> ids;
  ids.reserve(waiting_.size());
  for (const auto& [order, id] : waiting_) ids.push_back(id);
  return ids;
}

std::size_t AfarLeases::SizeOfOwner(ProcessId owner) const {
  const auto of = of_owner_.find(owner);
  return of == of_owner_.end() ? 0 : of->second.size();
}

void AfarLeases::CheckInvariants() const {
  std::size_t placed = waiting_.size();
  for (const auto& [order, id] : waiting_) {
    const Lease& lease = leases_.at(id);
    MOBULA_CHECK(lease.node.IsNil() && lease.worker.IsNil());
    MOBULA_CHECK(lease.order == order);
  }
  for (const auto& [node, ids] : of_node_) {
    MOBULA_CHECK(!ids.empty());
    placed += ids.size();
    for (const LeaseId id : ids) MOBULA_CHECK(leases_.at(id).node == node);
  }
  MOBULA_CHECK(placed == leases_.size());
  std::size_t owned = 0;
  for (const auto& [owner, ids] : of_owner_) {
    MOBULA_CHECK(!ids.empty());
    owned += ids.size();
    for (const LeaseId id : ids) MOBULA_CHECK(leases_.at(id).owner == owner);
  }
  MOBULA_CHECK(owned == leases_.size());
}

}  // namespace mobula::raylet

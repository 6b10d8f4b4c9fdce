#include "raylet/leases/lease_ledger.h"

#include <utility>

#include "base/check.h"

namespace mobula::raylet {
namespace {

base::ResourceVector CpusOf(const base::ResourceVector& shape) {
  base::ResourceVector cpus;
  const std::int64_t units = shape.GetUnits("cpu");
  if (units != 0) cpus.units["cpu"] = units;
  return cpus;
}

base::ResourceVector HeldBy(const Lease& lease) {
  base::ResourceVector held = lease.shape;
  if (lease.blocked) held.Subtract(CpusOf(lease.shape));
  return held;
}

}  // namespace

LeaseLedger::LeaseLedger(base::ResourceVector total)
    : total_(std::move(total)), free_(total_) {}

void LeaseLedger::Grant(Lease lease) {
  MOBULA_CHECK(!lease.blocked);
  MOBULA_CHECK(free_.Fits(lease.shape));
  free_.Subtract(lease.shape);
  const bool worker_is_free =
      of_worker_.emplace(lease.worker, lease.lease).second;
  MOBULA_CHECK(worker_is_free);
  of_owner_[lease.owner].insert(lease.lease);
  const base::LeaseId id = lease.lease;
  const bool is_new = leases_.emplace(id, std::move(lease)).second;
  MOBULA_CHECK(is_new);
}

Lease LeaseLedger::End(base::LeaseId lease) {
  const auto found = leases_.find(lease);
  MOBULA_CHECK(found != leases_.end());
  Lease ended = std::move(found->second);
  leases_.erase(found);
  free_.Add(HeldBy(ended));
  of_worker_.erase(ended.worker);
  const auto owner = of_owner_.find(ended.owner);
  MOBULA_CHECK(owner != of_owner_.end());
  owner->second.erase(lease);
  if (owner->second.empty()) of_owner_.erase(owner);
  RememberEnded(ended.owner, lease);
  return ended;
}

void LeaseLedger::SetBlocked(base::LeaseId lease, bool blocked) {
  const auto found = leases_.find(lease);
  MOBULA_CHECK(found != leases_.end());
  if (found->second.blocked == blocked) return;
  found->second.blocked = blocked;
  const base::ResourceVector cpus = CpusOf(found->second.shape);
  if (blocked) {
    free_.Add(cpus);
  } else {
    free_.Subtract(cpus);
  }
}

const Lease* LeaseLedger::Find(base::LeaseId lease) const {
  const auto found = leases_.find(lease);
  return found == leases_.end() ? nullptr : &found->second;
}

const Lease* LeaseLedger::FindOfWorker(base::ProcessId worker) const {
  const auto found = of_worker_.find(worker);
  return found == of_worker_.end() ? nullptr : Find(found->second);
}

std::vector<base::LeaseId> LeaseLedger::OwnedBy(base::ProcessId owner) const {
  const auto found = of_owner_.find(owner);
  if (found == of_owner_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

bool LeaseLedger::Owns(base::ProcessId owner) const {
  return of_owner_.contains(owner);
}

void LeaseLedger::RememberEnded(base::ProcessId owner, base::LeaseId lease) {
  Ended& ended = ended_[owner];
  if (!ended.ids.insert(lease).second) return;
  ended.order.push_back(lease);
  if (ended.order.size() <= kEndedMax) return;
  ended.ids.erase(ended.order.front());
  ended.order.pop_front();
}

bool LeaseLedger::HasEnded(base::ProcessId owner, base::LeaseId lease) const {
  const auto found = ended_.find(owner);
  return found != ended_.end() && found->second.ids.contains(lease);
}

void LeaseLedger::ForgetOwner(base::ProcessId owner) {
  MOBULA_CHECK(!of_owner_.contains(owner));
  ended_.erase(owner);
}

void LeaseLedger::CheckInvariants() const {
  base::ResourceVector sum = free_;
  std::size_t owned = 0;
  for (const auto& [id, lease] : leases_) {
    sum.Add(HeldBy(lease));
    MOBULA_CHECK(of_worker_.at(lease.worker) == id);
    MOBULA_CHECK(of_owner_.at(lease.owner).contains(id));
  }
  for (const auto& [owner, leases] : of_owner_) owned += leases.size();
  MOBULA_CHECK(sum == total_);
  MOBULA_CHECK(owned == leases_.size());
  MOBULA_CHECK(of_worker_.size() == leases_.size());
}

}  // namespace mobula::raylet

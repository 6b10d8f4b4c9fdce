#include "runtime/actors/host_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::runtime {

using base::ActorId;
using base::BootTime;
using base::LeaseId;
using base::ProcessId;

BootTime HostTable::Host::FirstDeadline() const {
  BootTime first = BootTime::Never();
  for (const auto& [actor, leaver] : leavers) {
    first = std::min(first, leaver.deadline);
  }
  return first;
}

std::string HostTable::GroupOf(const std::string& class_name) const {
  return IsSeparated(class_name) ? class_name : "";
}

bool HostTable::IsSeparated(const std::string& class_name) const {
  const auto found = crashes_.find(class_name);
  return found != crashes_.end() && found->second >= kSeparateAfter;
}

void HostTable::Charge(const std::string& class_name) {
  ++crashes_[class_name];
}

HostTable::Host& HostTable::Place(ActorId actor, const std::string& class_name,
                                  base::IdSource& ids) {
  const std::string group = GroupOf(class_name);
  const auto takes = [&](const auto& each) {
    const Host& host = each.second;
    return host.group == group && host.actors.size() < kActorsMax &&
           !host.loss.suspected() && !host.been.contains(actor);
  };
  auto it = std::find_if(hosts_.begin(), hosts_.end(), takes);
  if (it == hosts_.end()) {
    it = hosts_.try_emplace(next_++).first;
    it->second.lease = ids.Next<LeaseId>();
    it->second.group = group;
    of_lease_[it->second.lease] = it->first;
  }
  Host& host = it->second;
  host.actors.insert(actor);
  host.been.insert(actor);
  return host;
}

void HostTable::Leave(Host& host, ActorId actor, std::optional<Leaver> leaver) {
  MOBULA_CHECK(host.actors.erase(actor) == 1, "who leaves was there");
  if (!leaver.has_value()) return;
  MOBULA_CHECK(leaving_.insert(actor).second, "it leaves one host at a time");
  host.leavers.emplace(actor, *std::move(leaver));
}

HostTable::Host* HostTable::Left(ProcessId worker, ActorId actor) {
  Host* const host = OfWorker(worker);
  if (host == nullptr || host->leavers.erase(actor) == 0) return nullptr;
  leaving_.erase(actor);
  return host;
}

HostTable::Host HostTable::Take(LeaseId lease) {
  const auto found = of_lease_.find(lease);
  MOBULA_CHECK(found != of_lease_.end());
  auto node = hosts_.extract(found->second);
  of_lease_.erase(found);
  Host host = std::move(node.mapped());
  of_worker_.erase(host.worker);
  for (const auto& [actor, leaver] : host.leavers) leaving_.erase(actor);
  return host;
}

void HostTable::Granted(Host& host, ProcessId worker, std::int32_t pid) {
  MOBULA_CHECK(host.worker.IsNil() && !worker.IsNil());
  host.worker = worker;
  host.pid = pid;
  of_worker_[worker] = of_lease_.at(host.lease);
}

HostTable::Host* HostTable::Find(LeaseId lease) {
  const auto found = of_lease_.find(lease);
  return found == of_lease_.end() ? nullptr : &hosts_.at(found->second);
}

HostTable::Host* HostTable::OfWorker(ProcessId worker) {
  const auto found = of_worker_.find(worker);
  return found == of_worker_.end() ? nullptr : &hosts_.at(found->second);
}

std::vector<LeaseId> HostTable::Leases() const {
  std::vector<LeaseId> leases;
  leases.reserve(hosts_.size());
  for (const auto& [number, host] : hosts_) leases.push_back(host.lease);
  return leases;
}

void HostTable::Clear() {
  hosts_.clear();
  of_lease_.clear();
  of_worker_.clear();
  leaving_.clear();
}

}  // namespace mobula::runtime

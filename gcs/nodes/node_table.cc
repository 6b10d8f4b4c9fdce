#include "gcs/nodes/node_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/codec/codec.h"
#include "base/control/control_codec.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

using base::NodeState;

void Save(const base::NodeRecord& node, Effects& effects) {
  PutRecord(RecordKey(RecordTable::kNode, node.node), base::EncodeNode(node),
            effects);
}

}  // namespace

bool NodeTable::Restore(const base::NodeRecord& node, std::string* error) {
  if (nodes_.contains(node.node)) {
    *error = "node " + node.node.ToString() + " is there twice";
    return false;
  }
  if (node.incarnation < 1 || node.incarnation > kCountMax) {
    *error = "node " + node.node.ToString() + " has no incarnation";
    return false;
  }
  nodes_.emplace(node.node, node);
  incarnation_ = std::max(incarnation_, node.incarnation);
  if (node.state == NodeState::kDead) {
    dead_.emplace(node.since_ms, node.node);
  } else {
    leases_.emplace(node.node, base::BootTime());
  }
  return true;
}

void NodeTable::RestoreIncarnation(std::int64_t incarnation) {
  incarnation_ = std::max(incarnation_, incarnation);
}

void NodeTable::Start(base::BootTime now, Effects& effects) {
  for (auto& [node, lease] : leases_) {
    lease = now + options_.lease + options_.grace;
  }
  ForgetOldest(effects);
}

std::string NodeTable::Join(const base::NodeRecord& node, base::BootTime now,
                            std::int64_t wall_ms, Effects& effects) {
  MOBULA_CHECK(!node.node.IsNil());
  const auto known = nodes_.find(node.node);
  if (known == nodes_.end()) {
    if (node.incarnation != 0) {
      return "the control store does not know this node, which has joined one "
             "before: it was declared dead long ago, or the store is another";
    }
    base::NodeRecord& fresh = nodes_[node.node] = node;
    fresh.incarnation = ++incarnation_;
    fresh.state = NodeState::kAlive;
    fresh.cause.clear();
    fresh.since_ms = wall_ms;
    PutRecord(CounterRecordKey(kIncarnationCounter), base::Encode(incarnation_),
              effects);
    Save(fresh, effects);
  } else {
    if (known->second.state == NodeState::kDead) {
      return "this node was declared dead: " + known->second.cause;
    }
    base::NodeRecord record = node;
    record.incarnation = known->second.incarnation;
    record.state = NodeState::kAlive;
    record.cause.clear();
    record.since_ms = known->second.since_ms;
    known->second = std::move(record);
    Save(known->second, effects);
  }
  leases_[node.node] = now + options_.lease + options_.grace;
  return "";
}

bool NodeTable::Renew(base::NodeId node, base::BootTime now) {
  const auto lease = leases_.find(node);
  if (lease == leases_.end()) return false;
  lease->second =
      std::max(lease->second, now + options_.lease + options_.grace);
  return true;
}

bool NodeTable::MarkDead(base::NodeId node, std::string cause,
                         std::int64_t wall_ms, Effects& effects) {
  const auto known = nodes_.find(node);
  if (known == nodes_.end() || known->second.state == NodeState::kDead) {
    return false;
  }
  MOBULA_CHECK(leases_.erase(node) == 1);
  known->second.state = NodeState::kDead;
  known->second.cause = std::move(cause);
  known->second.since_ms = wall_ms;
  dead_.emplace(wall_ms, node);
  Save(known->second, effects);
  ForgetOldest(effects);
  return true;
}

void NodeTable::Explain(base::NodeId node, std::string cause,
                        Effects& effects) {
  base::NodeRecord& known = nodes_.at(node);
  MOBULA_CHECK(known.state == NodeState::kDead);
  known.cause = std::move(cause);
  Save(known, effects);
}

void NodeTable::ForgetOldest(Effects& effects) {
  while (dead_.size() > options_.dead_max) {
    const base::NodeId oldest = dead_.begin()->second;
    dead_.erase(dead_.begin());
    nodes_.erase(oldest);
    EraseRecord(RecordKey(RecordTable::kNode, oldest), effects);
  }
}

void NodeTable::Extend(base::Duration pause) {
  MOBULA_CHECK(pause.count() >= 0);
  for (auto& [node, lease] : leases_) lease = lease + pause;
}

std::vector<base::NodeId> NodeTable::Expired(base::BootTime now) const {
  std::vector<base::NodeId> expired;
  for (const auto& [node, lease] : leases_) {
    if (lease <= now) expired.push_back(node);
  }
  return expired;
}

base::BootTime NodeTable::NextExpiry() const {
  base::BootTime next = base::BootTime::Never();
  for (const auto& [node, lease] : leases_) next = std::min(next, lease);
  return next;
}

const base::NodeRecord* NodeTable::Find(base::NodeId node) const {
  const auto known = nodes_.find(node);
  return known == nodes_.end() ? nullptr : &known->second;
}

bool NodeTable::IsAlive(base::NodeId node) const {
  return leases_.contains(node);
}

bool NodeTable::IsOfDriver(base::NodeId node) const {
  return IsAlive(node) && Find(node)->labels.contains(base::kDriverLabel);
}

base::NodeId NodeTable::Place(const base::ResourceVector& need,
                              base::NodeId preferred) const {
  const auto can_hold = [this, &need](base::NodeId node) {
    return IsAlive(node) && !IsOfDriver(node) && Find(node)->total.Fits(need);
  };
  if (can_hold(preferred)) return preferred;
  for (const auto& [node, lease] : leases_) {
    if (can_hold(node)) return node;
  }
  return base::NodeId();
}

base::ResourceVector NodeTable::Total() const {
  base::ResourceVector total;
  for (const auto& [node, lease] : leases_) total.Add(Find(node)->total);
  return total;
}

void NodeTable::CheckInvariants() const {
  MOBULA_CHECK(leases_.size() + dead_.size() == nodes_.size());
  MOBULA_CHECK(dead_.size() <= options_.dead_max);
  for (const auto& [id, node] : nodes_) {
    MOBULA_CHECK(node.node == id);
    MOBULA_CHECK(node.incarnation >= 1 && node.incarnation <= incarnation_);
    MOBULA_CHECK(IsAlive(id) == (node.state == NodeState::kAlive));
    MOBULA_CHECK(IsAlive(id) || dead_.contains({node.since_ms, id}));
  }
}

}  // namespace mobula::gcs

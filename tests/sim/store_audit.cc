#include "tests/sim/store_audit.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <variant>

#include "base/control/control_codec.h"
#include "base/control/control_message.h"
#include "gcs/core/record.h"

namespace mobula::sim {

using base::ActorState;
using base::NodeState;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr base::Duration kLeaseAndGrace = seconds(11);
// Of a lease, a node must have been out of reach for so long to lose it.
constexpr base::Duration kOutOfReach = seconds(4);

std::string NameOf(const base::ActorRecord& actor) {
  return actor.ns + "/" + actor.name;
}

}  // namespace

void StoreAudit::Violate(std::string_view invariant, std::string text) {
  verdict_.Violate(invariant, std::move(text));
}

void StoreAudit::OnStart(std::uint64_t epoch, base::BootTime now) {
  if (epoch <= epoch_) Violate("I8", "an epoch comes again");
  epoch_ = epoch;
  started_ = now;
  now_ = now;
  view_ = durable_;
}

void StoreAudit::OnEvent(const gcs::Event& event, base::BootTime now) {
  now_ = now;
  const auto* received = std::get_if<gcs::Received>(&event);
  if (received == nullptr) return;
  if (const auto* join = std::get_if<base::JoinNode>(&received->message)) {
    node_of_[received->from] = join->node.node;
    heard_[join->node.node] = now;
  } else if (const auto* renew =
                 std::get_if<base::RenewNode>(&received->message)) {
    heard_[renew->node] = now;
  }
}

// ---- writes -----------------------------------------------------------------

void StoreAudit::OnWrite(const gcs::Write& write) { Apply(view_, write, true); }

void StoreAudit::OnDurable(const gcs::Write& write) {
  Apply(durable_, write, false);
}

void StoreAudit::Apply(View& view, const gcs::Write& write, bool check) {
  const auto table = gcs::ParseTable(write.key);
  if (!table.has_value()) {
    Violate("I7", "a record of no table is written");
  } else if (*table == gcs::RecordTable::kActor) {
    ApplyActor(view, write, check);
  } else if (*table == gcs::RecordTable::kNode) {
    ApplyNode(view, write, check);
  } else if (*table == gcs::RecordTable::kKey) {
    ApplyKey(view, write, check);
  }
}

void StoreAudit::ApplyActor(View& view, const gcs::Write& write, bool check) {
  const auto id = gcs::ParseRecordKey<base::ActorId>(write.key);
  if (!id.has_value()) return Violate("I7", "a key of no actor is written");
  const auto known = view.actors.find(*id);
  if (known != view.actors.end() && known->second.state != ActorState::kDead) {
    const auto name = view.names.find(NameOf(known->second));
    if (name != view.names.end() && name->second == *id) view.names.erase(name);
  }
  if (!write.value.has_value()) {
    view.actors.erase(*id);
    return;
  }
  std::string_view value = *write.value;
  std::string error;
  char version = 0;
  base::ActorRecord actor;
  if (!gcs::TakeVersion(&value, gcs::kRecordVersion, &version, &error) ||
      !base::DecodeActor(value, &actor, &error)) {
    return Violate("I20", "an actor's record does not decode: " + error);
  }
  if (check) CheckActor(view, actor);
  if (actor.state != ActorState::kDead && !actor.name.empty()) {
    view.names[NameOf(actor)] = *id;
  }
  view.actors[*id] = std::move(actor);
}

void StoreAudit::CheckActor(const View& view, const base::ActorRecord& now) {
  const std::string name = "actor " + now.actor.ToString();
  if (now.state != ActorState::kDead && !now.name.empty()) {
    const auto holder = view.names.find(NameOf(now));
    if (holder != view.names.end() && holder->second != now.actor) {
      Violate("names", name + " has the name of a living one, " + now.name);
    }
  }
  const auto known = view.actors.find(now.actor);
  if (known == view.actors.end()) return;
  const base::ActorRecord& before = known->second;
  if (now.incarnation < before.incarnation) {
    Violate("I8", name + " goes back from incarnation " +
                      std::to_string(before.incarnation) + " to " +
                      std::to_string(now.incarnation));
  }
  if (before.state == ActorState::kDead && now.state != ActorState::kDead) {
    Violate("I9", name + " was dead and lives");
  }
  const bool is_same = now.incarnation == before.incarnation;
  if (is_same && before.state == ActorState::kAlive &&
      now.state == ActorState::kAlive && now.worker != before.worker) {
    Violate("I3", name + " has two workers in one incarnation");
  }
}

void StoreAudit::ApplyNode(View& view, const gcs::Write& write, bool check) {
  const auto id = gcs::ParseRecordKey<base::NodeId>(write.key);
  if (!id.has_value()) return Violate("I7", "a key of no node is written");
  if (!write.value.has_value()) {
    view.nodes.erase(*id);
    return;
  }
  std::string_view value = *write.value;
  std::string error;
  char version = 0;
  base::NodeRecord node;
  if (!gcs::TakeVersion(&value, gcs::kRecordVersion, &version, &error) ||
      !base::DecodeNode(value, &node, &error)) {
    return Violate("I20", "a node's record does not decode: " + error);
  }
  const auto known = view.nodes.find(*id);
  if (check && known != view.nodes.end()) {
    if (known->second.state == NodeState::kDead &&
        node.state == NodeState::kAlive) {
      Violate("I9", "node " + id->ToString() + " was dead and lives");
    }
    if (node.incarnation != known->second.incarnation) {
      Violate("I8", "node " + id->ToString() + " changes its incarnation");
    }
    if (known->second.state == NodeState::kAlive &&
        node.state == NodeState::kDead) {
      ledger_.LoseNode();
      CheckDeath(node);
    }
  }
  view.nodes[*id] = std::move(node);
}

// A lease is over after its time, and for a reason.
void StoreAudit::CheckDeath(const base::NodeRecord& node) {
  if (node.cause.find("lease") == std::string::npos) return;
  const std::string name = "node " + node.node.ToString();
  const auto heard = heard_.find(node.node);
  const base::BootTime since =
      heard == heard_.end() ? started_ : std::max(started_, heard->second);
  if (now_ - since < kLeaseAndGrace) {
    Violate("I9", name + " is declared dead " +
                      std::to_string((now_ - since) / milliseconds(1)) +
                      " ms after it was heard");
  }
  const base::BootTime window =
      base::BootTime::FromSinceBoot(now_.since_boot() - kLeaseAndGrace);
  base::Duration out_of_reach(0);
  for (const Disturbance& reason : disturbances_) {
    if (reason.node != node.node) continue;
    const base::BootTime from = std::max(reason.from, window);
    const base::BootTime until = std::min(reason.until, now_);
    if (from < until) out_of_reach += until - from;
  }
  if (out_of_reach < kOutOfReach) {
    Violate("I9", name + " is declared dead, and nothing was wrong with it");
  }
}

void StoreAudit::ApplyKey(View& view, const gcs::Write& write, bool check) {
  const auto parsed = gcs::ParseKeyRecordKey(write.key);
  if (!parsed.has_value()) return Violate("I7", "a key of no key is written");
  const std::string key = parsed->ns + "/" + parsed->key;
  if (!write.value.has_value()) {
    view.keys.erase(key);
    return;
  }
  std::string_view value = *write.value;
  std::string error;
  char version = 0;
  base::KeyRecord record;
  if (!gcs::TakeVersion(&value, gcs::kRecordVersion, &version, &error) ||
      !base::DecodeKey(value, &record, &error)) {
    return Violate("I20", "a key's record does not decode: " + error);
  }
  const auto known = view.keys.find(key);
  if (check && known != view.keys.end() &&
      record.version <= known->second.version) {
    Violate("I8", "key " + key + " goes back to version " +
                      std::to_string(record.version));
  }
  view.keys[key] = std::move(record);
}

// ---- what others see --------------------------------------------------------

void StoreAudit::OnSend(const gcs::Send& send, base::BootTime now) {
  now_ = now;
  if (const auto* host = std::get_if<base::HostActor>(&send.message)) {
    CheckSaid(host->actor);
    std::int64_t& last = hosted_[host->actor.actor];
    if (host->actor.incarnation < last) {
      Violate("I8", "incarnation " + std::to_string(host->actor.incarnation) +
                        " of actor " + host->actor.actor.ToString() +
                        " is to be hosted after " + std::to_string(last));
    }
    last = std::max(last, host->actor.incarnation);
  } else if (const auto* answer =
                 std::get_if<base::ControlAnswer>(&send.message)) {
    if (const auto* actor = std::get_if<base::ActorAnswer>(&answer->body)) {
      CheckSaid(actor->actor);
    }
  } else if (const auto* joined =
                 std::get_if<base::NodeJoined>(&send.message)) {
    const auto node = durable_.nodes.find(node_of_[send.to]);
    if (joined->epoch != epoch_) Violate("I8", "a wrong epoch is told");
    if (node == durable_.nodes.end() ||
        node->second.incarnation != joined->incarnation) {
      Violate("I7", "a node is told that it joined, and that is not durable");
    }
  }
}

// An actor that somebody is told of is durable, as far as was told.
void StoreAudit::CheckSaid(const base::ActorRecord& actor) {
  const auto known = durable_.actors.find(actor.actor);
  // The dead are forgotten some day.
  if (known == durable_.actors.end()) {
    if (actor.state != ActorState::kDead) {
      Violate("I7", "actor " + actor.actor.ToString() +
                        " is told of, and is not durable");
    }
    return;
  }
  if (known->second.incarnation < actor.incarnation) {
    Violate("I7", "incarnation " + std::to_string(actor.incarnation) +
                      " of actor " + actor.actor.ToString() +
                      " is told of, and is not durable");
  }
}

void StoreAudit::Disturb(base::NodeId node, base::BootTime from,
                         base::Duration length) {
  disturbances_.push_back({node, from, from + length});
}

bool StoreAudit::IsDead(base::NodeId node) const {
  const auto known = durable_.nodes.find(node);
  return known != durable_.nodes.end() &&
         known->second.state == NodeState::kDead;
}

}  // namespace mobula::sim

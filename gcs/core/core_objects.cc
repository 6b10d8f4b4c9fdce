#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/failure.h"
#include "gcs/core/core_state.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

void Core::State::OnObjects(base::NodeId node, const base::NodeObjects& said) {
  if (said.node == node) objects.Tell(said);
}

base::ControlReply Core::State::Publish(const base::PublishValue& request,
                                        base::NodeId node, Turn& turn) {
  const base::NodeId keeper = request.value.node;
  if (!keeper.IsNil() && keeper != node) {
    return base::NotRun(base::FailureCode::kBadArgument,
                        "a node publishes what it keeps itself, and no other "
                        "one's values");
  }
  if (!request.extent.arena.IsNil()) {
    return base::NotRun(base::FailureCode::kBadArgument,
                        "a value in a node's store is published by its raylet");
  }
  base::ControlReply reply =
      published.Publish(request, turn.wall_ms, turn.effects);
  DropObjects(turn);
  return reply;
}

base::ControlReply Core::State::Unpublish(const base::UnpublishValue& request,
                                          Turn& turn) {
  base::ControlReply reply = published.Unpublish(request, turn.effects);
  DropObjects(turn);
  return reply;
}

void Core::State::OnKept(base::NodeId node, const base::KeptObjects& kept,
                         Turn& turn) {
  if (kept.node != node) return;
  const std::set<base::ObjectId> has(kept.objects.begin(), kept.objects.end());
  published.Reconcile(node, has,
                      "node " + NameOf(node) + ", which kept it, has lost it",
                      turn.wall_ms, turn.effects);
  DropObjects(turn);
}

void Core::State::DropObjects(Turn& turn) {
  std::map<base::NodeId, base::DropKept> by_node;
  for (const PublishedTable::Dropped& dropped : published.TakeDropped()) {
    by_node[dropped.node].objects.push_back(dropped.object);
  }
  for (auto& [node, drop] : by_node) SendTo(node, std::move(drop), turn);
}

std::string Core::State::NameOf(base::NodeId node) const {
  const base::NodeRecord* const record = nodes.Find(node);
  if (record == nullptr || record->name.empty()) return node.ToString();
  return record->name + " (" + node.ToString() + ")";
}

void Core::State::LoseObjects(base::NodeId node, Turn& turn) {
  objects.ForgetNode(node);
  const base::NodeRecord* const dead = nodes.Find(node);
  std::string cause = "node " + NameOf(node) + ", which kept it, is dead";
  if (dead != nullptr) cause += ": " + dead->cause;
  published.NodeDied(node, cause, turn.wall_ms, turn.effects);
}

void Core::State::LoseStrayObjects(Turn& turn) {
  for (const base::NodeId keeper : published.Keepers()) {
    if (!nodes.IsAlive(keeper)) LoseObjects(keeper, turn);
  }
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs

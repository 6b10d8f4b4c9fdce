#include <string>

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
  return published.Publish(request, turn.wall_ms, turn.effects);
}

void Core::State::LoseObjects(base::NodeId node, Turn& turn) {
  objects.ForgetNode(node);
  const base::NodeRecord* const dead = nodes.Find(node);
  std::string cause = "node " + node.ToString() + ", which kept it, is dead";
  if (dead != nullptr) {
    cause = "node " + (dead->name.empty() ? "" : dead->name + " ") + "(" +
            node.ToString() + "), which kept it, is dead: " + dead->cause;
  }
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

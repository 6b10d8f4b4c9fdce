// Placement says on which node of a cluster a task or an actor is to run, where
// its caller minds.
//
//   mobula::Spawn<Sort>(mobula::TaskOptions().Place(
//       mobula::Placement().Label("disk", "fast")), part);
//   mobula::Create<Shard>(mobula::ActorOptions().Place(
//       mobula::Placement().Spread()), 7);
//
// Where nothing is said a task runs on its caller's node while there is room,
// and after a moment's wait (10 ms) where there is; what no node can ever give
// is an Infeasible at once. What the nodes of a cluster are Nodes tells
// (nodes/nodes.h). A placement is that of each attempt and each incarnation.
// Every setter throws BadArgument for what makes no sense, and for a second
// one of Spread and OnNode.
// Threading: a value.
#ifndef MOBULA_API_MOBULA_NODES_PLACEMENT_H_
#define MOBULA_API_MOBULA_NODES_PLACEMENT_H_

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/scheduling/placement.h"

namespace mobula {

class Placement {
 public:
  Placement();

  // Over all nodes that can hold it: where the smallest share of what it needs
  // is taken, and of what needs nothing, where least was sent. With it slots
  // are spread: one may run several short tasks, one after the other.
  Placement& Spread();
  // On this node alone; it waits while that is full. Infeasible where it is not
  // there, and when it dies.
  Placement& OnNode(base::NodeId node);
  // Only on nodes that have this label (`mobula start --label KEY=VALUE`); each
  // call asks for one more, 64 at most.
  Placement& Label(std::string key, std::string value);
  // Where no node of the cluster is as asked for, on any other.
  Placement& Soft(bool soft = true);

  [[nodiscard]] const base::Placement& values() const { return values_; }

 private:
  void SetKind(base::PlacementKind kind);

  base::Placement values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_NODES_PLACEMENT_H_

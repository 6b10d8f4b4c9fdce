// Placement says on which node something is to run, where its caller minds.
//
//   Placement placement;
//   placement.kind = PlacementKind::kSpread;
// Labels narrow the choice for every kind but kNode: only nodes that have all
// of them. `soft`: where no node fits, any other does. Threading: a value.
#ifndef MOBULA_BASE_SCHEDULING_PLACEMENT_H_
#define MOBULA_BASE_SCHEDULING_PLACEMENT_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/ids.h"

namespace mobula::base {

enum class PlacementKind : std::uint8_t {
  kHybrid = 1,  // here while there is room, then where there is
  kSpread,      // where least of what there is is taken
  kNode,        // on one node
};

struct Placement {
  PlacementKind kind = PlacementKind::kHybrid;
  NodeId node;  // of kNode
  bool soft = false;
  std::map<std::string, std::string> labels;

  [[nodiscard]] bool IsPlausible() const {
    return kind >= PlacementKind::kHybrid && kind <= PlacementKind::kNode &&
           node.IsNil() == (kind != PlacementKind::kNode) &&
           labels.size() <= kLabelsMax;
  }
  friend auto operator<=>(const Placement&, const Placement&) = default;

  static constexpr std::size_t kLabelsMax = 64;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SCHEDULING_PLACEMENT_H_

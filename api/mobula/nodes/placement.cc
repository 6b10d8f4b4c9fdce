#include "api/mobula/nodes/placement.h"

#include <utility>

#include "api/mobula/error.h"

namespace mobula {

Placement::Placement() = default;

void Placement::SetKind(base::PlacementKind kind) {
  if (values_.kind != base::PlacementKind::kHybrid) {
    detail::ThrowBadArgument(
        "a Placement is Spread, or OnNode of one node: say one of both once");
  }
  values_.kind = kind;
}

Placement& Placement::Spread() {
  SetKind(base::PlacementKind::kSpread);
  return *this;
}

Placement& Placement::OnNode(base::NodeId node) {
  if (node.IsNil()) {
    detail::ThrowBadArgument(
        "OnNode wants the id of a node: Nodes() lists them, CurrentNode() is "
        "this one's");
  }
  SetKind(base::PlacementKind::kNode);
  values_.node = node;
  return *this;
}

Placement& Placement::Label(std::string key, std::string value) {
  if (key.empty()) detail::ThrowBadArgument("Label wants a key");
  if (values_.labels.size() >= base::Placement::kLabelsMax) {
    detail::ThrowBadArgument("a Placement asks for 64 labels at most");
  }
  const auto [label, is_new] =
      values_.labels.try_emplace(std::move(key), std::move(value));
  if (!is_new) {
    detail::ThrowBadArgument("Label " + label->first + " is asked for twice");
  }
  return *this;
}

Placement& Placement::Soft(bool soft) {
  values_.soft = soft;
  return *this;
}

}  // namespace mobula

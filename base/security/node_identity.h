// NodeIdentity says whom a certificate names: the cluster, the role there, and
// of a node the upper half of all ids that it makes (base/ids.h), so that a
// node that was taken over can claim no other node's.
//
//   mobula://0123...cdef/node/00112233445566ff      (the URI in a certificate)
// Threading: a value and pure functions.
#ifndef MOBULA_BASE_SECURITY_NODE_IDENTITY_H_
#define MOBULA_BASE_SECURITY_NODE_IDENTITY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace mobula::base {

enum class ClusterRole : std::uint8_t {
  kAuthority = 1,  // signs the others
  kStore,
  kNode,
};

struct NodeIdentity {
  ClusterId cluster;
  ClusterRole role = ClusterRole::kNode;
  std::uint64_t maker = 0;  // not 0, of a node; 0 of the others

  [[nodiscard]] std::string ToUri() const;
  // Nothing for whatever ToUri did not write.
  static std::optional<NodeIdentity> Parse(std::string_view uri);
  friend bool operator==(const NodeIdentity&, const NodeIdentity&) = default;
};

// For people: "node 00112233445566ff".
std::string MakerText(std::uint64_t maker);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_NODE_IDENTITY_H_

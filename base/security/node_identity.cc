#include "base/security/node_identity.h"

#include "base/check.h"

namespace mobula::base {
namespace {

constexpr std::string_view kScheme = "mobula://";
constexpr std::string_view kAuthority = "/authority";
constexpr std::string_view kStore = "/store";
constexpr std::string_view kNode = "/node/";
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kMakerDigits = 16;

}  // namespace

std::string MakerText(std::uint64_t maker) {
  return ClusterId{maker, 0}.ToString().substr(0, kMakerDigits);
}

std::string NodeIdentity::ToUri() const {
  MOBULA_CHECK((maker != 0) == (role == ClusterRole::kNode));
  std::string uri = std::string(kScheme) + cluster.ToString();
  switch (role) {
    case ClusterRole::kAuthority:
      return uri.append(kAuthority);
    case ClusterRole::kStore:
      return uri.append(kStore);
    case ClusterRole::kNode:
      return uri.append(kNode).append(MakerText(maker));
  }
  MOBULA_CHECK(false, "a role that is none");
}

std::optional<NodeIdentity> NodeIdentity::Parse(std::string_view uri) {
  if (!uri.starts_with(kScheme)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  const auto cluster = ClusterId::Parse(uri.substr(0, kIdDigits));
  if (!cluster || cluster->IsNil()) return std::nullopt;
  uri.remove_prefix(kIdDigits);
  if (uri == kAuthority) {
    return NodeIdentity{*cluster, ClusterRole::kAuthority, 0};
  }
  if (uri == kStore) return NodeIdentity{*cluster, ClusterRole::kStore, 0};
  if (!uri.starts_with(kNode)) return std::nullopt;
  uri.remove_prefix(kNode.size());
  if (uri.size() != kMakerDigits) return std::nullopt;
  const auto maker =
      ClusterId::Parse(std::string(uri) + std::string(kMakerDigits, '0'));
  if (!maker || maker->hi == 0) return std::nullopt;
  return NodeIdentity{*cluster, ClusterRole::kNode, maker->hi};
}

}  // namespace mobula::base

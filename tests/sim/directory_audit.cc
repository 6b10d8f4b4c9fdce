#include "tests/sim/directory_audit.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace mobula::sim {
namespace {

constexpr std::size_t kRowsMax = 1'000'000;

struct Row {
  base::ProcessId owner;
  std::uint64_t byte_count = 0;
  std::uint32_t extents = 0;
  std::uint32_t spilled = 0;

  friend bool operator==(const Row&, const Row&) = default;
};
using Rows = std::map<std::pair<base::NodeId, base::ObjectId>, Row>;

}  // namespace

std::string CompareDirectory(const base::ObjectsAnswer& told,
                             const NodeStores& stores) {
  Rows there;
  for (const auto& [node, store] : stores) {
    for (const raylet::ListedObject& listed : store->List(kRowsMax)) {
      Row& row = there[{node, listed.name.object}];
      row.owner = listed.name.owner;
      row.byte_count += listed.extent.byte_count;
      ++row.extents;
      if (listed.is_spilled) ++row.spilled;
    }
  }
  Rows known;
  for (const base::ObjectRecord& object : told.objects) {
    for (const base::ObjectPlace& place : object.places) {
      known[{place.node, object.object}] = {
          object.owner, place.copies.byte_count, place.copies.extents,
          place.copies.spilled};
    }
  }
  if (!told.more && told.unnamed == 0 && known == there) return "";
  for (const auto& [key, row] : there) {
    const auto found = known.find(key);
    if (found != known.end() && found->second == row) continue;
    return "does not know, or not as it is, object " + key.second.ToString();
  }
  return "knows of objects that are gone, or not by name: " +
         std::to_string(known.size()) + " for " + std::to_string(there.size());
}

}  // namespace mobula::sim

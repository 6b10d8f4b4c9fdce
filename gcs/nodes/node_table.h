// NodeTable decides which nodes belong to the cluster.
//
//   (unknown) --Join--> Alive --MarkDead (left, reported, lease over)--> Dead
//
// An alive node has a lease, which joining and renewing begin anew; who lets
// it run out, and some grace, is Expired. Time that the control store itself
// did not live through counts for nobody: Start gives all a whole lease, and
// Extend adds a pause of its own to all.
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) a dead id never returns, as long as it is remembered: the
// last dead_max; one forgotten is known by the incarnation that it says;
// (2) incarnations only grow, over all nodes; (3) nobody expires before a whole
// lease, and the grace, since it was last heard.
// Failure: a join that is refused says why and changes nothing.
#ifndef MOBULA_GCS_NODES_NODE_TABLE_H_
#define MOBULA_GCS_NODES_NODE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/control/records.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class NodeTable {
 public:
  struct Options {
    base::Duration lease{};
    base::Duration grace{};
    std::size_t dead_max = 1'000;
  };

  explicit NodeTable(Options options) : options_(options) {}

  // False, and why, if it contradicts another.
  [[nodiscard]] bool Restore(const base::NodeRecord& node, std::string* error);
  void RestoreIncarnation(std::int64_t incarnation);
  void Start(base::BootTime now, Effects& effects);

  // "" if it belongs to the cluster (again), else why not.
  [[nodiscard]] std::string Join(const base::NodeRecord& node,
                                 base::BootTime now, std::int64_t wall_ms,
                                 Effects& effects);
  // False if it is not alive.
  bool Renew(base::NodeId node, base::BootTime now);
  bool MarkDead(base::NodeId node, std::string cause, std::int64_t wall_ms,
                Effects& effects);

  void Extend(base::Duration pause);
  [[nodiscard]] std::vector<base::NodeId> Expired(base::BootTime now) const;
  // When the first lease runs out; Never if nobody is alive.
  [[nodiscard]] base::BootTime NextExpiry() const;

  // Of a dead one: more has become known of its end. CHECKs: it is dead.
  void Explain(base::NodeId node, std::string cause, Effects& effects);

  // Null if it is not known.
  [[nodiscard]] const base::NodeRecord* Find(base::NodeId node) const;
  [[nodiscard]] bool IsAlive(base::NodeId node) const;
  // It lives, and ends with a driver (kDriverLabel).
  [[nodiscard]] bool IsOfDriver(base::NodeId node) const;
  // Where a detached actor is to live: `preferred` if it is alive, stays and
  // its total fits the need, else the first of which that is so, else nil.
  [[nodiscard]] base::NodeId Place(const base::ResourceVector& need,
                                   base::NodeId preferred) const;
  [[nodiscard]] const std::map<base::NodeId, base::NodeRecord>& all() const {
    return nodes_;
  }
  [[nodiscard]] std::size_t alive() const { return leases_.size(); }
  [[nodiscard]] base::ResourceVector Total() const;

  void CheckInvariants() const;

  static constexpr std::string_view kIncarnationCounter = "node_incarnation";

 private:
  void ForgetOldest(Effects& effects);

  const Options options_;
  std::map<base::NodeId, base::NodeRecord> nodes_;
  std::map<base::NodeId, base::BootTime> leases_;         // of the alive
  std::set<std::pair<std::int64_t, base::NodeId>> dead_;  // by since_ms
  std::int64_t incarnation_ = 0;                          // the highest given
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_NODES_NODE_TABLE_H_

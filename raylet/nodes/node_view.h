// NodeView is what a raylet knows of the other nodes of its cluster, and where
// something that is not to run here might.
//
//   Up -> FollowTable "nodes", "loads" -> listings, changes -> came, died
//   view.Choose(shape, placement, here, not_there) -> node | here | nobody
// What it knows of free resources is a tenth of a second old; what it has sent
// somewhere since counts as taken there (Promise) until that node says anew.
// Owner: raylet::Core.   Threading: none; runs on its owner's strand.
// Invariants: (1) it holds nodes that live, and not its own; (2) each is told
// once as come and once as died, or as moved where its door is another.
// Failure: a record that cannot be read is passed over.
#ifndef MOBULA_RAYLET_NODES_NODE_VIEW_H_
#define MOBULA_RAYLET_NODES_NODE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/control/table_follower.h"
#include "base/ids.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"

namespace mobula::raylet {

class NodeView {
 public:
  using NodeId = base::NodeId;

  // What is to be done; the methods append.
  struct Out {
    std::vector<base::FollowTable> follow;  // of the store
    std::vector<base::NodeRecord> came;     // lives, or has another door
    std::vector<base::NodeRecord> died;     // as they were known last
    bool freed = false;  // somebody may have room who had none
  };
  // The node that asks.
  struct Here {
    base::ResourceVector total;
    base::ResourceVector free;
    std::map<std::string, std::string> labels;
  };
  enum class Verdict : std::uint8_t {
    kHere,     // it is to wait here
    kThere,    // on `node`
    kNotNow,   // there are nodes for it, none of which has room
    kNowhere,  // there is no such node
    kUnknown,  // what nodes there are is not known yet
  };
  struct Choice {
    Verdict verdict = Verdict::kNowhere;
    NodeId node;
  };

  // `is_alone`: of no cluster, there are no others.
  explicit NodeView(NodeId self, bool is_alone = false)
      : self_(self), is_listed_(is_alone) {}

  // There is a session with the store (again).
  void Up(Out& out);
  void OnListing(const base::TableListing& part, Out& out);
  void OnChanges(const base::TableChanges& changes, Out& out);

  // Where a request goes that its owner's raylet has in hand. `excluded`: those
  // that have just said that they have no room. `is_impatient`: what could wait
  // here is to go where there is room now, if there is.
  [[nodiscard]] Choice Choose(const base::ResourceVector& shape,
                              const base::Placement& placement,
                              const Here& here,
                              const std::set<NodeId>& excluded,
                              bool is_impatient) const;
  // It was sent there, or stays here.
  void Promise(NodeId node, const base::ResourceVector& shape);

  // Null where it does not live, or is this node.
  [[nodiscard]] const base::NodeRecord* Find(NodeId node) const;
  // Whose raylet makes ids that begin so; nil if nobody's.
  [[nodiscard]] NodeId OfMaker(std::uint64_t maker) const;
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  // It did live, as far as is remembered.
  [[nodiscard]] bool IsDead(NodeId node) const { return dead_.contains(node); }
  // Nodes are known as of some moment.
  [[nodiscard]] bool is_listed() const { return is_listed_; }
  [[nodiscard]] const std::map<NodeId, base::NodeRecord>& nodes() const {
    return nodes_;
  }
  void CheckInvariants() const;

 private:
  void ApplyNode(const base::ApplyChange& change, NodeId node, Out& out);
  void ApplyLoad(const base::ApplyChange& change, NodeId node, Out& out);
  void Apply(base::TableFollower::Out& news, bool is_of_loads, Out& out);
  void Learn(const base::NodeRecord& record, Out& out);
  void Lose(NodeId node, Out& out);
  [[nodiscard]] bool MayHold(const base::NodeRecord& node,
                             const base::ResourceVector& shape,
                             const base::Placement& placement) const;
  [[nodiscard]] base::ResourceVector FreeOf(NodeId node) const;
  [[nodiscard]] Choice ChooseSpread(const base::ResourceVector& shape,
                                    const base::Placement& placement,
                                    const Here& here,
                                    const std::set<NodeId>& excluded) const;
  [[nodiscard]] Choice ChooseThere(const base::ResourceVector& shape,
                                   const base::Placement& placement,
                                   const std::set<NodeId>& excluded) const;

  const NodeId self_;
  base::TableFollower nodes_table_{"nodes"};
  base::TableFollower loads_table_{"loads"};
  bool is_listed_;
  std::map<NodeId, base::NodeRecord> nodes_;  // that live
  std::set<NodeId> dead_;  // as long as the store remembers them
  std::map<std::uint64_t, NodeId> of_maker_;
  std::map<NodeId, base::NodeLoad> loads_;
  std::map<NodeId, base::ResourceVector> promised_;
  // How much was sent to each, and kept here: where nothing else differs.
  std::map<NodeId, std::uint64_t> sent_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_NODES_NODE_VIEW_H_

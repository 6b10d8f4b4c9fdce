#include "raylet/nodes/node_view.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/control/control_codec.h"
#include "base/session/cursor.h"

namespace mobula::raylet {
namespace {

using base::NodeId;
using base::NodeRecord;
using base::Placement;
using base::PlacementKind;
using base::ResourceVector;
using Verdict = NodeView::Verdict;

constexpr NodeId kSelf{1, 1};

NodeRecord Node(std::uint64_t number, double cpus) {
  NodeRecord record;
  record.node = NodeId{number, 1};
  record.raylet = base::ProcessId{number, 2};
  record.total = ResourceVector::Cpus(cpus);
  record.door = "unix:/door";
  record.maker = number * 10;
  return record;
}

class View {
 public:
  View() : view(kSelf) {
    NodeView::Out out;
    view.Up(out);
    EXPECT_EQ(out.follow.size(), 2U);
  }
  NodeView::Out Listed(std::vector<NodeRecord> nodes = {}) {
    base::TableListing listing;
    listing.table = "nodes";
    listing.listing.cursor = {1, 100};
    std::uint64_t revision = 0;
    for (const NodeRecord& node : nodes) {
      listing.listing.items.push_back(
          {++revision, node.node.ToString(),
           base::Bytes::Own(base::EncodeNode(node))});
    }
    NodeView::Out out;
    view.OnListing(listing, out);
    base::TableListing loads;
    loads.table = "loads";
    loads.listing.cursor = {1, 100};
    view.OnListing(loads, out);
    view.CheckInvariants();
    return out;
  }
  NodeView::Out Say(const NodeRecord& node) {
    return Changed("nodes", nodes_at, node.node,
                   base::Bytes::Own(base::EncodeNode(node)));
  }
  NodeView::Out Load(std::uint64_t number, double cpus) {
    base::NodeLoad load;
    load.node = NodeId{number, 1};
    load.free = ResourceVector::Cpus(cpus);
    return Changed("loads", loads_at, load.node,
                   base::Bytes::Own(base::EncodeLoad(load)));
  }
  NodeView::Out Forget(std::uint64_t number) {
    return Changed("nodes", nodes_at, NodeId{number, 1}, std::nullopt);
  }
  [[nodiscard]] NodeView::Choice Choose(double cpus, Placement placement = {},
                                        bool impatient = false,
                                        std::set<NodeId> excluded = {}) const {
    return view.Choose(ResourceVector::Cpus(cpus), placement, here, excluded,
                       impatient);
  }

  NodeView view;
  NodeView::Here here{ResourceVector::Cpus(1), ResourceVector::Cpus(1), {}};

 private:
  NodeView::Out Changed(const char* table, std::uint64_t& at, NodeId node,
                        std::optional<base::Bytes> value) {
    base::TableChanges changes;
    changes.table = table;
    changes.life = 1;
    changes.changes.push_back({++at, node.ToString(), std::move(value)});
    NodeView::Out out;
    view.OnChanges(changes, out);
    view.CheckInvariants();
    return out;
  }
  std::uint64_t nodes_at = 100;
  std::uint64_t loads_at = 100;
};

TEST(NodeView, KnowsWhoCameMovedAndDied) {
  View world;
  NodeRecord self = Node(1, 4);
  auto out = world.Listed({self, Node(2, 4)});
  ASSERT_EQ(out.came.size(), 1U);
  EXPECT_EQ(out.came[0].node, (NodeId{2, 1}));
  EXPECT_EQ(world.view.OfMaker(20), (NodeId{2, 1}));
  EXPECT_TRUE(world.view.OfMaker(10).IsNil());  // itself
  EXPECT_TRUE(world.Say(Node(2, 4)).came.empty());
  NodeRecord moved = Node(2, 4);
  moved.door = "unix:/other";
  EXPECT_EQ(world.Say(moved).came.size(), 1U);
  NodeRecord dead = moved;
  dead.state = base::NodeState::kDead;
  out = world.Say(dead);
  ASSERT_EQ(out.died.size(), 1U);
  EXPECT_TRUE(world.view.IsDead(NodeId{2, 1}));
  EXPECT_EQ(world.view.Find(NodeId{2, 1}), nullptr);
  EXPECT_TRUE(world.view.OfMaker(20).IsNil());
  EXPECT_TRUE(world.Forget(2).died.empty());
  EXPECT_FALSE(world.view.IsDead(NodeId{2, 1}));
}

TEST(NodeView, NobodyIsToldBeforeTheNodesAreKnown) {
  View world;
  EXPECT_EQ(world.Choose(1).verdict, Verdict::kHere);
  EXPECT_EQ(world.Choose(2).verdict, Verdict::kUnknown);
  EXPECT_TRUE(world.Listed().freed);
  EXPECT_EQ(world.Choose(2).verdict, Verdict::kNowhere);
  const NodeView alone(kSelf, /*is_alone=*/true);
  EXPECT_EQ(
      alone.Choose(ResourceVector::Cpus(2), Placement(), world.here, {}, false)
          .verdict,
      Verdict::kNowhere);
}

TEST(NodeView, WhatFitsHereStaysUntilItIsImpatient) {
  View world;
  world.Listed({Node(2, 4)});
  world.Load(2, 4);
  world.here.free = ResourceVector();
  EXPECT_EQ(world.Choose(1).verdict, Verdict::kHere);
  EXPECT_EQ(world.Choose(1, {}, true).node, (NodeId{2, 1}));
  world.Load(2, 0);
  EXPECT_EQ(world.Choose(1, {}, true).verdict, Verdict::kHere);
}

TEST(NodeView, WhatWasSentCountsUntilTheNodeSaysAnew) {
  View world;
  world.Listed({Node(2, 4)});
  EXPECT_EQ(world.Choose(4).verdict, Verdict::kNotNow);  // it has said nothing
  EXPECT_TRUE(world.Load(2, 4).freed);
  EXPECT_EQ(world.Choose(4).verdict, Verdict::kThere);
  world.view.Promise(NodeId{2, 1}, ResourceVector::Cpus(3));
  EXPECT_EQ(world.Choose(4).verdict, Verdict::kNotNow);
  EXPECT_EQ(world.Choose(4, {}, false, {NodeId{2, 1}}).verdict,
            Verdict::kNotNow);
  world.Load(2, 4);
  EXPECT_EQ(world.Choose(4).verdict, Verdict::kThere);
  EXPECT_EQ(world.Choose(4, {}, false, {NodeId{2, 1}}).verdict,
            Verdict::kNotNow);
}

TEST(NodeView, WhatOverflowsFillsOneNodeBeforeTheNext) {
  View world;
  world.Listed({Node(2, 4), Node(3, 4), Node(4, 4)});
  world.Load(2, 4);
  world.Load(3, 2);
  world.Load(4, 1);
  EXPECT_EQ(world.Choose(2).node, (NodeId{3, 1}));
  EXPECT_EQ(world.Choose(3).node, (NodeId{2, 1}));
}

TEST(NodeView, SpreadGoesWhereLeastIsTaken) {
  View world;
  world.Listed({Node(2, 4), Node(3, 8)});
  world.Load(2, 3);
  world.Load(3, 7);
  Placement spread;
  spread.kind = PlacementKind::kSpread;
  EXPECT_EQ(world.Choose(1, spread).node, (NodeId{3, 1}));
  world.view.Promise(NodeId{3, 1}, ResourceVector::Cpus(5));
  EXPECT_EQ(world.Choose(1, spread).node, (NodeId{2, 1}));
  EXPECT_EQ(world.Choose(9, spread).verdict, Verdict::kNowhere);
  world.view.Promise(NodeId{2, 1}, ResourceVector::Cpus(3));
  EXPECT_EQ(world.Choose(3, spread).verdict, Verdict::kNotNow);
}

TEST(NodeView, NothingGoesToADriversOwnNodeOrOneWithoutADoor) {
  View world;
  NodeRecord drivers = Node(2, 4);
  drivers.labels[base::kDriverLabel] = "1";
  NodeRecord closed = Node(3, 4);
  closed.door = "";
  world.Listed({drivers, closed});
  world.Load(2, 4);
  world.Load(3, 4);
  EXPECT_EQ(world.Choose(2).verdict, Verdict::kNowhere);
}

TEST(NodeView, ARecordThatCannotBeReadIsPassedOver) {
  View world;
  world.Listed({Node(2, 4)});
  base::TableChanges changes;
  changes.table = "nodes";
  changes.life = 1;
  changes.changes.push_back({101, "no id", base::Bytes::Own("x")});
  changes.changes.push_back(
      {102, NodeId{2, 1}.ToString(), base::Bytes::Own("\xc1")});
  NodeView::Out out;
  world.view.OnChanges(changes, out);
  EXPECT_NE(world.view.Find(NodeId{2, 1}), nullptr);
}

}  // namespace
}  // namespace mobula::raylet

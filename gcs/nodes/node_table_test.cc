#include "gcs/nodes/node_table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/records.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "gcs/core/events.h"

namespace mobula::gcs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

base::NodeId Id(std::uint64_t lo) { return base::NodeId{1, lo}; }

base::NodeRecord Node(std::uint64_t lo, double cpus = 4) {
  base::NodeRecord node;
  node.node = Id(lo);
  node.raylet = base::ProcessId{2, lo};
  node.total = base::ResourceVector::Cpus(cpus);
  return node;
}

base::BootTime At(base::Duration since) {
  return base::BootTime::FromSinceBoot(seconds(1000) + since);
}

class NodeTableTest : public ::testing::Test {
 protected:
  NodeTableTest() : table_({seconds(10), seconds(1), /*dead_max=*/2}) {}
  ~NodeTableTest() override { table_.CheckInvariants(); }

  std::string Join(std::uint64_t lo, base::Duration since = {}) {
    return table_.Join(Node(lo), At(since), ++wall_ms_, effects_);
  }
  bool Die(std::uint64_t lo) {
    return table_.MarkDead(Id(lo), "it died", ++wall_ms_, effects_);
  }

  NodeTable table_;
  Effects effects_;
  std::int64_t wall_ms_ = 0;
};

TEST_F(NodeTableTest, GivesIncarnationsThatOnlyGrow) {
  EXPECT_EQ(Join(1), "");
  EXPECT_EQ(Join(2), "");
  EXPECT_EQ(Join(1), "") << "again, in a new session";
  EXPECT_EQ(table_.Find(Id(1))->incarnation, 1);
  EXPECT_EQ(table_.Find(Id(2))->incarnation, 2);
  EXPECT_EQ(table_.alive(), 2u);
}

TEST_F(NodeTableTest, TheHighestIncarnationOutlivesItsForgottenNode) {
  for (std::uint64_t lo = 1; lo <= 4; ++lo) Join(lo);
  for (const std::uint64_t lo : {4, 1, 2}) Die(lo);
  EXPECT_EQ(table_.Find(Id(4)), nullptr) << "the oldest of three is forgotten";
  // What is left of it is the counter.
  NodeTable again({seconds(10), seconds(1), 2});
  again.RestoreIncarnation(4);
  EXPECT_EQ(again.Join(Node(5), At({}), 1, effects_), "");
  EXPECT_EQ(again.Find(Id(5))->incarnation, 5);
}

TEST_F(NodeTableTest, NothingIsPlacedOnANodeThatEndsWithItsDriver) {
  base::NodeRecord visitor = Node(1, 8);
  visitor.labels[base::kDriverLabel] = "17";
  EXPECT_EQ(table_.Join(visitor, At({}), 1, effects_), "");
  const auto need = base::ResourceVector::Cpus(1);
  EXPECT_TRUE(table_.IsOfDriver(Id(1)));
  EXPECT_TRUE(table_.Place(need, Id(1)).IsNil());
  Join(2);
  EXPECT_FALSE(table_.IsOfDriver(Id(2)));
  EXPECT_EQ(table_.Place(need, Id(1)), Id(2));
  EXPECT_TRUE(Die(1));
  EXPECT_FALSE(table_.IsOfDriver(Id(1)));
}

TEST_F(NodeTableTest, ADeadIdNeverReturns) {
  Join(1);
  EXPECT_TRUE(Die(1));
  EXPECT_FALSE(Die(1));
  effects_.clear();
  EXPECT_NE(Join(1).find("declared dead: it died"), std::string::npos);
  EXPECT_FALSE(table_.Renew(Id(1), At({})));
  EXPECT_TRUE(effects_.empty()) << "a refusal changes nothing";
}

TEST_F(NodeTableTest, WhyItDiedMayBeKnownLater) {
  Join(1);
  EXPECT_TRUE(Die(1));
  effects_.clear();
  table_.Explain(Id(1), "killed", effects_);
  EXPECT_EQ(table_.Find(Id(1))->cause, "killed");
  EXPECT_FALSE(table_.IsAlive(Id(1)));
  EXPECT_EQ(effects_.size(), 1u);
  table_.CheckInvariants();
}

TEST_F(NodeTableTest, OneThatJoinedBeforeAndIsUnknownIsRefused) {
  base::NodeRecord node = Node(1);
  node.incarnation = 7;
  EXPECT_NE(table_.Join(node, At({}), 1, effects_), "");
  EXPECT_EQ(table_.Find(Id(1)), nullptr);
}

TEST_F(NodeTableTest, ExpiresAfterLeaseAndGraceSinceItWasHeard) {
  Join(1);
  Join(2, seconds(1));
  EXPECT_EQ(table_.NextExpiry(), At(seconds(11)));
  EXPECT_TRUE(table_.Expired(At(milliseconds(10'999))).empty());
  EXPECT_EQ(table_.Expired(At(seconds(11))), std::vector{Id(1)});
  EXPECT_TRUE(table_.Renew(Id(1), At(seconds(5))));
  EXPECT_EQ(table_.NextExpiry(), At(seconds(12)));
  table_.Extend(seconds(3));
  EXPECT_EQ(table_.NextExpiry(), At(seconds(15)));
  EXPECT_TRUE(table_.Renew(Id(2), At(seconds(2))));
  EXPECT_EQ(table_.NextExpiry(), At(seconds(15))) << "never shorter";
}

TEST_F(NodeTableTest, StartGivesAWholeLease) {
  std::string error;
  base::NodeRecord node = Node(1);
  node.incarnation = 3;
  EXPECT_TRUE(table_.Restore(node, &error));
  EXPECT_FALSE(table_.Restore(node, &error));
  EXPECT_NE(error.find("twice"), std::string::npos);
  table_.Start(At({}), effects_);
  EXPECT_EQ(table_.NextExpiry(), At(seconds(11)));
}

TEST_F(NodeTableTest, PlacesOnThePreferredOrTheFirstThatFits) {
  EXPECT_TRUE(table_.Place(base::ResourceVector::Cpus(1), Id(1)).IsNil());
  Join(1);
  EXPECT_EQ(table_.Join(Node(2, /*cpus=*/8), At({}), 1, effects_), "");
  const auto place = [this](double cpus, std::uint64_t preferred) {
    return table_.Place(base::ResourceVector::Cpus(cpus), Id(preferred));
  };
  EXPECT_EQ(place(4, 2), Id(2));
  EXPECT_EQ(place(4, 9), Id(1));
  EXPECT_EQ(place(5, 1), Id(2));
  EXPECT_TRUE(place(9, 1).IsNil());
  Die(2);
  EXPECT_TRUE(place(5, 2).IsNil()) << "the dead take nothing";
  EXPECT_EQ(table_.Total(), base::ResourceVector::Cpus(4));
}

TEST_F(NodeTableTest, WritesWhatItForgets) {
  for (std::uint64_t lo = 1; lo <= 3; ++lo) Join(lo);
  Die(1);
  Die(2);
  effects_.clear();
  Die(3);
  ASSERT_EQ(effects_.size(), 2u);
  EXPECT_TRUE(std::get<Write>(effects_[0]).value.has_value());
  EXPECT_FALSE(std::get<Write>(effects_[1]).value.has_value());
  EXPECT_EQ(table_.all().size(), 2u);
}

}  // namespace
}  // namespace mobula::gcs

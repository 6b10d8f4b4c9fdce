#include "gcs/objects/object_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/ids.h"

namespace mobula::gcs {
namespace {

using base::NodeId;
using base::ObjectId;

const NodeId kNode{1, 1}, kOther{1, 2};

ObjectId Id(std::uint64_t lo) { return ObjectId{2, lo}; }

base::ObjectAt At(std::uint64_t lo, std::uint64_t bytes = 5'000) {
  base::ObjectAt object;
  object.object = Id(lo);
  object.owner = base::ProcessId{3, lo};
  object.job = base::JobId{4, lo};
  object.copies.byte_count = bytes;
  return object;
}

class ObjectTableTest : public ::testing::Test {
 protected:
  ObjectTableTest() : table_({/*places_max=*/5}) {}
  ~ObjectTableTest() override { table_.CheckInvariants(); }

  void Tell(NodeId node, std::vector<base::ObjectAt> there,
            std::vector<ObjectId> gone = {}) {
    Say(node, std::move(there), std::move(gone), false, false);
  }
  // A whole list in one.
  void List(NodeId node, std::vector<base::ObjectAt> there) {
    Say(node, std::move(there), {}, true, true);
  }
  void Say(NodeId node, std::vector<base::ObjectAt> there,
           std::vector<ObjectId> gone, bool begins, bool ends) {
    base::NodeObjects said;
    said.node = node;
    said.begins = begins;
    said.ends = ends;
    said.there = std::move(there);
    said.gone = std::move(gone);
    said.count = count_;
    table_.Tell(said);
  }
  // "2: 1, 2; 7: 2": the ends of ids of objects, and of nodes.
  [[nodiscard]] std::string Listed(std::uint64_t after = 0,
                                   std::uint32_t count_max = 100) const {
    const base::ObjectsAnswer answer =
        table_.List({after == 0 ? ObjectId() : Id(after), count_max});
    std::string text;
    for (const base::ObjectRecord& object : answer.objects) {
      text += (text.empty() ? "" : "; ") + std::to_string(object.object.lo);
      for (const base::ObjectPlace& place : object.places) {
        text += (&place == object.places.data() ? ": " : ", ") +
                std::to_string(place.node.lo);
      }
    }
    return text + (answer.more ? "; ..." : "");
  }

  ObjectTable table_;
  std::uint64_t count_ = 0;
};

TEST_F(ObjectTableTest, KnowsWhatItIsTold) {
  EXPECT_EQ(Listed(), "");
  Tell(kNode, {At(2), At(1)});
  Tell(kOther, {At(2)});
  EXPECT_EQ(Listed(), "1: 1; 2: 1, 2");
  Tell(kNode, {}, {Id(1), Id(2), Id(3)});
  EXPECT_EQ(Listed(), "2: 2");
  EXPECT_EQ(table_.places(), 1u);
}

TEST_F(ObjectTableTest, TellsSizesOwnersAndSpilledCopies) {
  base::ObjectAt object = At(7, 100);
  Tell(kNode, {object});
  object.copies = {200, 2, 1};
  Tell(kNode, {object});
  const auto answer = table_.List({ObjectId(), 1});
  ASSERT_EQ(answer.objects.size(), 1u);
  EXPECT_EQ(answer.objects[0].owner, object.owner);
  EXPECT_EQ(answer.objects[0].job, object.job);
  ASSERT_EQ(answer.objects[0].places.size(), 1u);
  const base::ObjectCopies& copies = answer.objects[0].places[0].copies;
  EXPECT_EQ(copies.byte_count, 200u);
  EXPECT_EQ(copies.extents, 2u);
  EXPECT_EQ(copies.spilled, 1u);
}

TEST_F(ObjectTableTest, TellsWhichPublishedValuesShareItsBytes) {
  base::ObjectAt object = At(7);
  object.kept = {Id(20), Id(21)};
  Tell(kNode, {object});
  object.kept = {Id(22)};
  Tell(kOther, {object});
  EXPECT_EQ(table_.List({ObjectId(), 1}).objects.at(0).kept,
            (std::vector<ObjectId>{Id(20), Id(21), Id(22)}));
  Tell(kNode, {At(7)});
  EXPECT_EQ(table_.List({ObjectId(), 1}).objects.at(0).kept,
            (std::vector<ObjectId>{Id(22)}));
}

TEST_F(ObjectTableTest, ListsInOrderFromWhereItStopped) {
  Tell(kNode, {At(3), At(1), At(2)});
  EXPECT_EQ(Listed(0, 2), "1: 1; 2: 1; ...");
  EXPECT_EQ(Listed(2, 2), "3: 1");
  EXPECT_EQ(Listed(3), "");
}

TEST_F(ObjectTableTest, ANewListTakesThePlaceOfTheOldOneWhenItEnds) {
  Tell(kNode, {At(1), At(2), At(3)});
  Tell(kOther, {At(1)});
  Say(kNode, {At(2)}, {}, /*begins=*/true, /*ends=*/false);
  EXPECT_EQ(Listed(), "1: 1, 2; 2: 1; 3: 1") << "doubtful is not gone";
  Say(kNode, {At(4)}, {}, false, /*ends=*/true);
  EXPECT_EQ(Listed(), "1: 2; 2: 1; 4: 1");
  // One that was broken off begins anew.
  Say(kNode, {At(2)}, {}, true, false);
  List(kNode, {At(4)});
  EXPECT_EQ(Listed(), "1: 2; 4: 1");
  List(kNode, {});
  EXPECT_EQ(Listed(), "1: 2");
}

TEST_F(ObjectTableTest, ADeadNodeIsForgotten) {
  count_ = 9;
  Tell(kNode, {At(1), At(2)});
  count_ = 1;
  Tell(kOther, {At(2)});
  EXPECT_EQ(table_.unnamed(), 7u);
  table_.ForgetNode(kNode);
  EXPECT_EQ(Listed(), "2: 2");
  EXPECT_EQ(table_.unnamed(), 0u);
  table_.ForgetNode(kNode);
}

TEST_F(ObjectTableTest, CountsWhatIsTooMuchToName) {
  count_ = 7;
  Tell(kNode, {At(1), At(2), At(3), At(4), At(5), At(6)});
  EXPECT_EQ(table_.size(), 5u);
  EXPECT_EQ(table_.List({ObjectId(), 1}).unnamed, 2u);
  EXPECT_EQ(table_.List({ObjectId(), 1}).named, 5u);
  Tell(kNode, {At(5, 1)});  // known ones can still change
  count_ = 5;
  Tell(kNode, {}, {Id(1), Id(6)});
  EXPECT_EQ(table_.size(), 4u);
  EXPECT_EQ(table_.unnamed(), 1u);
  Tell(kNode, {At(6)});
  EXPECT_EQ(table_.unnamed(), 0u);
}

TEST_F(ObjectTableTest, IgnoresWhatHasNoId) {
  Tell(NodeId(), {At(1)});
  Tell(kNode, {base::ObjectAt()});
  EXPECT_EQ(table_.size(), 0u);
}

// Nodes that tell lists and changes, forget and die, against a plain model.
TEST(ObjectTableRandomTest, IsWhatTheNodesSaid) {
  std::size_t listed = 0;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    ObjectTable table(ObjectTable::Options{});
    std::map<NodeId, std::set<ObjectId>> known, doubtful;
    for (int step = 0; step < 300; ++step) {
      const NodeId node{1, 1 + random() % 3};
      base::NodeObjects said;
      said.node = node;
      said.begins = random() % 8 == 0;
      said.ends = random() % 8 == 0;
      if (random() % 40 == 0) {
        table.ForgetNode(node);
        known.erase(node);
        doubtful.erase(node);
      }
      if (said.begins) doubtful[node] = known[node];
      for (std::uint32_t i = random() % 4; i > 0; --i) {
        said.gone.push_back(Id(1 + random() % 20));
        known[node].erase(said.gone.back());
        doubtful[node].erase(said.gone.back());
      }
      for (std::uint32_t i = random() % 4; i > 0; --i) {
        said.there.push_back(At(1 + random() % 20));
        known[node].insert(said.there.back().object);
        doubtful[node].erase(said.there.back().object);
      }
      if (said.ends) {
        for (const ObjectId object : std::exchange(doubtful[node], {})) {
          known[node].erase(object);
        }
      }
      said.count = known[node].size();
      table.Tell(said);
      table.CheckInvariants();
      std::map<ObjectId, std::set<NodeId>> expected, found;
      for (const auto& [at, objects] : known) {
        for (const ObjectId object : objects) expected[object].insert(at);
      }
      for (const auto& object : table.List({ObjectId(), 1'000}).objects) {
        for (const auto& place : object.places) {
          found[object.object].insert(place.node);
        }
      }
      ASSERT_EQ(found, expected) << "step " << step;
      listed += found.size();
      EXPECT_EQ(table.unnamed(), 0u);
    }
  }
  EXPECT_GT(listed, 100'000u);
}

}  // namespace
}  // namespace mobula::gcs

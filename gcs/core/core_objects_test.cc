// The core and objects: the directory that raylets feed, and published values.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/control/object_records.h"
#include "base/failure.h"
#include "base/ids.h"
#include "gcs/core/events.h"
#include "gcs/core/fake_store.h"

namespace mobula::gcs {
namespace {

using base::FailureCode;
using base::NodeId;
using base::ObjectId;
using base::ProcessId;

const ProcessId kRaylet1{10, 1}, kRaylet2{10, 2}, kTool{10, 9};
const NodeId kNode1{30, 1}, kNode2{30, 2};

ObjectId Id(std::uint64_t lo) { return ObjectId{60, lo}; }

base::NodeObjects Said(NodeId node, std::vector<std::uint64_t> there,
                       std::vector<std::uint64_t> gone = {}) {
  base::NodeObjects said;
  said.node = node;
  for (const std::uint64_t lo : there) {
    base::ObjectAt object;
    object.object = Id(lo);
    object.copies.byte_count = 5'000;
    said.there.push_back(object);
  }
  for (const std::uint64_t lo : gone) said.gone.push_back(Id(lo));
  said.count = there.size();
  return said;
}

base::PublishValue Inline(std::string name, std::string bytes = "1") {
  base::PublishValue request;
  request.value.ns = "ns";
  request.value.name = std::move(name);
  request.value.byte_count = bytes.size();
  request.value.value = base::Bytes::Own(std::move(bytes));
  return request;
}

base::PublishValue KeptBy(NodeId node, std::string name) {
  base::PublishValue request = Inline(std::move(name), "");
  request.value.node = node;
  request.value.object = Id(1);
  request.value.byte_count = 1'000'000;
  return request;
}

FailureCode CodeOf(const base::ControlReply& reply) {
  const auto* const failure = std::get_if<base::Failure>(&reply);
  return failure == nullptr ? FailureCode() : failure->code;
}

class CoreObjectsTest : public ::testing::Test {
 protected:
  CoreObjectsTest() { JoinBoth(); }

  void JoinBoth() {
    store_.Join(kRaylet1, kNode1);
    store_.Join(kRaylet2, kNode2);
  }
  // The objects and, of each, the nodes, by their numbers.
  std::map<std::uint64_t, std::set<std::uint64_t>> Listed() {
    std::map<std::uint64_t, std::set<std::uint64_t>> listed;
    const auto answer = std::get<base::ObjectsAnswer>(
        store_.Call(kTool, base::ListObjects{{}, 1'000}));
    for (const auto& object : answer.objects) {
      for (const auto& place : object.places) {
        listed[object.object.lo].insert(place.node.lo);
      }
    }
    return listed;
  }
  base::ControlReply Find(std::string name) {
    return store_.Call(kTool, base::FindPublished{"ns", std::move(name)});
  }
  std::string Value(std::string name) {
    const auto reply = Find(std::move(name));
    const auto* const found = std::get_if<base::PublishedAnswer>(&reply);
    return found == nullptr ? "" : std::string(found->value.value.view());
  }

  FakeStore store_;
};

using Listing = std::map<std::uint64_t, std::set<std::uint64_t>>;

TEST_F(CoreObjectsTest, KnowsWhatRayletsTellAndWritesNothing) {
  store_.Say(kRaylet1, Said(kNode1, {1, 2}));
  EXPECT_EQ(store_.written(), 0u);
  store_.Say(kRaylet2, Said(kNode2, {2}));
  EXPECT_EQ(Listed(), (Listing{{1, {1}}, {2, {1, 2}}}));
  store_.Say(kRaylet1, Said(kNode1, {}, {1, 2}));
  EXPECT_EQ(Listed(), (Listing{{2, {2}}}));
}

TEST_F(CoreObjectsTest, NobodySpeaksForAnotherNode) {
  store_.Say(kRaylet1, Said(kNode2, {1}));
  store_.Say(kTool, Said(kNode1, {1}));
  EXPECT_EQ(Listed(), Listing());
}

TEST_F(CoreObjectsTest, ADeadNodeHasNoObjects) {
  store_.Say(kRaylet1, Said(kNode1, {1}));
  store_.Say(kRaylet2, Said(kNode2, {1}));
  store_.Say(kRaylet1, base::LeaveNode{kNode1});
  EXPECT_EQ(Listed(), (Listing{{1, {2}}}));
  store_.Say(kRaylet1, Said(kNode1, {1}));
  EXPECT_EQ(Listed(), (Listing{{1, {2}}})) << "the dead say nothing";
}

TEST_F(CoreObjectsTest, ASessionThatEndsTakesNothingAlong) {
  store_.Say(kRaylet1, Said(kNode1, {1, 2}));
  store_.Step(PeerLost{kRaylet1});
  EXPECT_EQ(Listed(), (Listing{{1, {1}}, {2, {1}}}));
  store_.Join(kRaylet1, kNode1);
  base::NodeObjects list = Said(kNode1, {2});
  list.begins = list.ends = true;
  store_.Say(kRaylet1, list);
  EXPECT_EQ(Listed(), (Listing{{2, {1}}}));
}

TEST_F(CoreObjectsTest, TheDirectoryIsRebuiltAfterARestart) {
  store_.Say(kRaylet1, Said(kNode1, {1}));
  store_.Kill();
  EXPECT_EQ(Listed(), Listing());
  JoinBoth();
  store_.Say(kRaylet1, Said(kNode1, {1}));
  EXPECT_EQ(Listed(), (Listing{{1, {1}}}));
}

TEST_F(CoreObjectsTest, APublishedValueOutlivesTheStore) {
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, Inline("a", "one"))), FailureCode());
  store_.Kill();
  EXPECT_EQ(Value("a"), "one");
  EXPECT_EQ(CodeOf(store_.Call(kTool, Inline("a"))), FailureCode::kNameTaken);
  EXPECT_EQ(CodeOf(store_.Call(kTool, base::UnpublishValue{"ns", "a"})),
            FailureCode());
  store_.Kill();
  EXPECT_EQ(CodeOf(Find("a")), FailureCode::kNoSuchObject);
}

TEST_F(CoreObjectsTest, ARequestThatIsRepeatedIsDoneOnce) {
  base::ControlCall call;
  call.request = base::RequestId{7, 1};
  call.from = ProcessId{8, 1};
  call.body = Inline("a");
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, call)), FailureCode());
  store_.Kill();
  JoinBoth();
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, call)), FailureCode());
  call.request = base::RequestId{7, 2};
  call.body = base::UnpublishValue{"ns", "a"};
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, call)), FailureCode());
  store_.Kill();
  JoinBoth();
  const auto again = store_.Call(kRaylet1, call);
  ASSERT_TRUE(std::holds_alternative<base::PublishedAnswer>(again));
  EXPECT_EQ(std::get<base::PublishedAnswer>(again).value.name, "a");
}

TEST_F(CoreObjectsTest, ANodePublishesOnlyWhatItKeeps) {
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, KeptBy(kNode2, "a"))),
            FailureCode::kBadArgument);
  EXPECT_EQ(CodeOf(store_.Call(kTool, KeptBy(kNode2, "a"))),
            FailureCode::kBadArgument);
  EXPECT_EQ(CodeOf(store_.Call(kRaylet2, KeptBy(kNode2, "a"))), FailureCode());
}

TEST_F(CoreObjectsTest, WhatADeadNodeKeptIsLostAndSaysSo) {
  store_.Call(kRaylet1, KeptBy(kNode1, "a"));
  store_.Call(kRaylet1, Inline("b"));
  store_.Call(kTool, base::ReportNodeDead{kNode1, "killed"});
  for (int i = 0; i < 2; ++i) {
    const auto reply = Find("a");
    ASSERT_EQ(CodeOf(reply), FailureCode::kObjectLost);
    const std::string& message = std::get<base::Failure>(reply).message;
    EXPECT_NE(message.find(kNode1.ToString()), std::string::npos) << message;
    EXPECT_NE(message.find("killed"), std::string::npos) << message;
    EXPECT_EQ(Value("b"), "1");
    store_.Kill();
  }
  EXPECT_EQ(CodeOf(store_.Call(kTool, Inline("a"))), FailureCode());
}

TEST_F(CoreObjectsTest, ANodeThatDidNotComeBackAfterARestartHasLostItsValues) {
  store_.Call(kRaylet1, KeptBy(kNode1, "a"));
  store_.Kill();
  EXPECT_EQ(CodeOf(Find("a")), FailureCode());
  store_.Pass(std::chrono::seconds(30));
  EXPECT_EQ(CodeOf(Find("a")), FailureCode::kObjectLost);
}

TEST_F(CoreObjectsTest, ANodeNeedNotKeepWhatHasNoName) {
  store_.Call(kRaylet1, KeptBy(kNode1, "a"));
  store_.Forget();
  store_.Call(kTool, base::UnpublishValue{"ns", "a"});
  ASSERT_EQ(store_.Sent<base::DropKept>(kRaylet1).size(), 1u);
  EXPECT_EQ(store_.Sent<base::DropKept>(kRaylet1)[0].objects,
            (std::vector<ObjectId>{Id(1)}));
  EXPECT_TRUE(store_.Sent<base::DropKept>(kRaylet2).empty());
}

TEST_F(CoreObjectsTest, ANodeThatWasAwayHearsOfItWhenItSaysWhatItKeeps) {
  store_.Call(kRaylet1, KeptBy(kNode1, "a"));
  store_.Step(PeerLost{kRaylet1});
  base::PublishValue replace = Inline("a");
  replace.replace = true;
  store_.Call(kTool, replace);
  store_.Join(kRaylet1, kNode1);
  EXPECT_TRUE(store_.Sent<base::DropKept>(kRaylet1).empty());
  store_.Say(kRaylet2, base::KeptObjects{kNode1, {Id(1)}});
  EXPECT_TRUE(store_.Sent<base::DropKept>(kRaylet1).empty()) << "not its own";
  store_.Say(kRaylet1, base::KeptObjects{kNode1, {Id(1)}});
  EXPECT_EQ(store_.Sent<base::DropKept>(kRaylet1).size(), 1u);
  EXPECT_EQ(Value("a"), "1");
}

TEST_F(CoreObjectsTest, WhatANodeSaysThatItHasNotIsLost) {
  store_.Call(kRaylet1, KeptBy(kNode1, "a"));
  store_.Say(kRaylet1, base::KeptObjects{kNode1, {}});
  const auto reply = Find("a");
  ASSERT_EQ(CodeOf(reply), FailureCode::kObjectLost);
  EXPECT_NE(std::get<base::Failure>(reply).message.find(kNode1.ToString()),
            std::string::npos);
}

TEST_F(CoreObjectsTest, PlacesInANodesStoreAreItsRayletsAffair) {
  base::PublishValue request = Inline("a", "");
  request.extent.arena = base::ArenaId{1, 1};
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, request)), FailureCode::kBadArgument);
}

TEST_F(CoreObjectsTest, AFullDiskRefusesNewNamesOnly) {
  store_.Call(kTool, Inline("a"));
  store_.Step(DiskChanged{true, 1'000});
  EXPECT_EQ(CodeOf(store_.Call(kTool, Inline("b"))), FailureCode::kDiskFull);
  EXPECT_EQ(Value("a"), "1");
  EXPECT_EQ(CodeOf(store_.Call(kTool, base::UnpublishValue{"ns", "a"})),
            FailureCode());
}

TEST_F(CoreObjectsTest, ListsTheNames) {
  store_.Call(kTool, Inline("a"));
  store_.Call(kRaylet1, KeptBy(kNode1, "b"));
  const auto answer = std::get<base::PublishedListAnswer>(
      store_.Call(kTool, base::ListPublished{"", "", 10}));
  ASSERT_EQ(answer.values.size(), 2u);
  EXPECT_EQ(answer.values[1].node, kNode1);
}

// Raylets whose objects come and go, sessions and stores that end: in the end
// the directory is what the living nodes hold.
TEST(CoreObjectsRandomTest, TheDirectoryAfterHealingIsWhatNodesHold) {
  int kills = 0;
  int listed = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    FakeStore store;
    std::map<std::uint64_t, std::set<std::uint64_t>> held;  // by node
    std::set<std::uint64_t> dead, joined;
    const auto join = [&](std::uint64_t n) {
      if (dead.contains(n) || !joined.insert(n).second) return;
      store.Join({10, n}, {30, n});
      std::vector<std::uint64_t> all(held[n].begin(), held[n].end());
      base::NodeObjects list = Said({30, n}, all);
      list.begins = list.ends = true;
      store.Say({10, n}, list);
    };
    for (int step = 0; step < 400; ++step) {
      const std::uint64_t n = 1 + random() % 4;
      switch (random() % 12) {
        case 0:
          if (random() % 10 != 0) break;
          store.Kill();
          joined.clear();
          ++kills;
          break;
        case 1:
          store.Step(PeerLost{{10, n}});
          joined.erase(n);
          break;
        case 2:
          if (n == 1 || random() % 10 != 0 || !joined.contains(n)) break;
          store.Say({10, n}, base::LeaveNode{{30, n}});
          dead.insert(n);
          joined.erase(n);
          break;
        case 3:
          join(n);
          break;
        default: {
          const std::uint64_t object = 1 + random() % 30;
          const bool comes = held[n].insert(object).second;
          if (!comes) held[n].erase(object);
          if (!joined.contains(n)) break;
          store.Say({10, n}, comes ? Said({30, n}, {object})
                                   : Said({30, n}, {}, {object}));
        }
      }
    }
    for (std::uint64_t n = 1; n <= 4; ++n) join(n);
    std::map<std::uint64_t, std::set<std::uint64_t>> expected, found;
    for (const auto& [n, objects] : held) {
      if (dead.contains(n)) continue;
      for (const std::uint64_t object : objects) expected[object].insert(n);
    }
    const auto answer = std::get<base::ObjectsAnswer>(
        store.Call(kTool, base::ListObjects{{}, 1'000}));
    for (const auto& object : answer.objects) {
      for (const auto& place : object.places) {
        found[object.object.lo].insert(place.node.lo);
      }
    }
    EXPECT_EQ(found, expected);
    listed += static_cast<int>(found.size());
  }
  EXPECT_GT(kills, 60);
  EXPECT_GT(listed, 500);
}

}  // namespace
}  // namespace mobula::gcs

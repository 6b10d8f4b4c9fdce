#include "raylet/objects/object_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::BootTime;
using base::Extent;
using base::JobId;
using base::NodeId;
using base::ObjectId;
using base::ProcessId;
using base::RequestId;
using std::chrono::milliseconds;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kHere = 11;   // makers
constexpr std::uint64_t kThere = 12;  // of kNode
constexpr NodeId kNode{3, 1};
constexpr ProcessId kDriver{1, 1};
constexpr ProcessId kWorker{1, 2};
constexpr ProcessId kGuest{9, 1};
constexpr JobId kJob{2, 1};
constexpr Extent kAfar{ArenaId{kThere, 5}, 64, 10'000, 3};

// The store of a node beside another one.
class ObjectStoreTest : public testing::Test {
 protected:
  ObjectStoreTest() : store_(Options(), base::IdSource(kHere)) {
    store_.SetNodes(kHere, [](std::uint64_t maker) {
      return maker == kThere ? std::optional(kNode) : std::nullopt;
    });
    store_.ProcessCame(kDriver, kJob, "driver");
    store_.ProcessCame(kWorker, kJob, "worker");
    store_.GuestCame(kGuest, kJob, "guest");
  }
  static ArenaTable::Options Options() {
    ArenaTable::Options options;
    options.bytes_max = 4 * kMiB;
    return options;
  }
  void Say(ProcessId from, const base::Message& message) {
    store_.Received(from, message, now_, effects_);
    Pump();
  }
  void Pump() {
    store_.Pump(now_, effects_);
    for (; seen_ < effects_.size(); ++seen_) {
      const auto* make = std::get_if<MakeArena>(&effects_[seen_]);
      if (make == nullptr) continue;
      const ArenaId arena = make->arena;
      EXPECT_TRUE(store_.Happened(ArenaMade{arena}, now_, effects_));
      store_.Pump(now_, effects_);
    }
    store_.CheckInvariants();
  }
  template <class M>
  std::vector<M> Sent(ProcessId to) {
    std::vector<M> sent;
    for (const Effect& effect : effects_) {
      const base::Message* message = nullptr;
      if (const auto* send = std::get_if<Send>(&effect)) {
        if (send->to == to) message = &send->message;
      } else if (const auto* with = std::get_if<SendWithArena>(&effect)) {
        if (with->to == to) message = &with->message;
      }
      if (message == nullptr) continue;
      if (const M* m = std::get_if<M>(message)) sent.push_back(*m);
    }
    return sent;
  }
  template <class M>
  std::vector<M> Told() {
    std::vector<M> told;
    for (const Effect& effect : effects_) {
      const auto* tell = std::get_if<TellNode>(&effect);
      if (tell == nullptr) continue;
      EXPECT_EQ(tell->node, kNode);
      if (const M* m = std::get_if<M>(&tell->message)) told.push_back(*m);
    }
    return told;
  }
  // A value of the owner's, that the worker has stored.
  Extent Store(ObjectId object, ProcessId owner, std::uint64_t bytes) {
    Say(kWorker, base::LeaseArena{RequestId{5, ++requests_}, bytes});
    const auto leased = Sent<base::ArenaLeased>(kWorker);
    EXPECT_FALSE(leased.empty());
    const Extent extent{leased.back().arena, 64, bytes, 1};
    Say(kWorker, base::ObjectStored{{object, owner}, extent});
    return extent;
  }
  void Free(ProcessId owner, ObjectId object, const Extent& extent) {
    Say(owner, base::FreeObjects{{{object, extent}}});
  }

  BootTime now_ = BootTime::FromSinceBoot(milliseconds(1));
  ObjectStore store_;
  Effects effects_;
  std::size_t seen_ = 0;
  std::uint64_t requests_ = 0;
};

TEST_F(ObjectStoreTest, WhatLiesElsewhereIsFreedElsewhere) {
  const ObjectId object{4, 1};
  Free(kDriver, object, kAfar);
  auto afar = store_.TakeAfar();
  ASSERT_EQ(afar.size(), 1u);
  EXPECT_EQ(afar[0].owner, kDriver);
  EXPECT_EQ(afar[0].freed.object, object);
  EXPECT_EQ(afar[0].freed.extent, kAfar);
  EXPECT_TRUE(store_.TakeAfar().empty());
  // Of one whose place is not known there may be some anywhere.
  Store(object, kDriver, 5'000);
  Free(kDriver, object, Extent());
  EXPECT_EQ(store_.stored().size(), 0u);
  afar = store_.TakeAfar();
  ASSERT_EQ(afar.size(), 1u);
  EXPECT_TRUE(afar[0].freed.extent.arena.IsNil());
  // What is here is nobody else's.
  const Extent here = Store(ObjectId{4, 2}, kDriver, 5'000);
  Free(kDriver, ObjectId{4, 2}, here);
  EXPECT_EQ(store_.stored().size(), 0u);
  EXPECT_TRUE(store_.TakeAfar().empty());
}

TEST_F(ObjectStoreTest, AGuestFreesWhatIsHereAndNothingElse) {
  const ObjectId object{4, 1};
  const Extent extent = Store(object, kGuest, 5'000);
  EXPECT_EQ(store_.stored().size(), 1u);
  Free(kGuest, object, kAfar);
  EXPECT_EQ(store_.stored().size(), 1u);
  Free(kGuest, object, extent);
  EXPECT_EQ(store_.stored().size(), 0u);
  EXPECT_EQ(Sent<base::FreeExtents>(kWorker).size(), 1u);
  // Its own raylet tells whom it concerns.
  Free(kGuest, object, Extent());
  EXPECT_TRUE(store_.TakeAfar().empty());
}

TEST_F(ObjectStoreTest, WithItsGuestAnObjectGoes) {
  Store(ObjectId{4, 1}, kGuest, 5'000);
  store_.ProcessGone(kGuest, true, now_, effects_);
  Pump();
  EXPECT_EQ(store_.stored().size(), 0u);
}

TEST_F(ObjectStoreTest, AGuestCountsResultsMadeAnew) {
  Say(kGuest, base::ResultRemade{ObjectId{4, 1}, true});
  EXPECT_EQ(store_.remade(), 1u);
  EXPECT_EQ(store_.differing(), 1u);
}

// Descriptors do not go to other nodes.
TEST_F(ObjectStoreTest, AGuestHasNothingToDoWithTheMemory) {
  const Extent extent = Store(ObjectId{4, 1}, kDriver, 5'000);
  effects_.clear();
  seen_ = 0;
  Say(kGuest, base::LeaseArena{RequestId{5, 100}, 5'000});
  Say(kGuest, base::OpenArena{extent.arena});
  Say(kGuest, base::PullValue{RequestId{5, 101}, {}, kAfar});
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(store_.arenas().waiting(), 0u);
  EXPECT_EQ(store_.pulled().size(), 0u);
}

TEST_F(ObjectStoreTest, WhatIsHereIsReadWhereItIs) {
  const Extent extent = Store(ObjectId{4, 1}, kDriver, 5'000);
  Say(kDriver, base::PullValue{RequestId{6, 1}, {}, extent});
  const auto pulled = Sent<base::ValuePulled>(kDriver);
  ASSERT_EQ(pulled.size(), 1u);
  EXPECT_EQ(pulled[0].here, extent);
}

TEST_F(ObjectStoreTest, WhatLiesElsewhereIsCopiedAndOpened) {
  Say(kDriver, base::PullValue{RequestId{6, 1}, {{4, 1}, kWorker}, kAfar});
  const auto wants = Told<base::WantExtent>();
  ASSERT_EQ(wants.size(), 1u);
  EXPECT_TRUE(store_.ReceivedFrom(
      kNode,
      base::ExtentPart{wants[0].want, 0,
                       base::Bytes::Own(std::string(10'000, 'x'))},
      now_, effects_));
  const auto pulled = Sent<base::ValuePulled>(kDriver);
  ASSERT_EQ(pulled.size(), 1u);
  EXPECT_EQ(pulled[0].here.arena.hi, kHere);
  Say(kDriver, base::OpenArena{pulled[0].here.arena});
  EXPECT_EQ(Sent<base::ArenaOpened>(kDriver).size(), 1u);
  // No message to the machines themselves is let out.
  EXPECT_TRUE(Sent<base::ArenaLeased>(ArenaTable::kCopies).empty());
  // A copy is no object of this node's.
  EXPECT_EQ(store_.stored().size(), 0u);
}

TEST_F(ObjectStoreTest, OfAMakerThatNobodyKnowsNothingIsThere) {
  const Extent extent{ArenaId{99, 1}, 64, 10'000, 1};
  Say(kDriver, base::PullValue{RequestId{6, 1}, {}, extent});
  EXPECT_EQ(Sent<base::PullRefused>(kDriver).size(), 1u);
}

TEST_F(ObjectStoreTest, AnotherNodeIsSentWhatItWants) {
  const ObjectId object{4, 1};
  const Extent extent = Store(object, kDriver, 300'000);
  EXPECT_TRUE(store_.ReceivedFrom(
      kNode, base::WantExtent{7, {object, kDriver}, extent}, now_, effects_));
  Pump();
  int parts = 0;
  for (const Effect& effect : effects_) {
    parts += std::holds_alternative<SendExtentPart>(effect) ? 1 : 0;
  }
  EXPECT_EQ(parts, 2);
  EXPECT_TRUE(store_.Happened(ExtentPartLost{kNode, 7}, now_, effects_));
  EXPECT_EQ(Told<base::ExtentLost>().size(), 1u);
  EXPECT_EQ(store_.served().size(), 0u);
  EXPECT_FALSE(store_.ReceivedFrom(kNode, base::ProcessLeft{}, now_, effects_));
}

TEST_F(ObjectStoreTest, TheEndOfANodeIsToldToThoseWhoWait) {
  Say(kDriver, base::PullValue{RequestId{6, 1}, {{4, 1}, kWorker}, kAfar});
  store_.NodeGone(kNode, now_, effects_);
  Pump();
  const auto refused = Sent<base::PullRefused>(kDriver);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].failure.code, base::FailureCode::kObjectLost);
  EXPECT_EQ(store_.arenas().charged_bytes(), 0u);
}

}  // namespace
}  // namespace mobula::raylet

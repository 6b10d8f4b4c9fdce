// The core and objects: what the control store is told of the node's store, and
// the published values that the node keeps.
#include <gtest/gtest.h>

#include "raylet/core/core.h"
#include "raylet/core/core_world.h"

namespace mobula::raylet {
namespace {

using namespace test;
using base::RequestId;

// A core with a store in which a driver has an arena.
class CoreObjectsTest : public testing::Test {
 protected:
  static Core::Options WithStore() {
    Core::Options options = OptionsFor(2);
    options.object_store_bytes = std::uint64_t{64} << 20;
    return options;
  }
  void SetUp() override {
    world.AddDriver();
    for (const Effect& effect :
         world.Say(kDriver, base::LeaseArena{RequestId{8, 1}, 1'000})) {
      const auto* make = std::get_if<MakeArena>(&effect);
      if (make != nullptr) Make(make->arena);
    }
    ASSERT_FALSE(arena.IsNil());
  }
  void Make(base::ArenaId made) {
    for (const Effect& effect : world.Do(ArenaMade{made})) {
      const auto* send = std::get_if<SendWithArena>(&effect);
      if (send == nullptr) continue;
      arena = std::get<base::ArenaLeased>(send->message).arena;
    }
  }
  void Store(std::uint64_t n) {
    const base::Extent extent{arena, 64 + 8'192 * n, 5'000, 1};
    world.Say(kDriver, base::ObjectStored{{{9, n}, kDriver}, extent});
  }
  void Free(std::uint64_t n) {
    base::FreeObjects free;
    free.objects.push_back({base::ObjectId{9, n}, base::Extent()});
    world.Say(kDriver, free);
  }
  void Join() {
    world.Do(ControlUp{});
    world.StoreSays(base::NodeJoined{});
  }
  // Time goes on, and ticks come when they are asked for.
  void Pass(milliseconds time) {
    const BootTime end = world.now + time;
    while (world.timer <= end) {
      world.now = world.timer;
      world.Do(Tick());
    }
    world.now = end;
  }
  std::vector<base::NodeObjects> Told() {
    return world.Told<base::NodeObjects>();
  }

  World world{WithStore()};
  base::ArenaId arena;
};

TEST_F(CoreObjectsTest, WhatOwnersHadMadeAgainIsCounted) {
  world.Say(kDriver, base::ResultRemade{base::ObjectId{9, 1}, false});
  world.Say(kDriver, base::ResultRemade{base::ObjectId{9, 1}, true});
  EXPECT_EQ(world.core.store().remade(), 2u);
  EXPECT_EQ(world.core.store().differing(), 1u);
}

TEST_F(CoreObjectsTest, WithoutAControlStoreNothingIsSaidAndNoneIsNeeded) {
  Store(1);
  Pass(seconds(5));
  EXPECT_TRUE(Told().empty());
  EXPECT_EQ(world.needs, 0);
}

TEST_F(CoreObjectsTest, AStoreThatIsNotUsedSaysNothing) {
  Join();
  Pass(seconds(5));
  EXPECT_TRUE(Told().empty());
}

TEST_F(CoreObjectsTest, ChangesAreToldABatchAtATime) {
  Join();
  Store(1);
  Store(2);
  Free(1);
  EXPECT_TRUE(Told().empty());
  Pass(milliseconds(100));
  ASSERT_EQ(Told().size(), 1u);
  const base::NodeObjects first = Told()[0];
  EXPECT_EQ(first.node, OptionsFor(2).node);
  EXPECT_FALSE(first.begins);
  ASSERT_EQ(first.there.size(), 1u);
  EXPECT_EQ(first.there[0].object, (base::ObjectId{9, 2}));
  EXPECT_EQ(first.there[0].owner, kDriver);
  EXPECT_EQ(first.there[0].job, kJob);
  EXPECT_EQ(first.there[0].copies.byte_count, 5'000u);
  EXPECT_EQ(first.there[0].copies.extents, 1u);
  EXPECT_EQ(first.there[0].copies.spilled, 0u);
  EXPECT_EQ(first.count, 1u);
  EXPECT_EQ(first.byte_count, 5'000u);
  Free(2);
  Pass(milliseconds(100));
  ASSERT_EQ(Told().size(), 2u);
  EXPECT_EQ(Told()[1].gone, (std::vector<base::ObjectId>{{9, 2}}));
  Pass(seconds(5));
  EXPECT_EQ(Told().size(), 2u);
}

TEST_F(CoreObjectsTest, ANewSessionIsToldAll) {
  Store(1);
  Join();
  Pass(milliseconds(100));
  ASSERT_EQ(Told().size(), 1u);
  EXPECT_TRUE(Told()[0].begins && Told()[0].ends);
  EXPECT_EQ(Told()[0].there.size(), 1u);
  world.Do(ControlDown());
  Free(1);
  Pass(seconds(1));
  EXPECT_EQ(Told().size(), 1u);
  Join();
  Pass(milliseconds(100));
  ASSERT_EQ(Told().size(), 2u);
  EXPECT_TRUE(Told()[1].begins && Told()[1].ends);
  EXPECT_TRUE(Told()[1].there.empty());
}

// ---- published values -------------------------------------------------------

class CorePublishTest : public CoreObjectsTest {
 protected:
  void SetUp() override {
    CoreObjectsTest::SetUp();
    Join();
    Store(1);
  }
  [[nodiscard]] base::Extent ExtentOf(std::uint64_t n) const {
    return {arena, 64 + 8'192 * n, 5'000, 1};
  }
  // The driver asks for a name for its object; the raylet's own request.
  base::ControlCall Publish(std::uint64_t n, std::uint64_t request = 100) {
    base::ControlCall call;
    call.request = RequestId{8, request};
    base::PublishValue publish;
    publish.value.name = "a";
    publish.value.byte_count = 5'000;
    publish.extent = ExtentOf(n);
    call.body = publish;
    world.Say(kDriver, call);
    const auto calls = world.Told<base::ControlCall>();
    return calls.empty() ? base::ControlCall() : calls.back();
  }
  static base::ObjectId Kept(const base::ControlCall& call) {
    return std::get<base::PublishValue>(call.body).value.object;
  }
  void Answer(const base::ControlCall& call, base::ControlReply reply) {
    world.StoreSays(base::ControlAnswer{call.request, call.from, reply});
  }
  // Places that the writer may use anew.
  [[nodiscard]] std::size_t Freed() const {
    std::size_t freed = 0;
    for (const auto& [to, free] : world.Sent<base::FreeExtents>()) {
      freed += free.extents.size();
    }
    return freed;
  }
  // The driver ends, and its job with it.
  void EndDriver() { world.Do(PeerLost{kDriver}); }
};

TEST_F(CorePublishTest, TheRayletAsksUnderANameOfItsOwn) {
  const base::ControlCall call = Publish(1);
  EXPECT_EQ(call.from, kSelf);
  const auto& publish = std::get<base::PublishValue>(call.body);
  EXPECT_TRUE(publish.extent.arena.IsNil());
  EXPECT_EQ(publish.value.node, OptionsFor(2).node);
  EXPECT_EQ(publish.value.job, kJob);
  EXPECT_EQ(publish.value.ns, "default");
  EXPECT_FALSE(publish.value.object.IsNil());
  Publish(1);
  EXPECT_EQ(world.Told<base::ControlCall>().size(), 1u) << "asked once";
  Answer(call, base::Done());
  const auto answers = world.Sent<base::ControlAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].first, kDriver);
  EXPECT_EQ(answers[0].second.request, (RequestId{8, 100}));
  EXPECT_TRUE(std::holds_alternative<base::Done>(answers[0].second.body));
}

TEST_F(CorePublishTest, ItOutlivesItsOwnerAndGoesWithItsName) {
  const base::ControlCall call = Publish(1);
  Answer(call, base::Done());
  Free(1);
  EXPECT_EQ(Freed(), 0u);
  EXPECT_EQ(world.core.store().stored().OwnerOf(Kept(call)), kSelf);
  Pass(milliseconds(200));
  ASSERT_FALSE(Told().empty());
  EXPECT_EQ(Told().back().there.at(0).object, Kept(call));
  EXPECT_EQ(Told().back().there.at(0).job, kJob);
  world.StoreSays(base::DropKept{{Kept(call)}});
  EXPECT_EQ(Freed(), 1u);
  EXPECT_EQ(world.core.store().stored().size(), 0u);
}

TEST_F(CorePublishTest, ItOutlivesItsJob) {
  Answer(Publish(1), base::Done());
  EndDriver();
  EXPECT_EQ(world.core.store().stored().size(), 1u);
  EXPECT_EQ(world.core.store().kept().size(), 1u);
}

TEST_F(CorePublishTest, WhatIsRefusedIsNotKept) {
  const base::ControlCall call = Publish(1);
  Free(1);
  EXPECT_EQ(Freed(), 0u) << "it may get its name yet";
  Answer(call, base::NotRun(FailureCode::kNameTaken, "it is taken"));
  EXPECT_EQ(Freed(), 1u);
  const auto answers = world.Sent<base::ControlAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<base::Failure>(answers[0].second.body));
}

TEST_F(CorePublishTest, WhoAskedMayBeGoneWhenItIsAnswered) {
  const base::ControlCall call = Publish(1);
  EndDriver();
  EXPECT_EQ(world.core.store().stored().size(), 1u);
  Answer(call, base::Done());
  EXPECT_EQ(world.core.store().kept().Named().size(), 1u);
  EXPECT_TRUE(world.Sent<base::ControlAnswer>().empty());
}

TEST_F(CorePublishTest, AReaderKeepsItWithoutAName) {
  const base::ControlCall call = Publish(1);
  Answer(call, base::Done());
  Free(1);
  const ProcessId other{2, 2};
  world.AddDriver(other, JobId{3, 2});
  world.Say(other, base::BorrowObjects{{Kept(call)}});
  const auto told = world.Sent<base::ObjectIs>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].first, other);
  EXPECT_EQ(std::get<base::Value>(told[0].second.outcome).extent(),
            ExtentOf(1));
  world.StoreSays(base::DropKept{{Kept(call)}});
  EXPECT_EQ(Freed(), 0u);
  world.Say(other, base::ReturnObjects{{{Kept(call), 2}}});
  EXPECT_EQ(Freed(), 1u);
}

TEST_F(CorePublishTest, TheObjectThatSharesItsBytesIsToldWithIt) {
  Pass(milliseconds(100));
  const base::ControlCall first = Publish(1, 100);
  const base::ControlCall second = Publish(1, 101);
  Answer(first, base::Done());
  Answer(second, base::Done());
  Pass(milliseconds(100));
  ASSERT_FALSE(Told().empty());
  const base::ObjectAt shared = Told().back().there.at(0);
  EXPECT_EQ(shared.object, (base::ObjectId{9, 1}));
  EXPECT_EQ(shared.owner, kDriver);
  EXPECT_EQ(shared.kept,
            (std::vector<base::ObjectId>{Kept(first), Kept(second)}));
  world.StoreSays(base::DropKept{{Kept(first)}});
  Pass(milliseconds(100));
  EXPECT_EQ(Told().back().there.at(0).kept,
            (std::vector<base::ObjectId>{Kept(second)}));
  Free(1);
  Pass(milliseconds(100));
  EXPECT_EQ(Told().back().there.at(0).object, Kept(second));
}

TEST_F(CorePublishTest, ANewSessionIsToldWhatIsKept) {
  const base::ControlCall call = Publish(1);
  Answer(call, base::Done());
  EXPECT_TRUE(world.Told<base::KeptObjects>().empty());
  world.Do(ControlDown());
  Join();
  const auto kept = world.Told<base::KeptObjects>();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].node, OptionsFor(2).node);
  EXPECT_EQ(kept[0].objects, (std::vector<base::ObjectId>{Kept(call)}));
}

TEST_F(CorePublishTest, WhatWasAskedForIsNotDroppedBeforeItsAnswer) {
  const base::ControlCall call = Publish(1);
  world.StoreSays(base::DropKept{{Kept(call)}});
  Free(1);
  EXPECT_EQ(Freed(), 0u);
  Answer(call, base::Done());
  world.StoreSays(base::DropKept{{Kept(call)}});
  EXPECT_EQ(Freed(), 1u);
}

TEST_F(CorePublishTest, AValueThatItsWriterHasNotSaidYetIsAwaited) {
  Answer(Publish(2), base::Done());
  Free(2);
  Store(2);
  EXPECT_EQ(Freed(), 0u);
  EXPECT_EQ(world.core.store().stored().size(), 2u);
}

TEST_F(CorePublishTest, AWriterThatDiesBeforeItSaysSoHasLostIt) {
  Answer(Publish(2), base::Done());
  EndDriver();
  EXPECT_EQ(world.core.store().kept().size(), 0u);
  const auto kept = world.Told<base::KeptObjects>();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].objects.empty());
}

TEST_F(CorePublishTest, WhatIsNotInTheStoreIsRefused) {
  base::ControlCall call;
  call.request = RequestId{8, 100};
  base::PublishValue publish;
  publish.value.name = "a";
  publish.extent = {base::ArenaId{77, 1}, 64, 5'000, 1};
  call.body = publish;
  world.Say(kDriver, call);
  EXPECT_TRUE(world.Told<base::ControlCall>().empty());
  const auto answers = world.Sent<base::ControlAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<base::Failure>(answers[0].second.body).code,
            FailureCode::kObjectLost);
}

}  // namespace
}  // namespace mobula::raylet

#include "raylet/actors/actor_directory.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/control/control_codec.h"
#include "base/session/cursor.h"

namespace mobula::raylet {
namespace {

using base::ActorId;
using base::ActorState;
using base::FailureCode;
using base::ProcessId;
using Stage = ActorDirectory::Stage;

const ActorId kActor{1, 1};
const ProcessId kCaller{2, 1};
const ProcessId kWorker{3, 1};

base::ActorRecord RecordOf(ActorState state, std::int64_t incarnation,
                           ProcessId worker = ProcessId(),
                           ActorId actor = kActor) {
  base::ActorRecord record;
  record.actor = actor;
  record.ns = "default";
  record.name = "index";
  record.detached = true;
  record.state = state;
  record.incarnation = incarnation;
  record.worker = worker;
  record.node = base::NodeId{4, 1};
  return record;
}

ActorDirectory::Place PlaceOf(Stage stage, std::int64_t incarnation,
                              ProcessId worker = ProcessId()) {
  ActorDirectory::Place place;
  place.stage = stage;
  place.incarnation = incarnation;
  place.worker = worker;
  return place;
}

class ActorDirectoryTest : public testing::Test {
 protected:
  // What was said to the caller since the last time.
  std::vector<base::ActorMoved> Moved() {
    directory.CheckInvariants();
    std::vector<base::ActorMoved> moved;
    for (const auto& [to, message] : std::exchange(out.moved, {})) {
      EXPECT_EQ(to, kCaller);
      moved.push_back(message);
    }
    return moved;
  }
  void Put(const base::ActorRecord& record) {
    table.Put(record.actor.ToString(),
              base::Bytes::Own(base::EncodeActor(record)));
  }
  void Bring() {
    base::TableChanges changes;
    changes.table = "actors";
    changes.life = table.cursor().life;
    ASSERT_TRUE(table.Read(cursor, 100, &changes.changes));
    cursor = table.cursor();
    directory.OnChanges(changes, out);
  }
  void List() {
    cursor = table.cursor();
    base::TableListing part;
    part.table = "actors";
    part.listing = table.List();
    directory.OnListing(part, out);
  }

  ActorDirectory directory;
  ActorDirectory::Out out;
  base::Publication table{1, 100};
  base::Cursor cursor;
};

TEST_F(ActorDirectoryTest, NobodyWatchesNothingIsFollowed) {
  directory.Up(out);
  EXPECT_TRUE(out.follow.empty());
  directory.Watch(kCaller, kActor, out);
  ASSERT_EQ(out.follow.size(), 1u);
  EXPECT_EQ(out.follow[0].table, "actors");
  EXPECT_EQ(out.ask, std::vector<ActorId>{kActor});
  directory.Watch(kCaller, kActor, out);
  EXPECT_EQ(out.ask.size(), 1u);
}

TEST_F(ActorDirectoryTest, AWatcherHearsOfEachLifeOnce) {
  directory.Up(out);
  Put(RecordOf(ActorState::kPending, 1));
  directory.Watch(kCaller, kActor, out);
  List();
  auto moved = Moved();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0].incarnation, 0);
  EXPECT_TRUE(moved[0].worker.IsNil());
  Put(RecordOf(ActorState::kAlive, 1, kWorker));
  Bring();
  moved = Moved();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0].worker, kWorker);
  // The answer to what was asked comes late.
  directory.Learn(RecordOf(ActorState::kPending, 1), out);
  EXPECT_TRUE(Moved().empty());
  Put(RecordOf(ActorState::kRestarting, 2));
  Bring();
  moved = Moved();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0].incarnation, 1);
  EXPECT_TRUE(moved[0].worker.IsNil());
  base::ActorRecord dead = RecordOf(ActorState::kDead, 2);
  dead.cause.message = "it was ended by request";
  Put(dead);
  Bring();
  moved = Moved();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_TRUE(moved[0].dead);
  EXPECT_EQ(moved[0].failure.message, "it was ended by request");
  EXPECT_EQ(directory.size(), 0u);
  EXPECT_EQ(directory.watches(), 0u);
}

TEST_F(ActorDirectoryTest, WhatIsHostedHereIsKnownBeforeTheStoreSaysIt) {
  directory.Up(out);
  directory.Watch(kCaller, kActor, out);
  directory.Hosted(kActor, PlaceOf(Stage::kAlive, 1, kWorker), out);
  directory.Hosted(kActor, PlaceOf(Stage::kLost, 1), out);
  EXPECT_EQ(Moved().size(), 2u);
  Put(RecordOf(ActorState::kAlive, 1, kWorker));  // as it was
  List();
  EXPECT_TRUE(Moved().empty());
  directory.Hosted(kActor, PlaceOf(Stage::kPending, 2), out);
  EXPECT_TRUE(Moved().empty());  // it is nowhere still
  directory.Hosted(kActor, PlaceOf(Stage::kAlive, 2, kWorker), out);
  ASSERT_EQ(Moved().size(), 1u);
}

TEST_F(ActorDirectoryTest, AnActorThatNobodyKnowsIsDead) {
  directory.Watch(kCaller, kActor, out);
  base::Failure failure;
  failure.code = FailureCode::kActorDied;
  directory.Missing(kActor, failure, out);
  const auto moved = Moved();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_TRUE(moved[0].dead);
  EXPECT_EQ(moved[0].failure.code, FailureCode::kActorDied);
  EXPECT_EQ(directory.size(), 0u);
}

TEST_F(ActorDirectoryTest, WhatWentByWhileTheStoreWasAwayIsAskedAfter) {
  directory.Up(out);
  Put(RecordOf(ActorState::kAlive, 1, kWorker));
  directory.Watch(kCaller, kActor, out);
  List();
  directory.Learn(RecordOf(ActorState::kAlive, 1, kWorker), out);
  EXPECT_EQ(Moved().size(), 1u);
  directory.Down();
  out = {};
  directory.Up(out);
  ASSERT_EQ(out.follow.size(), 1u);
  EXPECT_EQ(out.follow[0].after, cursor);
  // Another life of the store, in which the actor is long forgotten.
  base::TableListing part;
  part.table = "actors";
  part.listing = base::Publication(2, 100).List();
  directory.OnListing(part, out);
  EXPECT_EQ(out.ask, std::vector<ActorId>{kActor});
}

TEST_F(ActorDirectoryTest, OwnedActorsAreTheirOwnersAffair) {
  directory.Up(out);
  directory.Watch(kCaller, ActorId{1, 2}, out);
  base::ActorRecord owned = RecordOf(ActorState::kAlive, 1, kWorker);
  owned.detached = false;
  owned.owner = kCaller;
  Put(owned);
  List();
  EXPECT_EQ(directory.Find(kActor), nullptr);
}

TEST_F(ActorDirectoryTest, WhoIsGoneOrWatchesNoMoreHearsNothing) {
  directory.Hosted(kActor, PlaceOf(Stage::kAlive, 1, kWorker), out);
  directory.Watch(kCaller, kActor, out);
  directory.Watch(ProcessId{2, 2}, kActor, out);
  out = {};
  directory.Unwatch(kCaller, kActor);
  directory.ProcessGone(ProcessId{2, 2});
  directory.Hosted(kActor, PlaceOf(Stage::kLost, 1), out);
  EXPECT_TRUE(out.moved.empty());
  EXPECT_EQ(directory.watches(), 0u);
}

TEST_F(ActorDirectoryTest, ValuesThatMakeNoSenseArePassedOver) {
  directory.Up(out);
  directory.Watch(kCaller, kActor, out);
  table.Put(kActor.ToString(), base::Bytes::Own("nonsense"));
  table.Put("nonsense", base::Bytes::Own("nonsense"));
  List();
  table.Remove("nonsense");
  Bring();
  EXPECT_TRUE(Moved().empty());
}

// Whatever comes by whatever way, in whatever order: what a watcher hears of an
// actor never goes back, and in the end it is what the table says.
TEST_F(ActorDirectoryTest, LivesNeverGoBack) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    ActorDirectory any;
    ActorDirectory::Out did;
    any.Up(did);
    any.Watch(kCaller, kActor, did);
    // All that was ever true, in its order.
    std::vector<base::ActorRecord> history;
    for (std::int64_t life = 1; life <= 5; ++life) {
      history.push_back(RecordOf(
          life == 1 ? ActorState::kPending : ActorState::kRestarting, life));
      history.push_back(RecordOf(ActorState::kAlive, life,
                                 ProcessId{3, static_cast<unsigned>(life)}));
    }
    if (seed % 2 == 0) history.push_back(RecordOf(ActorState::kDead, 5));
    for (int step = 0; step < 40; ++step) {
      const base::ActorRecord& late = history[random() % history.size()];
      if (late.state == ActorState::kDead) continue;
      any.Learn(late, did);
      if (late.state == ActorState::kAlive && random() % 2 == 0) {
        any.Hosted(kActor,
                   PlaceOf(Stage::kAlive, late.incarnation, late.worker), did);
      }
      any.CheckInvariants();
    }
    any.Learn(history.back(), did);
    any.Learn(history.front(), did);
    std::int64_t life = 0;
    std::set<std::pair<std::int64_t, ProcessId>> heard;
    for (const auto& [to, moved] : did.moved) {
      EXPECT_GE(moved.incarnation, life);
      life = moved.incarnation;
      EXPECT_TRUE(moved.dead ||
                  heard.insert({moved.incarnation, moved.worker}).second);
    }
    ASSERT_FALSE(did.moved.empty());
    const base::ActorMoved& last = did.moved.back().second;
    EXPECT_EQ(last.dead, seed % 2 == 0);
    EXPECT_EQ(last.worker, last.dead ? ProcessId() : history.back().worker);
  }
}

}  // namespace
}  // namespace mobula::raylet

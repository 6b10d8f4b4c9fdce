#include "raylet/objects/object_feed.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"
#include "base/value.h"
#include "raylet/objects/stored_objects.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::ObjectId;
using std::chrono::milliseconds;

constexpr base::ArenaId kArena{1, 1};
constexpr base::ProcessId kOwner{2, 1};

ObjectId Id(std::uint64_t lo) { return ObjectId{3, lo}; }

// A store, its feed, and what the control store makes of it.
class Fed {
 public:
  explicit Fed(ObjectFeed::Options options)
      : options_(options), feed(options) {}

  void Up() {
    stored.Watch(true);
    feed.Up(now, stored.size() > 0);
  }
  void Down() {
    stored.Watch(false);
    feed.Down();
  }
  void Add(std::uint64_t lo) {
    stored.Add({Id(lo), kOwner}, {kArena, 64 + 128 * lo, 64, 1});
    Look();
  }
  void Free(std::uint64_t lo) {
    std::vector<base::Extent> freed;
    stored.FreeAll(Id(lo), freed);
    Look();
  }
  void Move() {
    stored.Moved(kArena);
    Look();
  }
  void Look() {
    for (const ObjectId object : stored.TakeChanged()) {
      feed.Changed(object, stored.Contains(object), now);
    }
    feed.CheckInvariants();
  }
  // Time goes on, and what there is to be told is told.
  void Pass(milliseconds time) {
    const BootTime end = now + time;
    while (feed.NextDeadline() <= end) {
      now = feed.NextDeadline();
      Take();
    }
    now = end;
  }
  void Take() {
    const auto batch = feed.Take(now, stored);
    feed.CheckInvariants();
    if (!batch.has_value()) return;
    EXPECT_GE(now - told_at_, options_.every);
    told_at_ = now;
    ++batches;
    EXPECT_LE(batch->there.size() + batch->gone.size(), options_.batch_max);
    if (batch->begins) doubtful_ = known;
    for (const ObjectId object : batch->gone) {
      EXPECT_EQ(known.erase(object), 1u) << "it was never told";
      doubtful_.erase(object);
    }
    for (const ObjectId object : batch->there) {
      ++told;
      known.insert(object);
      doubtful_.erase(object);
    }
    if (!batch->ends) return;
    for (const ObjectId object : doubtful_) known.erase(object);
    doubtful_.clear();
  }
  [[nodiscard]] std::set<ObjectId> Stored() const {
    const std::vector<ObjectId> ids = stored.IdsAfter(ObjectId(), 1'000'000);
    return {ids.begin(), ids.end()};
  }

 private:
  const ObjectFeed::Options options_;

 public:
  BootTime now = BootTime::FromSinceBoot(std::chrono::hours(1));
  StoredObjects stored;
  ObjectFeed feed;
  std::set<ObjectId> known;  // to the control store
  int batches = 0;
  int told = 0;  // objects

 private:
  std::set<ObjectId> doubtful_;
  BootTime told_at_;
};

class ObjectFeedTest : public testing::Test {
 protected:
  static ObjectFeed::Options Small() {
    ObjectFeed::Options options;
    options.batch_max = 4;
    options.told_max = 10;
    return options;
  }

  Fed fed{Small()};
};

TEST_F(ObjectFeedTest, AnUnusedStoreSaysNothing) {
  fed.Up();
  EXPECT_TRUE(fed.feed.NextDeadline().IsNever());
  fed.Pass(milliseconds(10'000));
  EXPECT_EQ(fed.batches, 0);
}

TEST_F(ObjectFeedTest, NothingIsKeptForAStoreThatIsAway) {
  fed.Add(1);
  EXPECT_TRUE(fed.feed.NextDeadline().IsNever());
  fed.Free(1);
  fed.Up();
  EXPECT_TRUE(fed.feed.NextDeadline().IsNever());
}

TEST_F(ObjectFeedTest, WhatCameAndWentIsNotTold) {
  fed.Up();
  fed.Add(1);
  fed.Free(1);
  fed.Pass(milliseconds(1'000));
  EXPECT_EQ(fed.batches, 0);
  fed.Add(2);
  fed.Pass(milliseconds(99));
  EXPECT_EQ(fed.batches, 0);
  fed.Pass(milliseconds(1));
  EXPECT_EQ(fed.batches, 1);
  EXPECT_EQ(fed.known, fed.Stored());
  fed.Free(2);
  fed.Add(2);
  fed.Move();
  fed.Pass(milliseconds(100));
  EXPECT_EQ(fed.told, 2) << "again, as it changed, and once";
  fed.Free(2);
  fed.Pass(milliseconds(100));
  EXPECT_TRUE(fed.known.empty());
  EXPECT_TRUE(fed.feed.NextDeadline().IsNever());
}

TEST_F(ObjectFeedTest, BatchesAreSmallAndNotTooOften) {
  fed.Up();
  for (std::uint64_t lo = 1; lo <= 9; ++lo) fed.Add(lo);
  fed.Pass(milliseconds(100));
  EXPECT_EQ(fed.known.size(), 4u);
  fed.Pass(milliseconds(199));
  EXPECT_EQ(fed.known.size(), 8u);
  fed.Pass(milliseconds(1));
  EXPECT_EQ(fed.known.size(), 9u);
}

TEST_F(ObjectFeedTest, ANewSessionIsToldAll) {
  for (std::uint64_t lo = 1; lo <= 9; ++lo) fed.Add(lo);
  fed.Up();
  fed.Pass(milliseconds(1'000));
  EXPECT_EQ(fed.known, fed.Stored());
  fed.Down();
  fed.Free(3);
  fed.Add(10);
  fed.Up();
  fed.Pass(milliseconds(1'000));
  EXPECT_EQ(fed.known, fed.Stored());
  // Also that nothing is left.
  fed.Down();
  for (std::uint64_t lo = 1; lo <= 10; ++lo) fed.Free(lo);
  fed.Up();
  fed.Pass(milliseconds(100));
  EXPECT_TRUE(fed.known.empty());
}

TEST_F(ObjectFeedTest, NoMoreThanSoManyAreTold) {
  fed.Up();
  for (std::uint64_t lo = 1; lo <= 30; ++lo) fed.Add(lo);
  fed.Pass(milliseconds(10'000));
  EXPECT_EQ(fed.known.size(), 10u);
  EXPECT_TRUE(fed.feed.NextDeadline().IsNever());
  for (std::uint64_t lo = 1; lo <= 30; ++lo) fed.Free(lo);
  fed.Pass(milliseconds(10'000));
  EXPECT_TRUE(fed.known.empty());
  EXPECT_EQ(fed.feed.told(), 0u);
  fed.Add(31);
  fed.Pass(milliseconds(100));
  EXPECT_EQ(fed.known, fed.Stored());
}

TEST(ObjectFeedRandomTest, TheControlStoreKnowsWhatIsThere) {
  int batches = 0;
  int told = 0;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    ObjectFeed::Options options;
    options.batch_max = 2 + random() % 6;
    Fed fed(options);
    bool is_up = false;
    for (int step = 0; step < 500; ++step) {
      const std::uint64_t lo = 1 + random() % 40;
      switch (random() % 8) {
        case 0:
          if (random() % 6 != 0) break;
          is_up ? fed.Down() : fed.Up();
          is_up = !is_up;
          if (is_up && random() % 4 == 0) fed.known.clear();  // another store
          break;
        case 1:
        case 2:
        case 3:
          fed.stored.Contains(Id(lo)) ? fed.Free(lo) : fed.Add(lo);
          break;
        case 4:
          if (random() % 10 == 0) fed.Move();
          break;
        default:
          fed.Pass(milliseconds(random() % 60));
      }
    }
    if (!is_up) fed.Up();
    fed.Pass(milliseconds(20'000));
    EXPECT_EQ(fed.known, fed.Stored());
    EXPECT_TRUE(fed.feed.NextDeadline().IsNever());
    batches += fed.batches;
    told += fed.told;
  }
  EXPECT_GT(batches, 5'000);
  EXPECT_GT(told, 10'000);
}

}  // namespace
}  // namespace mobula::raylet

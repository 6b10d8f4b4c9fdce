#include "raylet/objects/served_values.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "raylet/objects/stored_objects.h"

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::BootTime;
using base::Extent;
using base::JobId;
using base::NodeId;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::RequestId;
using std::chrono::milliseconds;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr ProcessId kWriter{1, 1};
constexpr JobId kJob{2, 1};
constexpr NodeId kNode{3, 1};
constexpr NodeId kOtherNode{3, 2};
constexpr ObjectName kName{ObjectId{4, 1}, kWriter};

ServedValues::Options Small() {
  ServedValues::Options options;
  options.part_bytes_max = 100;
  options.want_window_bytes = 300;
  options.node_window_bytes = 500;
  options.served_max = 3;
  options.wants_max = 5;
  return options;
}

// A store of 4 MiB, whose shell makes arenas at once.
class ServedValuesTest : public testing::Test {
 protected:
  ServedValuesTest()
      : table_({4 * kMiB}, stored_, base::IdSource(1)),
        served_(Small(), table_) {}

  // An arena with one value in it, that nobody writes any more.
  Extent Store(std::uint64_t bytes) {
    table_.Lease(kWriter, kJob, {RequestId{5, ++requests_}, bytes}, effects_);
    Pump();
    const auto* leased = std::get_if<SendWithArena>(&effects_.back());
    EXPECT_NE(leased, nullptr);
    const Extent extent{leased->arena, 64, bytes, 1};
    stored_.Add({ObjectId{4, ++objects_}, kWriter}, extent);
    table_.Touch(extent.arena);
    table_.Return(kWriter, extent.arena);
    Pump();
    effects_.clear();
    seen_ = 0;
    return extent;
  }
  void Want(NodeId node, std::uint64_t number, const Extent& extent) {
    served_.Want(node, {number, kName, extent}, effects_);
    Pump();
  }
  void Taken(NodeId node, std::uint64_t number, std::uint64_t bytes) {
    served_.Taken(node, {number, bytes});
    Pump();
  }
  void Pump() {
    do {
      served_.Pump(now_, effects_);
      table_.Pump(now_, effects_);
    } while (Carry());
    served_.CheckInvariants();
    table_.CheckInvariants();
  }
  bool Carry() {
    bool carried = false;
    for (; seen_ < effects_.size(); ++seen_) {
      const Effect effect = effects_[seen_];
      if (const auto* make = std::get_if<MakeArena>(&effect)) {
        table_.Made(make->arena, effects_);
        carried = true;
      } else if (const auto* send = std::get_if<Send>(&effect)) {
        if (send->to != ServedValues::kReader) continue;
        served_.Hear(send->message, now_, effects_);
        carried = true;
      } else if (const auto* with = std::get_if<SendWithArena>(&effect)) {
        if (with->to != ServedValues::kReader) continue;
        served_.Hear(with->message, now_, effects_);
        carried = true;
      }
    }
    return carried;
  }
  // Wants and offsets, in order; of all nodes.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> Parts() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> parts;
    for (const Effect& effect : effects_) {
      const auto* part = std::get_if<SendExtentPart>(&effect);
      if (part != nullptr) parts.emplace_back(part->want, part->offset);
    }
    return parts;
  }
  std::vector<std::uint64_t> Lost(NodeId node) {
    std::vector<std::uint64_t> lost;
    for (const Effect& effect : effects_) {
      const auto* tell = std::get_if<TellNode>(&effect);
      if (tell == nullptr || tell->node != node) continue;
      const auto* m = std::get_if<base::ExtentLost>(&tell->message);
      if (m != nullptr) lost.push_back(m->want);
    }
    return lost;
  }
  template <class E>
  int Count() {
    int count = 0;
    for (const Effect& effect : effects_) {
      count += std::holds_alternative<E>(effect) ? 1 : 0;
    }
    return count;
  }
  // Somebody needs all of the store.
  void NeedRoom() {
    table_.Lease(kWriter, kJob, {RequestId{5, ++requests_}, 4 * kMiB - 200'000},
                 effects_);
    Pump();
  }

  using Parts_ = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  BootTime now_ = BootTime::FromSinceBoot(milliseconds(1));
  StoredObjects stored_;
  ArenaTable table_;
  ServedValues served_;
  Effects effects_;
  std::size_t seen_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t objects_ = 0;
};

TEST_F(ServedValuesTest, AWindowOfPartsIsOnItsWay) {
  const Extent extent = Store(450);
  Want(kNode, 7, extent);
  EXPECT_EQ(Parts(), (Parts_{{7, 0}, {7, 100}, {7, 200}}));
  Taken(kNode, 7, 100);
  EXPECT_EQ(Parts().size(), 4u);
  Taken(kNode, 7, 200);
  EXPECT_EQ(Parts().back(), (std::pair<std::uint64_t, std::uint64_t>(7, 400)));
  const auto* last = std::get_if<SendExtentPart>(&effects_.back());
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->byte_count, 50u);
  EXPECT_EQ(last->extent, extent);
  EXPECT_EQ(served_.size(), 1u);
  Taken(kNode, 7, 1'000);  // more than is on its way
  EXPECT_EQ(served_.size(), 1u);
  Taken(kNode, 7, 150);
  EXPECT_EQ(served_.size(), 0u);
}

TEST_F(ServedValuesTest, WantsAreServedInTurnWithinTheNodesWindow) {
  const Extent one = Store(1'000);
  const Extent two = Store(1'000);
  Want(kNode, 1, one);
  Want(kNode, 2, two);
  EXPECT_EQ(Parts(), (Parts_{{1, 0}, {1, 100}, {1, 200}, {2, 0}, {2, 100}}));
  Taken(kNode, 1, 300);
  EXPECT_EQ(Parts().size(), 8u);
  int of_two = 0;
  for (const auto& [want, offset] : Parts()) of_two += want == 2 ? 1 : 0;
  EXPECT_EQ(of_two, 3);
  // Another node has a window of its own.
  Want(kOtherNode, 1, one);
  EXPECT_EQ(Parts().size(), 11u);
}

TEST_F(ServedValuesTest, SoManyAreServedAtOnce) {
  const Extent extent = Store(50);
  for (std::uint64_t i = 1; i <= 6; ++i) Want(kNode, i, extent);
  EXPECT_EQ(Parts(), (Parts_{{1, 0}, {2, 0}, {3, 0}}));
  EXPECT_EQ(Lost(kNode), std::vector<std::uint64_t>{6});
  Taken(kNode, 2, 50);
  EXPECT_EQ(Parts().back().first, 4u);
  served_.End(kNode, 1);
  Pump();
  EXPECT_EQ(Parts().back().first, 5u);
}

TEST_F(ServedValuesTest, WhatIsNotInTheStoreIsLost) {
  const Extent extent = Store(50);
  Extent beyond = extent;
  beyond.offset = kMiB;
  Want(kNode, 1, {ArenaId{9, 9}, 64, 10, 1});
  Want(kNode, 2, beyond);
  Want(kNode, 3, {extent.arena, 64, 0, 1});
  EXPECT_EQ(Lost(kNode), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(served_.size(), 0u);
}

TEST_F(ServedValuesTest, APartThatIsNotThereEndsTheWant) {
  Want(kNode, 1, Store(1'000));
  served_.PartLost(kNode, 1, effects_);
  served_.PartLost(kNode, 1, effects_);  // the next one was not there either
  Pump();
  EXPECT_EQ(Lost(kNode), std::vector<std::uint64_t>{1});
  EXPECT_EQ(served_.size(), 0u);
}

TEST_F(ServedValuesTest, AnArenaIsInUseUntilAllOfItWasRead) {
  const Extent extent = Store(500);
  Want(kNode, 1, extent);
  NeedRoom();
  EXPECT_EQ(Count<SpillArena>(), 0);
  Taken(kNode, 1, 200);  // now the rest is read
  now_ = now_ + milliseconds(10);
  Pump();
  EXPECT_EQ(Count<SpillArena>(), 1);
  Taken(kNode, 1, 300);
  EXPECT_EQ(served_.size(), 0u);
}

TEST_F(ServedValuesTest, WhatIsOnDiskIsBroughtBackFirst) {
  const Extent extent = Store(500);
  NeedRoom();
  ASSERT_EQ(Count<SpillArena>(), 1);
  table_.WasSpilled(extent.arena);
  Pump();
  Want(kNode, 1, extent);
  Want(kOtherNode, 1, extent);
  EXPECT_TRUE(Parts().empty());
  ASSERT_EQ(Count<RestoreArena>(), 1);
  table_.WasRestored(extent.arena, effects_);
  Pump();
  EXPECT_EQ(Parts().size(), 6u);
}

TEST_F(ServedValuesTest, WhatCannotBeBroughtBackIsRefused) {
  const Extent extent = Store(500);
  NeedRoom();
  table_.WasSpilled(extent.arena);
  Pump();
  Want(kNode, 1, extent);
  Want(kNode, 2, extent);
  table_.RestoreFailed(extent.arena,
                       base::NotRun(base::FailureCode::kObjectLost, "no disk"),
                       effects_);
  Pump();
  EXPECT_EQ(Lost(kNode), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(served_.size(), 0u);
}

TEST_F(ServedValuesTest, WithItsNodeAWantIsGone) {
  const Extent extent = Store(500);
  Want(kNode, 1, extent);
  Want(kOtherNode, 1, extent);
  served_.NodeGone(kNode);
  Pump();
  EXPECT_EQ(served_.size(), 1u);
  served_.NodeGone(kOtherNode);
  NeedRoom();
  EXPECT_EQ(Count<SpillArena>(), 1);
}

TEST_F(ServedValuesTest, AWantThatEndsWhileItsArenaComesBackLeavesNothing) {
  const Extent extent = Store(500);
  NeedRoom();
  table_.WasSpilled(extent.arena);
  Pump();
  Want(kNode, 1, extent);
  served_.End(kNode, 1);
  table_.WasRestored(extent.arena, effects_);
  Pump();
  EXPECT_TRUE(Parts().empty());
  EXPECT_EQ(served_.size(), 0u);
}

}  // namespace
}  // namespace mobula::raylet

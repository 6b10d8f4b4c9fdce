#include "cli/memory/join_view.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/frames/memory_message.h"
#include "base/ids.h"
#include "cli/memory/memory_view.h"

namespace mobula::cli {
namespace {

using base::HeldObject;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;

constexpr ProcessId kRaylet{1, 1};
constexpr ProcessId kDriver{1, 2};
constexpr ProcessId kWorker{1, 3};
constexpr ProcessId kKeeper{1, 4};  // an actor's
constexpr ProcessId kOther{1, 5};   // another one's
constexpr base::JobId kJob{2, 1};
constexpr base::ActorId kActor{3, 1};
constexpr base::ActorId kOtherActor{3, 2};

constexpr ObjectName Own(std::uint64_t n) { return {{6, n}, kDriver}; }

HeldObject Row(const ObjectName& name, base::RefCounts counts,
               std::vector<ObjectName> inside = {}) {
  HeldObject row;
  row.name = name;
  row.is_settled = true;
  row.byte_count = 100;
  row.counts = counts;
  row.inside = std::move(inside);
  return row;
}
base::RefCounts Handles(std::int64_t count) {
  base::RefCounts counts;
  counts.handles = count;
  return counts;
}
base::RefCounts Inside(std::int64_t count) {
  base::RefCounts counts;
  counts.inside = count;
  return counts;
}

class JoinViewTest : public testing::Test {
 protected:
  JoinViewTest() {
    Add(kRaylet, "raylet", 10, "");
    Add(kDriver, "driver", 11, "hello");
    Add(kWorker, "worker", 12, "Square");
    Add(kKeeper, "worker", 13, "Keeper");
    Add(kOther, "worker", 14, "Keeper");
    for (const ProcessId process : {kRaylet, kDriver, kWorker}) Part(process);
    Part(kKeeper).hosts = kActor;
    Part(kOther).hosts = kOtherActor;
    // The driver has the actors' handles.
    HoldActor(kDriver, kActor, 1);
    HoldActor(kDriver, kOtherActor, 1);
  }

  void Add(ProcessId process, const char* role, int pid, const char* name) {
    base::AskedProcess one;
    one.process = process;
    one.role = role;
    one.pid = pid;
    one.name = name;
    one.job = process == kRaylet ? base::JobId() : kJob;
    one.is_complete = true;
    report_.listed.processes.push_back(one);
  }
  base::RefsAre& Part(ProcessId process) {
    for (base::MemoryPart& part : report_.parts) {
      if (part.process == process) return part.refs;
    }
    report_.parts.push_back({process, {}});
    return report_.parts.back().refs;
  }
  void Say(ProcessId process, HeldObject row) {
    Part(process).objects.push_back(std::move(row));
  }
  base::HeldActor& HoldActor(ProcessId process, base::ActorId actor,
                             std::int64_t handles) {
    base::HeldActor held;
    held.actor = actor;
    held.owner = kDriver;
    held.class_name = "Keeper";
    held.handles = handles;
    return Part(process).actors.emplace_back(held);
  }
  void DropActors() { Part(kDriver).actors.clear(); }
  base::StoredRow& Store(const ObjectName& name) {
    base::StoredRow row;
    row.object = name;
    row.job = kJob;
    row.copies.byte_count = 5'000;
    return report_.stored.emplace_back(row);
  }
  void Silence(ProcessId process) {
    for (auto& one : report_.listed.processes) {
      if (one.process != process) continue;
      one.is_complete = false;
      one.silent_ms = 2'000;
    }
    std::erase_if(report_.parts,
                  [&](const auto& part) { return part.process == process; });
  }
  void View() { view_ = ViewOf(report_, {{kActor, "one"}}); }
  const ObjectEntry& Entry(std::uint64_t n) {
    for (const ObjectEntry& entry : view_.objects) {
      if (entry.object == ObjectId{6, n}) return entry;
    }
    ADD_FAILURE() << "no object " << n;
    return none_;
  }
  // "11 handle 1; 13 actor state 2"
  std::string HoldersOf(std::uint64_t n) {
    std::string text;
    for (const Holder& holder : Entry(n).holders) {
      text += (text.empty() ? "" : "; ");
      if (holder.why == Why::kName) {
        text += holder.name;
        continue;
      }
      text += std::to_string(view_.processes[holder.process].pid) + " " +
              NameOf(holder.why) + " " + std::to_string(holder.count);
    }
    return text;
  }

  MemoryReport report_;
  MemoryView view_;
  ObjectEntry none_;
};

TEST_F(JoinViewTest, WhoHoldsWhatAndWhy) {
  base::RefCounts counts;
  counts.handles = 2;
  counts.arguments = 1;
  counts.inside = 1;
  HeldObject own = Row(Own(1), counts);
  own.lent = {{kWorker, 1}, {kKeeper, 2}};
  Say(kDriver, own);
  Say(kDriver, Row(Own(2), Handles(1), {Own(1)}));
  counts = {};
  counts.running = 1;
  Say(kWorker, Row(Own(1), counts));
  Say(kKeeper, Row(Own(1), Handles(1)));
  View();
  EXPECT_EQ(HoldersOf(1),
            "11 handle 2; 11 argument of a call 1; 11 inside a value 1; "
            "12 argument of what runs 1; 13 actor state 1");
  EXPECT_EQ(Entry(1).holders[2].inside, (std::vector<ObjectId>{{6, 2}}));
  EXPECT_EQ(view_.processes[Entry(1).owner].pid, 11);
  EXPECT_EQ(Entry(1).job, kJob);
  EXPECT_EQ(Entry(1).state, State::kReady);
  EXPECT_EQ(Entry(1).where, Where::kInline);
  EXPECT_EQ(view_.processes[3].actor_name, "one");
  EXPECT_FALSE(Entry(1).is_of_cycles);
  EXPECT_TRUE(view_.cycles.empty());
}

TEST_F(JoinViewTest, TheStoreSaysWhereAndHowLarge) {
  HeldObject own = Row(Own(1), Handles(1));
  own.is_stored = true;
  Say(kDriver, own);
  Store(Own(1));
  Say(kDriver, Row(Own(2), Handles(1)));
  HeldObject failed = Row(Own(3), Handles(1));
  failed.is_failure = true;
  Say(kDriver, failed);
  HeldObject pending = Row(Own(4), Handles(1));
  pending.is_settled = false;
  Say(kDriver, pending);
  View();
  EXPECT_EQ(view_.objects[0].object, Own(1).object) << "the largest first";
  EXPECT_EQ(Entry(1).where, Where::kStore);
  EXPECT_EQ(Entry(1).byte_count, 5'000u);
  EXPECT_EQ(Entry(2).where, Where::kInline);
  EXPECT_EQ(Entry(3).where, Where::kNowhere);
  EXPECT_EQ(Entry(3).state, State::kFailed);
  EXPECT_EQ(Entry(4).state, State::kPending);
  EXPECT_EQ(view_.stored_bytes, 5'000u);
  report_.stored[0].copies.spilled = 1;
  View();
  EXPECT_EQ(Entry(1).where, Where::kSpilled);
}

TEST_F(JoinViewTest, APublishedValueIsTheObjectWhoseBytesItShares) {
  const ObjectName kept{{8, 1}, kRaylet};
  Say(kDriver, Row(Own(1), Handles(1)));
  Store(Own(1)).kept = {{kept.object, "default/model"}};
  HeldObject lent = Row(kept, {});
  lent.lent = {{kWorker, 1}};
  Say(kRaylet, lent);
  Say(kWorker, Row(kept, Handles(1)));
  View();
  ASSERT_EQ(view_.objects.size(), 1u);
  EXPECT_EQ(HoldersOf(1), "11 handle 1; 12 handle 1; default/model");
  EXPECT_EQ(view_.processes[Entry(1).owner].pid, 11);
  // Its first owner has ended.
  report_.stored[0].object = kept;
  Part(kDriver).objects.clear();
  View();
  ASSERT_EQ(view_.objects.size(), 1u);
  EXPECT_EQ(view_.objects[0].object, kept.object);
  EXPECT_EQ(view_.processes[view_.objects[0].owner].role, "raylet");
  EXPECT_EQ(view_.objects[0].names,
            (std::vector<std::string>{"default/model"}));
  EXPECT_FALSE(view_.objects[0].is_unclaimed);
}

TEST_F(JoinViewTest, TheRayletIsTheHeirOfWhoHasEnded) {
  const ObjectName left{{7, 1}, {1, 99}};
  HeldObject own = Row(left, {});
  own.lent = {{kWorker, 1}};
  Say(kRaylet, own);
  Say(kWorker, Row(left, Handles(1)));
  Store(left);
  View();
  ASSERT_EQ(view_.objects.size(), 1u);
  EXPECT_TRUE(view_.objects[0].is_heir);
  EXPECT_EQ(view_.processes[view_.objects[0].owner].role, "raylet");
  EXPECT_FALSE(view_.objects[0].is_unclaimed);
}

TEST_F(JoinViewTest, WhatASilentProcessWasLentIsSaid) {
  HeldObject own = Row(Own(1), {});
  own.lent = {{kWorker, 3}};
  Say(kDriver, own);
  Silence(kWorker);
  View();
  EXPECT_EQ(HoldersOf(1), "12 lent 3");
  EXPECT_FALSE(Entry(1).is_of_cycles);
}

// ---- bytes that nobody claims -----------------------------------------------

TEST_F(JoinViewTest, BytesWhoseOwnerHasThemNotAreUnclaimed) {
  Store(Own(1));
  Store(Own(2)).is_new = true;
  Store({{6, 3}, {1, 99}});
  View();
  EXPECT_TRUE(Entry(1).is_unclaimed);
  EXPECT_FALSE(Entry(2).is_unclaimed) << "it came while others were asked";
  EXPECT_TRUE(Entry(3).is_unclaimed) << "the raylet would know";
}

TEST_F(JoinViewTest, OfAnOwnerWhoHasNotSaidAllNothingIsUnclaimed) {
  Store(Own(1));
  Part(kDriver).objects_left_out = 1;
  View();
  EXPECT_FALSE(Entry(1).is_unclaimed);
  EXPECT_EQ(view_.left_out, 1u);
  Silence(kDriver);
  View();
  EXPECT_FALSE(Entry(1).is_unclaimed);
}

TEST_F(JoinViewTest, WhatBecameOfASilentProcesssObjectsIsUnknown) {
  HeldObject pending = Row(Own(1), Handles(1));
  pending.is_settled = false;
  Say(kDriver, pending);
  Say(kWorker, pending);
  const ObjectName other{ObjectId{6, 2}, kWorker};
  Say(kDriver, Row(other, Handles(1)));  // who knows it
  const ObjectName stored{ObjectId{6, 3}, kWorker};
  Store(stored);
  Silence(kWorker);
  View();
  EXPECT_EQ(Entry(1).state, State::kPending);
  EXPECT_EQ(Entry(2).state, State::kReady);
  EXPECT_EQ(Entry(3).state, State::kUnknown);
  EXPECT_STREQ(NameOf(State::kUnknown), "unknown");
  Silence(kDriver);
  View();
  EXPECT_EQ(Entry(3).state, State::kUnknown);
}

// ---- cycles -----------------------------------------------------------------

TEST_F(JoinViewTest, ValuesThatMentionOneAnotherAndNobodyElse) {
  Say(kDriver, Row(Own(1), Inside(1), {Own(2)}));
  Say(kDriver, Row(Own(2), Inside(1), {Own(1)}));
  Say(kDriver, Row(Own(3), Inside(1)));
  Part(kDriver).objects[1].inside.push_back(Own(3));
  View();
  ASSERT_EQ(view_.cycles.size(), 1u);
  EXPECT_FALSE(view_.cycles[0].is_held);
  ASSERT_EQ(view_.cycles[0].members.size(), 2u);
  EXPECT_EQ(view_.cycles[0].members[0].object, Own(1).object);
  EXPECT_EQ(view_.cycles[0].byte_count, 200u);
  EXPECT_TRUE(Entry(1).is_of_cycles && Entry(2).is_of_cycles);
  EXPECT_TRUE(Entry(3).is_of_cycles) << "behind it";
}

TEST_F(JoinViewTest, ACycleWithAHandleIsHeld) {
  base::RefCounts counts = Inside(1);
  counts.handles = 1;
  Say(kDriver, Row(Own(1), counts, {Own(1)}));
  View();
  ASSERT_EQ(view_.cycles.size(), 1u);
  EXPECT_TRUE(view_.cycles[0].is_held);
  EXPECT_FALSE(Entry(1).is_of_cycles);
}

TEST_F(JoinViewTest, WhatIsMadeAgainSaysSoAndIsHeld) {
  base::RefCounts counts = Inside(1);
  counts.remaking = 1;
  Say(kDriver, Row(Own(1), counts, {Own(1)}));
  View();
  bool is_said = false;
  for (const Holder& holder : Entry(1).holders) {
    if (holder.why != Why::kRemaking) continue;
    is_said = true;
    EXPECT_EQ(holder.count, 1);
    EXPECT_STREQ(NameOf(holder.why), "being made again");
  }
  EXPECT_TRUE(is_said);
  EXPECT_FALSE(Entry(1).is_of_cycles);
}

TEST_F(JoinViewTest, ACycleOverSeveralProcesses) {
  const ObjectName theirs{{7, 1}, kWorker};
  HeldObject own = Row(Own(1), {}, {theirs});
  own.lent = {{kWorker, 1}};
  Say(kDriver, own);
  HeldObject lent = Row(theirs, {}, {Own(1)});
  lent.lent = {{kDriver, 1}};
  Say(kWorker, lent);
  Say(kWorker, Row(Own(1), Inside(1)));
  Say(kDriver, Row(theirs, Inside(1)));
  View();
  ASSERT_EQ(view_.cycles.size(), 1u);
  EXPECT_FALSE(view_.cycles[0].is_held);
  // One that is on its way to somebody may be held there.
  Part(kDriver).objects[0].lent.push_back({kKeeper, 1});
  View();
  EXPECT_TRUE(view_.cycles[0].is_held);
}

TEST_F(JoinViewTest, WhatMayBeHeldByWhoIsSilentIsHeld) {
  Say(kDriver, Row(Own(1), Inside(1), {Own(1)}));
  View();
  EXPECT_FALSE(view_.cycles.at(0).is_held);
  Part(kDriver).objects[0].lent.push_back({kWorker, 1});
  Silence(kWorker);
  View();
  EXPECT_TRUE(view_.cycles.at(0).is_held);
  Part(kDriver).objects[0].lent.clear();
  Part(kDriver).objects[0].counts.inside = 2;  // one is not told
  View();
  EXPECT_TRUE(view_.cycles.at(0).is_held);
}

TEST_F(JoinViewTest, TheStateOfAnActorThatIsHeldHolds) {
  Say(kKeeper, Row(Own(1), Handles(1)));
  HeldObject own = Row(Own(1), {});
  own.lent = {{kKeeper, 1}};
  Say(kDriver, own);
  View();
  EXPECT_FALSE(Entry(1).is_of_cycles);
  EXPECT_TRUE(view_.cycles.empty());
}

TEST_F(JoinViewTest, ActorsThatHoldOnlyOneAnother) {
  Say(kKeeper, Row(Own(1), Handles(1)));
  HeldObject own = Row(Own(1), {});
  own.lent = {{kKeeper, 1}};
  Say(kDriver, own);
  base::RefCounts kept;
  kept.constructors = 1;
  Say(kDriver, Row(Own(2), kept));
  DropActors();
  HoldActor(kKeeper, kOtherActor, 1);
  HoldActor(kOther, kActor, 1);
  HoldActor(kDriver, kActor, 0).arguments = {Own(2)};
  View();
  ASSERT_EQ(view_.cycles.size(), 1u);
  EXPECT_FALSE(view_.cycles[0].is_held);
  ASSERT_EQ(view_.cycles[0].members.size(), 2u);
  EXPECT_EQ(view_.cycles[0].members[0].actor, kActor);
  EXPECT_EQ(view_.cycles[0].members[0].name, "one");
  EXPECT_TRUE(Entry(1).is_of_cycles) << "its state";
  EXPECT_TRUE(Entry(2).is_of_cycles) << "its constructor's argument";
  // One that works is needed by somebody.
  Part(kOther).is_busy = true;
  View();
  EXPECT_TRUE(view_.cycles[0].is_held);
  Part(kOther).is_busy = false;
  // Who is silent may have a handle.
  Silence(kWorker);
  View();
  EXPECT_TRUE(view_.cycles[0].is_held);
}

TEST_F(JoinViewTest, ADetachedActorNeedsNoHandle) {
  DropActors();
  HoldActor(kKeeper, kActor, 1).owner = kRaylet;
  View();
  ASSERT_EQ(view_.cycles.size(), 1u);
  EXPECT_TRUE(view_.cycles[0].is_held);
}

}  // namespace
}  // namespace mobula::cli

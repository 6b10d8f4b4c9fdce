#include "raylet/objects/pulled_values.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
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
using base::FailureCode;
using base::JobId;
using base::NodeId;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::RequestId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr ProcessId kA{1, 1};
constexpr ProcessId kB{1, 2};
constexpr JobId kJob{2, 1};
constexpr JobId kOtherJob{2, 2};
constexpr NodeId kNode{3, 1};
constexpr NodeId kOtherNode{3, 2};
constexpr ObjectName kName{ObjectId{4, 1}, ProcessId{5, 1}};

Extent Afar(std::uint64_t lo, std::uint64_t bytes = 100'000) {
  return {ArenaId{6, lo}, 64, bytes, 1};
}

// A store of 4 MiB, whose shell makes arenas at once.
class PulledValuesTest : public testing::Test {
 protected:
  explicit PulledValuesTest(const PulledValues::Options& options = {})
      : table_({4 * kMiB}, stored_, base::IdSource(1)),
        pulled_(options, table_) {}

  RequestId Ask(ProcessId process, const Extent& extent, JobId job = kJob,
                std::optional<NodeId> node = kNode) {
    const RequestId request{7, ++requests_};
    pulled_.Ask(process, job, {request, kName, extent}, node, effects_);
    Pump();
    return request;
  }
  void Pump() {
    do {
      pulled_.Pump(now_, effects_);
      table_.Pump(now_, effects_);
    } while (Carry());
    pulled_.CheckInvariants();
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
        if (send->to != ArenaTable::kCopies) continue;
        pulled_.Hear(send->message, effects_);
        carried = true;
      } else if (const auto* with = std::get_if<SendWithArena>(&effect)) {
        if (with->to != ArenaTable::kCopies) continue;
        pulled_.Hear(with->message, effects_);
        carried = true;
      }
    }
    return carried;
  }

  // ---- what was said
  template <class M>
  std::vector<M> Told(NodeId node) {
    std::vector<M> told;
    for (const Effect& effect : effects_) {
      const auto* tell = std::get_if<TellNode>(&effect);
      if (tell == nullptr || tell->node != node) continue;
      if (const M* m = std::get_if<M>(&tell->message)) told.push_back(*m);
    }
    return told;
  }
  // The number of the last one.
  std::uint64_t Wanted(NodeId node = kNode) {
    const auto wants = Told<base::WantExtent>(node);
    return wants.empty() ? 0 : wants.back().want;
  }
  template <class M>
  std::optional<M> Answer(ProcessId to, RequestId request) {
    std::optional<M> answer;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr || send->to != to) continue;
      const M* m = std::get_if<M>(&send->message);
      if (m == nullptr || m->request != request) continue;
      EXPECT_FALSE(answer.has_value()) << "answered twice";
      answer = *m;
    }
    return answer;
  }
  // Nowhere if there was none.
  Extent Here(ProcessId to, RequestId request) {
    const auto pulled = Answer<base::ValuePulled>(to, request);
    return pulled ? pulled->here : Extent();
  }
  std::string Refusal(ProcessId to, RequestId request) {
    const auto refused = Answer<base::PullRefused>(to, request);
    return refused ? std::string(base::FailureCodeName(refused->failure.code))
                   : "none";
  }
  bool IsAnswered(ProcessId to, RequestId request) {
    return !Here(to, request).arena.IsNil() || Refusal(to, request) != "none";
  }
  int Dropped(ArenaId arena) {
    int count = 0;
    for (const Effect& effect : effects_) {
      const auto* drop = std::get_if<DropArena>(&effect);
      if (drop != nullptr && drop->arena == arena) ++count;
    }
    return count;
  }

  // ---- what nodes say
  void Part(std::uint64_t want, std::uint64_t offset, std::uint64_t size,
            NodeId node = kNode) {
    const base::Bytes bytes = base::Bytes::Own(std::string(size, 'x'));
    pulled_.Part(node, {want, offset, bytes}, effects_);
    Pump();
  }
  Extent Pull(ProcessId process, const Extent& extent, JobId job = kJob) {
    const RequestId request = Ask(process, extent, job);
    Part(Wanted(), 0, extent.byte_count);
    const Extent here = Here(process, request);
    EXPECT_FALSE(here.arena.IsNil());
    return here;
  }
  void Quiet(ProcessId process, ArenaId arena, bool quiet) {
    table_.Quiet(process, arena, quiet, now_);
    Pump();
  }
  // A writer on this node wants room.
  void Lease(std::uint64_t bytes) {
    table_.Lease(kB, kJob, {RequestId{8, ++requests_}, bytes}, effects_);
    Pump();
  }
  int Leased() {
    int count = 0;
    for (const Effect& effect : effects_) {
      const auto* with = std::get_if<SendWithArena>(&effect);
      if (with != nullptr && with->to == kB) ++count;
    }
    return count;
  }
  int AskedToBeQuiet(ProcessId process) {
    int count = 0;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr || send->to != process) continue;
      count += std::holds_alternative<base::QuietArena>(send->message) ? 1 : 0;
    }
    return count;
  }

  BootTime now_ = BootTime::FromSinceBoot(milliseconds(1));
  StoredObjects stored_;
  ArenaTable table_;
  PulledValues pulled_;
  Effects effects_;
  std::size_t seen_ = 0;
  std::uint64_t requests_ = 0;
};

TEST_F(PulledValuesTest, AValueComesInPartsAndIsWrittenWhereItIsRead) {
  const RequestId request = Ask(kA, Afar(1));
  const auto wants = Told<base::WantExtent>(kNode);
  ASSERT_EQ(wants.size(), 1u);
  EXPECT_EQ(wants[0].object, kName);
  EXPECT_EQ(wants[0].extent, Afar(1));
  Part(wants[0].want, 0, 60'000);
  EXPECT_FALSE(IsAnswered(kA, request));
  effects_.clear();
  seen_ = 0;
  Part(wants[0].want, 60'000, 40'000);
  const Extent here = Here(kA, request);
  EXPECT_EQ(here.byte_count, 100'000u);
  EXPECT_NE(here.generation, 0u);
  // Its bytes, then what makes it an extent, then the news.
  const auto* write = std::get_if<WriteArena>(&effects_.at(0));
  ASSERT_NE(write, nullptr);
  EXPECT_EQ(write->arena, here.arena);
  EXPECT_EQ(write->offset, here.offset + 60'000);
  EXPECT_EQ(write->bytes.size(), 40'000u);
  const auto taken = Told<base::ExtentTaken>(kNode);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].byte_count, 40'000u);
  const auto* finish = std::get_if<FinishExtent>(&effects_.at(2));
  ASSERT_NE(finish, nullptr);
  EXPECT_EQ(finish->extent, here);
  EXPECT_TRUE(std::holds_alternative<Send>(effects_.at(3)));
  // It takes the pages that it needs, and no disk.
  EXPECT_EQ(table_.copy_bytes(), 25u * 4096);
  EXPECT_EQ(pulled_.under_way(), 0u);
}

TEST_F(PulledValuesTest, AllWhoAskShareAPullAndThenTheCopy) {
  const RequestId first = Ask(kA, Afar(1));
  const RequestId second = Ask(kB, Afar(1));
  const RequestId third = Ask(kA, Afar(1));
  Part(Wanted(), 0, 100'000);
  const Extent here = Here(kA, first);
  EXPECT_EQ(Here(kB, second), here);
  EXPECT_EQ(Here(kA, third), here);
  const RequestId later = Ask(kB, Afar(1), kOtherJob, std::nullopt);
  EXPECT_EQ(Here(kB, later), here);
  EXPECT_EQ(Told<base::WantExtent>(kNode).size(), 1u);
}

TEST_F(PulledValuesTest, AnotherGenerationOrObjectIsAnotherValue) {
  const Extent here = Pull(kA, Afar(1));
  Extent anew = Afar(1);
  anew.generation = 2;
  EXPECT_NE(Pull(kA, anew).arena, here.arena);
  const RequestId request{9, 1};
  const ObjectName other{ObjectId{4, 2}, kName.owner};
  pulled_.Ask(kA, kJob, {request, other, Afar(1)}, kNode, effects_);
  Pump();
  EXPECT_FALSE(IsAnswered(kA, request));
  EXPECT_EQ(Told<base::WantExtent>(kNode).size(), 3u);
}

TEST_F(PulledValuesTest, OfANodeThatIsGoneNothingIsThere) {
  const RequestId request = Ask(kA, Afar(1), kJob, std::nullopt);
  EXPECT_EQ(Refusal(kA, request), "ObjectLost");
  EXPECT_EQ(pulled_.size(), 0u);
}

TEST_F(PulledValuesTest, TheEndOfTheNodeEndsPullsAndCopies) {
  const Extent here = Pull(kA, Afar(1));
  const RequestId coming = Ask(kA, Afar(2));
  const RequestId other = Ask(kA, Afar(3), kJob, kOtherNode);
  pulled_.NodeGone(kNode, effects_);
  Pump();
  EXPECT_EQ(Refusal(kA, coming), "ObjectLost");
  EXPECT_FALSE(IsAnswered(kA, other));
  // Who maps it is asked first.
  EXPECT_EQ(AskedToBeQuiet(kA), 1);
  Quiet(kA, here.arena, true);
  EXPECT_EQ(Dropped(here.arena), 1);
  EXPECT_EQ(pulled_.size(), 1u);
  EXPECT_EQ(table_.copies(), 1u);
}

TEST_F(PulledValuesTest, WhatIsLostThereIsLostHere) {
  const RequestId request = Ask(kA, Afar(1));
  const base::ExtentLost lost{Wanted(),
                              base::NotRun(FailureCode::kObjectLost, "free")};
  pulled_.Lost(kOtherNode, lost, effects_);  // of which nothing is wanted
  EXPECT_FALSE(IsAnswered(kA, request));
  pulled_.Lost(kNode, lost, effects_);
  Pump();
  EXPECT_EQ(Refusal(kA, request), "ObjectLost");
  EXPECT_EQ(table_.size(), 0u);
  Part(lost.want, 0, 100);  // late, and no harm
  EXPECT_EQ(pulled_.size(), 0u);
}

TEST_F(PulledValuesTest, WhatIsNotThatValueEndsThePull) {
  for (const auto& [offset, size] :
       {std::pair{10, 100}, std::pair{0, 100'001}, std::pair{0, 0}}) {
    const RequestId request = Ask(kA, Afar(1));
    Part(Wanted(), static_cast<std::uint64_t>(offset),
         static_cast<std::uint64_t>(size));
    EXPECT_EQ(Refusal(kA, request), "ObjectLost");
    EXPECT_EQ(Told<base::EndWant>(kNode).back().want, Wanted());
    EXPECT_EQ(table_.size(), 0u);
  }
  Ask(kA, Afar(1));
  Part(Wanted(), 0, 100, kOtherNode);  // nothing is wanted from there
  EXPECT_EQ(pulled_.under_way(), 1u);
}

TEST_F(PulledValuesTest, APullEndsWithTheLastWhoAsked) {
  const RequestId request = Ask(kA, Afar(1));
  Ask(kB, Afar(1));
  pulled_.ProcessGone(kB, effects_);
  table_.ProcessGone(kB, now_);
  Pump();
  EXPECT_TRUE(Told<base::EndWant>(kNode).empty());
  pulled_.ProcessGone(kA, effects_);
  table_.ProcessGone(kA, now_);
  Pump();
  EXPECT_EQ(Told<base::EndWant>(kNode).size(), 1u);
  EXPECT_EQ(pulled_.size(), 0u);
  EXPECT_EQ(table_.charged_bytes(), 0u);
  EXPECT_FALSE(IsAnswered(kA, request));
}

TEST_F(PulledValuesTest, ACopyThatNobodyMapsGoesWhereRoomIsNeeded) {
  const Extent here = Pull(kA, Afar(1, 1'000'000));
  Pull(kB, Afar(2, 1'000'000));
  Lease(3 * kMiB - 200'000);
  EXPECT_EQ(Leased(), 0);
  EXPECT_EQ(AskedToBeQuiet(kA), 1);
  EXPECT_EQ(AskedToBeQuiet(kB), 0);  // the older one is enough
  Quiet(kA, here.arena, true);
  EXPECT_EQ(Dropped(here.arena), 1);
  EXPECT_EQ(Leased(), 1);
  EXPECT_EQ(pulled_.copies(), 1u);
  // It is pulled anew.
  EXPECT_NE(Pull(kA, Afar(1, 100'000)).arena, here.arena);
}

TEST_F(PulledValuesTest, ACopyThatIsMappedStays) {
  const Extent here = Pull(kA, Afar(1, 1'000'000));
  Lease(4 * kMiB - 100'000);
  Quiet(kA, here.arena, false);
  EXPECT_EQ(Dropped(here.arena), 0);
  const RequestId request = Ask(kB, Afar(1, 1'000'000));
  EXPECT_EQ(Here(kB, request), here);
  EXPECT_EQ(Leased(), 0);
}

// It was told of it, and may say that it maps it at the same moment.
TEST_F(PulledValuesTest, WhoIsToldDuringARoundKeepsTheCopy) {
  const Extent here = Pull(kA, Afar(1, 1'000'000));
  Lease(4 * kMiB - 100'000);
  const RequestId request = Ask(kB, Afar(1, 1'000'000));
  EXPECT_EQ(Here(kB, request), here);
  Quiet(kA, here.arena, true);
  EXPECT_EQ(Dropped(here.arena), 0);
  EXPECT_EQ(AskedToBeQuiet(kB), 0);
  now_ = now_ + seconds(1);
  Pump();
  EXPECT_EQ(AskedToBeQuiet(kB), 1);
  Quiet(kB, here.arena, true);
  EXPECT_EQ(Dropped(here.arena), 1);
}

TEST_F(PulledValuesTest, CopiesGoBeforeAnythingIsWrittenToDisk) {
  Lease(1'000);
  const auto* leased = std::get_if<SendWithArena>(&effects_.back());
  ASSERT_NE(leased, nullptr);
  const ArenaId stored = leased->arena;
  stored_.Add(kName, {stored, 64, 1'000, 1});
  table_.Return(kB, stored);
  const Extent here = Pull(kA, Afar(1, 1'000'000));
  Lease(3 * kMiB - 100'000);
  Quiet(kA, here.arena, true);
  EXPECT_EQ(Dropped(here.arena), 1);
  EXPECT_EQ(Leased(), 2);
  for (const Effect& effect : effects_) {
    EXPECT_FALSE(std::holds_alternative<SpillArena>(effect));
  }
}

TEST_F(PulledValuesTest, WaitsForRoomAndIsRefusedInTime) {
  Lease(3 * kMiB - 100'000);
  Lease(500'000);
  EXPECT_EQ(Leased(), 2);
  const RequestId request = Ask(kA, Afar(1, 1'000'000));
  EXPECT_EQ(Wanted(), 0u);
  EXPECT_EQ(pulled_.NextDeadline(), now_ + seconds(30));
  now_ = now_ + seconds(29);
  Pump();
  EXPECT_FALSE(IsAnswered(kA, request));
  now_ = now_ + seconds(1);
  Pump();
  EXPECT_EQ(Refusal(kA, request), "ObjectStoreFull");
  EXPECT_EQ(table_.waiting(), 0u);
  EXPECT_EQ(pulled_.size(), 0u);
}

TEST_F(PulledValuesTest, WhatTheStoreCanNeverHoldIsRefusedAtOnce) {
  EXPECT_EQ(Refusal(kA, Ask(kA, Afar(1, 5 * kMiB))), "ValueTooLarge");
  EXPECT_EQ(Refusal(kA, Ask(kA, Afar(2, ~std::uint64_t{0}))), "ValueTooLarge");
  EXPECT_EQ(Refusal(kA, Ask(kA, Afar(3, 0))), "ObjectLost");
  EXPECT_EQ(pulled_.size(), 0u);
}

TEST_F(PulledValuesTest, TheEndOfAJobDropsItsCopies) {
  const Extent here = Pull(kA, Afar(1), kOtherJob);
  Pull(kA, Afar(2));
  pulled_.JobGone(kOtherJob);
  Pump();
  Quiet(kA, here.arena, true);
  EXPECT_EQ(Dropped(here.arena), 1);
  EXPECT_EQ(pulled_.copies(), 1u);
}

TEST_F(PulledValuesTest, WhatIsFreedIsDropped) {
  const Extent here = Pull(kA, Afar(1));
  const Extent other = Pull(kA, Afar(2));
  pulled_.Freed(ObjectId{4, 2}, Extent());
  EXPECT_EQ(pulled_.copies(), 2u);
  pulled_.Freed(kName.object, Afar(1));
  EXPECT_EQ(pulled_.copies(), 1u);
  pulled_.Freed(kName.object, Extent());
  EXPECT_EQ(pulled_.copies(), 0u);
  Pump();
  Quiet(kA, here.arena, true);
  Quiet(kA, other.arena, true);
  EXPECT_EQ(Dropped(here.arena) + Dropped(other.arena), 2);
}

PulledValues::Options Narrow() {
  PulledValues::Options options;
  options.bytes_under_way_max = 250'000;
  options.asks_of_process_max = 4;
  return options;
}
class NarrowPulls : public PulledValuesTest {
 protected:
  NarrowPulls() : PulledValuesTest(Narrow()) {}
};

TEST_F(NarrowPulls, SoManyBytesAreUnderWayInTheOrderOfAsking) {
  Ask(kA, Afar(1));
  Ask(kA, Afar(2));
  Ask(kB, Afar(3));
  Ask(kB, Afar(4, 1'000));  // is not let past
  EXPECT_EQ(Told<base::WantExtent>(kNode).size(), 2u);
  EXPECT_EQ(pulled_.bytes_under_way(), 200'000u);
  Part(1, 0, 100'000);
  const auto wants = Told<base::WantExtent>(kNode);
  ASSERT_EQ(wants.size(), 4u);
  EXPECT_EQ(wants[2].extent, Afar(3));
}

TEST_F(NarrowPulls, ALongerValueComesAlone) {
  Ask(kA, Afar(1, 300'000));
  Ask(kA, Afar(2));
  EXPECT_EQ(Told<base::WantExtent>(kNode).size(), 1u);
  Part(1, 0, 300'000);
  EXPECT_EQ(Told<base::WantExtent>(kNode).size(), 2u);
}

TEST_F(NarrowPulls, AProcessMayAskForSoManyAtOnce) {
  for (std::uint64_t i = 1; i <= 4; ++i) Ask(kA, Afar(i));
  EXPECT_EQ(Refusal(kA, Ask(kA, Afar(5))), "LimitError");
  EXPECT_EQ(Refusal(kA, Ask(kA, Afar(1))), "LimitError");
  EXPECT_FALSE(IsAnswered(kB, Ask(kB, Afar(5))));
  Part(1, 0, 100'000);
  EXPECT_FALSE(IsAnswered(kA, Ask(kA, Afar(5))));
}

}  // namespace
}  // namespace mobula::raylet

#include "runtime/streams/stream_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/stream_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/produced.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;
using base::ProcessId;
using base::StreamCredit;

class StreamTableTest : public testing::Test {
 protected:
  static constexpr ProcessId kSelf{1, 1};
  static constexpr ProcessId kWorker{1, 3};
  static constexpr ProcessId kOther{1, 4};
  static constexpr ObjectId kStream{6, 1};
  static constexpr base::TaskId kTask{5, 1};

  StreamTableTest() {
    out_.effects = &effects_;
    table_.Add(kStream, kTask, 4);
  }

  static ObjectId Cell(std::uint64_t n) { return {2, n + 1}; }
  static ObjectId Item(std::uint64_t n, ProcessId from = kWorker,
                       std::int32_t attempt = 1) {
    return base::ItemId(kStream, from, attempt, n);
  }
  void Open(ProcessId from = kWorker, std::int32_t attempt = 1) {
    effects_.clear();
    table_.Opened(from, {kTask, kStream, attempt}, out_);
  }
  bool Arrive(std::uint64_t index, ProcessId from = kWorker,
              std::int32_t attempt = 1) {
    return table_.Arrived(
        from, {kTask, kStream, attempt, index, base::Bytes::Own("x")}, out_);
  }
  void End(base::Outcome outcome = base::Bytes()) {
    table_.Ended(kStream, outcome, out_);
  }
  // The credits that were sent last.
  [[nodiscard]] std::vector<StreamCredit> Credits() const {
    std::vector<StreamCredit> credits;
    for (const Effect& effect : effects_) {
      if (const auto* send = std::get_if<Send>(&effect)) {
        credits.push_back(std::get<StreamCredit>(send->message));
      }
    }
    return credits;
  }
  // What the next settled object is, and what it mentions.
  std::pair<ObjectId, std::vector<ObjectId>> TakeSettled() {
    if (out_.settled.empty()) return {};
    const Settled one = std::move(out_.settled.front());
    out_.settled.pop_front();
    std::vector<ObjectId> inside;
    for (const auto& name : std::get<base::Value>(one.outcome).refs()) {
      EXPECT_EQ(name.owner, kSelf);
      inside.push_back(name.object);
    }
    return {one.object, inside};
  }

  Effects effects_;
  Produced out_;
  StreamTable table_{kSelf};
};

TEST_F(StreamTableTest, CellsMentionItemsAndThenNothing) {
  EXPECT_TRUE(table_.Next({kStream, Cell(0)}, out_));
  Open();
  ASSERT_EQ(Credits().size(), 1u);
  EXPECT_EQ(Credits()[0].task, kTask);
  EXPECT_EQ(Credits()[0].skip, 0u);
  EXPECT_EQ(Credits()[0].limit, 4u);
  EXPECT_TRUE(Arrive(0));
  const std::vector<ObjectId> first{Item(0)};
  EXPECT_EQ(TakeSettled(), std::pair(Cell(0), first));
  EXPECT_EQ(table_.given(), first);
  End();
  EXPECT_TRUE(table_.Next({kStream, Cell(1)}, out_));
  EXPECT_EQ(TakeSettled(), std::pair(Cell(1), std::vector<ObjectId>()));
}

TEST_F(StreamTableTest, WhoOpensWhatIsNoStreamIsToldSo) {
  table_.Opened(kWorker, {{5, 2}, {6, 2}, 1}, out_);
  table_.Opened(kWorker, {{5, 2}, kStream, 1}, out_);
  ASSERT_EQ(Credits().size(), 2u);
  EXPECT_TRUE(Credits()[0].closed);
  EXPECT_TRUE(Credits()[1].closed);
  EXPECT_FALSE(table_.Next({{6, 2}, Cell(0)}, out_));
}

TEST_F(StreamTableTest, OnlyTheProducerIsBelieved) {
  Open();
  EXPECT_FALSE(Arrive(0, kOther));
  EXPECT_FALSE(Arrive(0, kWorker, 2));
  base::StreamItem item{kTask, kStream, 1, 0, base::Value()};
  item.value = base::Value::Stored({{9, 9}, kSelf}, {{8, 8}, 0, 5'000, 1});
  EXPECT_FALSE(table_.Arrived(kWorker, item, out_)) << "another's name";
  item.value = base::Value::Stored({Item(0), kSelf}, {{8, 8}, 0, 5'000, 1});
  EXPECT_TRUE(table_.Arrived(kWorker, item, out_));
}

TEST_F(StreamTableTest, CreditFollowsWhatIsTaken) {
  Open();
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(Arrive(i));
  EXPECT_FALSE(Arrive(4));
  for (std::uint64_t i = 0; i < 2; ++i) table_.Next({kStream, Cell(i)}, out_);
  effects_.clear();
  table_.Taken(kStream, out_);
  EXPECT_TRUE(Credits().empty());
  table_.Taken(kStream, out_);
  ASSERT_EQ(Credits().size(), 1u);
  EXPECT_EQ(Credits()[0].limit, 6u);
  EXPECT_TRUE(Arrive(4));
}

TEST_F(StreamTableTest, AnotherAttemptGoesOnWhereTheFirstStopped) {
  Open();
  EXPECT_TRUE(Arrive(0));
  EXPECT_TRUE(Arrive(1));
  table_.Next({kStream, Cell(0)}, out_);
  table_.LinkEnded(kWorker, out_);
  // It may have stored what it had leave for and did not tell of.
  ASSERT_EQ(out_.lost_attempts.size(), 2u);
  EXPECT_EQ(out_.lost_attempts[0].worker, kWorker);
  EXPECT_EQ(out_.lost_attempts[0].result, Item(2));
  EXPECT_EQ(out_.lost_attempts[1].result, Item(3));
  effects_.clear();
  table_.Taken(kStream, out_);
  EXPECT_TRUE(Credits().empty()) << "there is nobody";
  Open(kOther, 2);
  ASSERT_EQ(Credits().size(), 1u);
  EXPECT_EQ(Credits()[0].skip, 2u);
  EXPECT_EQ(Credits()[0].limit, 5u);
  EXPECT_FALSE(Arrive(1, kOther, 2));
  EXPECT_TRUE(Arrive(2, kOther, 2));
}

TEST_F(StreamTableTest, AnAnswerIsTheEndOfWhatItsWorkerMakes) {
  Open();
  EXPECT_TRUE(Arrive(0));
  table_.Answered(kOther, kTask);
  EXPECT_TRUE(Arrive(1));
  table_.Answered(kWorker, kTask);
  EXPECT_FALSE(Arrive(2));
  table_.LinkEnded(kWorker, out_);
  EXPECT_TRUE(out_.lost_attempts.empty());
}

TEST_F(StreamTableTest, WhatIsDroppedIsForgottenWhenNothingMoreCanCome) {
  Open();
  EXPECT_TRUE(Arrive(0));
  EXPECT_TRUE(Arrive(1));
  EXPECT_EQ(table_.Drop(kStream, out_),
            (std::deque<ObjectId>{Item(0), Item(1)}));
  EXPECT_FALSE(Arrive(2)) << "nobody waits for it";
  EXPECT_FALSE(table_.Next({kStream, Cell(0)}, out_));
  End(base::NotRun(base::FailureCode::kCancelled, "it was cancelled"));
  EXPECT_EQ(table_.size(), 1u) << "its worker may store more";
  table_.LinkEnded(kWorker, out_);
  EXPECT_EQ(out_.lost_attempts.size(), 2u);
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(StreamTableTest, WhatNeverBeganIsForgottenAtItsEnd) {
  table_.Next({kStream, Cell(0)}, out_);
  EXPECT_TRUE(table_.Drop(kStream, out_).empty());
  ASSERT_EQ(out_.settled.size(), 1u) << "nobody waits for ever";
  EXPECT_EQ(out_.settled.front().object, Cell(0));
  EXPECT_EQ(table_.size(), 1u);
  End();
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_TRUE(table_.Drop(kStream, out_).empty());
}

TEST_F(StreamTableTest, FailuresComeBehindTheItems) {
  Open();
  EXPECT_TRUE(Arrive(0));
  End(base::MakeFailure(base::FailureCode::kWorkerDied, base::Executed::kMaybe,
                        "it died"));
  EXPECT_FALSE(Arrive(1));
  table_.Next({kStream, Cell(0)}, out_);
  table_.Next({kStream, Cell(1)}, out_);
  EXPECT_EQ(TakeSettled().second.size(), 1u);
  ASSERT_EQ(out_.settled.size(), 1u);
  const auto* failure =
      std::get_if<base::Failure>(&out_.settled.front().outcome);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, base::FailureCode::kWorkerDied);
}

}  // namespace
}  // namespace mobula::runtime

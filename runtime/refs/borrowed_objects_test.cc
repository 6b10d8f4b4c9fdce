#include "runtime/refs/borrowed_objects.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"
#include "runtime/refs/ref_outbox.h"

namespace mobula::runtime {
namespace {

using base::FailureCode;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::Value;
using std::chrono::seconds;

constexpr ProcessId kRaylet{1, 1};
constexpr ProcessId kOwner{1, 2};
constexpr ProcessId kGiver{1, 3};

constexpr ObjectId Object(std::uint64_t n) { return {6, n}; }
constexpr ObjectName Name(std::uint64_t n) { return {Object(n), kOwner}; }
base::Outcome Small() { return Value(base::Bytes::Own("v")); }
base::Outcome WithRef() {
  return Value(base::Bytes::Own("v"), {ObjectName{Object(9), kGiver}});
}

class BorrowedObjectsTest : public testing::Test {
 protected:
  BorrowedObjectsTest() {
    out_.effects = &effects_;
    links_.Joined(kRaylet, out_);
    links_.Attached(kGiver);
    objects_.Joined(kRaylet);
  }

  // The end of a step: what was said in it is in effects_ then.
  void End() {
    objects_.Sweep();
    objects_.Ask(now_, out_);
    outbox_.Flush(effects_);
  }
  void Attach() {
    links_.Attached(kOwner);
    objects_.Attached(kOwner);
  }
  void OwnerEnds() {
    objects_.OwnerGone(kOwner, now_, out_);
    LinkEnds();
  }
  void LinkEnds() {
    links_.Ended(kOwner);
    objects_.LinkEnded(kOwner, now_, out_);
  }
  void Confirm(std::uint64_t n, ProcessId from = kOwner) {
    objects_.Borrowed(from, {{Object(n)}, {}}, effects_);
  }
  // What was said to that process in messages of kind M, since the last time.
  template <class M>
  std::vector<M> Said(ProcessId to) {
    std::vector<M> said;
    std::erase_if(effects_, [&](const Effect& effect) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr || send->to != to) return false;
      const auto* message = std::get_if<M>(&send->message);
      if (message != nullptr) said.push_back(*message);
      return message != nullptr;
    });
    return said;
  }
  template <class M>
  std::vector<ObjectId> Named(ProcessId to) {
    std::vector<ObjectId> objects;
    for (const M& message : Said<M>(to)) {
      objects.insert(objects.end(), message.objects.begin(),
                     message.objects.end());
    }
    return objects;
  }
  std::vector<Ready> Readies() {
    std::vector<Ready> readies;
    for (const Effect& effect : effects_) {
      if (const auto* ready = std::get_if<Ready>(&effect)) {
        readies.push_back(*ready);
      }
    }
    return readies;
  }
  FailureCode CodeOf(std::uint64_t n) {
    const base::Outcome* outcome = objects_.Find(Object(n));
    EXPECT_NE(outcome, nullptr);
    return std::get<base::Failure>(*outcome).code;
  }

  using Objects = std::vector<ObjectId>;
  base::BootTime now_ = base::BootTime::FromSinceBoot(seconds(1));
  Effects effects_;
  Produced out_;
  PeerLinks links_;
  RefOutbox outbox_;
  BorrowedObjects objects_{links_, outbox_};
};

TEST_F(BorrowedObjectsTest, WhatTheOwnerSentIsReturnedAsOftenAsItCame) {
  Attach();
  objects_.Mentioned(Name(1), kOwner);
  objects_.Hold(Name(1));
  objects_.Mentioned(Name(1), kOwner);
  End();
  EXPECT_TRUE(effects_.empty());
  objects_.Release(Object(1));
  End();
  const auto said = Said<base::ReturnObjects>(kOwner);
  ASSERT_EQ(said.size(), 1u);
  ASSERT_EQ(said[0].objects.size(), 1u);
  EXPECT_EQ(said[0].objects[0].lent_count, 2);
  EXPECT_EQ(objects_.size(), 0u);
  EXPECT_EQ(objects_.owners(), 0u);
}

TEST_F(BorrowedObjectsTest, WhatNobodyKeepsIsReturnedInTheSameStep) {
  Attach();
  objects_.Mentioned(Name(1), kOwner);
  objects_.Mentioned(Name(2), kGiver);
  End();
  EXPECT_EQ(Said<base::ReturnObjects>(kOwner).size(), 1u);
  EXPECT_EQ(Named<base::ObjectsTaken>(kGiver), Objects{Object(2)});
  EXPECT_TRUE(effects_.empty());  // nothing was borrowed for it
}

TEST_F(BorrowedObjectsTest, AThirdProcessIsToldWhenTheOwnerHasCounted) {
  objects_.Mentioned(Name(1), kGiver);
  objects_.Hold(Name(1));
  objects_.Mentioned(Name(1), kGiver);
  End();
  EXPECT_EQ(Said<base::ConnectTo>(kRaylet).size(), 1u);
  EXPECT_TRUE(effects_.empty());
  Attach();
  End();
  EXPECT_EQ(Named<base::BorrowObjects>(kOwner), Objects{Object(1)});
  EXPECT_TRUE(effects_.empty());
  Confirm(1);
  End();
  EXPECT_EQ(Named<base::ObjectsTaken>(kGiver), (Objects{Object(1), Object(1)}));
  objects_.Mentioned(Name(1), kGiver);  // it is counted already
  End();
  EXPECT_EQ(Named<base::ObjectsTaken>(kGiver), Objects{Object(1)});
  objects_.Release(Object(1));
  End();
  EXPECT_EQ(Said<base::ReturnObjects>(kOwner).at(0).objects[0].lent_count, 1);
}

TEST_F(BorrowedObjectsTest, WhatWasAskedForIsReturnedAfterTheAnswer) {
  Attach();
  objects_.Mentioned(Name(1), kGiver);
  objects_.Hold(Name(1));
  End();
  objects_.Mentioned(Name(1), kOwner);
  objects_.Release(Object(1));
  End();
  EXPECT_TRUE(Said<base::ReturnObjects>(kOwner).empty());
  EXPECT_EQ(Named<base::ObjectsTaken>(kGiver), Objects{Object(1)});
  Confirm(1);
  End();
  EXPECT_EQ(Said<base::ReturnObjects>(kOwner).at(0).objects[0].lent_count, 2);
  EXPECT_EQ(objects_.size(), 0u);
}

TEST_F(BorrowedObjectsTest, AnOutcomeIsWantedOnceAndAfterTheBorrowing) {
  Attach();
  objects_.Hold(Name(1));
  objects_.Watch(Object(1), effects_);
  objects_.AddDependent(Object(1), base::TaskId{5, 1});
  End();
  ASSERT_EQ(effects_.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<base::BorrowObjects>(
      std::get<Send>(effects_[0]).message));
  EXPECT_EQ(Named<base::WantObjects>(kOwner), Objects{Object(1)});
  EXPECT_FALSE(objects_.Is(kGiver, {Object(1), Small(), 0}, effects_));
  EXPECT_TRUE(objects_.Is(kOwner, {Object(1), WithRef(), 7}, effects_));
  EXPECT_FALSE(objects_.Is(kOwner, {Object(1), Small(), 8}, effects_));
  ASSERT_EQ(Readies().size(), 1u);
  EXPECT_EQ(Readies()[0].incarnation, 7);
  ASSERT_EQ(objects_.woken().size(), 1u);
  Confirm(1);
  objects_.Release(Object(1));
  End();
  ASSERT_EQ(objects_.released().size(), 1u);
  EXPECT_EQ(objects_.released()[0].object, Object(9));
}

TEST_F(BorrowedObjectsTest, WhatWasFreedBeforeIsLost) {
  Attach();
  objects_.Mentioned(Name(1), kGiver);
  objects_.Hold(Name(1));
  objects_.Watch(Object(1), effects_);
  End();
  objects_.Borrowed(kOwner, {{}, {Object(1)}}, effects_);
  ASSERT_EQ(Readies().size(), 1u);
  EXPECT_EQ(CodeOf(1), FailureCode::kObjectLost);
  objects_.Release(Object(1));
  End();
  EXPECT_TRUE(Said<base::ReturnObjects>(kOwner).empty());
  EXPECT_EQ(objects_.size(), 0u);
}

TEST_F(BorrowedObjectsTest, OfADeadOwnerAllIsClaimed) {
  Attach();
  for (const std::uint64_t n : {1, 2, 3}) {
    objects_.Mentioned(Name(n), kOwner);
    objects_.Hold(Name(n));
  }
  objects_.Is(kOwner, {Object(2), Small(), 0}, effects_);
  objects_.Is(kOwner, {Object(3), WithRef(), 0}, effects_);
  objects_.OwnerGone(kOwner, now_, out_);
  End();
  EXPECT_TRUE(effects_.empty());  // what it sent may still be on its way
  objects_.Mentioned(Name(4), kOwner);
  objects_.Hold(Name(4));
  LinkEnds();
  const auto claims = Said<base::ClaimObjects>(kRaylet);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_TRUE(claims[0].is_last);
  ASSERT_EQ(claims[0].objects.size(), 4u);
  EXPECT_FALSE(claims[0].objects[0].is_settled);
  EXPECT_EQ(claims[0].objects[1].outcome, Small());
  EXPECT_TRUE(claims[0].objects[2].is_settled);
  EXPECT_TRUE(claims[0].objects[2].has_refs);
  EXPECT_EQ(claims[0].objects[2].outcome, base::Outcome());
  EXPECT_EQ(claims[0].objects[3].object, Object(4));
  // The raylet speaks for them now.
  EXPECT_FALSE(objects_.Is(kOwner, {Object(1), Small(), 0}, effects_));
  EXPECT_TRUE(objects_.Is(kRaylet, {Object(1), Small(), 0}, effects_));
  objects_.Release(Object(1));
  End();
  EXPECT_EQ(Said<base::ReturnObjects>(kRaylet).at(0).objects[0].lent_count, 1);
  objects_.Mentioned(Name(5), kGiver);
  objects_.Hold(Name(5));
  End();
  EXPECT_EQ(Named<base::BorrowObjects>(kRaylet), Objects{Object(5)});
  objects_.Borrowed(kRaylet, {{}, {Object(5)}}, effects_);
  EXPECT_EQ(CodeOf(5), FailureCode::kOwnerDied);
}

TEST_F(BorrowedObjectsTest, TheRayletIsGivenBackWhatItToldTooLate) {
  objects_.Mentioned(Name(1), kRaylet);
  EXPECT_TRUE(objects_.Is(kRaylet, {Object(1), Small(), 0}, effects_));
  End();
  EXPECT_EQ(Said<base::ReturnObjects>(kRaylet).at(0).objects[0].lent_count, 1);
  EXPECT_EQ(objects_.owners(), 0u);
}

TEST_F(BorrowedObjectsTest, AnEndOfWhichNothingIsKeptIsAnsweredToo) {
  objects_.OwnerGone(kOwner, now_, out_);
  const auto claims = Said<base::ClaimObjects>(kRaylet);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_TRUE(claims[0].is_last && claims[0].objects.empty());
  EXPECT_EQ(objects_.owners(), 0u);
}

TEST_F(BorrowedObjectsTest, WhatWasAskedOfADeadOwnerIsClaimedInstead) {
  Attach();
  objects_.Mentioned(Name(1), kGiver);
  objects_.Hold(Name(1));
  objects_.Mentioned(Name(2), kGiver);
  objects_.Hold(Name(2));
  End();
  objects_.Release(Object(2));  // the answer for it never comes
  End();
  Said<base::BorrowObjects>(kOwner);
  OwnerEnds();
  End();
  const auto claims = Said<base::ClaimObjects>(kRaylet);
  ASSERT_EQ(claims.size(), 1u);
  ASSERT_EQ(claims[0].objects.size(), 1u);
  EXPECT_EQ(claims[0].objects[0].object, Object(1));
  EXPECT_EQ(Named<base::ObjectsTaken>(kGiver), (Objects{Object(1), Object(2)}));
  EXPECT_EQ(objects_.size(), 1u);
}

TEST_F(BorrowedObjectsTest, ManyClaimsGoInSeveralMessages) {
  Attach();
  for (std::uint64_t n = 1; n <= 2'500; ++n) {
    objects_.Mentioned(Name(n), kOwner);
    objects_.Hold(Name(n));
  }
  OwnerEnds();
  const auto claims = Said<base::ClaimObjects>(kRaylet);
  ASSERT_EQ(claims.size(), 3u);
  EXPECT_FALSE(claims[0].is_last || claims[1].is_last);
  EXPECT_TRUE(claims[2].is_last);
  EXPECT_EQ(claims[2].objects.size(), 500u);
}

TEST_F(BorrowedObjectsTest, TheRayletIsAskedWhereThereIsNoSuchOwner) {
  objects_.Mentioned(Name(1), kGiver);
  objects_.Hold(Name(1));
  objects_.Watch(Object(1), effects_);
  End();
  EXPECT_EQ(Said<base::ConnectTo>(kRaylet).size(), 1u);
  links_.Refused(kOwner);
  objects_.Unreachable(kOwner);
  End();
  EXPECT_EQ(Named<base::BorrowObjects>(kRaylet), Objects{Object(1)});
  EXPECT_EQ(Named<base::WantObjects>(kRaylet), Objects{Object(1)});
  Confirm(1, kRaylet);
  EXPECT_TRUE(objects_.Is(kRaylet, {Object(1), Small(), 0}, effects_));
  EXPECT_EQ(Readies().size(), 1u);
}

TEST_F(BorrowedObjectsTest, NothingWaitsForEver) {
  objects_.Hold(Name(1));  // a link that never comes
  objects_.Watch(Object(1), effects_);
  End();
  now_ = now_ + BorrowedObjects::kPatience;
  EXPECT_EQ(objects_.Next(), now_);
  objects_.Tick(now_, out_);
  EXPECT_EQ(CodeOf(1), FailureCode::kOwnerDied);
  EXPECT_EQ(Readies().size(), 1u);
  objects_.Release(Object(1));
  End();

  Attach();
  objects_.Hold(Name(2));
  objects_.Watch(Object(2), effects_);
  End();
  LinkEnds();  // and no word of an end
  now_ = now_ + BorrowedObjects::kPatience;
  objects_.Tick(now_, out_);
  EXPECT_EQ(CodeOf(2), FailureCode::kOwnerDied);
  objects_.Release(Object(2));
  End();

  Attach();
  objects_.Mentioned(Name(3), kOwner);
  objects_.Hold(Name(3));
  objects_.OwnerGone(kOwner, now_, out_);  // and no end of the link
  now_ = now_ + BorrowedObjects::kLinkPatience;
  objects_.Tick(now_, out_);
  EXPECT_EQ(Said<base::ClaimObjects>(kRaylet).at(0).objects.size(), 1u);
  EXPECT_TRUE(objects_.Next().IsNever());
}

TEST_F(BorrowedObjectsTest, WithoutARayletEverythingFails) {
  Attach();
  objects_.Hold(Name(1));
  objects_.Watch(Object(1), effects_);
  End();
  objects_.FailAll(base::NotRun(FailureCode::kRayletDied, "it ended"),
                   effects_);
  EXPECT_EQ(Readies().size(), 1u);
  objects_.Hold(Name(2));
  objects_.Watch(Object(2), effects_);
  End();
  EXPECT_EQ(Readies().size(), 2u);
  EXPECT_EQ(CodeOf(2), FailureCode::kRayletDied);
  objects_.Release(Object(1));
  objects_.Release(Object(2));
  End();
  EXPECT_EQ(objects_.size(), 0u);
}

}  // namespace
}  // namespace mobula::runtime

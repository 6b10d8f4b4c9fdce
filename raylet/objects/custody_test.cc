#include "raylet/objects/custody.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/value.h"

namespace mobula::raylet {
namespace {

using base::FailureCode;
using base::JobId;
using base::ObjectId;
using base::Outcome;
using base::ProcessId;
using base::Value;

constexpr ProcessId kOwner{1, 1};
constexpr ProcessId kA{1, 2};
constexpr ProcessId kB{1, 3};
constexpr JobId kJob{2, 1};
constexpr ObjectId kObject{3, 1};

Outcome Inline() { return Value(base::Bytes::Own("value")); }
Outcome Stored() {
  return Value::Stored({kObject, kOwner}, {base::ArenaId{4, 1}, 64, 5, 1});
}

class CustodyTest : public testing::Test {
 protected:
  void OwnerDies(bool job_over = false) {
    out_ = Custody::Out();
    custody_.OwnerDied(kOwner, kJob, job_over, {kA, kB}, out_);
  }
  void Claim(ProcessId from, std::optional<Outcome> outcome) {
    base::ClaimObjects claim;
    claim.owner = kOwner;
    claim.objects.push_back(
        {kObject, outcome.has_value(), false, outcome.value_or(Outcome())});
    Take(from, claim);
  }
  void ClaimNothing(ProcessId from) {
    base::ClaimObjects claim;
    claim.owner = kOwner;
    Take(from, claim);
  }
  void Take(ProcessId from, const base::ClaimObjects& claim) {
    out_ = Custody::Out();
    custody_.Claim(from, claim, out_);
    custody_.CheckInvariants();
  }
  void Return(ProcessId from, std::int64_t count) {
    out_ = Custody::Out();
    custody_.Return(from, {{{kObject, count}}}, out_);
    custody_.CheckInvariants();
  }
  // What was told of the object, and to whom.
  std::optional<Outcome> Told(ProcessId to) {
    for (const auto& [process, message] : out_.send) {
      const auto* is = std::get_if<base::ObjectIs>(&message);
      if (process == to && is != nullptr) return is->outcome;
    }
    return std::nullopt;
  }
  static FailureCode CodeOf(const std::optional<Outcome>& outcome) {
    return std::get<base::Failure>(outcome.value()).code;
  }

  Custody custody_;
  Custody::Out out_;
};

TEST_F(CustodyTest, WhoHasNoValueGetsThatOfAnother) {
  OwnerDies();
  EXPECT_EQ(out_.send.size(), 2u);
  Claim(kA, std::nullopt);
  EXPECT_TRUE(out_.send.empty());
  Claim(kB, Inline());
  EXPECT_EQ(Told(kA), Inline());
  EXPECT_FALSE(Told(kB).has_value());
  EXPECT_EQ(out_.ended, std::vector<ProcessId>{kOwner});
  Return(kA, 1);
  EXPECT_TRUE(out_.freed.empty());
  Return(kB, 1);
  EXPECT_EQ(out_.freed, std::vector<ObjectId>{kObject});
  EXPECT_EQ(custody_.size(), 0u);
}

TEST_F(CustodyTest, AStoredValueThatIsToldIsLentOnceMore) {
  OwnerDies();
  Claim(kA, std::nullopt);
  Claim(kB, Stored());
  EXPECT_EQ(Told(kA), Stored());
  custody_.ProcessGone(kB, out_);
  Return(kA, 1);  // crossed with the telling
  EXPECT_TRUE(out_.freed.empty());
  out_ = Custody::Out();
  custody_.Taken(kA, {{kObject}}, out_);
  EXPECT_EQ(out_.freed, std::vector<ObjectId>{kObject});
}

TEST_F(CustodyTest, LostBytesAreNamedWithTheEndOfTheirOwner) {
  custody_.NoteDeath(kOwner, "was killed by signal 11, pid 7");
  OwnerDies();
  Claim(kA, Stored());
  Claim(kB, Stored());
  const base::LostBytes lost{{kObject, kOwner},
                             {base::ArenaId{4, 1}, 64, 5, 1}};
  // A place that it does not know: it says what it knows.
  base::LostBytes old = lost;
  old.extent.generation = 9;
  out_ = Custody::Out();
  custody_.Lost(kA, old, out_);
  EXPECT_EQ(Told(kA), Stored());
  out_ = Custody::Out();
  custody_.Lost(kA, lost, out_);
  EXPECT_EQ(CodeOf(Told(kA)), FailureCode::kObjectLost);
  const std::string why = std::get<base::Failure>(*Told(kA)).message;
  EXPECT_NE(why.find("signal 11, pid 7"), std::string::npos) << why;
  EXPECT_EQ(out_.freed, std::vector<ObjectId>{kObject});
  // Others are told when they find out; once it is free.
  out_ = Custody::Out();
  custody_.Lost(kB, lost, out_);
  EXPECT_EQ(CodeOf(Told(kB)), FailureCode::kObjectLost);
  EXPECT_TRUE(out_.freed.empty());
  // Of what it never heard of it says so too: nobody waits for ever.
  out_ = Custody::Out();
  custody_.Lost(kB, {{{3, 2}, kOwner}, lost.extent}, out_);
  ASSERT_EQ(out_.send.size(), 1u);
  custody_.CheckInvariants();
}

TEST_F(CustodyTest, WhatNobodyKnowsFailsWithOwnerDied) {
  OwnerDies();
  Claim(kA, std::nullopt);
  ClaimNothing(kB);
  EXPECT_EQ(CodeOf(Told(kA)), FailureCode::kOwnerDied);
}

TEST_F(CustodyTest, AValueWithRefsInsideIsNotHandedOn) {
  OwnerDies();
  Claim(kA, Value(base::Bytes::Own("v"), {{ObjectId{3, 9}, kOwner}}));
  Claim(kB, std::nullopt);
  EXPECT_EQ(CodeOf(Told(kB)), FailureCode::kOwnerDied);
}

TEST_F(CustodyTest, WhoHasAValueWithRefsInsideKeepsItUnsaid) {
  OwnerDies();
  base::ClaimObjects claim;
  claim.owner = kOwner;
  claim.objects.push_back({kObject, true, true, Outcome()});
  Take(kA, claim);
  Claim(kB, std::nullopt);
  EXPECT_FALSE(Told(kA).has_value());
  EXPECT_EQ(CodeOf(Told(kB)), FailureCode::kOwnerDied);
}

TEST_F(CustodyTest, ADeathEndsARound) {
  OwnerDies();
  Claim(kA, Inline());
  out_ = Custody::Out();
  custody_.ProcessGone(kB, out_);
  EXPECT_EQ(out_.ended, std::vector<ProcessId>{kOwner});
  EXPECT_EQ(custody_.rounds(), 0u);
  EXPECT_EQ(custody_.size(), 1u);
  custody_.ProcessGone(kA, out_);
  EXPECT_EQ(out_.freed, std::vector<ObjectId>{kObject});
}

TEST_F(CustodyTest, AnEndingOwnerHandsOverItsValues) {
  Claim(kOwner, Inline());
  EXPECT_EQ(custody_.size(), 1u);
  OwnerDies();
  Claim(kA, std::nullopt);
  ClaimNothing(kB);
  EXPECT_EQ(Told(kA), Inline());
}

TEST_F(CustodyTest, WhatIsBorrowedDuringARoundWaitsForIt) {
  OwnerDies();
  out_ = Custody::Out();
  custody_.Borrow(kA, {{kObject}}, out_);
  EXPECT_EQ(out_.send.size(), 1u);
  ClaimNothing(kA);
  Claim(kB, Inline());
  EXPECT_EQ(Told(kA), Inline());
  out_ = Custody::Out();
  custody_.Borrow(kB, {{kObject, ObjectId{3, 2}}}, out_);
  const auto& answer =
      std::get<base::ObjectsBorrowed>(out_.send.front().second);
  EXPECT_EQ(answer.objects, std::vector<ObjectId>{kObject});
  EXPECT_EQ(answer.gone, (std::vector<ObjectId>{ObjectId{3, 2}}));
  EXPECT_EQ(Told(kB), Inline());
}

TEST_F(CustodyTest, WhatNobodyClaimedIsNotOpenedAgainByAnotherRound) {
  OwnerDies();
  custody_.Borrow(kA, {{kObject}}, out_);
  ClaimNothing(kA);
  ClaimNothing(kB);
  EXPECT_EQ(CodeOf(Told(kA)), FailureCode::kOwnerDied);
  out_ = Custody::Out();
  custody_.OwnerDied(kB, kJob, /*job_over=*/false, {kA}, out_);
  custody_.CheckInvariants();
  Return(kA, 1);
  EXPECT_EQ(out_.freed, std::vector<ObjectId>{kObject});
  EXPECT_EQ(custody_.size(), 0u);
}

TEST_F(CustodyTest, OfAJobThatIsOverNothingIsKept) {
  OwnerDies(/*job_over=*/true);
  EXPECT_FALSE(custody_.Keeps(kOwner, kObject));
  Claim(kA, std::nullopt);
  Claim(kB, Inline());
  EXPECT_EQ(CodeOf(Told(kA)), FailureCode::kOwnerDied);
  const std::string why = std::get<base::Failure>(Told(kA).value()).message;
  EXPECT_NE(why.find("Publish it, and Lookup"), std::string::npos) << why;
  EXPECT_FALSE(custody_.Keeps(kOwner, kObject));
}

TEST_F(CustodyTest, TheEndOfAJobFreesWhatWasKeptOfIt) {
  OwnerDies();
  Claim(kA, Stored());
  ClaimNothing(kB);
  EXPECT_TRUE(custody_.Keeps(kOwner, kObject));
  out_ = Custody::Out();
  custody_.JobGone(kJob, out_);
  EXPECT_EQ(out_.freed, std::vector<ObjectId>{kObject});
  EXPECT_FALSE(custody_.Keeps(kOwner, kObject));
}

}  // namespace
}  // namespace mobula::raylet

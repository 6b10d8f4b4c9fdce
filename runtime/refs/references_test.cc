#include "runtime/refs/references.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
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
#include "runtime/refs/arg_holds.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::Value;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kRaylet{1, 2};
constexpr ProcessId kA{1, 3};
constexpr ProcessId kB{1, 4};

constexpr ObjectName Own(std::uint64_t n) { return {{6, n}, kSelf}; }
constexpr ObjectName OfA(std::uint64_t n) { return {{7, n}, kA}; }
Value Plain() { return base::Bytes::Own("v"); }
Value With(std::vector<ObjectName> refs) {
  return {base::Bytes::Own("v"), std::move(refs)};
}
Value Stored(const ObjectName& name) {
  return Value::Stored(name, {base::ArenaId{4, 1}, 64, 9, 1});
}

class ReferencesTest : public testing::Test {
 protected:
  ReferencesTest() {
    out_.effects = &effects_;
    links_.Joined(kRaylet, out_);
    links_.Attached(kA);
    links_.Attached(kB);
    refs_.Joined(kRaylet);
    refs_.Begin(base::BootTime(), out_);
  }

  // Ends the step and begins the next one.
  void Step() {
    refs_.Carry();
    refs_.unused().clear();
    refs_.woken().clear();
    refs_.End();
    out_.effects = &effects_;
    refs_.Begin(base::BootTime(), out_);
  }
  void SendTask(ProcessId to, Value arg) {
    base::RunTask run;
    run.args.push_back(std::move(arg));
    out_.SendTo(to, std::move(run));
  }
  void TakeTask(ProcessId from, Value arg) {
    base::RunTask run;
    run.args.push_back(std::move(arg));
    refs_.Received(from, base::Message(std::move(run)));
  }
  // What was said to that process in messages of kind M, since the last time.
  template <class M>
  std::vector<M> Said(ProcessId to) {
    std::vector<M> said;
    for (Effect& effect : effects_) {
      auto* send = std::get_if<Send>(&effect);
      if (send == nullptr || send->to != to) continue;
      if (auto* message = std::get_if<M>(&send->message)) {
        said.push_back(*message);
        effect = SetTimer();
      }
    }
    return said;
  }
  std::int64_t LentTo(const ObjectName& name, ProcessId to) {
    for (const ObjectRow& row : refs_.Rows()) {
      if (row.name != name) continue;
      for (const auto& [process, count] : row.lent) {
        if (process == to) return count;
      }
    }
    return 0;
  }

  Effects effects_;
  Produced out_;
  PeerLinks links_;
  References refs_{kSelf, links_};
};

TEST_F(ReferencesTest, AMentionOfAnOwnObjectIsLentAndItsValueTold) {
  refs_.Put(Own(1).object, Plain());
  refs_.Put(Own(2).object, With({Own(1)}));
  SendTask(kA, With({Own(1), Own(2), Own(1)}));
  Step();
  EXPECT_EQ(LentTo(Own(1), kA), 2);
  EXPECT_EQ(LentTo(Own(2), kA), 1);
  const auto told = Said<base::ObjectIs>(kA);  // what has no refs inside
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].object, Own(1).object);
  refs_.On(kA, base::WantObjects{{Own(2).object}});
  Step();
  EXPECT_EQ(Said<base::ObjectIs>(kA).size(), 1u);
  EXPECT_EQ(LentTo(Own(1), kA), 3);  // it is inside
}

TEST_F(ReferencesTest, AStoredValueIsLentByItsNameAndByBeingTold) {
  refs_.Put(Own(1).object, Stored(Own(1)));
  SendTask(kA, Stored(Own(1)));
  Step();
  EXPECT_EQ(LentTo(Own(1), kA), 1);
  SendTask(kB, With({Own(1)}));
  Step();
  EXPECT_EQ(LentTo(Own(1), kB), 2);
}

TEST_F(ReferencesTest, ARefOfAnotherIsKeptForItsReceiver) {
  TakeTask(kA, With({OfA(1)}));
  refs_.Hold(OfA(1));
  Step();
  SendTask(kB, With({OfA(1)}));
  Step();
  EXPECT_EQ(refs_.handed(), 1u);
  refs_.Drop(OfA(1).object);
  Step();
  EXPECT_TRUE(Said<base::ReturnObjects>(kA).empty());
  refs_.On(kB, base::ObjectsTaken{{OfA(1).object, OfA(1).object}});
  Step();
  EXPECT_EQ(Said<base::ReturnObjects>(kA).size(), 1u);
  EXPECT_EQ(refs_.borrowed(), 0u);
}

TEST_F(ReferencesTest, TheDeathOfAReceiverLetsGo) {
  TakeTask(kA, With({OfA(1)}));
  SendTask(kB, With({OfA(1), OfA(1)}));
  refs_.Put(Own(1).object, Plain());
  SendTask(kB, With({Own(1)}));
  Step();
  refs_.Drop(Own(1).object);
  Step();
  EXPECT_EQ(refs_.handed(), 2u);
  EXPECT_EQ(refs_.owned(), 1u);
  links_.Ended(kB);
  refs_.PeerLost(kB);
  Step();
  EXPECT_EQ(refs_.handed(), 0u);
  EXPECT_EQ(refs_.borrowed(), 0u);
  EXPECT_EQ(refs_.owned(), 0u);
}

TEST_F(ReferencesTest, AnOwnRefThatComesBackIsTakenAtOnce) {
  refs_.Put(Own(1).object, Plain());
  TakeTask(kB, With({Own(1), Own(1)}));
  Step();
  const auto taken = Said<base::ObjectsTaken>(kB);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].objects.size(), 2u);
}

TEST_F(ReferencesTest, WhoMadeAValueDoesNotBorrowIt) {
  base::TaskDone done;
  done.outcome = Stored(OfA(1));
  out_.SendTo(kA, done);
  Step();
  EXPECT_EQ(refs_.handed(), 0u);
  done.outcome = Stored(Own(1));
  refs_.Received(kB, base::Message(done));
  Step();
  EXPECT_TRUE(Said<base::ObjectsTaken>(kB).empty());
}

TEST_F(ReferencesTest, AskingForWhatIsNotLentIsAnswered) {
  refs_.On(kB, base::WantObjects{{Own(1).object}});
  refs_.On(kB, base::BorrowObjects{{Own(1).object}});
  Step();
  ASSERT_EQ(Said<base::ObjectIs>(kB).size(), 1u);
  const auto answers = Said<base::ObjectsBorrowed>(kB);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].gone.size(), 1u);
}

TEST_F(ReferencesTest, ARefOfAFreedOwnObjectHoldsAFailure) {
  refs_.Hold(Own(1));
  const base::Outcome* outcome = refs_.Find(Own(1).object);
  ASSERT_NE(outcome, nullptr);
  EXPECT_EQ(std::get<base::Failure>(*outcome).code,
            base::FailureCode::kObjectLost);
  refs_.Drop(Own(1).object);
  Step();
  EXPECT_EQ(refs_.owned(), 0u);
}

TEST_F(ReferencesTest, AValueHoldsWhatIsInsideHoweverDeep) {
  constexpr std::uint64_t kDepth = 200'000;
  refs_.Put(Own(1).object, Plain());
  for (std::uint64_t n = 2; n <= kDepth; ++n) {
    refs_.Put(Own(n).object, With({Own(n - 1)}));
    refs_.Drop(Own(n - 1).object);
  }
  Step();
  EXPECT_EQ(refs_.owned(), kDepth);
  refs_.Drop(Own(kDepth).object);
  Step();
  EXPECT_EQ(refs_.owned(), 0u);
}

TEST_F(ReferencesTest, ManyRefsInOneValueGoInMessagesOfBoundedSize) {
  std::vector<ObjectName> names;
  for (std::uint64_t n = 1; n <= 10'000; ++n) names.push_back(OfA(n));
  TakeTask(kB, With(names));
  refs_.Put(Own(1).object, With(names));
  Step();
  const auto borrows = Said<base::BorrowObjects>(kA);
  ASSERT_EQ(borrows.size(), 10u);
  for (const auto& borrow : borrows) {
    EXPECT_EQ(borrow.objects.size(), RefOutbox::kBatch);
    refs_.On(kA, base::ObjectsBorrowed{borrow.objects, {}});
  }
  refs_.Drop(Own(1).object);
  Step();
  EXPECT_EQ(Said<base::ObjectsTaken>(kB).size(), 10u);
  EXPECT_EQ(Said<base::ReturnObjects>(kA).size(), 10u);
  EXPECT_EQ(refs_.borrowed(), 0u);
}

TEST_F(ReferencesTest, WhoEndsInOrderClaimsWhatIsLent) {
  refs_.Put(Own(1).object, Plain());
  refs_.Put(Own(2).object, With({OfA(1)}));
  refs_.Put(Own(3).object, Plain());
  SendTask(kB, With({Own(1), Own(2)}));
  Step();
  Said<base::ObjectIs>(kB);
  refs_.Leave();
  Step();
  EXPECT_EQ(Said<base::ObjectIs>(kB).size(), 1u);  // it keeps the refs then
  EXPECT_FALSE(refs_.MayLeave());
  refs_.On(kB, base::ObjectsTaken{{OfA(1).object}});
  EXPECT_TRUE(refs_.MayLeave());
  refs_.ClaimOwn(effects_);
  const auto claims = Said<base::ClaimObjects>(kRaylet);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].owner, kSelf);
  ASSERT_EQ(claims[0].objects.size(), 2u);
  EXPECT_EQ(claims[0].objects[0].outcome, base::Outcome(Plain()));
  EXPECT_TRUE(claims[0].objects[1].has_refs);
}

TEST_F(ReferencesTest, ACallHoldsItsArgumentsUntilItIsDone) {
  ArgHolds holds(refs_);
  refs_.Put(Own(1).object, Stored(Own(1)));
  refs_.Put(Own(2).object, Plain());
  const ObjectId result{8, 1};
  holds.Hold(result, {Arg{Own(1).object, {}}, Arg{{}, With({Own(2)})}});
  holds.Hold(ObjectId{8, 2}, {Arg{{}, Plain()}});
  EXPECT_EQ(holds.size(), 1u);
  refs_.Drop(Own(1).object);
  refs_.Drop(Own(2).object);
  Step();
  EXPECT_EQ(refs_.owned(), 2u);
  holds.Release(result);
  holds.Release(result);
  Step();
  EXPECT_EQ(refs_.owned(), 0u);
  EXPECT_EQ(holds.size(), 0u);
}

}  // namespace
}  // namespace mobula::runtime

// What a core does with refs that travel: in arguments, in results, and when
// processes end.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::Value;

Value With(std::vector<ObjectName> refs) {
  return {base::Bytes::Own("v"), std::move(refs)};
}

class CoreRefsTest : public CoreFixture {
 protected:
  explicit CoreRefsTest(base::Role role = base::Role::kDriver)
      : CoreFixture(role) {}

  static ObjectName Own(std::uint64_t n) { return {Result(n), kSelf}; }
  static ObjectName Others(std::uint64_t n) { return {{66, n}, kOther}; }
  // What kOther was given back last, counts added up.
  std::int64_t Returned() {
    std::int64_t count = 0;
    for (const auto& message : Sent<base::ReturnObjects>()) {
      for (const auto& one : message.objects) count += one.lent_count;
    }
    return count;
  }
};

TEST_F(CoreRefsTest, ATaskHoldsItsArgumentsUntilItsOutcome) {
  Do(Put{Result(7), Value(base::Bytes::Own("x"))});
  Hear(kRaylet, base::Attach{kWorker});
  Submit submit = Simple(1);
  submit.args = {{{}, With({Own(7)})}};
  RunFirst(std::move(submit));
  EXPECT_EQ(core_.Count().lent, 1u);
  EXPECT_EQ(Sent<base::ObjectIs>().size(), 1u);
  Do(DropObject{Result(7)});
  Hear(kWorker, base::ReturnObjects{{{Result(7), 1}}});
  EXPECT_EQ(core_.Count().objects, 2u);
  Hear(kWorker, Answer(1, "y"));
  EXPECT_EQ(core_.Count().objects, 1u);
}

TEST_F(CoreRefsTest, WhatIsSentToWhoHasEndedIsNotLent) {
  Do(Put{Result(7), Value(base::Bytes::Own("x"))});
  Hear(kRaylet, base::Attach{kWorker});
  Do(PeerLost{kWorker});
  Submit submit = Simple(1);
  submit.args = {{{}, With({Own(7)})}};
  RunFirst(std::move(submit));
  EXPECT_EQ(Sent<base::RunTask>().size(), 1u);
  EXPECT_EQ(core_.Count().lent, 0u);
}

TEST_F(CoreRefsTest, ABorrowedRefIsAnArgumentOnceItsOutcomeIsTold) {
  Hear(kRaylet, base::Attach{kOther});
  Do(HoldObject{Others(1)});
  EXPECT_EQ(Sent<base::BorrowObjects>().size(), 1u);
  Submit submit = Simple(1);
  submit.args = {{Others(1).object, {}}};
  Do(submit);
  EXPECT_EQ(Sent<base::WantObjects>().size(), 1u);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Do(DropObject{Others(1).object});
  Hear(kOther, base::ObjectsBorrowed{{Others(1).object}, {}});
  Hear(kOther, base::ObjectIs{Others(1).object, Value(base::Bytes::Own("z"))});
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  EXPECT_EQ(Sent<base::RunTask>().at(0).args.at(0).view(), "z");
  EXPECT_EQ(core_.Count().borrowed, 1u);
  Hear(kWorker, Answer(1, "y"));
  EXPECT_EQ(Returned(), 1);
  EXPECT_EQ(core_.Count().borrowed, 0u);
}

TEST_F(CoreRefsTest, AFailedBorrowedRefFailsTheCall) {
  Hear(kRaylet, base::Attach{kOther});
  Do(HoldObject{Others(1)});
  Submit submit = Simple(1);
  submit.args = {{Others(1).object, {}}};
  Do(submit);
  Hear(kOther, base::ObjectsBorrowed{{}, {Others(1).object}});
  EXPECT_EQ(FailureOf(1).code, base::FailureCode::kObjectLost);
}

TEST_F(CoreRefsTest, ARefInAResultIsBorrowedFromItsOwner) {
  RunFirst(Simple(1));
  base::TaskDone done = Answer(1, "");
  done.outcome = With({Others(1)});
  Hear(kWorker, done);
  EXPECT_EQ(Sent<base::ConnectTo>().at(0).peer, kOther);
  Hear(kRaylet, base::Attach{kOther});
  EXPECT_EQ(Sent<base::BorrowObjects>().size(), 1u);
  Hear(kOther, base::ObjectsBorrowed{{Others(1).object}, {}});
  const auto taken = Sent<base::ObjectsTaken>();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].objects, std::vector<ObjectId>{Others(1).object});
  Do(DropObject{Result(1)});
  EXPECT_EQ(Returned(), 1);
}

class CoreRefsHostTest : public CoreRefsTest {
 protected:
  CoreRefsHostTest() : CoreRefsTest(base::Role::kWorker) {}

  void SetUp() override {
    CoreRefsTest::SetUp();
    Hear(kRaylet, base::Attach{kOther});
  }

  static base::RunTask Run(std::uint64_t n, Value arg) {
    base::RunTask run;
    run.task = Task(n);
    run.result = {77, n};
    run.function = kFunction;
    run.args = {std::move(arg)};
    return run;
  }
  void Finish(std::uint64_t n, base::Outcome outcome) {
    Executed executed;
    executed.task = Task(n);
    executed.outcome = std::move(outcome);
    Do(executed);
  }
};

TEST_F(CoreRefsHostTest, ArgumentsAreHeldWhileTheyWaitAndRun) {
  Hear(kOther, Run(1, With({Others(1)})));
  Hear(kOther, Run(2, With({Others(2)})));
  EXPECT_EQ(core_.Count().borrowed, 2u);
  Finish(1, Value());
  EXPECT_EQ(Returned(), 1);
  Hear(kOther, base::CancelTask{Task(9)});  // of nothing
  Finish(2, Value());
  EXPECT_EQ(Returned(), 1);
  EXPECT_EQ(core_.Count().borrowed, 0u);
}

TEST_F(CoreRefsHostTest, WhatIsTakenBackIsLetGo) {
  Hear(kOther, Run(1, Value()));
  Hear(kOther, Run(2, With({Others(2)})));
  Hear(kOther, base::CancelTask{Task(2)});
  EXPECT_EQ(Returned(), 1);
}

TEST_F(CoreRefsHostTest, AResultLendsWhatIsInside) {
  Hear(kOther, Run(1, Value()));
  Do(Put{Result(1), Value(base::Bytes::Own("x"))});
  Finish(1, With({Own(1)}));
  Do(DropObject{Result(1)});
  EXPECT_EQ(core_.Count().objects, 1u);
  Hear(kOther, base::ReturnObjects{{{Result(1), 1}}});
  EXPECT_EQ(core_.Count().objects, 0u);
}

TEST_F(CoreRefsHostTest, AnArgumentThatIsReturnedIsKeptForWhoeverAsked) {
  Hear(kOther, Run(1, With({ObjectName{ObjectId{66, 1}, kWorker}})));
  Finish(1, With({ObjectName{ObjectId{66, 1}, kWorker}}));
  EXPECT_EQ(core_.Count().handed, 1u);
  EXPECT_EQ(core_.Count().borrowed, 1u);
  Hear(kOther, base::ObjectsTaken{{ObjectId{66, 1}}});
  EXPECT_EQ(core_.Count().handed, 0u);
}

TEST_F(CoreRefsHostTest, WhoOwnsWhatOthersReferToMayStay) {
  Hear(kOther, Run(1, Value()));
  Do(Put{Result(1), Value(base::Bytes::Own("x"))});
  Finish(1, With({Own(1)}));
  Do(DropObject{Result(1)});
  Hear(kRaylet, base::Retire{true});
  EXPECT_EQ(Sent<base::Stay>().size(), 1u);
  EXPECT_TRUE(Of<Exit>().empty());
  Hear(kOther, Run(2, Value()));
  EXPECT_EQ(Of<Execute>().size(), 1u);
  Finish(2, Value());
  Hear(kRaylet, base::Retire{false});
  EXPECT_EQ(Of<Exit>().size(), 1u);
  const auto claims = Sent<base::ClaimObjects>();
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].owner, kSelf);
  ASSERT_EQ(claims[0].objects.size(), 1u);
  EXPECT_TRUE(claims[0].objects[0].is_settled);
}

TEST_F(CoreRefsHostTest, WithoutBorrowersAWorkerMayGo) {
  Do(Put{Result(1), Value(base::Bytes::Own("x"))});
  Hear(kRaylet, base::Retire{true});
  EXPECT_EQ(Of<Exit>().size(), 1u);
  EXPECT_TRUE(Sent<base::ClaimObjects>().empty());
}

// ---- who looks --------------------------------------------------------------

TEST_F(CoreRefsTest, TheRayletIsToldWhatHoldsEachObject) {
  Do(Put{Result(7), Value(base::Bytes::Own("x"))});
  Do(Put{Result(8), With({Own(7)})});
  Submit submit = Simple(1);
  submit.args = {{{}, With({Own(7)})}, {Result(8), Value()}};
  Do(std::move(submit));
  Create create;
  create.actor = {20, 1};
  create.task = Task(2);
  create.class_name = "Counter";
  create.args = {{{}, With({Own(7)})}};
  Do(std::move(create));
  Hear(kRaylet, base::ListRefs{{4, 4}, 100});
  const auto said = Sent<base::RefsAre>();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].request, (base::RequestId{4, 4}));
  EXPECT_TRUE(said[0].is_last);
  EXPECT_FALSE(said[0].is_busy);
  EXPECT_TRUE(said[0].hosts.IsNil());
  ASSERT_EQ(said[0].objects.size(), 3u);
  for (const base::HeldObject& row : said[0].objects) {
    if (row.name == Own(7)) {
      EXPECT_EQ(row.counts.handles, 1);
      EXPECT_EQ(row.counts.arguments, 1);
      EXPECT_EQ(row.counts.constructors, 1);
      EXPECT_EQ(row.counts.inside, 1);
    } else if (row.name == Own(8)) {
      EXPECT_EQ(row.counts.handles, 1);
      EXPECT_EQ(row.counts.arguments, 1);
    } else {
      EXPECT_EQ(row.name, Own(1));
      EXPECT_FALSE(row.is_settled);
    }
  }
  ASSERT_EQ(said[0].actors.size(), 1u);
  EXPECT_EQ(said[0].actors[0].actor, (base::ActorId{20, 1}));
  EXPECT_EQ(said[0].actors[0].owner, kSelf);
  EXPECT_EQ(said[0].actors[0].class_name, "Counter");
  EXPECT_EQ(said[0].actors[0].handles, 1);
  EXPECT_EQ(said[0].actors[0].arguments, (std::vector<ObjectName>{Own(7)}));
}

TEST_F(CoreRefsTest, NobodyButTheRayletIsTold) {
  Hear(kRaylet, base::Attach{kOther});
  Hear(kOther, base::ListRefs{{4, 4}, 100});
  EXPECT_TRUE(Sent<base::RefsAre>().empty());
}

}  // namespace
}  // namespace mobula::runtime

#include "runtime/core/core.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::Bytes;
using base::Failure;
using base::FailureCode;
using base::LeaseId;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Numbers = std::vector<std::uint64_t>;

class CoreTest : public CoreFixture {};

TEST_F(CoreTest, TaskRunsFromSubmitToReady) {
  Do(Simple(1));
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].function, "Square");
  EXPECT_FALSE(requests[0].for_actor);
  Do(Watch{Result(1)});
  EXPECT_TRUE(Of<Ready>().empty());
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  const auto runs = Sent<base::RunTask>();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].task, Task(1));
  EXPECT_EQ(runs[0].attempt, 1);
  Hear(kWorker, Answer(1, "49"));
  const auto ready = Of<Ready>();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(std::get<base::Value>(ready[0].outcome).view(), "49");
}

TEST_F(CoreTest, IdleLeaseGoesBackAndNothingIsLeft) {
  const LeaseId lease = LeaseWithShortTasks();
  Later(milliseconds(49));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Later(milliseconds(2));
  const auto returned = Sent<base::ReturnLease>();
  ASSERT_EQ(returned.size(), 1u);
  EXPECT_EQ(returned[0].lease, lease);
  EXPECT_FALSE(returned[0].discard);
  Do(DropObject{Result(1)});
  const Core::Census census = core_.Count();
  EXPECT_EQ(census.objects + census.tasks + census.leases, 0u);
}

TEST_F(CoreTest, UnknownFunctionsRunOneByOneShortOnesInAPipeline) {
  RunFirst(Simple(1));
  Do(Simple(2));
  EXPECT_TRUE(Pushed().empty());
  Hear(kWorker, Answer(1, "1"));  // 10 us: 20 of them fill 200 us
  EXPECT_EQ(Pushed(), (Numbers{2}));
  std::size_t pushed = 1;
  for (std::uint64_t n = 3; n <= 40; ++n) {
    Do(Simple(n));
    pushed += Pushed().size();
  }
  EXPECT_EQ(pushed, 20u);
}

TEST_F(CoreTest, AsksForAsManyLeasesAsTheQueueAndTheNodeCanUse) {
  std::size_t asked = 0;
  for (std::uint64_t n = 1; n <= 10; ++n) {
    Do(Simple(n));
    asked += Sent<base::RequestLease>().size();
  }
  EXPECT_EQ(asked, 2u);  // a node of two cpus
}

TEST_F(CoreTest, RequestsAreTakenBackWhenTheQueueIsEmpty) {
  LeaseWithShortTasks();
  for (std::uint64_t n = 2; n <= 30; ++n) Do(Simple(n));
  std::size_t cancelled = 0;
  for (std::uint64_t n = 2; n <= 30; ++n) {
    Hear(kWorker, Answer(n, "x"));
    cancelled += Sent<base::CancelLease>().size();
  }
  EXPECT_GE(cancelled, 1u);
  EXPECT_EQ(core_.Count().leases, 1u);
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreTest, AnArgumentIsWaitedForAndReplacedByItsValue) {
  LeaseWithShortTasks();
  Do(Simple(2));
  Submit gather = Simple(3);
  gather.args = {{{}, Bytes::Own("a")}, {Result(2), {}}, {Result(1), {}}};
  Do(gather);
  EXPECT_TRUE(Pushed().empty());
  Do(DropObject{Result(2)});  // the call holds its own reference
  Hear(kWorker, Answer(2, "b"));
  const auto runs = Sent<base::RunTask>();
  ASSERT_EQ(runs.size(), 1u);
  ASSERT_EQ(runs[0].args.size(), 3u);
  EXPECT_EQ(runs[0].args[0].view(), "a");
  EXPECT_EQ(runs[0].args[1].view(), "b");
  EXPECT_EQ(runs[0].args[2].view(), "1");
  EXPECT_EQ(core_.Count().objects, 3u);  // the call may have to be sent again
  Hear(kWorker, Answer(3, "c"));
  EXPECT_EQ(core_.Count().objects, 2u);  // 2 is gone with its last user
}

TEST_F(CoreTest, AFailedArgumentFailsTheChainBehindIt) {
  RunFirst(Simple(1));
  for (std::uint64_t n = 2; n <= 1'000; ++n) {
    Submit next = Simple(n);
    next.args = {{Result(n - 1), {}}};
    Do(next);
  }
  Hear(kWorker,
       AnswerFailure(1, FailureCode::kUserException, base::Executed::kYes));
  EXPECT_EQ(FailureOf(1'000).code, FailureCode::kUserException);
  EXPECT_EQ(FailureOf(1'000).function, "Square");
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreTest, CoroutinesOfADeadWorkerThatWaitedAreCharged) {
  Submit first = Simple(1);
  first.is_coroutine = true;
  first.retries_max = 0;
  const LeaseId lease = RunFirst(first);
  for (std::uint64_t n = 2; n <= 4; ++n) {
    Submit next = Simple(n);
    next.is_coroutine = true;
    next.retries_max = n == 2 ? 0 : 3;
    Do(next);
    EXPECT_TRUE(Pushed().empty());
  }
  Hear(kWorker, base::TaskAside{Task(1), 100'000});
  EXPECT_EQ(Pushed(), (Numbers{2, 3}));  // 200 us of them
  Hear(kWorker, base::TaskAside{Task(3), 100'000});
  EXPECT_EQ(Pushed(), (Numbers{4}));
  Later(milliseconds(100));  // what waits keeps the lease
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  Do(PeerLost{kWorker});
  EXPECT_EQ(FailureOf(1).code, FailureCode::kWorkerDied);
  EXPECT_EQ(FailureOf(1).executed, base::Executed::kMaybe);
  EXPECT_EQ(FailureOf(2).executed, base::Executed::kMaybe);
  EXPECT_EQ(core_.Count().tasks, 2u);
}

TEST_F(CoreTest, ACoroutineThatIsGivenUpIsToldToStop) {
  Submit first = Simple(1);
  first.is_coroutine = true;
  const LeaseId lease = RunFirst(first);
  Submit second = first;
  second.task = Task(2);
  second.result = Result(2);
  second.timeout = milliseconds(20);
  Do(second);
  Hear(kWorker, base::TaskAside{Task(1), 10});
  EXPECT_EQ(Pushed(), (Numbers{2}));
  // It may wait or not: its worker is not ended, since the other waits there.
  Later(milliseconds(20));
  EXPECT_EQ(FailureOf(2).code, FailureCode::kTimeout);
  Later(milliseconds(500));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Hear(kWorker, base::TaskAside{Task(2), 10});
  ASSERT_EQ(Sent<base::StopTask>().size(), 1u);
  EXPECT_EQ(Sent<base::StopTask>()[0].task, Task(2));
  Hear(kWorker, Answer(2, "late"));
  Hear(kWorker, Answer(1, "1"));
  Later(milliseconds(60));
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_EQ(Sent<base::ReturnLease>()[0].lease, lease);
  EXPECT_FALSE(Sent<base::ReturnLease>()[0].discard);
}

TEST_F(CoreTest, OnlyTheFirstUnansweredTaskOfADeadWorkerIsCharged) {
  const LeaseId lease = LeaseWithShortTasks();
  for (std::uint64_t n = 2; n <= 4; ++n) Do(Simple(n));
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  EXPECT_TRUE(Sent<base::RequestLease>().empty());  // its last words may come
  Hear(kWorker, Answer(2, "last words"));
  Do(PeerLost{kWorker});
  EXPECT_EQ(std::get<base::Value>(OutcomeOf(2)).view(), "last words");
  Do(Simple(5));
  const auto requests = Sent<base::RequestLease>();
  Hear(kRaylet, base::LeaseGranted{LeaseId{42, 2}, kOther, 78});
  const auto runs = Sent<base::RunTask>();
  ASSERT_EQ(runs.size(), 1u);  // a suspect runs alone
  EXPECT_EQ(runs[0].task, Task(3));
  EXPECT_EQ(runs[0].attempt, 2);
  Hear(kOther, Answer(3, "3", 2));
  const auto next = Sent<base::RunTask>();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].task, Task(4));
  EXPECT_EQ(next[0].attempt, 1);
}

TEST_F(CoreTest, WhenAttemptsRunOutTheFailureTellsTheStory) {
  Submit submit = Simple(1);
  submit.retries_max = 0;
  const LeaseId lease = RunFirst(submit);
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  const Failure failure = FailureOf(1);
  EXPECT_EQ(failure.code, FailureCode::kWorkerDied);
  EXPECT_EQ(failure.executed, base::Executed::kMaybe);
  EXPECT_EQ(failure.function, "Square");
  EXPECT_EQ(failure.node, "host");
  EXPECT_EQ(failure.pid, 77);
  EXPECT_EQ(failure.attempt, 1);
  EXPECT_EQ(failure.signal, 9);
  EXPECT_EQ(failure.log_tail, (std::vector<std::string>{"last words"}));
}

// The worker that has the second attempt knows nothing of the first one.
TEST_F(CoreTest, WhatMayHaveRunBeforeIsNotSaidNeverToHave) {
  LeaseId lease = RunFirst(Simple(1));
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  lease = Sent<base::RequestLease>().at(0).lease;
  Hear(kRaylet, base::LeaseGranted{lease, kOther, 78});
  base::TaskDone refused =
      AnswerFailure(1, FailureCode::kObjectStoreFull, base::Executed::kNo);
  refused.attempt = 2;
  Hear(kOther, refused);
  EXPECT_EQ(FailureOf(1).code, FailureCode::kObjectStoreFull);
  EXPECT_EQ(FailureOf(1).executed, base::Executed::kMaybe);
}

TEST_F(CoreTest, OneSignOfDeathIsBelievedAfterAWhile) {
  const LeaseId lease = RunFirst(Simple(1));
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  Later(milliseconds(60));  // the link never ended: a grandchild holds it
  EXPECT_EQ(Sent<base::RequestLease>().size(), 1u);
  Hear(kRaylet,
       base::LeaseGranted{Sent<base::RequestLease>()[0].lease, kOther, 78});
  EXPECT_EQ(Pushed(), (Numbers{1}));
  Do(PeerLost{kOther});  // and here the raylet says nothing
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Later(seconds(1));
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_TRUE(Sent<base::ReturnLease>()[0].discard);
}

TEST_F(CoreTest, LaterRetriesWait) {
  LeaseId lease = RunFirst(Simple(1));
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  ASSERT_EQ(Sent<base::RequestLease>().size(), 1u);  // the first one at once
  lease = Sent<base::RequestLease>()[0].lease;
  Hear(kRaylet, base::LeaseGranted{lease, kOther, 78});
  Do(PeerLost{kOther});
  Hear(kRaylet, base::LeaseLost{lease, kOther, Death()});
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Later(milliseconds(51));
  EXPECT_EQ(Sent<base::RequestLease>().size(), 1u);
}

TEST_F(CoreTest, ExceptionsAreRetriedOnlyIfAskedFor) {
  Submit submit = Simple(1);
  submit.retry_exceptions = true;
  submit.retries_max = 1;
  RunFirst(submit);
  base::TaskDone thrown =
      AnswerFailure(1, FailureCode::kUserException, base::Executed::kYes);
  Hear(kWorker, thrown);
  ASSERT_EQ(Sent<base::RunTask>().size(), 1u);
  EXPECT_EQ(Sent<base::RunTask>()[0].attempt, 2);
  thrown.attempt = 2;
  Hear(kWorker, thrown);
  EXPECT_EQ(FailureOf(1).attempt, 2);
  Do(Simple(2));
  Hear(kWorker,
       AnswerFailure(2, FailureCode::kUserException, base::Executed::kYes));
  EXPECT_EQ(FailureOf(2).attempt, 1);
}

TEST_F(CoreTest, TasksBehindALongOneAreTakenBackAndRunElsewhere) {
  LeaseWithShortTasks();
  for (std::uint64_t n = 2; n <= 4; ++n) Do(Simple(n));
  Later(milliseconds(6));  // 2 is not as short as thought
  const auto cancels = Sent<base::CancelTask>();
  ASSERT_EQ(cancels.size(), 2u);
  EXPECT_EQ(cancels[0].task, Task(4));
  EXPECT_EQ(cancels[1].task, Task(3));
  Hear(kWorker, AnswerFailure(4, FailureCode::kCancelled, base::Executed::kNo));
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Hear(kWorker, AnswerFailure(3, FailureCode::kCancelled, base::Executed::kNo));
  EXPECT_TRUE(Pushed().empty());
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 78});
  EXPECT_EQ(Pushed(), (Numbers{3, 4}));
  Hear(kOther, Answer(3, "3"));
  EXPECT_EQ(std::get<base::Value>(OutcomeOf(3)).view(), "3");
}

TEST_F(CoreTest, ATimeoutInTheQueueIsCertainlyNotExecuted) {
  RunFirst(Simple(1));
  Submit late = Simple(2);
  late.timeout = milliseconds(20);
  Do(late);
  Later(milliseconds(20));
  const Failure failure = FailureOf(2);
  EXPECT_EQ(failure.code, FailureCode::kTimeout);
  EXPECT_EQ(failure.executed, base::Executed::kNo);
  Hear(kWorker, Answer(1, "1"));
  EXPECT_TRUE(Pushed().empty());
}

TEST_F(CoreTest, ATimeoutOfWhatRunsEndsItsWorker) {
  LeaseWithShortTasks();
  Submit stuck = Simple(2);
  stuck.timeout = milliseconds(3);
  Do(stuck);
  Do(Simple(3));
  Later(milliseconds(3));
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_TRUE(Sent<base::ReturnLease>()[0].discard);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  EXPECT_EQ(FailureOf(2).executed, base::Executed::kMaybe);
  // Number 3 may have been started just before the end of its worker.
  Do(PeerLost{kWorker});
  EXPECT_EQ(Sent<base::RequestLease>().size(), 1u);
  EXPECT_EQ(core_.Count().tasks, 1u);
}

TEST_F(CoreTest, AnAnswerOfAWorkerThatWeEndIsStillTaken) {
  LeaseWithShortTasks();
  Submit stuck = Simple(2);
  stuck.timeout = milliseconds(3);
  Do(stuck);
  Do(Simple(3));
  Later(milliseconds(3));
  Hear(kWorker, Answer(2, "too late"));
  Hear(kWorker, Answer(3, "in time"));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());  // it was given back before
  EXPECT_EQ(std::get<base::Value>(OutcomeOf(3)).view(), "in time");
  EXPECT_EQ(core_.Count().leases, 0u);
}

TEST_F(CoreTest, ATimeoutBehindAnotherTaskIsTakenBack) {
  LeaseWithShortTasks();
  Do(Simple(2));
  Submit late = Simple(3);
  late.timeout = milliseconds(3);
  Do(late);
  Later(milliseconds(3));
  ASSERT_EQ(Sent<base::CancelTask>().size(), 1u);
  EXPECT_EQ(Sent<base::CancelTask>()[0].task, Task(3));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  EXPECT_EQ(FailureOf(3).code, FailureCode::kTimeout);
  Hear(kWorker, Answer(2, "2"));
  Hear(kWorker, AnswerFailure(3, FailureCode::kCancelled, base::Executed::kNo));
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreTest, WhatIsInfeasibleFailsAndTheRestGoesOn) {
  Submit huge = Simple(1);
  huge.resources = base::ResourceVector::Cpus(64);
  Do(huge);
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Failure refusal;
  refusal.code = FailureCode::kInfeasible;
  refusal.message = "the node has 2 cpus";
  Hear(kRaylet, base::LeaseRefused{requests[0].lease, refusal});
  EXPECT_EQ(FailureOf(1).code, FailureCode::kInfeasible);
  EXPECT_EQ(FailureOf(1).executed, base::Executed::kNo);
  RunFirst(Simple(2));
  EXPECT_EQ(Pushed(), (Numbers{2}));
}

TEST_F(CoreTest, ARefusedSecondWorkerDoesNotFailWhatTheFirstCanRun) {
  RunFirst(Simple(1));
  Do(Simple(2));
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Failure refusal;
  refusal.code = FailureCode::kWorkerStart;
  Hear(kRaylet, base::LeaseRefused{requests[0].lease, refusal});
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Do(Simple(3));
  Hear(kWorker, Answer(1, "1"));
  EXPECT_EQ(Pushed(), (Numbers{2, 3}));
  Submit slow = Simple(4);  // and one more that finds no room
  slow.function = {7, 8};
  Do(slow);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Later(seconds(1));  // now it is asked for again
  EXPECT_EQ(Sent<base::RequestLease>().size(), 1u);
}

TEST_F(CoreTest, AnOwnerThatUsedASlotForASecondGivesItBackIfOthersMayWait) {
  const LeaseId lease = RunFirst(Simple(1));
  Do(Simple(2));
  ASSERT_EQ(Sent<base::RequestLease>().size(), 1u);
  now_ = now_ + seconds(1);
  Hear(kWorker, Answer(1, "1"));
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_EQ(Sent<base::ReturnLease>()[0].lease, lease);
  EXPECT_FALSE(Sent<base::ReturnLease>()[0].discard);
}

TEST_F(CoreTest, AfterTheRayletIsGoneEverythingFails) {
  RunFirst(Simple(1));
  Do(Simple(2));
  Do(PeerLost{kRaylet});
  EXPECT_TRUE(Of<Exit>().empty());  // a driver lives on
  EXPECT_EQ(FailureOf(1).code, FailureCode::kRayletDied);
  EXPECT_EQ(FailureOf(1).executed, base::Executed::kMaybe);
  EXPECT_EQ(FailureOf(2).executed, base::Executed::kNo);
  Do(Simple(3));
  EXPECT_EQ(FailureOf(3).code, FailureCode::kRayletDied);
}

TEST_F(CoreTest, WhyTheRayletLetItGoIsWhyEverythingFails) {
  RunFirst(Simple(1));
  Do(PeerLost{kRaylet, base::NotRun(FailureCode::kShutdown, "it was ended")});
  EXPECT_EQ(FailureOf(1).code, FailureCode::kShutdown);
  Do(Simple(2));
  EXPECT_EQ(FailureOf(2).code, FailureCode::kShutdown);
  EXPECT_EQ(FailureOf(2).message, "it was ended");
}

TEST_F(CoreTest, TooManyTasksAreRefused) {
  for (std::uint64_t n = 1; n <= 1'001; ++n) Do(Simple(n));
  EXPECT_EQ(FailureOf(1'001).code, FailureCode::kLimit);
  EXPECT_EQ(core_.Count().tasks, 1'000u);
}

TEST_F(CoreTest, AWatchOfWhatIsGoneIsAnswered) {
  EXPECT_EQ(FailureOf(99).code, FailureCode::kBadArgument);
}

TEST_F(CoreTest, AnArgumentThatNobodyHoldsIsABadArgument) {
  Submit submit = Simple(1);
  submit.args = {{Result(50), {}}};
  Do(submit);
  EXPECT_EQ(FailureOf(1).code, FailureCode::kBadArgument);
}

TEST_F(CoreTest, OnlyTheRayletIsBelievedAboutLeases) {
  Do(Simple(1));
  const auto requests = Sent<base::RequestLease>();
  Hear(kWorker, base::LeaseGranted{requests[0].lease, kWorker, 77});
  EXPECT_TRUE(Pushed().empty());
}

}  // namespace
}  // namespace mobula::runtime

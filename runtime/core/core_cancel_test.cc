// Cancelling: tasks and calls wherever they are, once and for good.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::CancelVerdict;
using base::Executed;
using base::Failure;
using base::FailureCode;
using base::LeaseId;
using std::chrono::milliseconds;
using std::chrono::seconds;

class CoreCancelTest : public CoreFixture {
 protected:
  using CoreFixture::CoreFixture;

  void CancelResult(base::ObjectId object, bool force = false,
                    bool recursive = true) {
    Cancel cancel;
    cancel.request = {4, ++requests_};
    cancel.object = {object, kSelf};
    cancel.force = force;
    cancel.recursive = recursive;
    Do(std::move(cancel));
  }
  void CancelIt(std::uint64_t n, bool force = false) {
    CancelResult(Result(n), force);
  }
  // What the last cancel came to.
  [[nodiscard]] CancelVerdict Verdict() const {
    const auto ready = Of<CancelReady>();
    EXPECT_EQ(ready.size(), 1u);
    return ready.empty() ? CancelVerdict() : ready[0].verdict;
  }
  // The one outcome of number n, a failure of kCancelled.
  Executed CancelledAs(std::uint64_t n) {
    Do(Watch{Result(n)});
    const auto ready = Of<Ready>();
    if (ready.size() == 1) {
      const auto* failure = std::get_if<Failure>(&ready[0].outcome);
      if (failure != nullptr) {
        EXPECT_EQ(failure->code, FailureCode::kCancelled)
            << base::DescribeFailure(*failure);
        return failure->executed;
      }
    }
    ADD_FAILURE() << "number " << n << " is not cancelled";
    return Executed::kMaybe;
  }
  [[nodiscard]] bool IsPending(std::uint64_t n) {
    Do(Watch{Result(n)});
    return Of<Ready>().empty();
  }
  // Number 1 runs; 2 is behind it in the worker.
  LeaseId RunTwo() {
    const LeaseId lease = LeaseWithShortTasks();
    Do(Simple(2));
    Do(Simple(3));
    return lease;
  }

  std::uint64_t requests_ = 0;
};

TEST_F(CoreCancelTest, WhatWaitsForArgumentsNeverStarts) {
  Submit submit = Simple(2);
  submit.args.push_back({Result(1), {}});
  Do(Simple(1));
  const auto requests = Sent<base::RequestLease>();
  Do(std::move(submit));
  CancelIt(2);
  EXPECT_EQ(Verdict(), CancelVerdict::kCancelled);
  EXPECT_EQ(CancelledAs(2), Executed::kNo);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  Hear(kWorker, Answer(1, "1"));
  EXPECT_TRUE(Pushed().empty());
}

TEST_F(CoreCancelTest, WhatWaitsForALeaseNeverStartsAndNoLeaseIsLeft) {
  Do(Simple(1));
  const auto requests = Sent<base::RequestLease>();
  CancelIt(1);
  EXPECT_EQ(Sent<base::CancelLease>().size(), 1u);
  EXPECT_EQ(CancelledAs(1), Executed::kNo);
  EXPECT_EQ(core_.Count().leases, 0u);
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreCancelTest, WhatDependsOnItFailsAsItDoes) {
  Submit submit = Simple(2);
  submit.args.push_back({Result(1), {}});
  Do(Simple(1));
  Do(std::move(submit));
  CancelIt(1);
  EXPECT_EQ(CancelledAs(2), Executed::kNo);
}

TEST_F(CoreCancelTest, WhatWasPushedAndNotStartedCertainlyDidNotRun) {
  RunTwo();
  CancelIt(3);
  const auto stops = Sent<base::StopTask>();
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].task, Task(3));
  EXPECT_EQ(Verdict(), CancelVerdict::kCancelled);
  EXPECT_TRUE(IsPending(3));  // until its worker has answered
  Hear(kWorker, AnswerFailure(3, FailureCode::kCancelled, Executed::kNo));
  EXPECT_EQ(Of<Ready>().size(), 1u);
  EXPECT_EQ(CancelledAs(3), Executed::kNo);
  EXPECT_TRUE(Pushed().empty());
  Hear(kWorker, Answer(2, "2"));
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreCancelTest, WhatRunsIsStoppedAndKeepsItsSlotUntilItEnds) {
  const LeaseId lease = RunFirst(Simple(1));
  CancelIt(1);
  ASSERT_EQ(Sent<base::StopTask>().size(), 1u);
  Hear(kWorker, base::TaskStopping{Task(1)});
  EXPECT_EQ(CancelledAs(1), Executed::kMaybe);
  Do(Simple(2));
  EXPECT_TRUE(Pushed().empty());
  Later(milliseconds(900));  // it does not heed it
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Hear(kWorker, Answer(1, "late"));
  EXPECT_EQ(Pushed(), std::vector<std::uint64_t>{2});
  Hear(kWorker, Answer(2, "2"));
  Later(seconds(1));
  const auto returned = Sent<base::ReturnLease>();
  ASSERT_EQ(returned.size(), 1u);
  EXPECT_EQ(returned[0].lease, lease);
  EXPECT_FALSE(returned[0].discard);
}

TEST_F(CoreCancelTest, TasksBehindOneThatDoesNotStopRunElsewhere) {
  RunTwo();
  CancelIt(2);
  Hear(kWorker, base::TaskStopping{Task(2)});
  Later(milliseconds(6));
  const auto recalled = Sent<base::CancelTask>();
  ASSERT_EQ(recalled.size(), 1u);
  EXPECT_EQ(recalled[0].task, Task(3));
  Hear(kWorker, AnswerFailure(3, FailureCode::kCancelled, Executed::kNo));
  EXPECT_EQ(Sent<base::RequestLease>().size(), 1u);
}

TEST_F(CoreCancelTest, AResultThatComesAllTheSameIsDropped) {
  RunFirst(Simple(1));
  CancelIt(1);
  base::TaskDone done = Answer(1, "");
  const base::Extent extent{base::ArenaId{8, 8}, 64, 5'000, 1};
  done.outcome = base::Value::Stored({Result(1), kSelf}, extent, {});
  Hear(kWorker, std::move(done));
  const auto freed = Sent<base::FreeObjects>();
  ASSERT_EQ(freed.size(), 1u);
  EXPECT_EQ(freed[0].objects[0].extent, extent);
  EXPECT_EQ(CancelledAs(1), Executed::kYes);
  EXPECT_EQ(core_.Count().lineage, 0u);
}

TEST_F(CoreCancelTest, WhatHasItsOutcomeKeepsIt) {
  RunFirst(Simple(1));
  Hear(kWorker, Answer(1, "1"));
  CancelIt(1);
  EXPECT_EQ(Verdict(), CancelVerdict::kFinished);
  EXPECT_TRUE(Sent<base::StopTask>().empty());
  Do(Watch{Result(1)});
  EXPECT_TRUE(std::holds_alternative<base::Value>(Of<Ready>()[0].outcome));
  CancelIt(99);  // of which there is no ref any more
  EXPECT_EQ(Verdict(), CancelVerdict::kFinished);
}

TEST_F(CoreCancelTest, WhatWasPutCannotBeCancelled) {
  Do(Put{Result(1), base::Bytes::Own("v")});
  CancelIt(1);
  EXPECT_EQ(Verdict(), CancelVerdict::kNoTask);
}

TEST_F(CoreCancelTest, ACancelledTaskIsNotRetried) {
  const LeaseId lease = RunTwo();
  CancelIt(2);
  CancelIt(3);
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  Do(PeerLost{kWorker});
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  EXPECT_EQ(CancelledAs(2), Executed::kMaybe);
  EXPECT_EQ(CancelledAs(3), Executed::kNo);
  EXPECT_EQ(core_.Count().tasks + core_.Count().leases, 0u);
}

TEST_F(CoreCancelTest, WhatThrewMeanwhileIsNotRetried) {
  Submit submit = Simple(1);
  submit.retry_exceptions = true;
  RunFirst(std::move(submit));
  CancelIt(1);
  Hear(kWorker, AnswerFailure(1, FailureCode::kUserException, Executed::kYes));
  EXPECT_EQ(CancelledAs(1), Executed::kYes);
}

TEST_F(CoreCancelTest, WhatWaitsForItsNextAttemptMayHaveRun) {
  Submit submit = Simple(1);
  submit.retry_exceptions = true;
  RunFirst(std::move(submit));
  for (int i = 0; i < 2; ++i) {
    Hear(kWorker,
         AnswerFailure(1, FailureCode::kUserException, Executed::kYes));
  }
  CancelIt(1);
  EXPECT_TRUE(Sent<base::StopTask>().empty());
  EXPECT_EQ(CancelledAs(1), Executed::kMaybe);
  Later(seconds(100));
  EXPECT_TRUE(Pushed().empty());
}

TEST_F(CoreCancelTest, ARecallAnswersACancelToo) {
  RunTwo();
  Later(milliseconds(6));
  ASSERT_EQ(Sent<base::CancelTask>().size(), 1u);
  CancelIt(3);
  Hear(kWorker, AnswerFailure(3, FailureCode::kCancelled, Executed::kNo));
  EXPECT_EQ(CancelledAs(3), Executed::kNo);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
}

TEST_F(CoreCancelTest, ADeadlineDoesNotChangeWhatItIsCancelledAs) {
  Submit submit = Simple(1);
  submit.timeout = milliseconds(10);
  RunFirst(std::move(submit));
  CancelIt(1);
  Later(milliseconds(11));
  EXPECT_EQ(CancelledAs(1), Executed::kMaybe);
}

TEST_F(CoreCancelTest, ForceEndsTheWorkerOfOneThatRunsOn) {
  const LeaseId lease = RunFirst(Simple(1));
  CancelIt(1, /*force=*/true);
  ASSERT_EQ(Sent<base::StopTask>().size(), 1u);
  Hear(kWorker, base::TaskStopping{Task(1)});
  Later(milliseconds(99));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Later(milliseconds(2));
  const auto returned = Sent<base::ReturnLease>();
  ASSERT_EQ(returned.size(), 1u);
  EXPECT_EQ(returned[0].lease, lease);
  EXPECT_TRUE(returned[0].discard);
  EXPECT_EQ(CancelledAs(1), Executed::kMaybe);
  EXPECT_EQ(core_.Count().leases, 0u);
}

TEST_F(CoreCancelTest, ForceSparesTheWorkerOfOneThatEnds) {
  RunFirst(Simple(1));
  CancelIt(1, /*force=*/true);
  Hear(kWorker, base::TaskStopping{Task(1)});
  Hear(kWorker, Answer(1, "v"));
  Do(Simple(2));
  EXPECT_EQ(Pushed(), std::vector<std::uint64_t>{2});
  Later(seconds(1));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
}

TEST_F(CoreCancelTest, ForceNeedsNoAnswerOfTheWorker) {
  RunTwo();
  CancelIt(2, /*force=*/true);
  Later(milliseconds(101));
  EXPECT_TRUE(Sent<base::ReturnLease>().at(0).discard);
  EXPECT_EQ(CancelledAs(2), Executed::kMaybe);
  // What was behind it runs elsewhere, once the link has ended.
  Do(PeerLost{kWorker});
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 78});
  EXPECT_EQ(Pushed(), std::vector<std::uint64_t>{3});
}

TEST_F(CoreCancelTest, ForceTakesBackWhatHasNotStartedWithoutHarm) {
  RunTwo();
  CancelIt(3, /*force=*/true);
  Hear(kWorker, AnswerFailure(3, FailureCode::kCancelled, Executed::kNo));
  EXPECT_EQ(CancelledAs(3), Executed::kNo);
  Later(seconds(10));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
}

TEST_F(CoreCancelTest, ForceMayComeLater) {
  RunFirst(Simple(1));
  CancelIt(1);
  Hear(kWorker, base::TaskStopping{Task(1)});
  Later(seconds(10));
  CancelIt(1, /*force=*/true);
  EXPECT_EQ(Verdict(), CancelVerdict::kCancelled);
  Later(milliseconds(101));
  EXPECT_TRUE(Sent<base::ReturnLease>().at(0).discard);
}

TEST_F(CoreCancelTest, TwiceIsOnce) {
  RunFirst(Simple(1));
  CancelIt(1);
  CancelIt(1);
  EXPECT_EQ(Verdict(), CancelVerdict::kCancelled);
  Hear(kWorker, base::TaskStopping{Task(1)});
  Hear(kWorker, base::TaskStopping{Task(1)});
  Hear(kOther, base::TaskStopping{Task(1)});
  EXPECT_EQ(CancelledAs(1), Executed::kMaybe);
}

// ---- what a borrower asks for -----------------------------------------------

TEST_F(CoreCancelTest, ABorrowerAsksTheOwner) {
  RunFirst(Simple(1));
  base::CancelObject cancel;
  cancel.request = {4, 1};
  cancel.object = Result(1);
  Hear(kOther, cancel);
  EXPECT_EQ(Sent<base::StopTask>().size(), 1u);
  const auto answers = Sent<base::ObjectCancelled>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].request, cancel.request);
  EXPECT_EQ(answers[0].verdict, CancelVerdict::kCancelled);
}

class CoreForwardedCancelTest : public CoreCancelTest {
 protected:
  void AskOther() {
    Cancel cancel;
    cancel.request = {4, 1};
    cancel.object = {{6, 6}, kOther};
    Do(std::move(cancel));
  }
};

TEST_F(CoreForwardedCancelTest, GoesToTheOwnerOnceThereIsALink) {
  AskOther();
  EXPECT_EQ(Sent<base::ConnectTo>().size(), 1u);
  EXPECT_TRUE(Of<CancelReady>().empty());
  Hear(kRaylet, base::Attach{kOther});
  ASSERT_EQ(Sent<base::CancelObject>().size(), 1u);
  const base::ObjectCancelled answer{{4, 1}, CancelVerdict::kActorCall};
  Hear(kWorker, answer);
  EXPECT_TRUE(Of<CancelReady>().empty());  // not the owner
  Hear(kOther, answer);
  EXPECT_EQ(Verdict(), CancelVerdict::kActorCall);
  Hear(kOther, answer);
  EXPECT_TRUE(Of<CancelReady>().empty());
}

TEST_F(CoreForwardedCancelTest, AnOwnerThatIsGoneHasNothingToCancel) {
  AskOther();
  Hear(kRaylet, base::PeerGone{kOther});
  EXPECT_EQ(Verdict(), CancelVerdict::kFinished);
  AskOther();
  Hear(kRaylet, base::Attach{kOther});
  Do(PeerLost{kOther});
  EXPECT_EQ(Verdict(), CancelVerdict::kFinished);
  AskOther();
  Do(PeerLost{kRaylet});
  EXPECT_EQ(Verdict(), CancelVerdict::kFinished);
}

// ---- actors -----------------------------------------------------------------

class CoreCancelCallTest : public CoreCancelTest {
 protected:
  static constexpr base::ActorId kActor{8, 1};

  void SetUp() override {
    CoreCancelTest::SetUp();
    Create create;
    create.actor = kActor;
    create.task = Task(1'000);
    create.constructor = kFunction;
    create.restarts_max = 1;
    Do(std::move(create));
    lease_ = Sent<base::RequestLease>().at(0).lease;
  }
  void Live() {
    Hear(kRaylet, base::LeaseGranted{lease_, kWorker, 77});
    base::TaskDone done = Answer(1'000, "");
    done.incarnation = 1;
    Hear(kWorker, std::move(done));
  }
  void MakeCall(std::uint64_t n, std::int32_t retries_max = 0) {
    Call call;
    call.actor = kActor;
    call.task = Task(n);
    call.result = Result(n);
    call.method = kFunction;
    call.method_name = "Log::Append";
    call.retries_max = retries_max;
    Do(std::move(call));
  }
  // The numbers of the calls that were sent last.
  [[nodiscard]] std::vector<std::uint64_t> SentCalls() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& call : Sent<base::CallActor>()) {
      numbers.push_back(call.task.lo);
    }
    return numbers;
  }

  LeaseId lease_;
};

TEST_F(CoreCancelCallTest, AQueuedCallIsNeverSent) {
  MakeCall(1);
  MakeCall(2);
  CancelIt(1);
  EXPECT_EQ(Verdict(), CancelVerdict::kCancelled);
  EXPECT_EQ(CancelledAs(1), Executed::kNo);
  Live();
  EXPECT_EQ(SentCalls(), std::vector<std::uint64_t>{2});
}

TEST_F(CoreCancelCallTest, OneThatTheWorkerHasNotStartedDidNotRun) {
  Live();
  MakeCall(1);
  MakeCall(2);
  CancelIt(2);
  ASSERT_EQ(Sent<base::StopTask>().size(), 1u);
  base::TaskDone refusal =
      AnswerFailure(2, FailureCode::kCancelled, Executed::kNo);
  refusal.incarnation = 1;
  Hear(kWorker, std::move(refusal));
  EXPECT_EQ(CancelledAs(2), Executed::kNo);
  base::TaskDone done = Answer(1, "1");
  done.incarnation = 1;
  Hear(kWorker, std::move(done));
  MakeCall(3);  // the actor takes calls as before
  EXPECT_EQ(SentCalls(), std::vector<std::uint64_t>{3});
}

TEST_F(CoreCancelCallTest, ARunningOneIsStoppedAndItsActorLives) {
  Live();
  MakeCall(1);
  CancelIt(1);
  Hear(kWorker, base::TaskStopping{Task(1)});
  EXPECT_EQ(CancelledAs(1), Executed::kMaybe);
  Later(seconds(100));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  base::TaskDone done = Answer(1, "late");
  done.incarnation = 1;
  Hear(kWorker, std::move(done));
  EXPECT_EQ(core_.Count().calls, 0u);
}

TEST_F(CoreCancelCallTest, ForceIsRefused) {
  Live();
  MakeCall(1);
  CancelIt(1, /*force=*/true);
  EXPECT_EQ(Verdict(), CancelVerdict::kActorCall);
  EXPECT_TRUE(Sent<base::StopTask>().empty());
  EXPECT_TRUE(IsPending(1));
}

TEST_F(CoreCancelCallTest, ItIsNotSentToTheNextIncarnation) {
  Live();
  MakeCall(1, -1);
  MakeCall(2, -1);
  MakeCall(3, -1);
  CancelIt(1);
  CancelIt(2);
  Hear(kRaylet, base::LeaseLost{lease_, kWorker, Death()});
  Do(PeerLost{kWorker});
  EXPECT_EQ(CancelledAs(1), Executed::kMaybe);
  EXPECT_EQ(CancelledAs(2), Executed::kNo);
  EXPECT_TRUE(IsPending(3));
}

TEST_F(CoreCancelCallTest, WithTheActorItStaysCancelled) {
  Live();
  MakeCall(1);
  CancelIt(1);
  Do(Kill{kActor, false});
  Do(PeerLost{kWorker});
  CancelledAs(1);
}

// ---- what a worker does -----------------------------------------------------

class CoreCancelHostTest : public CoreCancelTest {
 protected:
  static constexpr base::ProcessId kOwner{1, 5};

  CoreCancelHostTest() : CoreCancelTest(base::Role::kWorker) {}

  static base::RunTask Run(std::uint64_t n) {
    base::RunTask run;
    run.task = Task(n);
    run.function = kFunction;
    return run;
  }
  void Finish(std::uint64_t n) {
    Executed executed;
    executed.task = Task(n);
    executed.outcome = base::Bytes::Own("v");
    Do(std::move(executed));
  }
  // Number n, spawned by the running task number `parent`.
  void Spawn(std::uint64_t n, std::uint64_t parent) {
    Submit submit = Simple(n);
    submit.parent = Task(parent);
    Do(std::move(submit));
  }
  using Executed = runtime::Executed;
};

TEST_F(CoreCancelHostTest, WhatHasNotStartedNeverDoes) {
  Hear(kOwner, Run(1));
  Hear(kOwner, Run(2));
  Hear(kOwner, base::StopTask{Task(2)});
  const auto done = Sent<base::TaskDone>();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(std::get<Failure>(done[0].outcome).executed, base::Executed::kNo);
  EXPECT_TRUE(Of<StopExecution>().empty());
  Finish(1);
  EXPECT_TRUE(Of<Execute>().empty());
}

TEST_F(CoreCancelHostTest, WhatRunsIsToldOnceItsOwnerSaysSo) {
  Hear(kOwner, Run(1));
  Hear(kOther, base::StopTask{Task(1)});
  EXPECT_TRUE(effects_.empty());
  Hear(kOwner, base::StopTask{Task(1)});
  ASSERT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_EQ(Of<StopExecution>()[0].task, Task(1));
  EXPECT_EQ(Sent<base::TaskStopping>().size(), 1u);
  Finish(1);
  EXPECT_EQ(Sent<base::TaskDone>().size(), 1u);
  Hear(kOwner, base::StopTask{Task(1)});
  EXPECT_TRUE(effects_.empty());
}

TEST_F(CoreCancelHostTest, NobodyTakesBackWhatAnotherAskedFor) {
  Hear(kOwner, Run(1));
  Hear(kOwner, Run(2));
  Hear(kOther, base::StopTask{Task(2)});
  Hear(kOther, base::CancelTask{Task(2)});
  Finish(1);
  EXPECT_EQ(Of<Execute>().size(), 1u);
}

TEST_F(CoreCancelHostTest, WhatItHasSpawnedIsCancelledToo) {
  Hear(kOwner, Run(1));
  Spawn(11, 1);
  const auto requests = Sent<base::RequestLease>();
  Spawn(12, 1);
  Do(Simple(13));  // of nobody
  Hear(kRaylet, base::LeaseGranted{requests.at(0).lease, kWorker, 77});
  Hear(kOwner, base::StopTask{Task(1)});
  const auto stops = Sent<base::StopTask>();
  ASSERT_EQ(stops.size(), 1u);  // 11 was pushed
  EXPECT_EQ(stops[0].task, Task(11));
  EXPECT_TRUE(stops[0].recursive);
  EXPECT_EQ(CancelledAs(12), base::Executed::kNo);
  EXPECT_TRUE(IsPending(13));
  Spawn(14, 1);  // it does not heed it
  EXPECT_EQ(CancelledAs(14), base::Executed::kNo);
}

TEST_F(CoreCancelHostTest, UnlessOnlyItselfIsMeant) {
  Hear(kOwner, Run(1));
  Spawn(11, 1);
  Hear(kOwner, base::StopTask{Task(1), false});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_TRUE(IsPending(11));
  Spawn(12, 1);
  EXPECT_TRUE(IsPending(12));
  Hear(kOwner, base::StopTask{Task(1), true});
  EXPECT_EQ(CancelledAs(11), base::Executed::kNo);
}

TEST_F(CoreCancelHostTest, WhatHasEndedHasNoChildren) {
  Hear(kOwner, Run(1));
  Spawn(11, 1);
  Finish(1);
  Spawn(12, 1);  // by something that it has left behind
  Hear(kOwner, base::StopTask{Task(1)});
  EXPECT_TRUE(IsPending(11));
  EXPECT_TRUE(IsPending(12));
}

}  // namespace
}  // namespace mobula::runtime

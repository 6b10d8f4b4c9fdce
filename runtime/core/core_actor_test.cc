// Actors: their own life, the order of their calls, and what is said when they
// die.
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
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::Bytes;
using base::Executed;
using base::Failure;
using base::FailureCode;
using base::LeaseId;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Numbers = std::vector<std::uint64_t>;

constexpr base::ActorId kActor{8, 1};
constexpr base::TaskId kCreation{8, 2};

class CoreActorTest : public CoreFixture {
 protected:
  static Create Index(std::int32_t restarts_max) {
    Create create;
    create.actor = kActor;
    create.task = kCreation;
    create.constructor = kFunction;
    create.class_name = "Index";
    create.restarts_max = restarts_max;
    return create;
  }
  static Call Method(std::uint64_t n) {
    Call call;
    call.actor = kActor;
    call.task = Task(n);
    call.result = Result(n);
    call.method = kFunction;
    call.method_name = "Index::Add";
    return call;
  }
  static base::TaskDone Created(std::int64_t incarnation) {
    base::TaskDone done;
    done.task = kCreation;
    done.outcome = Bytes();
    done.incarnation = incarnation;
    return done;
  }
  static base::TaskDone Reply(std::uint64_t n, std::int64_t incarnation,
                              std::int32_t attempt = 1) {
    base::TaskDone done = Answer(n, "v" + std::to_string(n), attempt);
    done.incarnation = incarnation;
    return done;
  }

  // Grants the lease asked for last, on which the constructor is then sent.
  void Place(base::ProcessId worker) {
    const auto requests = Sent<base::RequestLease>();
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_TRUE(requests[0].for_actor);
    lease_ = requests[0].lease;
    Hear(kRaylet, base::LeaseGranted{lease_, worker, 77});
    ASSERT_EQ(Sent<base::CreateActor>().size(), 1u);
  }
  void Live(std::int32_t restarts_max) {
    Do(Index(restarts_max));
    Place(kWorker);
    Hear(kWorker, Created(1));
  }
  void Die(base::ProcessId worker) {
    Do(PeerLost{worker});
    Hear(kRaylet, base::LeaseLost{lease_, worker, Death()});
  }
  // The numbers of the calls that were sent last.
  [[nodiscard]] Numbers Called() const {
    Numbers numbers;
    for (const auto& call : Sent<base::CallActor>()) {
      numbers.push_back(call.task.lo);
    }
    return numbers;
  }

  LeaseId lease_;
};

TEST_F(CoreActorTest, CallsMadeBeforeItLivesRunInOrder) {
  Do(Index(0));
  Place(kWorker);
  Do(Method(1));
  Do(Method(2));
  EXPECT_TRUE(Called().empty());
  Hear(kWorker, Created(1));
  const auto calls = Sent<base::CallActor>();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].sequence + 1, calls[1].sequence);
  EXPECT_EQ(calls[0].incarnation, 1);
  const auto changes = Of<ActorChanged>();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].incarnation, 1);
  Hear(kWorker, Reply(1, 1));
  Do(Watch{Result(1)});
  ASSERT_EQ(Of<Ready>().size(), 1u);
  EXPECT_EQ(Of<Ready>()[0].incarnation, 1);
}

TEST_F(CoreActorTest, ACallThatWaitsForAnArgumentIsNotOvertaken) {
  Live(0);
  Do(Method(1));
  Call second = Method(2);
  second.args = {{Result(1), {}}};
  Do(second);
  Do(Method(3));
  EXPECT_TRUE(Called().empty());
  Hear(kWorker, Reply(1, 1));
  EXPECT_EQ(Called(), (Numbers{2, 3}));
}

TEST_F(CoreActorTest, AtMostAThousandCallsAreInFlight) {
  Live(0);
  std::size_t sent = 0;
  for (std::uint64_t n = 1; n <= 1'010; ++n) {
    Do(Method(n));
    sent += Called().size();
  }
  EXPECT_EQ(sent, 1'000u);
  Hear(kWorker, Reply(1, 1));
  EXPECT_EQ(Called(), (Numbers{1'001}));
}

TEST_F(CoreActorTest, AfterARestartCallsContinueInOrder) {
  Live(-1);
  Call retried = Method(1);
  retried.retries_max = 1;
  Do(retried);
  for (std::uint64_t n = 2; n <= 4; ++n) Do(Method(n));
  Die(kWorker);
  Place(kOther);
  EXPECT_EQ(Sent<base::CreateActor>()[0].incarnation, 2);
  Do(Method(5));
  Hear(kOther, Created(2));
  EXPECT_EQ(Called(), (Numbers{1, 2, 3, 4, 5}));
  const auto calls = Sent<base::CallActor>();
  EXPECT_EQ(calls[0].attempt, 2);
  EXPECT_EQ(calls[1].attempt, 1);
  for (std::size_t i = 1; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].sequence, calls[i - 1].sequence + 1);
  }
  ASSERT_EQ(Of<ActorChanged>().size(), 1u);
  EXPECT_EQ(Of<ActorChanged>()[0].incarnation, 2);
}

TEST_F(CoreActorTest, WithoutRetriesOnlyTheFirstCallFails) {
  Live(1);
  Do(Method(1));
  Do(Method(2));
  Die(kWorker);
  const auto requests = Sent<base::RequestLease>();
  const Failure failure = FailureOf(1);
  EXPECT_EQ(failure.code, FailureCode::kWorkerDied);
  EXPECT_EQ(failure.executed, Executed::kMaybe);
  EXPECT_EQ(failure.signal, 9);
  EXPECT_EQ(failure.pid, 77);
  EXPECT_EQ(failure.function, "Index::Add");
  EXPECT_EQ(failure.incarnation, 1);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(core_.Count().calls, 1u);
}

TEST_F(CoreActorTest, OutOfRestartsItIsDeadAndSaysWhatNeverRan) {
  Live(0);
  Do(Method(1));
  Do(Method(2));
  Die(kWorker);
  ASSERT_EQ(Of<ActorChanged>().size(), 1u);
  EXPECT_TRUE(Of<ActorChanged>()[0].dead);
  EXPECT_EQ(FailureOf(1).code, FailureCode::kActorDied);
  EXPECT_EQ(FailureOf(1).executed, Executed::kMaybe);
  EXPECT_EQ(FailureOf(2).executed, Executed::kNo);
  EXPECT_EQ(FailureOf(2).signal, 9);
  Do(Method(3));
  EXPECT_EQ(FailureOf(3).executed, Executed::kNo);
}

TEST_F(CoreActorTest, ABoundCallDoesNotGoToAnotherIncarnation) {
  Live(-1);
  Do(Method(1));
  Call bound = Method(2);
  bound.bound_incarnation = 1;
  Do(bound);
  Die(kWorker);
  Place(kOther);
  Hear(kOther, Created(2));
  EXPECT_EQ(FailureOf(2).code, FailureCode::kActorRestarted);
  EXPECT_EQ(FailureOf(2).executed, Executed::kNo);
}

TEST_F(CoreActorTest, AConstructorThatThrowsIsTheCauseOfAllCalls) {
  Do(Index(-1));
  Place(kWorker);
  Do(Method(1));
  base::TaskDone thrown = Created(1);
  Failure failure;
  failure.code = FailureCode::kUserException;
  failure.executed = Executed::kYes;
  failure.exception_type = "std::runtime_error";
  thrown.outcome = failure;
  Hear(kWorker, thrown);
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_TRUE(Sent<base::ReturnLease>()[0].discard);
  EXPECT_EQ(FailureOf(1).exception_type, "std::runtime_error");
  EXPECT_EQ(FailureOf(1).executed, Executed::kNo);
  EXPECT_EQ(FailureOf(1).function, "Index");
}

TEST_F(CoreActorTest, ExitActorIsForGood) {
  Live(-1);
  Do(Method(1));
  Do(Method(2));
  base::TaskDone last = Reply(1, 1);
  last.actor_exited = true;
  Hear(kWorker, last);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  EXPECT_EQ(std::get<base::Value>(OutcomeOf(1)).view(), "v1");
  EXPECT_EQ(FailureOf(2).code, FailureCode::kActorDied);
  EXPECT_EQ(FailureOf(2).executed, Executed::kNo);
}

TEST_F(CoreActorTest, ExitInACallOfAnotherProcessIsForGoodToo) {
  Live(-1);
  base::TaskDone notice = Created(1);
  notice.actor_exited = true;
  Hear(kWorker, notice);
  ASSERT_EQ(Of<ActorChanged>().size(), 1u);
  EXPECT_TRUE(Of<ActorChanged>()[0].dead);
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_FALSE(Sent<base::ReturnLease>()[0].discard);
}

TEST_F(CoreActorTest, KillEndsItUnlessItMayRestart) {
  Live(1);
  Do(Kill{kActor, true});
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_TRUE(Sent<base::ReturnLease>()[0].discard);
  Place(kOther);
  Hear(kOther, Created(2));
  Do(Method(1));
  Do(Kill{kActor, true});  // no restart is left
  EXPECT_EQ(FailureOf(1).executed, Executed::kMaybe);
  Do(Kill{kActor, false});
  EXPECT_TRUE(effects_.empty());
}

TEST_F(CoreActorTest, KillWithoutRestartIsDeath) {
  Live(-1);
  Do(Method(1));
  Do(Method(2));
  Do(Kill{kActor, false});
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  // Its worker runs on until the signal comes: nothing is certain.
  EXPECT_EQ(FailureOf(2).executed, Executed::kMaybe);
}

TEST_F(CoreActorTest, AGracefulKillLeavesTheWorkerToEndByItself) {
  Live(-1);
  Do(Method(1));
  Kill kill{kActor};
  kill.graceful = true;
  Do(kill);
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_FALSE(Sent<base::ReturnLease>()[0].discard);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  EXPECT_EQ(FailureOf(1).code, FailureCode::kActorDied);
  EXPECT_EQ(FailureOf(1).executed, Executed::kMaybe);
}

TEST_F(CoreActorTest, RestartsInQuickSuccessionWait) {
  Live(-1);
  Die(kWorker);
  Place(kOther);
  Hear(kOther, Created(2));
  Die(kOther);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Later(milliseconds(51));
  Place(kWorker);
  Hear(kWorker, Created(3));
  now_ = now_ + seconds(2);  // a sound life
  Die(kWorker);
  EXPECT_EQ(Sent<base::RequestLease>().size(), 1u);
}

TEST_F(CoreActorTest, WithItsLastHandleItEndsAfterItsCalls) {
  Live(0);
  Do(Method(1));
  Do(DropActor{kActor});
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Hear(kWorker, Reply(1, 1));
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  // Not discarded: its worker retires, and its destructor runs.
  EXPECT_FALSE(Sent<base::ReturnLease>()[0].discard);
  EXPECT_EQ(core_.Count().actors, 0u);
  EXPECT_EQ(core_.Count().leases, 0u);
}

TEST_F(CoreActorTest, AWatcherKeepsItAliveAndHearsOfIt) {
  Live(-1);
  Hear(kOther, base::WatchActor{kActor});
  auto moved = Sent<base::ActorMoved>();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0].worker, kWorker);
  EXPECT_EQ(moved[0].incarnation, 1);
  Do(DropActor{kActor});
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Die(kWorker);
  moved = Sent<base::ActorMoved>();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_TRUE(moved[0].worker.IsNil());
  Do(PeerLost{kOther});
  EXPECT_EQ(core_.Count().actors, 0u);
}

TEST_F(CoreActorTest, TooManyPendingCallsAreRefused) {
  Create create = Index(0);
  create.pending_calls_max = 2;
  Do(create);
  for (std::uint64_t n = 1; n <= 3; ++n) Do(Method(n));
  EXPECT_EQ(FailureOf(3).code, FailureCode::kLimit);
  EXPECT_EQ(FailureOf(3).executed, Executed::kNo);
}

TEST_F(CoreActorTest, ACallCanTimeOutInTheQueueAndInFlight) {
  Do(Index(0));
  Call queued = Method(1);
  queued.timeout = milliseconds(5);
  Do(queued);
  Later(milliseconds(5));
  EXPECT_EQ(FailureOf(1).code, FailureCode::kTimeout);
  EXPECT_EQ(FailureOf(1).executed, Executed::kNo);
}

TEST_F(CoreActorTest, ATimedOutCallInFlightMayHaveRun) {
  Live(0);
  Do(Method(1));
  Call late = Method(2);
  late.timeout = milliseconds(5);
  Do(late);
  Later(milliseconds(5));
  ASSERT_EQ(Sent<base::CancelTask>().size(), 1u);
  EXPECT_EQ(FailureOf(2).executed, Executed::kMaybe);
  Hear(kWorker, Reply(1, 1));
  Do(Method(3));
  EXPECT_EQ(Called(), (Numbers{3}));
}

TEST_F(CoreActorTest, ACallWithoutAHandleIsABadArgument) {
  Do(Method(1));
  EXPECT_EQ(FailureOf(1).code, FailureCode::kBadArgument);
}

// ---- actors of other owners
// --------------------------------------------------

class CoreBorrowedTest : public CoreActorTest {
 protected:
  static constexpr base::ProcessId kOwner{1, 5};

  void Borrow() {
    Do(Adopt{kActor, kOwner});
    ASSERT_EQ(Sent<base::ConnectTo>().size(), 1u);
    Hear(kRaylet, base::Attach{kOwner});
    ASSERT_EQ(Sent<base::WatchActor>().size(), 1u);
  }
  void Move(base::ProcessId worker, std::int64_t incarnation) {
    base::ActorMoved moved;
    moved.actor = kActor;
    moved.incarnation = incarnation;
    moved.worker = worker;
    Hear(kOwner, moved);
  }
};

TEST_F(CoreBorrowedTest, CallsGoStraightToTheWorker) {
  Borrow();
  Do(Method(1));
  Move(kWorker, 1);
  ASSERT_EQ(Sent<base::ConnectTo>().size(), 1u);
  EXPECT_EQ(Sent<base::ConnectTo>()[0].peer, kWorker);
  EXPECT_TRUE(Called().empty());
  Hear(kRaylet, base::Attach{kWorker});
  EXPECT_EQ(Called(), (Numbers{1}));
  Hear(kWorker, Reply(1, 1));
  EXPECT_EQ(std::get<base::Value>(OutcomeOf(1)).view(), "v1");
  Do(DropActor{kActor});
  EXPECT_EQ(Sent<base::UnwatchActor>().size(), 1u);
  EXPECT_EQ(core_.Count().actors, 0u);
}

TEST_F(CoreBorrowedTest, CallsFollowTheActorToItsNextWorker) {
  Borrow();
  Move(kWorker, 1);
  Hear(kRaylet, base::Attach{kWorker});
  Do(Method(1));
  Do(Method(2));
  Do(PeerLost{kWorker});
  Move(kOther, 2);  // the owner's word: the worker is dead
  EXPECT_EQ(FailureOf(1).executed, Executed::kMaybe);
  Hear(kRaylet, base::Attach{kOther});
  EXPECT_EQ(Called(), (Numbers{2}));
}

TEST_F(CoreBorrowedTest, AnOwnerThatIsGoneIsTheActorsDeath) {
  Borrow();
  Move(kWorker, 1);
  Hear(kRaylet, base::Attach{kWorker});
  Do(Method(1));
  Do(PeerLost{kOwner});
  EXPECT_EQ(FailureOf(1).code, FailureCode::kActorDied);
  EXPECT_EQ(FailureOf(1).executed, Executed::kMaybe);
}

TEST_F(CoreBorrowedTest, AnOwnerThatCannotBeReachedIsTheActorsDeath) {
  Do(Adopt{kActor, kOwner});
  Do(Method(1));
  Hear(kRaylet, base::PeerGone{kOwner});
  EXPECT_EQ(FailureOf(1).code, FailureCode::kActorDied);
  EXPECT_EQ(FailureOf(1).executed, Executed::kNo);
}

TEST_F(CoreBorrowedTest, ARefusedCallWaitsForTheOwnersWord) {
  Borrow();
  Move(kWorker, 1);
  Hear(kRaylet, base::Attach{kWorker});
  Do(Method(1));
  Do(Method(2));
  base::TaskDone refusal =
      AnswerFailure(1, FailureCode::kActorRestarted, Executed::kNo);
  refusal.incarnation = 1;
  Hear(kWorker, refusal);
  EXPECT_EQ(core_.Count().calls, 2u);
  Move(kOther, 2);
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::Attach{kOther});
  EXPECT_EQ(Called(), (Numbers{1, 2}));
}

TEST_F(CoreBorrowedTest, KillIsSaidToTheOwner) {
  Borrow();
  Do(Kill{kActor, true});
  ASSERT_EQ(Sent<base::KillActor>().size(), 1u);
  EXPECT_TRUE(Sent<base::KillActor>()[0].restart);
}

}  // namespace
}  // namespace mobula::runtime

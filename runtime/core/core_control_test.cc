// What goes through the raylet to the control store: requests, reports of own
// actors, and the actors that nobody owns.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::ActorState;
using base::Bytes;
using base::FailureCode;
using std::chrono::seconds;

constexpr base::ActorId kActor{8, 1};
constexpr base::TaskId kCreation{8, 2};

class CoreControlTest : public CoreFixture {
 protected:
  using CoreFixture::CoreFixture;

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
  void Created(base::ProcessId worker, std::int64_t incarnation) {
    base::TaskDone done;
    done.task = kCreation;
    done.outcome = Bytes();
    done.incarnation = incarnation;
    Hear(worker, std::move(done));
  }
  base::LeaseId Asked() {
    const auto requests = Sent<base::RequestLease>();
    EXPECT_EQ(requests.size(), 1u);
    return requests.empty() ? base::LeaseId() : requests[0].lease;
  }
  // The one report of the last event.
  base::ActorReport Report() {
    const auto reports = Sent<base::ActorReport>();
    EXPECT_EQ(reports.size(), 1u);
    if (reports.empty()) return {};
    EXPECT_EQ(reports[0].actor, kActor);
    EXPECT_EQ(reports[0].owner, kSelf);
    EXPECT_EQ(reports[0].job, (base::JobId{9, 9}));
    EXPECT_EQ(reports[0].class_name, "Index");
    return reports[0];
  }
  void Moved(base::ProcessId from, base::ProcessId worker,
             std::int64_t incarnation) {
    base::ActorMoved moved;
    moved.actor = kActor;
    moved.incarnation = incarnation;
    moved.worker = worker;
    Hear(from, std::move(moved));
  }
};

TEST_F(CoreControlTest, ARequestIsRelayedAndAnswered) {
  AskControl ask;
  ask.request = {3, 1};
  ask.body = base::GetStatus{};
  Do(ask);
  const auto calls = Sent<base::ControlCall>();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(core_.Count().control_calls, 1u);
  base::ControlAnswer answer;
  answer.request = calls[0].request;
  answer.body = base::StatusAnswer{};
  Hear(kOther, answer);  // only the raylet is believed
  EXPECT_TRUE(Of<ControlReady>().empty());
  Hear(kRaylet, answer);
  ASSERT_EQ(Of<ControlReady>().size(), 1u);
  EXPECT_EQ(Of<ControlReady>()[0].request, ask.request);
  EXPECT_EQ(core_.Count().control_calls, 0u);
}

TEST_F(CoreControlTest, ARequestHasADeadline) {
  AskControl ask;
  ask.request = {3, 1};
  ask.body = base::GetStatus{};
  ask.timeout = seconds(5);
  Do(ask);
  ASSERT_EQ(Of<SetTimer>().size(), 1u);
  EXPECT_EQ(Of<SetTimer>()[0].at, now_ + seconds(5));
  Later(seconds(5));
  ASSERT_EQ(Of<ControlReady>().size(), 1u);
}

TEST_F(CoreControlTest, TheLostRayletIsTheAnswer) {
  AskControl ask;
  ask.request = {3, 1};
  ask.body = base::GetStatus{};
  Do(ask);
  Do(PeerLost{kRaylet});
  ASSERT_EQ(Of<ControlReady>().size(), 1u);
  EXPECT_EQ(std::get<base::Failure>(Of<ControlReady>()[0].reply).code,
            FailureCode::kRayletDied);
}

// ---- reports ----------------------------------------------------------------

TEST_F(CoreControlTest, EachChangeOfAnOwnActorIsReported) {
  Do(Index(1));
  EXPECT_EQ(Report().state, ActorState::kPending);
  EXPECT_EQ(Report().incarnation, 1);
  EXPECT_EQ(Report().restarts_max, 1);
  const base::LeaseId lease = Asked();
  Hear(kRaylet, base::LeaseGranted{lease, kWorker, 77});
  EXPECT_TRUE(Sent<base::ActorReport>().empty());
  Created(kWorker, 1);
  EXPECT_EQ(Report().state, ActorState::kAlive);
  EXPECT_EQ(Report().worker, kWorker);
  EXPECT_EQ(Report().pid, 77);
  EXPECT_EQ(Report().node, (base::NodeId{2, 2}));
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  EXPECT_EQ(Report().state, ActorState::kRestarting);
  EXPECT_EQ(Report().incarnation, 2);
  EXPECT_EQ(Report().restarts, 1);
  EXPECT_EQ(Report().cause.signal, 9);
  EXPECT_TRUE(Report().worker.IsNil());
  const base::LeaseId next = Asked();
  Hear(kRaylet, base::LeaseGranted{next, kOther, 78});
  Created(kOther, 2);
  EXPECT_EQ(Report().state, ActorState::kAlive);
  EXPECT_EQ(Report().incarnation, 2);
  Do(PeerLost{kOther});
  Hear(kRaylet, base::LeaseLost{next, kOther, Death()});
  EXPECT_EQ(Report().state, ActorState::kDead);
  EXPECT_EQ(Report().cause.code, FailureCode::kActorDied);
  Do(DropActor{kActor});
  EXPECT_TRUE(Sent<base::ActorReport>().empty());
}

TEST_F(CoreControlTest, TheEndWithTheLastHandleIsReported) {
  Do(Index(0));
  Hear(kRaylet, base::LeaseGranted{Asked(), kWorker, 77});
  Created(kWorker, 1);
  Do(Adopt{kActor, kSelf});  // a second handle, found by its name
  ASSERT_EQ(Of<ActorChanged>().size(), 1u);
  EXPECT_EQ(Of<ActorChanged>()[0].incarnation, 1);
  Do(DropActor{kActor});
  EXPECT_TRUE(effects_.empty());
  Do(DropActor{kActor});
  EXPECT_EQ(Report().state, ActorState::kDead);
  EXPECT_EQ(core_.Count().actors, 0u);
}

TEST_F(CoreControlTest, AnOwnActorThatEndedCanBeAdoptedTwice) {
  for (int i = 0; i < 2; ++i) Do(Adopt{kActor, kSelf});
  Do(Method(1));
  EXPECT_EQ(FailureOf(1).code, FailureCode::kActorDied);
  for (int i = 0; i < 2; ++i) Do(DropActor{kActor});
  EXPECT_EQ(core_.Count().actors, 0u);
}

TEST_F(CoreControlTest, TheRayletCanKillAnOwnActor) {
  Do(Index(-1));
  Hear(kRaylet, base::LeaseGranted{Asked(), kWorker, 77});
  Created(kWorker, 1);
  Hear(kRaylet, base::KillActor{kActor, true});
  EXPECT_EQ(Report().state, ActorState::kRestarting);
  Hear(kRaylet, base::KillActor{kActor, false});
  EXPECT_EQ(Report().state, ActorState::kDead);
}

TEST_F(CoreControlTest, AHeldActorIsThereButDoesNotBegin) {
  Create create = Index(0);
  create.held = true;
  Do(create);
  EXPECT_TRUE(effects_.empty());
  // Who has found it by its name is faster than the answer to its owner.
  Hear(kOther, base::WatchActor{kActor});
  ASSERT_EQ(Sent<base::ActorMoved>().size(), 1u);
  EXPECT_FALSE(Sent<base::ActorMoved>()[0].dead);
  Do(Adopt{kActor, kSelf});
  Do(Method(1));
  Do(StartActor{kActor});
  EXPECT_EQ(Report().state, ActorState::kPending);
  Hear(kRaylet, base::LeaseGranted{Asked(), kWorker, 77});
  Created(kWorker, 1);
  EXPECT_EQ(Sent<base::CallActor>().size(), 1u);
  EXPECT_EQ(Sent<base::ActorMoved>().size(), 1u);
}

TEST_F(CoreControlTest, AHeldActorThatIsDroppedNeverWas) {
  Create create = Index(0);
  create.held = true;
  Do(create);
  Do(DropActor{kActor});
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(core_.Count().actors, 0u);
}

TEST_F(CoreControlTest, AHeldActorThatDiesIsReportedWhenItHasItsName) {
  Create create = Index(0);
  create.held = true;
  Do(create);
  Do(Kill{kActor, false});
  EXPECT_TRUE(Sent<base::ActorReport>().empty());
  Do(StartActor{kActor});
  EXPECT_EQ(Report().state, ActorState::kDead);
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
}

class UnregisteredTest : public CoreControlTest {
 protected:
  void SetUp() override {}
  void Register() { CoreControlTest::SetUp(); }
};

TEST_F(UnregisteredTest, WhatWasNotReportedIsWhenTheRayletIsKnown) {
  Do(Index(0));
  EXPECT_TRUE(Sent<base::ActorReport>().empty());
  Register();
  EXPECT_EQ(Report().state, ActorState::kPending);
}

TEST_F(UnregisteredTest, ADetachedActorIsWatchedWhenTheRayletIsKnown) {
  Do(Adopt{kActor, kRaylet});
  EXPECT_TRUE(effects_.empty());
  Register();
  EXPECT_EQ(Sent<base::WatchActor>().size(), 1u);
  EXPECT_TRUE(Sent<base::ConnectTo>().empty());
}

// ---- detached actors --------------------------------------------------------

TEST_F(CoreControlTest, ADetachedActorIsWatchedAtTheRaylet) {
  Do(Adopt{kActor, kRaylet});
  EXPECT_TRUE(Sent<base::ConnectTo>().empty()) << "there is always a link";
  ASSERT_EQ(Sent<base::WatchActor>().size(), 1u);
  Do(Method(1));
  Moved(kOther, kOther, 1);  // not its owner
  EXPECT_TRUE(effects_.empty());
  Moved(kRaylet, kWorker, 1);
  ASSERT_EQ(Sent<base::ConnectTo>().size(), 1u);
  Hear(kRaylet, base::Attach{kWorker});
  EXPECT_EQ(Sent<base::CallActor>().size(), 1u);
  Moved(kRaylet, base::ProcessId(), 1);  // it restarts
  Do(PeerLost{kWorker});
  Moved(kRaylet, kOther, 2);
  Hear(kRaylet, base::Attach{kOther});
  Do(Method(2));
  ASSERT_EQ(Sent<base::CallActor>().size(), 1u);
  EXPECT_EQ(Sent<base::CallActor>()[0].incarnation, 2);
}

TEST_F(CoreControlTest, ADetachedActorOutlivesItsHandles) {
  Do(Adopt{kActor, kRaylet});
  Moved(kRaylet, kWorker, 1);
  Hear(kRaylet, base::Attach{kWorker});
  Do(Adopt{kActor, kRaylet});
  Do(DropActor{kActor});
  EXPECT_TRUE(Sent<base::UnwatchActor>().empty());
  Do(DropActor{kActor});
  EXPECT_EQ(Sent<base::UnwatchActor>().size(), 1u);
  EXPECT_TRUE(Sent<base::KillActor>().empty());
  EXPECT_TRUE(Sent<base::ActorReport>().empty());
  EXPECT_EQ(core_.Count().actors, 0u);
}

TEST_F(CoreControlTest, AnActorThatCannotBeReachedIsAnErrorInTheEnd) {
  Do(Adopt{kActor, kRaylet});
  Do(Method(1));
  Moved(kRaylet, kWorker, 1);
  Hear(kRaylet, base::PeerGone{kWorker});
  Moved(kRaylet, kOther, 2);  // it was only restarted
  Hear(kRaylet, base::Attach{kOther});
  EXPECT_EQ(Sent<base::CallActor>().size(), 1u);
  Later(seconds(10));
  EXPECT_EQ(core_.Count().calls, 1u);
  Do(PeerLost{kOther});
  Moved(kRaylet, kWorker, 3);
  Do(Method(2));
  Hear(kRaylet, base::PeerGone{kWorker});
  Later(seconds(5));
  EXPECT_EQ(FailureOf(2).code, FailureCode::kActorDied);
  EXPECT_EQ(FailureOf(2).executed, base::Executed::kNo);
  EXPECT_NE(FailureOf(2).message.find("cannot reach"), std::string::npos);
}

TEST_F(CoreControlTest, TheRayletsWordAboutABorrowedActorsKillIsNotSentBack) {
  Do(Adopt{kActor, kRaylet});
  Hear(kRaylet, base::KillActor{kActor, false});
  EXPECT_TRUE(effects_.empty());
}

TEST_F(CoreControlTest, TheLostRayletIsTheDetachedActorsDeathForUs) {
  Do(Adopt{kActor, kRaylet});
  Do(Method(1));
  Do(PeerLost{kRaylet});
  EXPECT_EQ(FailureOf(1).code, FailureCode::kRayletDied);
}

class HostingTest : public CoreControlTest {
 protected:
  HostingTest() : CoreControlTest(base::Role::kWorker) {}
};

TEST_F(HostingTest, AWorkerMakesADetachedActorForItsRaylet) {
  base::CreateActor create;
  create.task = kCreation;
  create.actor = kActor;
  create.incarnation = 4;
  create.constructor = kFunction;
  Hear(kRaylet, create);
  ASSERT_EQ(Of<Execute>().size(), 1u);
  Executed executed;
  executed.task = kCreation;
  executed.outcome = Bytes();
  Do(executed);
  ASSERT_EQ(Sent<base::TaskDone>().size(), 1u);
  EXPECT_EQ(Sent<base::TaskDone>()[0].incarnation, 4);
  // Another process calls it and it leaves: the raylet must know.
  base::CallActor call;
  call.task = Task(5);
  call.actor = kActor;
  call.incarnation = 4;
  call.sequence = 1;
  call.method = kFunction;
  Hear(kOther, call);
  executed.task = Task(5);
  executed.exit_actor = true;
  Do(executed);
  const auto done = Sent<base::TaskDone>();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[1].task, kCreation);
  EXPECT_TRUE(done[1].actor_exited);
}

}  // namespace
}  // namespace mobula::runtime

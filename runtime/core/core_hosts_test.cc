// The host's half with shared actors: what a worker does in which several live,
// and calls that it makes to itself.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::FailureCode;
using base::ProcessId;
using Numbers = std::vector<std::uint64_t>;

class CoreHostsTest : public CoreFixture {
 protected:
  static constexpr ProcessId kOwner{1, 5};

  CoreHostsTest() : CoreFixture(base::Role::kWorker) {}

  static ActorId Actor(std::uint64_t n) { return {8, n}; }
  static base::TaskId Creation(std::uint64_t n) { return {9, n}; }
  static base::CreateActor Construct(std::uint64_t n) {
    base::CreateActor create;
    create.task = Creation(n);
    create.actor = Actor(n);
    create.constructor = kFunction;
    create.shared = true;
    return create;
  }
  base::CallActor Method(std::uint64_t actor, std::uint64_t n) {
    base::CallActor call;
    call.task = Task(n);
    call.result = Result(n);
    call.actor = Actor(actor);
    call.incarnation = 1;
    call.sequence = ++sequence_;
    call.method = kFunction;
    return call;
  }
  void Finish(base::TaskId task, bool exit = false) {
    Executed executed;
    executed.task = task;
    executed.outcome = base::Bytes::Own("v");
    executed.exit_actor = exit;
    Do(std::move(executed));
  }
  void Live(std::uint64_t n) {
    Hear(kOwner, Construct(n));
    Finish(Creation(n));
  }
  [[nodiscard]] Numbers Started() const {
    Numbers numbers;
    for (const Execute& execute : Of<Execute>()) {
      EXPECT_TRUE(execute.shared);
      numbers.push_back(execute.task.lo);
    }
    return numbers;
  }
  [[nodiscard]] base::Failure Refusal() const {
    const auto done = Sent<base::TaskDone>();
    if (done.size() == 1) {
      const auto* failure = std::get_if<base::Failure>(&done[0].outcome);
      if (failure != nullptr) return *failure;
    }
    ADD_FAILURE() << "not one refusal";
    return {};
  }

  std::uint64_t sequence_ = 0;
};

TEST_F(CoreHostsTest, EachRunsOneAtATimeBesideTheOthers) {
  Live(1);
  Live(2);
  Hear(kOwner, Method(1, 1));
  EXPECT_EQ(Started(), (Numbers{1}));
  Hear(kOwner, Method(1, 2));
  EXPECT_EQ(Started(), Numbers());
  Hear(kOwner, Method(2, 3));
  EXPECT_EQ(Started(), (Numbers{3}));
  Finish(Task(1));
  EXPECT_EQ(Started(), (Numbers{2}));
  EXPECT_EQ(Sent<base::TaskDone>().size(), 1u);
}

TEST_F(CoreHostsTest, WhatLeavesRefusesWhatHasNotStarted) {
  Live(1);
  Live(2);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, Method(1, 2));
  Hear(kOwner, Method(2, 3));
  Hear(kOwner, base::LeaveActor{Actor(1), 1, /*stop=*/true});
  EXPECT_EQ(Refusal().code, FailureCode::kCancelled);
  EXPECT_EQ(Refusal().executed, base::Executed::kNo);
  ASSERT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_EQ(Of<StopExecution>()[0].task, Task(1));
  EXPECT_TRUE(Of<EndActor>().empty());
  Hear(kOwner, Method(1, 4));
  EXPECT_EQ(Refusal().executed, base::Executed::kNo);
  Finish(Task(1));
  ASSERT_EQ(Of<EndActor>().size(), 1u);
  EXPECT_EQ(Of<EndActor>()[0].actor, Actor(1));
  EXPECT_TRUE(Sent<base::ActorLeft>().empty());
  Do(ActorEnded{Actor(1)});
  ASSERT_EQ(Sent<base::ActorLeft>().size(), 1u);
  EXPECT_EQ(Sent<base::ActorLeft>()[0].actor, Actor(1));
  // The other goes on.
  Finish(Task(3));
  EXPECT_EQ(Sent<base::TaskDone>().size(), 1u);
  Hear(kOwner, Method(1, 5));
  EXPECT_EQ(Refusal().code, FailureCode::kActorDied);
}

TEST_F(CoreHostsTest, WithoutStopWhatRunsIsNotDisturbed) {
  Live(1);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, base::LeaveActor{Actor(1), 1, /*stop=*/false});
  EXPECT_TRUE(Of<StopExecution>().empty());
  Finish(Task(1));
  EXPECT_EQ(Of<EndActor>().size(), 1u);
}

TEST_F(CoreHostsTest, WhatRunsIsStoppedWhenItsWorkerRetires) {
  Live(1);
  Live(2);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, Method(2, 2));
  Hear(kRaylet, base::Retire{});
  EXPECT_EQ(Of<StopExecution>().size(), 2u);
}

TEST_F(CoreHostsTest, WhatIsNotThereHasLeft) {
  Hear(kOwner, base::LeaveActor{Actor(1), 4, true});
  ASSERT_EQ(Sent<base::ActorLeft>().size(), 1u);
  EXPECT_EQ(Sent<base::ActorLeft>()[0].incarnation, 4);
  Live(1);
  // Nobody but its owner sends it away.
  Hear(kOther, base::LeaveActor{Actor(1), 1, true});
  EXPECT_TRUE(Of<EndActor>().empty());
  EXPECT_TRUE(Sent<base::ActorLeft>().empty());
}

TEST_F(CoreHostsTest, OneComesOnce) {
  Live(1);
  Hear(kOwner, Construct(1));
  EXPECT_EQ(Refusal().code, FailureCode::kBadArgument);
}

TEST_F(CoreHostsTest, CancelFindsTheCallOfItsActor) {
  Live(1);
  Live(2);
  Hear(kOwner, Method(2, 1));
  Hear(kOwner, Method(2, 2));
  Hear(kOwner, base::CancelTask{Task(2), Actor(2)});
  EXPECT_EQ(Refusal().code, FailureCode::kCancelled);
  Hear(kOwner, base::StopTask{Task(1), true, Actor(2)});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_EQ(Sent<base::TaskStopping>().size(), 1u);
}

TEST_F(CoreHostsTest, ExitEndsOneAlone) {
  Live(1);
  Live(2);
  Hear(kOther, Method(1, 1));
  Finish(Task(1), /*exit=*/true);
  // Who called knows, and so does the owner.
  EXPECT_EQ(Sent<base::TaskDone>().size(), 2u);
  Hear(kOwner, base::LeaveActor{Actor(1), 1, false});
  EXPECT_EQ(Of<EndActor>().size(), 1u);
  Hear(kOwner, Method(2, 2));
  EXPECT_EQ(Started(), (Numbers{2}));
}

TEST_F(CoreHostsTest, ACallThatNoThreadCanRunHasNotRun) {
  Live(1);
  Hear(kOwner, Method(1, 1));
  Executed executed;
  executed.task = Task(1);
  executed.outcome = base::NotRun(FailureCode::kLimit, "no thread");
  executed.never_began = true;
  Do(std::move(executed));
  EXPECT_EQ(Refusal().code, FailureCode::kLimit);
  EXPECT_EQ(Refusal().executed, base::Executed::kNo);
}

// A method of one calls another one: this process is the caller, and the
// worker.
TEST_F(CoreHostsTest, CallsOfThisProcessToItselfDoNotLeaveIt) {
  Live(1);
  Live(2);
  Hear(kOwner, Method(1, 1));
  Do(Adopt{Actor(2), kOwner});
  ASSERT_EQ(Sent<base::ConnectTo>().size(), 1u);
  EXPECT_EQ(Sent<base::ConnectTo>()[0].peer, kOwner);
  Hear(kRaylet, base::Attach{kOwner});
  ASSERT_EQ(Sent<base::WatchActor>().size(), 1u);
  Hear(kOwner, base::ActorMoved{Actor(2), 1, kSelf, false, {}});
  EXPECT_TRUE(Sent<base::ConnectTo>().empty()) << "it is here";
  Call call;
  call.actor = Actor(2);
  call.task = Task(50);
  call.result = Result(50);
  call.method = kFunction;
  call.parent = Task(1);
  Do(std::move(call));
  EXPECT_TRUE(Sent<base::CallActor>().empty()) << "nothing leaves";
  EXPECT_EQ(Started(), (Numbers{50}));
  Do(Watch{Result(50)});
  Finish(Task(50));
  EXPECT_TRUE(Sent<base::TaskDone>().empty());
  ASSERT_EQ(Of<Ready>().size(), 1u);
  EXPECT_EQ(std::get<base::Value>(Of<Ready>()[0].outcome).view(), "v");
  Do(DropObject{Result(50)});
  EXPECT_EQ(core_.Count().objects, 0u);
  EXPECT_EQ(core_.Count().calls, 0u);
}

// An own object that a call to itself mentions is not lent to anybody.
TEST_F(CoreHostsTest, RefsInCallsToItselfAreNotLent) {
  Live(1);
  Live(2);
  Hear(kRaylet, base::Attach{kOwner});
  Do(Adopt{Actor(2), kOwner});
  Hear(kOwner, base::ActorMoved{Actor(2), 1, kSelf, false, {}});
  Do(Put{Result(60), base::Bytes::Own("put")});
  Call call;
  call.actor = Actor(2);
  call.task = Task(51);
  call.result = Result(51);
  call.method = kFunction;
  call.args.push_back(
      {{},
       base::Value(base::Bytes::Own("holds a ref"), {{Result(60), kSelf}})});
  Do(std::move(call));
  ASSERT_EQ(Started(), (Numbers{51}));
  EXPECT_EQ(core_.Count().lent, 0u);
  Do(DropObject{Result(60)});
  EXPECT_EQ(core_.Count().objects, 2u) << "what runs holds it";
  Finish(Task(51));
  EXPECT_EQ(core_.Count().objects, 1u);
  EXPECT_EQ(core_.Count().lent, 0u);
  Do(DropObject{Result(51)});
  EXPECT_EQ(core_.Count().objects, 0u);
}

TEST_F(CoreHostsTest, TheEndOfACallerDropsWhatItAskedOfEach) {
  Live(1);
  Live(2);
  Hear(kOther, Method(1, 1));
  Hear(kOther, Method(1, 2));
  Hear(kOther, Method(2, 3));
  Do(PeerLost{kOther});
  Finish(Task(1));
  EXPECT_TRUE(Sent<base::TaskDone>().empty());
  EXPECT_EQ(Started(), Numbers());
  EXPECT_EQ(core_.Count().hosted, 0u);
}

TEST_F(CoreHostsTest, ARetiredWorkerEndsWhenAllOfThemAreIdle) {
  Live(1);
  Live(2);
  Hear(kOwner, Method(2, 1));
  Hear(kRaylet, base::Retire{});
  EXPECT_TRUE(Of<Exit>().empty());
  Finish(Task(1));
  EXPECT_EQ(Of<Exit>().size(), 1u);
}

}  // namespace
}  // namespace mobula::runtime

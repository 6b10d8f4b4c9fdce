// The host's half: what a worker does with what others ask of it.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/host.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::FailureCode;

constexpr base::ActorId kActor{8, 1};

class CoreHostTest : public CoreFixture {
 protected:
  static constexpr base::ProcessId kOwner{1, 5};

  CoreHostTest() : CoreFixture(base::Role::kWorker) {}

  static base::RunTask Run(std::uint64_t n) {
    base::RunTask run;
    run.task = Task(n);
    run.function = kFunction;
    run.args = {base::Bytes::Own("a")};
    return run;
  }
  static base::CreateActor Construct(std::int64_t incarnation) {
    base::CreateActor create;
    create.task = Task(1'000);
    create.actor = kActor;
    create.incarnation = incarnation;
    create.constructor = kFunction;
    return create;
  }
  static base::CallActor Method(std::uint64_t n, std::uint64_t sequence) {
    base::CallActor call;
    call.task = Task(n);
    call.actor = kActor;
    call.incarnation = 3;
    call.sequence = sequence;
    call.method = kFunction;
    return call;
  }
  void Finish(std::uint64_t n) {
    Executed executed;
    executed.task = Task(n);
    executed.outcome = base::Bytes::Own("v");
    executed.run_ns = 5;
    Do(std::move(executed));
  }
  // The number that was started last, 0 if none.
  [[nodiscard]] std::uint64_t Started() const {
    const auto started = Of<Execute>();
    EXPECT_LE(started.size(), 1u);
    return started.empty() ? 0 : started[0].task.lo;
  }
  // The failure of the one answer that was sent last.
  [[nodiscard]] base::Failure Refusal() const {
    const auto done = Sent<base::TaskDone>();
    if (done.size() == 1) {
      const auto* failure = std::get_if<base::Failure>(&done[0].outcome);
      if (failure != nullptr) return *failure;
    }
    ADD_FAILURE() << "not one refusal";
    return {};
  }
  void Live() {
    Hear(kOwner, Construct(3));
    Finish(1'000);
  }
};

TEST_F(CoreHostTest, RunsOneAtATimeAndAnswersBeforeTheNext) {
  Hear(kOwner, Run(1));
  EXPECT_EQ(Started(), 1u);
  Hear(kOwner, Run(2));
  EXPECT_EQ(Started(), 0u);
  Finish(1);
  ASSERT_EQ(effects_.size(), 2u);
  const auto* send = std::get_if<Send>(&effects_[0]);
  ASSERT_NE(send, nullptr);
  EXPECT_EQ(send->to, kOwner);
  EXPECT_EQ(std::get<base::TaskDone>(send->message).run_ns, 5);
  EXPECT_EQ(std::get<Execute>(effects_[1]).task, Task(2));
}

TEST_F(CoreHostTest, ACoroutineThatWaitsLetsTheNextBegin) {
  Hear(kOwner, Run(1));
  Hear(kOwner, Run(2));
  Hear(kOwner, Run(3));
  Do(SetAside{Task(1), 7});
  ASSERT_EQ(effects_.size(), 2u);
  const auto aside = Sent<base::TaskAside>();
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(aside[0].task, Task(1));
  EXPECT_EQ(aside[0].run_ns, 7);
  EXPECT_EQ(std::get<Execute>(effects_[1]).task, Task(2));
  Hear(kOwner, Run(1));  // it runs
  EXPECT_TRUE(effects_.empty());
  Do(SetAside{Task(2), 0});
  EXPECT_EQ(Started(), 3u);
  EXPECT_EQ(core_.Count().hosted, 2u);
  Finish(2);
  EXPECT_EQ(Sent<base::TaskDone>().size(), 1u);
  EXPECT_EQ(Started(), 0u);
  Finish(3);
  Finish(1);
  EXPECT_EQ(Sent<base::TaskDone>().size(), 1u);
  EXPECT_EQ(core_.Count().hosted, 0u);
}

TEST_F(CoreHostTest, OnlySoManyWaitAtOnce) {
  Live();
  std::uint64_t n = 0;
  for (n = 1; n <= Host::kCallsAsideMax; ++n) {
    Hear(kOwner, Method(n, n));
    ASSERT_EQ(Started(), n);
    Do(SetAside{Task(n), 0});
  }
  Hear(kOwner, Method(n, n));
  EXPECT_EQ(Started(), 0u);
  Finish(5);
  EXPECT_EQ(Started(), n);
}

// Its owner takes back what is behind a slow one, and may be late.
TEST_F(CoreHostTest, WhatHasBegunIsNotTakenBack) {
  Hear(kOwner, Run(1));
  Hear(kOwner, base::CancelTask{Task(1)});
  EXPECT_TRUE(effects_.empty());
  Do(SetAside{Task(1), 0});
  EXPECT_TRUE(Of<StopExecution>().empty());
  Hear(kOwner, base::CancelTask{Task(1)});
  EXPECT_TRUE(effects_.empty());
  Hear(kOther, base::StopTask{Task(1)});  // not its affair
  EXPECT_TRUE(Of<StopExecution>().empty());
  Hear(kOwner, base::StopTask{Task(1)});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
}

TEST_F(CoreHostTest, WhatNobodyCanWantIsStoppedWhenItWaits) {
  Hear(kOther, Run(3));
  Do(SetAside{Task(3), 0});
  Hear(kOther, Run(4));
  Do(PeerLost{kOther});
  ASSERT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_EQ(Of<StopExecution>()[0].task, Task(3));
  Do(SetAside{Task(4), 0});
  ASSERT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_TRUE(Sent<base::TaskAside>().empty());
  Finish(3);
  Finish(4);
  EXPECT_TRUE(Sent<base::TaskDone>().empty());
}

TEST_F(CoreHostTest, ItStaysUntilWhatWaitsHasEnded) {
  Hear(kOwner, Run(1));
  Do(SetAside{Task(1), 0});
  Hear(kRaylet, base::Retire{});
  EXPECT_TRUE(Of<Exit>().empty());
  Finish(1);
  EXPECT_EQ(Of<Exit>().size(), 1u);
}

TEST_F(CoreHostTest, WhatHasNotStartedCanBeTakenBack) {
  Hear(kOwner, Run(1));
  Hear(kOwner, Run(2));
  Hear(kOwner, base::CancelTask{Task(1)});
  EXPECT_TRUE(effects_.empty());
  Hear(kOwner, base::CancelTask{Task(2)});
  EXPECT_EQ(Refusal().code, FailureCode::kCancelled);
  EXPECT_EQ(Refusal().executed, base::Executed::kNo);
  Finish(1);
  EXPECT_EQ(Started(), 0u);
}

TEST_F(CoreHostTest, CallsOfOneCallerRunOnce) {
  Live();
  Hear(kOwner, Method(1, 5));
  EXPECT_EQ(Started(), 1u);
  Hear(kOwner, Method(1, 5));
  EXPECT_TRUE(effects_.empty());
  Hear(kOther, Method(2, 1));
  Hear(kOwner, Method(3, 6));
  Finish(1);
  EXPECT_EQ(Started(), 2u);
  Hear(kOwner, Method(1, 5));
  EXPECT_TRUE(effects_.empty());
  Finish(2);
  EXPECT_EQ(Started(), 3u);
}

TEST_F(CoreHostTest, OtherActorsAndIncarnationsAreRefused) {
  Hear(kOwner, Method(1, 1));
  EXPECT_EQ(Refusal().code, FailureCode::kActorDied);
  Live();
  base::CallActor stale = Method(2, 1);
  stale.incarnation = 2;
  Hear(kOwner, stale);
  EXPECT_EQ(Refusal().code, FailureCode::kActorRestarted);
  EXPECT_EQ(Refusal().executed, base::Executed::kNo);
  base::CreateActor second = Construct(1);
  second.task = Task(1'001);
  Hear(kOwner, second);
  EXPECT_EQ(Refusal().code, FailureCode::kBadArgument);
}

TEST_F(CoreHostTest, CallsBehindAFailedConstructorAreRefused) {
  Hear(kOwner, Construct(3));
  Hear(kOwner, Method(1, 1));
  Executed failed;
  failed.task = Task(1'000);
  failed.outcome = Death();
  Do(failed);
  const auto done = Sent<base::TaskDone>();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(std::get<base::Failure>(done[1].outcome).code,
            FailureCode::kActorDied);
}

TEST_F(CoreHostTest, WithConcurrencyCallsBeginWhileOthersRun) {
  base::CreateActor create = Construct(3);
  create.concurrency.calls_max = 2;
  Hear(kOwner, create);
  EXPECT_EQ(Of<Execute>().at(0).threads, 2);
  Hear(kOwner, Method(1, 1));
  EXPECT_EQ(Started(), 0u) << "not before the constructor has ended";
  Finish(1'000);
  EXPECT_EQ(Started(), 1u);
  // What runs is set aside before the next begins.
  Hear(kOwner, Method(2, 2));
  ASSERT_EQ(effects_.size(), 2u);
  EXPECT_EQ(Sent<base::TaskAside>().at(0).task, Task(1));
  EXPECT_EQ(std::get<Execute>(effects_[1]).task, Task(2));
  Hear(kOther, Method(3, 1));
  EXPECT_TRUE(effects_.empty()) << "there is no room";
  Finish(2);
  ASSERT_EQ(effects_.size(), 2u);
  EXPECT_EQ(Sent<base::TaskDone>().at(0).task, Task(2));
  EXPECT_EQ(Started(), 3u) << "one aside, and nothing else to set aside";
  Finish(1);
  Finish(3);
  EXPECT_EQ(core_.Count().hosted, 0u);
}

TEST_F(CoreHostTest, ACoroutineThatWaitsKeepsItsPlaceInItsGroup) {
  base::CreateActor create = Construct(3);
  create.concurrency.calls_max = 1;
  Hear(kOwner, create);
  Finish(1'000);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, Method(2, 2));
  Do(SetAside{Task(1), 7});
  EXPECT_EQ(Sent<base::TaskAside>().size(), 1u);
  EXPECT_EQ(Started(), 0u);
  Finish(1);
  EXPECT_EQ(Started(), 2u);
}

TEST_F(CoreHostTest, WhatOvertakesIsSetAsideBeforeItBegins) {
  base::CreateActor create = Construct(3);
  create.concurrency.groups = {{"io", 1}};
  Hear(kOwner, create);
  Finish(1'000);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, Method(2, 2));
  EXPECT_TRUE(effects_.empty()) << "of the rest one runs at a time";
  base::CallActor call = Method(3, 3);
  call.group = "io";
  Hear(kOwner, call);
  // Number 2 came before it and has not begun: both must be known.
  const auto aside = Sent<base::TaskAside>();
  ASSERT_EQ(aside.size(), 2u);
  EXPECT_EQ(aside[0].task, Task(1));
  EXPECT_EQ(aside[1].task, Task(3));
  EXPECT_TRUE(aside[1].announced) << "and from here on all that begins";
  ASSERT_EQ(effects_.size(), 3u);
  EXPECT_EQ(std::get<Execute>(effects_[2]).task, Task(3));
  Do(SetAside{Task(3), 5});
  EXPECT_TRUE(effects_.empty()) << "it is told once";
  Finish(1);
  EXPECT_EQ(Started(), 2u);
  EXPECT_EQ(Sent<base::TaskAside>().at(0).task, Task(2));
  call.task = Task(4);
  call.sequence = 4;
  call.group = "oi";
  Hear(kOwner, call);
  EXPECT_EQ(Refusal().code, FailureCode::kBadArgument);
  EXPECT_NE(Refusal().message.find("'io'"), std::string::npos);
}

TEST_F(CoreHostTest, TasksBehindAnActorThatAnnouncedRunOneAtATime) {
  base::CreateActor create = Construct(3);
  create.concurrency.groups = {{"io", 1}};
  Hear(kOwner, create);
  Finish(1'000);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, Method(2, 2));
  base::CallActor call = Method(3, 3);
  call.group = "io";
  Hear(kOwner, call);
  Finish(1);
  Finish(2);
  Executed executed;
  executed.task = Task(3);
  executed.outcome = base::Bytes::Own("bye");
  executed.exit_actor = true;
  Do(executed);
  Hear(kOwner, Run(4));
  EXPECT_EQ(Started(), 4u);
  EXPECT_TRUE(Sent<base::TaskAside>().empty());
  Hear(kOwner, Run(5));
  EXPECT_EQ(Started(), 0u);
}

TEST_F(CoreHostTest, OnlyWhatWaitsIsStoppedForNobody) {
  base::CreateActor create = Construct(3);
  create.concurrency.calls_max = 3;
  Hear(kOwner, create);
  Finish(1'000);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, Method(2, 2));
  Hear(kOther, Method(3, 1));
  Hear(kOwner, base::CancelTask{Task(1)});
  EXPECT_TRUE(Of<StopExecution>().empty()) << "it has begun";
  Hear(kOwner, base::StopTask{Task(2), false});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_EQ(Sent<base::TaskStopping>().size(), 1u);
  Do(PeerLost{kOther});
  EXPECT_TRUE(Of<StopExecution>().empty());
  Do(SetAside{Task(3), 5});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
}

TEST_F(CoreHostTest, WhatCameTooLateForAnActorThatLeavesHasNotRun) {
  base::CreateActor create = Construct(3);
  create.concurrency.calls_max = 2;
  Hear(kOwner, create);
  Finish(1'000);
  Hear(kOwner, Method(1, 1));
  Hear(kOwner, Method(2, 2));
  Executed late;
  late.task = Task(2);
  late.outcome = base::NotRun(FailureCode::kActorDied, "it ends itself");
  late.never_began = true;
  Do(late);
  EXPECT_EQ(Refusal().executed, base::Executed::kNo);
  Executed executed;
  executed.task = Task(1);
  executed.outcome = base::Bytes::Own("bye");
  executed.exit_actor = true;
  Do(executed);
  EXPECT_TRUE(Sent<base::TaskDone>().at(0).actor_exited);
  EXPECT_EQ(core_.Count().hosted, 0u);
}

TEST_F(CoreHostTest, AnExitIsToldToCallerAndOwner) {
  Live();
  Hear(kOther, Method(1, 1));
  Hear(kOther, Method(2, 2));
  Executed executed;
  executed.task = Task(1);
  executed.outcome = base::Bytes::Own("bye");
  executed.exit_actor = true;
  Do(executed);
  const auto done = Sent<base::TaskDone>();
  ASSERT_EQ(done.size(), 3u);
  EXPECT_TRUE(done[0].actor_exited);
  EXPECT_EQ(done[1].task, Task(1'000));  // to the owner
  EXPECT_TRUE(done[1].actor_exited);
  EXPECT_EQ(std::get<base::Failure>(done[2].outcome).executed,
            base::Executed::kNo);
}

TEST_F(CoreHostTest, AFunctionsFailureIsNeverTakenForARefusal) {
  Hear(kOwner, Run(1));
  Executed executed;
  executed.task = Task(1);
  base::Failure failure;
  failure.code = FailureCode::kCancelled;
  failure.executed = base::Executed::kNo;
  executed.outcome = failure;
  Do(executed);
  EXPECT_EQ(Refusal().executed, base::Executed::kYes);
}

TEST_F(CoreHostTest, WhatALostOwnerAskedForIsDropped) {
  Hear(kOwner, Run(1));
  Hear(kOwner, Run(2));
  Hear(kOther, Run(3));
  Do(PeerLost{kOwner});
  Finish(1);
  EXPECT_TRUE(Sent<base::TaskDone>().empty());
  EXPECT_EQ(Started(), 3u);
}

TEST_F(CoreHostTest, ARetiredWorkerExitsWhenNothingRuns) {
  Hear(kOwner, Run(1));
  Hear(kOwner, Run(2));
  Hear(kRaylet, base::Retire{});
  EXPECT_EQ(Refusal().code, FailureCode::kCancelled);
  EXPECT_TRUE(Of<Exit>().empty());
  Hear(kOwner, Run(3));
  EXPECT_EQ(Refusal().code, FailureCode::kCancelled);
  Finish(1);
  EXPECT_EQ(Of<Exit>().size(), 1u);
}

TEST_F(CoreHostTest, WhatRunsIsStoppedWhenItsWorkerRetires) {
  base::CreateActor create = Construct(3);
  create.concurrency.calls_max = 2;
  Hear(kOwner, create);
  Finish(1'000);
  for (const std::uint64_t n : {1, 2, 3}) Hear(kOwner, Method(n, n));
  Hear(kRaylet, base::Retire{});
  EXPECT_EQ(Of<StopExecution>().size(), 2u);
  EXPECT_EQ(Refusal().executed, base::Executed::kNo) << "of number 3";
  Finish(1);
  EXPECT_TRUE(Of<Exit>().empty());
  Finish(2);
  EXPECT_EQ(Of<Exit>().size(), 1u);
}

TEST_F(CoreHostTest, ARetiredWorkerWaitsForItsOwnTasks) {
  Do(Simple(1));
  const auto requests = Sent<base::RequestLease>();
  Hear(kRaylet, base::Retire{});
  EXPECT_TRUE(Of<Exit>().empty());
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 5});
  Hear(kOther, Answer(1, "1"));
  EXPECT_EQ(Of<Exit>().size(), 1u);
}

TEST_F(CoreHostTest, WithoutItsRayletAWorkerExits) {
  Hear(kOwner, Run(1));
  Do(PeerLost{kRaylet});
  EXPECT_EQ(Of<Exit>().size(), 1u);
}

}  // namespace
}  // namespace mobula::runtime

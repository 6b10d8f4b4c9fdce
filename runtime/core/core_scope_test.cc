// Scopes at both ends of a call: what travels, whose time is over, and what is
// cancelled with the scope under which it was spawned.
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

using base::BootTime;
using base::Executed;
using base::Failure;
using base::FailureCode;
using base::LeaseId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::TraceId kTrace{11, 12};

class CoreScopeTest : public CoreFixture {
 protected:
  using CoreFixture::CoreFixture;

  // Number n, asked for in a scope with a deadline in so long.
  [[nodiscard]] Submit Within(std::uint64_t n, base::Duration left,
                              std::int32_t priority = 0) const {
    Submit submit = Simple(n);
    submit.scope = {kTrace, priority, now_ + left, 0};
    return submit;
  }
  [[nodiscard]] static Submit Under(std::uint64_t n, base::SpawnScope scope,
                                    std::int32_t priority = 0) {
    Submit submit = Simple(n);
    submit.scope.priority = priority;
    submit.scope.id = scope;
    return submit;
  }
  // How a function ends whose scope was stopped.
  static base::TaskDone Threw(std::uint64_t n, const std::string& type,
                              std::int64_t incarnation = 0) {
    base::TaskDone done =
        AnswerFailure(n, FailureCode::kUserException, Executed::kYes);
    done.incarnation = incarnation;
    std::get<Failure>(done.outcome).exception_type = type;
    return done;
  }
  void ExpectTimeout(std::uint64_t n, Executed executed) {
    const Failure failure = FailureOf(n);
    EXPECT_EQ(failure.code, FailureCode::kTimeout)
        << base::DescribeFailure(failure);
    EXPECT_EQ(failure.executed, executed);
    EXPECT_EQ(failure.trace, kTrace);
  }
  [[nodiscard]] bool IsPending(std::uint64_t n) {
    Do(Watch{Result(n)});
    return Of<Ready>().empty();
  }
  // A living actor of kWorker, number 1.
  void Live() {
    Create create;
    create.actor = {8, 1};
    create.task = Task(100);
    create.constructor = kFunction;
    create.class_name = "Index";
    create.scope = {kTrace, 3, now_ + seconds(9), 0};
    Do(std::move(create));
    const auto requests = Sent<base::RequestLease>();
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_EQ(requests[0].priority, 3);
    Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
    const auto creations = Sent<base::CreateActor>();
    ASSERT_EQ(creations.size(), 1u);
    EXPECT_EQ(creations[0].scope, (base::CallScope{kTrace, 3, 9'000'000'000}));
    Created();
  }
  void Created() {
    base::TaskDone done = Answer(100, "");
    done.incarnation = 1;
    Hear(kWorker, std::move(done));
  }
  [[nodiscard]] runtime::Call Ask(std::uint64_t n, base::Duration left) const {
    runtime::Call call;
    call.actor = {8, 1};
    call.task = Task(n);
    call.result = Result(n);
    call.method = kFunction;
    call.method_name = "Index::Add";
    call.scope = {kTrace, 0, now_ + left, 0};
    return call;
  }
};

TEST_F(CoreScopeTest, TheBudgetThatIsLeftTravels) {
  Do(Within(1, seconds(5), -2));
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].priority, -2);
  now_ = now_ + seconds(2);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  const auto runs = Sent<base::RunTask>();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].scope, (base::CallScope{kTrace, -2, 3'000'000'000}));
}

TEST_F(CoreScopeTest, AUsualOneSaysNothing) {
  RunFirst(Simple(1));
  ASSERT_EQ(Sent<base::RunTask>().size(), 1u);
  EXPECT_EQ(Sent<base::RunTask>()[0].scope, std::nullopt);
}

TEST_F(CoreScopeTest, ATimeoutOfItsOwnTravelsToo) {
  Submit submit = Within(1, seconds(5));
  submit.timeout = seconds(1);
  RunFirst(std::move(submit));
  EXPECT_EQ(Sent<base::RunTask>().at(0).scope->budget_ns, 1'000'000'000);
}

TEST_F(CoreScopeTest, WhatIsQueuedNeverStartsOnceItsTimeIsOver) {
  Do(Within(1, milliseconds(10)));
  const auto requests = Sent<base::RequestLease>();
  // The grant comes before the timer is looked at.
  now_ = now_ + milliseconds(10);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  EXPECT_TRUE(Pushed().empty());
  ExpectTimeout(1, Executed::kNo);
  Do(Within(2, -seconds(1)));
  EXPECT_TRUE(Pushed().empty());
  ExpectTimeout(2, Executed::kNo);
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreScopeTest, WhatRunsIsToldToStopAndKeepsItsWorker) {
  RunFirst(Within(1, milliseconds(50)));
  Later(milliseconds(50));
  ASSERT_EQ(Sent<base::StopTask>().size(), 1u);
  EXPECT_TRUE(Sent<base::StopTask>()[0].recursive);
  ExpectTimeout(1, Executed::kMaybe);
  Do(Simple(2));
  EXPECT_TRUE(Pushed().empty());  // the slot is taken until it ends
  Hear(kWorker, base::TaskStopping{Task(1)});
  Later(milliseconds(500));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Hear(kWorker, Threw(1, "mobula::TimeoutError"));
  EXPECT_EQ(Pushed(), std::vector<std::uint64_t>{2});
}

TEST_F(CoreScopeTest, ACoroutineThatWaitsIsToldToo) {
  RunFirst(Within(1, seconds(1)));
  Hear(kWorker, base::TaskAside{Task(1), 1});
  Later(seconds(1));
  EXPECT_EQ(Sent<base::StopTask>().size(), 1u);
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  ExpectTimeout(1, Executed::kMaybe);
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreScopeTest, ItsOwnTimeoutEndsTheWorkerAsBefore) {
  Submit submit = Within(1, seconds(9));
  submit.timeout = seconds(1);
  RunFirst(std::move(submit));
  Later(seconds(1));
  EXPECT_EQ(Sent<base::ReturnLease>().size(), 1u);
  ExpectTimeout(1, Executed::kMaybe);
}

TEST_F(CoreScopeTest, WhatEndsAtItsDeadlineHasTimedOut) {
  RunFirst(Within(1, seconds(1)));
  now_ = now_ + seconds(1);
  Hear(kWorker, Threw(1, "mobula::TimeoutError"));
  ExpectTimeout(1, Executed::kYes);
}

TEST_F(CoreScopeTest, WhatItsWorkerRefusesMayHaveRunBefore) {
  for (const std::int32_t deaths : {0, 1}) {
    const std::uint64_t n = 1 + static_cast<std::uint64_t>(deaths);
    const LeaseId lease = RunFirst(Within(n, seconds(9)));
    if (deaths == 1) {
      Do(PeerLost{kWorker});
      Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
      const auto requests = Sent<base::RequestLease>();
      ASSERT_EQ(requests.size(), 1u);
      Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 78});
      ASSERT_EQ(Pushed(), std::vector<std::uint64_t>{n});
    }
    base::TaskDone refused =
        AnswerFailure(n, FailureCode::kTimeout, Executed::kNo);
    refused.attempt = 1 + deaths;
    Hear(deaths == 1 ? kOther : kWorker, std::move(refused));
    ExpectTimeout(n, deaths == 1 ? Executed::kMaybe : Executed::kNo);
    Later(seconds(1));  // the lease is returned
  }
}

TEST_F(CoreScopeTest, WhatThrowsBeforeItOrForAnotherReasonHasNot) {
  RunFirst(Within(1, seconds(1)));
  Hear(kWorker, Threw(1, "mobula::TimeoutError"));
  EXPECT_EQ(FailureOf(1).code, FailureCode::kUserException);
  Do(Within(2, seconds(1)));
  now_ = now_ + seconds(1);
  Hear(kWorker, Threw(2, "std::runtime_error"));
  EXPECT_EQ(FailureOf(2).code, FailureCode::kUserException);
  EXPECT_EQ(FailureOf(2).trace, kTrace);
}

TEST_F(CoreScopeTest, TheHigherPriorityIsPushedFirst) {
  const LeaseId lease = RunFirst(Simple(1));
  for (std::uint64_t n = 2; n <= 4; ++n) {
    Do(Under(n, 0, static_cast<std::int32_t>(n)));
  }
  // What waits is asked for again, with the priority of the first.
  const auto asked = Sent<base::RequestLease>();
  ASSERT_EQ(asked.size(), 2u);
  for (const base::RequestLease& one : asked) {
    EXPECT_EQ(one.priority, 4);
    EXPECT_NE(one.lease, lease);
  }
  Hear(kWorker, Answer(1, "1"));
  EXPECT_EQ(Pushed(), (std::vector<std::uint64_t>{4, 3, 2}));
}

TEST_F(CoreScopeTest, WhatAScopeHasSpawnedIsCancelledWithIt) {
  RunFirst(Under(1, 7));
  Do(Under(2, 7));
  Do(Under(3, 8));
  Do(StopScope{7});
  ASSERT_EQ(Sent<base::StopTask>().size(), 1u);
  EXPECT_EQ(Sent<base::StopTask>()[0].task, Task(1));
  EXPECT_TRUE(Sent<base::StopTask>()[0].recursive);
  EXPECT_EQ(FailureOf(2).code, FailureCode::kCancelled);
  EXPECT_TRUE(IsPending(3));
  Do(Under(4, 7));
  EXPECT_EQ(FailureOf(4).code, FailureCode::kCancelled);
  Do(EndScope{8, 7});
  EXPECT_EQ(FailureOf(3).code, FailureCode::kCancelled);
  Do(EndScope{7, 0});
  EXPECT_EQ(core_.Count().tasks, 1u);
}

TEST_F(CoreScopeTest, CallsAreCancelledWithTheirScopeToo) {
  Live();
  for (const std::uint64_t n : {1, 2}) {
    runtime::Call call = Ask(n, seconds(5));
    call.scope.id = 7;
    Do(std::move(call));
    EXPECT_EQ(Sent<base::CallActor>().at(0).scope,
              (base::CallScope{kTrace, 0, 5'000'000'000}));
  }
  Do(StopScope{7});
  EXPECT_EQ(Sent<base::StopTask>().size(), 2u);
}

TEST_F(CoreScopeTest, ACallWhoseTimeIsOverIsToldToStop) {
  Live();
  Do(Ask(1, seconds(1)));
  Do(Ask(2, seconds(1)));
  Later(seconds(1));
  EXPECT_EQ(Sent<base::StopTask>().size(), 2u);
  ExpectTimeout(1, Executed::kMaybe);
  Hear(kWorker, Threw(1, "mobula::TimeoutError", /*incarnation=*/1));
  Do(Ask(3, seconds(1)));
  now_ = now_ + seconds(1);
  Hear(kWorker, Threw(3, "mobula::Cancelled", /*incarnation=*/1));
  ExpectTimeout(3, Executed::kYes);
  EXPECT_EQ(core_.Count().calls, 0u);
}

TEST_F(CoreScopeTest, CallsThatWaitNeverLeaveOnceTheirTimeIsOver) {
  Create create;
  create.actor = {8, 1};
  create.task = Task(100);
  create.constructor = kFunction;
  Do(std::move(create));
  const auto requests = Sent<base::RequestLease>();
  for (std::uint64_t n = 1; n <= 3; ++n) {
    Do(Ask(n, n == 3 ? seconds(9) : seconds(1)));
  }
  Hear(kRaylet, base::LeaseGranted{requests.at(0).lease, kWorker, 77});
  now_ = now_ + seconds(1);
  Created();
  const auto sent = Sent<base::CallActor>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].task, Task(3));
  ExpectTimeout(1, Executed::kNo);
  ExpectTimeout(2, Executed::kNo);
}

TEST_F(CoreScopeTest, AnActorThatCannotBeginInTimeNeverDoes) {
  Create create;
  create.actor = {8, 1};
  create.task = Task(100);
  create.constructor = kFunction;
  create.scope.deadline = now_ + seconds(1);
  Do(std::move(create));
  const auto requests = Sent<base::RequestLease>();
  Do(Ask(1, seconds(9)));
  now_ = now_ + seconds(1);
  Hear(kRaylet, base::LeaseGranted{requests.at(0).lease, kWorker, 77});
  EXPECT_TRUE(Sent<base::CreateActor>().empty());
  EXPECT_EQ(Sent<base::ReturnLease>().size(), 1u);
  ExpectTimeout(1, Executed::kNo);
}

TEST_F(CoreScopeTest, ListsSayUnderWhichScope) {
  Do(Within(1, seconds(5), 4));
  base::ListOwnTasks list;
  list.request = {4, 4};
  list.rows_max = 10;
  const base::TasksAre all = core_.DescribeTasks(list);
  ASSERT_EQ(all.rows.size(), 1u);
  EXPECT_EQ(all.rows[0].trace, kTrace);
  EXPECT_EQ(all.rows[0].priority, 4);
  EXPECT_EQ(all.rows[0].left_ms, 5'000);
}

// ---- in the worker ----------------------------------------------------------

class CoreScopeHostTest : public CoreScopeTest {
 protected:
  static constexpr base::ProcessId kOwner{1, 6};

  CoreScopeHostTest() : CoreScopeTest(base::Role::kWorker) {}

  static base::RunTask Run(std::uint64_t n, base::Duration left) {
    base::RunTask run;
    run.task = Task(n);
    run.function = kFunction;
    run.scope = base::CallScope{kTrace, 5, left.count()};
    return run;
  }
  void Finish(std::uint64_t n) {
    runtime::Executed executed;
    executed.task = Task(n);
    executed.outcome = base::Bytes::Own("v");
    Do(std::move(executed));
  }
};

TEST_F(CoreScopeHostTest, TheFunctionRunsWithIt) {
  Hear(kOwner, Run(1, seconds(2)));
  const auto runs = Of<Execute>();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].deadline, now_ + seconds(2));
  EXPECT_EQ(runs[0].scope->trace, kTrace);
  EXPECT_EQ(runs[0].scope->priority, 5);
}

TEST_F(CoreScopeHostTest, WhatWaitsBehindOthersNeverStartsTooLate) {
  Hear(kOwner, Run(1, seconds(9)));
  Hear(kOwner, Run(2, seconds(1)));
  Hear(kOwner, Run(3, seconds(9)));
  now_ = now_ + seconds(1);
  Finish(1);
  ASSERT_EQ(Of<Execute>().size(), 1u);
  EXPECT_EQ(Of<Execute>()[0].task, Task(3));
  const auto done = Sent<base::TaskDone>();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[1].task, Task(2));
  const auto& failure = std::get<Failure>(done[1].outcome);
  EXPECT_EQ(failure.code, FailureCode::kTimeout);
  EXPECT_EQ(failure.executed, Executed::kNo);
}

TEST_F(CoreScopeHostTest, WhatNobodyWantsAnyMoreStopsWhatItHasSpawned) {
  Hear(kOwner, Run(1, seconds(9)));
  Do(SetAside{Task(1), 1});
  Submit submit = Simple(11);
  submit.parent = Task(1);
  Do(std::move(submit));
  Do(PeerLost{kOwner});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_EQ(FailureOf(11).code, FailureCode::kCancelled);
}

}  // namespace
}  // namespace mobula::runtime

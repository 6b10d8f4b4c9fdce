// What a core says of the tasks, calls and creations that it has asked for.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::LeaseId;
using base::TaskKind;
using base::TaskRow;
using base::TaskState;
using std::chrono::milliseconds;

constexpr base::RequestId kRequest{4, 4};
constexpr base::ActorId kActor{8, 1};
constexpr base::TaskId kCreation{8, 2};

class CoreTasksTest : public CoreFixture {
 protected:
  // What the raylet is told.
  base::TasksAre Ask(std::uint32_t rows_max = 100, base::TaskId task = {}) {
    Hear(kRaylet, base::ListOwnTasks{kRequest, rows_max, task});
    const auto said = Sent<base::TasksAre>();
    EXPECT_EQ(said.size(), 1u);
    if (said.empty()) return {};
    EXPECT_EQ(said[0].request, kRequest);
    EXPECT_TRUE(said[0].is_last);
    return said[0];
  }
  static const TaskRow* Find(const base::TasksAre& all, base::TaskId task) {
    for (const TaskRow& row : all.rows) {
      if (row.task == task) return &row;
    }
    return nullptr;
  }
  static std::map<TaskState, std::uint64_t> ByState(const base::TasksAre& all,
                                                    TaskKind kind) {
    std::map<TaskState, std::uint64_t> counts;
    for (const base::TaskCount& count : all.counts) {
      if (count.kind == kind) counts[count.state] += count.count;
    }
    return counts;
  }
  // A task whose argument is the result of another.
  static Submit Behind(std::uint64_t n, std::uint64_t other) {
    Submit submit = Simple(n);
    submit.function = {8, 8};
    submit.function_name = "Sum";
    submit.args.push_back({Result(other), base::Value()});
    return submit;
  }
  void MakeActor() {
    Create create;
    create.actor = kActor;
    create.task = kCreation;
    create.constructor = kFunction;
    create.class_name = "Index";
    create.restarts_max = 3;
    Do(std::move(create));
  }
  static Call Method(std::uint64_t n) {
    Call call;
    call.actor = kActor;
    call.task = Task(n);
    call.result = Result(n);
    call.method = kFunction;
    call.method_name = "Index::Add";
    call.retries_max = 1;
    return call;
  }
  // Grants the lease asked for last.
  void Place(base::ProcessId worker) {
    const auto requests = Sent<base::RequestLease>();
    ASSERT_EQ(requests.size(), 1u);
    Hear(kRaylet, base::LeaseGranted{requests[0].lease, worker, 77});
  }
  void LiveActor() {
    MakeActor();
    Place(kWorker);
    base::TaskDone done;
    done.task = kCreation;
    done.outcome = base::Bytes();
    done.incarnation = 1;
    Hear(kWorker, done);
  }
};

// They have begun, so they run, whatever began behind them.
TEST_F(CoreTasksTest, WhatStandsAsideIsListedAsRunning) {
  Submit coroutine = Simple(1);
  coroutine.is_coroutine = true;
  RunFirst(std::move(coroutine));
  Hear(kWorker, base::TaskAside{Task(1), 5});
  base::TasksAre all = Ask();
  ASSERT_EQ(all.rows.size(), 1u);
  EXPECT_EQ(all.left_out, 0u);
  EXPECT_EQ(all.rows[0].state, TaskState::kRunning);
  EXPECT_EQ(all.rows[0].worker, kWorker);
  EXPECT_EQ(ByState(all, TaskKind::kTask)[TaskState::kRunning], 1u);
  EXPECT_EQ(ByState(all, TaskKind::kTask)[TaskState::kPushed], 0u);
}

TEST_F(CoreTasksTest, CallsThatStandAsideAreListedAsRunning) {
  LiveActor();
  for (std::uint64_t n = 1; n <= 3; ++n) Do(Method(n));
  Hear(kWorker, base::TaskAside{Task(1), 5});
  const base::TasksAre all = Ask();
  ASSERT_EQ(all.rows.size(), 3u);
  EXPECT_EQ(all.left_out, 0u);
  EXPECT_EQ(Find(all, Task(1))->state, TaskState::kRunning);
  EXPECT_EQ(Find(all, Task(2))->state, TaskState::kRunning);
  EXPECT_EQ(Find(all, Task(3))->state, TaskState::kPushed);
  EXPECT_EQ(ByState(all, TaskKind::kCall)[TaskState::kRunning], 2u);
  EXPECT_EQ(ByState(all, TaskKind::kCall)[TaskState::kPushed], 1u);
}

TEST_F(CoreTasksTest, NothingIsSaidToo) {
  const base::TasksAre all = Ask();
  EXPECT_TRUE(all.rows.empty());
  EXPECT_TRUE(all.counts.empty());
  EXPECT_EQ(all.left_out, 0u);
}

TEST_F(CoreTasksTest, EachIsInItsState) {
  RunFirst(Simple(1));
  Later(milliseconds(30));
  Do(Simple(2));
  Do(Behind(3, 2));
  Later(milliseconds(10));
  const base::TasksAre all = Ask();
  ASSERT_EQ(all.rows.size(), 3u);
  EXPECT_EQ(all.left_out, 0u);
  const TaskRow* const first = Find(all, Task(1));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first, &all.rows[0]) << "what runs comes first";
  EXPECT_EQ(first->state, TaskState::kRunning);
  EXPECT_EQ(first->kind, TaskKind::kTask);
  EXPECT_EQ(first->function, "Square");
  EXPECT_EQ(first->attempt, 1);
  EXPECT_EQ(first->retries_max, 3);
  EXPECT_EQ(first->state_ms, 40);
  EXPECT_EQ(first->worker, kWorker);
  EXPECT_EQ(first->pid, 77);
  EXPECT_EQ(first->result, Result(1));
  EXPECT_EQ(first->shape, base::ResourceVector::Cpus(1));
  const TaskRow* const second = Find(all, Task(2));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->state, TaskState::kQueued);
  EXPECT_EQ(second->state_ms, 10);
  EXPECT_TRUE(second->worker.IsNil());
  EXPECT_EQ(second->pid, 0);
  const TaskRow* const third = Find(all, Task(3));
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(third->state, TaskState::kWaiting);
  EXPECT_EQ(third->awaited, 1u);
  EXPECT_EQ(third->awaits, Result(2));
  EXPECT_EQ(third->function, "Sum");
  EXPECT_EQ(ByState(all, TaskKind::kTask),
            (std::map<TaskState, std::uint64_t>{{TaskState::kRunning, 1},
                                                {TaskState::kWaiting, 1},
                                                {TaskState::kQueued, 1}}));
}

TEST_F(CoreTasksTest, WhatIsPushedBehindTheFirstDoesNotRun) {
  LeaseWithShortTasks();
  for (std::uint64_t n = 2; n <= 4; ++n) Do(Simple(n));
  Later(milliseconds(2));
  Hear(kWorker, Answer(2, "2"));
  Later(milliseconds(1));
  const base::TasksAre all = Ask();
  ASSERT_EQ(all.rows.size(), 2u);
  EXPECT_EQ(all.rows[0].task, Task(3));
  EXPECT_EQ(all.rows[0].state, TaskState::kRunning);
  EXPECT_EQ(all.rows[0].state_ms, 1) << "since it is the first";
  EXPECT_EQ(all.rows[1].task, Task(4));
  EXPECT_EQ(all.rows[1].state, TaskState::kPushed);
  EXPECT_EQ(all.rows[1].state_ms, 3);
  EXPECT_EQ(all.rows[1].worker, kWorker);
}

TEST_F(CoreTasksTest, OneThatIsTriedAgainSaysSo) {
  LeaseId lease = RunFirst(Simple(1));
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  lease = Sent<base::RequestLease>().at(0).lease;
  EXPECT_EQ(Ask().rows.at(0).attempt, 2);
  EXPECT_EQ(Ask().rows.at(0).state, TaskState::kQueued);
  Hear(kRaylet, base::LeaseGranted{lease, kOther, 78});
  Do(PeerLost{kOther});
  Hear(kRaylet, base::LeaseLost{lease, kOther, Death()});
  const base::TasksAre all = Ask();
  ASSERT_EQ(all.rows.size(), 1u);
  EXPECT_EQ(all.rows[0].state, TaskState::kRetrying);
  EXPECT_EQ(all.rows[0].attempt, 3);
  EXPECT_EQ(ByState(all, TaskKind::kTask).at(TaskState::kRetrying), 1u);
}

TEST_F(CoreTasksTest, OfManyOnlySoManyAreToldAndAllAreCounted) {
  RunFirst(Simple(1));
  for (std::uint64_t n = 2; n <= 500; ++n) Do(Simple(n));
  for (std::uint64_t n = 501; n <= 800; ++n) Do(Behind(n, 500));
  const base::TasksAre all = Ask(7);
  EXPECT_EQ(all.rows.size(), 7u);
  EXPECT_EQ(all.left_out, 793u);
  EXPECT_EQ(all.rows[0].state, TaskState::kRunning);
  std::map<std::string, std::uint64_t> functions;
  for (const base::TaskCount& one : all.counts) {
    functions[one.function] += one.count;
  }
  EXPECT_EQ(functions, (std::map<std::string, std::uint64_t>{{"Square", 500},
                                                             {"Sum", 300}}));
  EXPECT_EQ(Ask(0).left_out, 800u);
}

TEST_F(CoreTasksTest, OneOfThemById) {
  RunFirst(Simple(1));
  for (std::uint64_t n = 2; n <= 500; ++n) Do(Simple(n));
  Do(Behind(501, 500));
  const base::TasksAre one = Ask(100, Task(499));
  ASSERT_EQ(one.rows.size(), 1u);
  EXPECT_EQ(one.rows[0].task, Task(499));
  EXPECT_EQ(one.left_out, 0u);
  EXPECT_EQ(Ask(100, Task(501)).rows.at(0).awaits, Result(500));
  EXPECT_TRUE(Ask(100, Task(777)).rows.empty());
}

TEST_F(CoreTasksTest, WhatHasItsOutcomeIsGone) {
  Submit submit = Simple(1);
  submit.timeout = milliseconds(10);
  RunFirst(std::move(submit));
  Do(Simple(2));
  Later(milliseconds(11));
  const base::TasksAre all = Ask();
  ASSERT_EQ(all.rows.size(), 1u) << "its worker runs it still";
  EXPECT_EQ(all.rows[0].task, Task(2));
  EXPECT_EQ(ByState(all, TaskKind::kTask).count(TaskState::kRunning), 0u);
}

TEST_F(CoreTasksTest, CallsOfAnActor) {
  LiveActor();
  for (std::uint64_t n = 1; n <= 2; ++n) Do(Method(n));
  Do(Simple(3));
  Call waits = Method(4);
  waits.args.push_back({Result(3), base::Value()});
  Do(std::move(waits));
  Do(Method(5));
  Later(milliseconds(5));
  const base::TasksAre all = Ask();
  ASSERT_EQ(all.rows.size(), 5u);
  EXPECT_EQ(all.rows[0].task, Task(1));
  EXPECT_EQ(all.rows[0].state, TaskState::kRunning);
  EXPECT_EQ(all.rows[0].kind, TaskKind::kCall);
  EXPECT_EQ(all.rows[0].actor, kActor);
  EXPECT_EQ(all.rows[0].function, "Index::Add");
  EXPECT_EQ(all.rows[0].pid, 77);
  EXPECT_EQ(all.rows[0].state_ms, 5);
  EXPECT_EQ(Find(all, Task(2))->state, TaskState::kPushed);
  EXPECT_EQ(Find(all, Task(4))->state, TaskState::kWaiting);
  EXPECT_EQ(Find(all, Task(4))->awaits, Result(3));
  EXPECT_EQ(Find(all, Task(5))->state, TaskState::kQueued) << "in order";
  EXPECT_EQ(ByState(all, TaskKind::kCall),
            (std::map<TaskState, std::uint64_t>{{TaskState::kRunning, 1},
                                                {TaskState::kWaiting, 1},
                                                {TaskState::kPushed, 1},
                                                {TaskState::kQueued, 1}}));
  // The next one is the first when that is answered.
  base::TaskDone done = Answer(1, "1");
  done.incarnation = 1;
  Hear(kWorker, done);
  Later(milliseconds(3));
  const base::TasksAre later = Ask();
  EXPECT_EQ(later.rows.at(0).task, Task(2));
  EXPECT_EQ(later.rows.at(0).state_ms, 3);
}

TEST_F(CoreTasksTest, CallsBeyondTheRowsAreCounted) {
  LiveActor();
  for (std::uint64_t n = 1; n <= 300; ++n) Do(Method(n));
  const base::TasksAre all = Ask(10);
  EXPECT_EQ(all.rows.size(), 10u);
  EXPECT_EQ(all.left_out, 290u);
  EXPECT_EQ(ByState(all, TaskKind::kCall).at(TaskState::kPushed), 299u);
}

TEST_F(CoreTasksTest, ActorsOnTheirWayToLife) {
  MakeActor();
  const auto requests = Sent<base::RequestLease>();
  const base::TasksAre queued = Ask();
  ASSERT_EQ(queued.rows.size(), 1u);
  EXPECT_EQ(queued.rows[0].kind, TaskKind::kCreation);
  EXPECT_EQ(queued.rows[0].state, TaskState::kQueued);
  EXPECT_EQ(queued.rows[0].task, kCreation);
  EXPECT_EQ(queued.rows[0].actor, kActor);
  EXPECT_EQ(queued.rows[0].function, "Index");
  ASSERT_EQ(requests.size(), 1u);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  const base::TasksAre runs = Ask();
  EXPECT_EQ(runs.rows.at(0).state, TaskState::kRunning);
  EXPECT_EQ(runs.rows.at(0).pid, 77);
  EXPECT_EQ(ByState(runs, TaskKind::kCreation).at(TaskState::kRunning), 1u);
  base::TaskDone done;
  done.task = kCreation;
  done.outcome = base::Bytes();
  done.incarnation = 1;
  Hear(kWorker, done);
  EXPECT_TRUE(Ask().rows.empty()) << "it lives";
  EXPECT_TRUE(Ask(1, kCreation).rows.empty());
}

TEST_F(CoreTasksTest, NobodyButTheRayletIsTold) {
  Do(Simple(1));
  Hear(kRaylet, base::Attach{kOther});
  Hear(kOther, base::ListOwnTasks{kRequest, 100, {}});
  EXPECT_TRUE(Sent<base::TasksAre>().empty());
}

}  // namespace
}  // namespace mobula::runtime

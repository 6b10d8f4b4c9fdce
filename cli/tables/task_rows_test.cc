#include "cli/tables/task_rows.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/frames/question_message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "cli/tables/task_text.h"

namespace mobula::cli {
namespace {

using base::TaskKind;
using base::TaskState;

constexpr base::ProcessId kDriver{1, 1};
constexpr base::ProcessId kWorker{1, 2};
constexpr base::ProcessId kSilent{1, 3};
constexpr base::JobId kJob{0xd000'0000'0000'0000, 1};
constexpr base::JobId kOtherJob{0xe000'0000'0000'0000, 1};

base::TaskRow RowOf(std::uint64_t n, TaskState state, std::int64_t ms) {
  base::TaskRow row;
  row.task = base::TaskId{0xa, n};
  row.state = state;
  row.state_ms = ms;
  row.function = "Square";
  return row;
}

base::AskedProcess ProcessOf(base::ProcessId process, std::int32_t pid,
                             base::JobId job) {
  base::AskedProcess one;
  one.process = process;
  one.role = "driver";
  one.pid = pid;
  one.job = job;
  one.name = "hello";
  one.is_complete = true;
  return one;
}

// A driver with three tasks, one of which runs in a worker that waits, a worker
// of another job with one, and one that is silent.
TaskReport Example() {
  TaskReport report;
  base::TaskPart driver;
  driver.process = kDriver;
  driver.tasks.rows = {RowOf(1, TaskState::kQueued, 5'000),
                       RowOf(2, TaskState::kRunning, 1'000),
                       RowOf(3, TaskState::kQueued, 70'000)};
  driver.tasks.rows[1].worker = kWorker;
  driver.tasks.rows[1].pid = 20;
  driver.tasks.rows[1].attempt = 2;
  driver.tasks.rows[1].retries_max = 3;
  driver.tasks.left_out = 4;
  driver.tasks.counts = {{TaskKind::kTask, TaskState::kRunning, "Square", 1},
                         {TaskKind::kTask, TaskState::kQueued, "Square", 5},
                         {TaskKind::kCall, TaskState::kQueued, "", 1}};
  base::TaskPart worker;
  worker.process = kWorker;
  worker.tasks.rows = {RowOf(4, TaskState::kWaiting, 10)};
  worker.tasks.rows[0].kind = TaskKind::kCall;
  worker.tasks.rows[0].awaited = 2;
  worker.tasks.rows[0].awaits = base::ObjectId{0xb, 1};
  worker.tasks.counts = {{TaskKind::kCall, TaskState::kWaiting, "Square", 1}};
  report.parts = {driver, worker};
  report.listed.node = base::NodeId{7, 7};
  report.listed.processes = {ProcessOf(kDriver, 10, kJob),
                             ProcessOf(kWorker, 20, kOtherJob),
                             ProcessOf(kSilent, 30, kJob)};
  report.listed.processes[2].is_complete = false;
  report.listed.processes[2].silent_ms = 2'500;
  report.listed.blocked = {kWorker};
  return report;
}

TaskRows All(const std::string& job = "") {
  TaskRows all;
  all.Add(Example(), job);
  all.Order(100);
  return all;
}

TEST(TaskRowsTest, WhatRunsComesFirstAndTheLongest) {
  const TaskRows all = All();
  ASSERT_EQ(all.rows.size(), 4u);
  EXPECT_EQ(all.rows[0].task.task.lo, 2u);
  EXPECT_TRUE(all.rows[0].is_blocked);
  EXPECT_EQ(all.rows[0].owner.pid, 10);
  EXPECT_EQ(all.rows[1].task.task.lo, 4u);
  EXPECT_EQ(all.rows[1].owner.pid, 20);
  EXPECT_EQ(all.rows[2].task.task.lo, 3u);
  EXPECT_EQ(all.rows[3].task.task.lo, 1u);
  EXPECT_FALSE(all.rows[3].is_blocked);
  EXPECT_EQ(all.left_out, 4u);
  ASSERT_EQ(all.silent.size(), 1u);
  EXPECT_EQ(all.silent[0].pid, 30);
}

TEST(TaskRowsTest, WhatIsOverTheLimitIsCounted) {
  TaskRows all;
  all.Add(Example(), "");
  all.Order(1);
  EXPECT_EQ(all.rows.size(), 1u);
  EXPECT_EQ(all.left_out, 7u);
  EXPECT_EQ(NotesOf(all, /*with_left_out=*/true),
            "7 more are not shown; --limit N shows more, --group-by function "
            "counts all\n"
            "driver 30 (hello) has not answered for 2s: what it has asked for "
            "is not shown\n");
}

TEST(TaskRowsTest, OfOneJob) {
  const TaskRows all = All("e0");
  ASSERT_EQ(all.rows.size(), 1u);
  EXPECT_EQ(all.rows[0].task.task.lo, 4u);
  EXPECT_EQ(all.left_out, 0u);
  EXPECT_TRUE(all.silent.empty()) << "it is of the other one";
  EXPECT_EQ(NotesOf(all, /*with_left_out=*/true), "");
}

TEST(TaskRowsTest, OneWhoseOwnerHasEndedMeanwhile) {
  TaskReport report = Example();
  report.listed.processes.clear();
  TaskRows all;
  all.Add(report, "");
  EXPECT_EQ(all.rows.size(), 4u);
  EXPECT_EQ(all.rows[0].owner.process, kDriver);
  EXPECT_EQ(all.rows[0].owner.pid, 0);
}

TEST(TaskRowsTest, AsText) {
  const std::string text = TextOf(All());
  EXPECT_TRUE(text.starts_with(
      "TASK                              STATE    TYPE  FUNCTION  ATTEMPT  "
      "FOR    PID  OWNER PID  WAITS FOR"))
      << text;
  EXPECT_NE(text.find("\n000000000000000a0000000000000002  blocked        "
                      "Square    2 of 4   1s     20   10"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  waiting  call  Square             0s          20"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("object 000000000000000b0000000000000001 and 1 more"),
            std::string::npos)
      << text;
}

TEST(TaskRowsTest, AsJson) {
  const std::string json = JsonOf(All());
  EXPECT_TRUE(json.starts_with(
      R"({"tasks":[{"task":"000000000000000a0000000000000002",)"
      R"("state":"blocked","type":"task","function":"Square","attempt":2,)"
      R"("state_ms":1000,"pid":20,"owner_pid":10,"waits_for":null,)"
      R"("job":"d0000000000000000000000000000001","retries_max":3,)"
      R"("node":"00000000000000070000000000000007",)"))
      << json;
  EXPECT_NE(json.find(R"("waits_for":{"arguments":2,)"
                      R"("object":"000000000000000b0000000000000001"})"),
            std::string::npos)
      << json;
  EXPECT_TRUE(json.ends_with(
      R"("left_out":4,"silent":[{"process":"00000000000000010000000000000003",)"
      R"("role":"driver","pid":30,"name":"hello",)"
      R"("job":"d0000000000000000000000000000001","silent_ms":2500}]})"
      "\n"))
      << json;
}

TEST(TaskRowsTest, Groups) {
  const TaskRows all = All();
  EXPECT_EQ(TextOfGroups(all, "function"),
            "FUNCTION        TASKS  RUNNING  WAITING  QUEUED\n"
            "Square          7      1        1        5\n"
            "(only counted)  1                        1\n");
  EXPECT_EQ(TextOfGroups(all, "state"),
            "STATE    TASKS\n"
            "queued   6\n"
            "running  1\n"
            "waiting  1\n");
  EXPECT_TRUE(JsonOfGroups(all, "function")
                  .starts_with(R"({"groups":[{"function":"Square","tasks":7,)"
                               R"("running":1,"retrying":0,"waiting":1,)"
                               R"("pushed":0,"queued":5},{"function":null,)"))
      << JsonOfGroups(all, "function");
}

}  // namespace
}  // namespace mobula::cli

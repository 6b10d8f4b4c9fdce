#include "runtime/core/task_rows.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/task_message.h"
#include "base/ids.h"

namespace mobula::runtime {
namespace {

using base::TaskCount;
using base::TaskKind;
using base::TaskState;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::BootTime At(base::Duration time) {
  return base::BootTime::FromSinceBoot(time);
}

base::TaskRow RowOf(TaskKind kind, const std::string& function,
                    std::uint64_t n = 1) {
  base::TaskRow row;
  row.task = base::TaskId{1, n};
  row.kind = kind;
  row.state = TaskState::kQueued;
  row.function = function;
  return row;
}

TEST(TaskRowsTest, RowsAreBoundedAndTheRestIsCounted) {
  TaskRows rows(2, At(seconds(10)));
  rows.Begin();
  std::size_t added = 0;
  while (rows.Look()) {
    rows.Add(RowOf(TaskKind::kTask, "F", ++added), At(milliseconds(8'500)));
  }
  EXPECT_EQ(added, 2u);
  EXPECT_EQ(rows.room(), 0u);
  const base::TasksAre all = rows.Take(9);
  ASSERT_EQ(all.rows.size(), 2u);
  EXPECT_EQ(all.rows[0].state_ms, 1'500);
  EXPECT_EQ(all.left_out, 7u);
}

TEST(TaskRowsTest, NoMoreIsLookedAtThanIsAllowed) {
  TaskRows rows(2, At(seconds(10)));
  for (int pass = 0; pass < 2; ++pass) {
    rows.Begin();
    std::size_t looks = 0;
    while (rows.Look()) ++looks;
    EXPECT_EQ(looks, TaskRows::kLooksMax);
  }
}

TEST(TaskRowsTest, WhatHasARowIsCountedByItsFunction) {
  TaskRows rows(10, At(seconds(10)));
  for (const char* const name : {"A", "B", "A"}) {
    rows.Add(RowOf(TaskKind::kCall, name), At(seconds(1)));
  }
  rows.Add(RowOf(TaskKind::kTask, "A"), At(seconds(1)));
  rows.CountByRows(TaskKind::kCall, TaskState::kQueued, 10);
  rows.CountByRows(TaskKind::kCall, TaskState::kRunning, 0);
  const base::TasksAre all = rows.Take(11);
  ASSERT_EQ(all.counts.size(), 3u);
  EXPECT_EQ(all.counts[0].function, "A");
  EXPECT_EQ(all.counts[0].count, 2u);
  EXPECT_EQ(all.counts[1].function, "B");
  EXPECT_EQ(all.counts[1].count, 1u);
  EXPECT_EQ(all.counts[2].function, "");
  EXPECT_EQ(all.counts[2].count, 7u);
}

TEST(TaskRowsTest, OfManyFunctionsTheLargestAreTold) {
  TaskRows rows(10, At(seconds(10)));
  std::uint64_t total = 0;
  for (std::size_t i = 1; i <= 3'000; ++i) {
    const auto state = i % 2 == 0 ? TaskState::kQueued : TaskState::kRunning;
    rows.Count(TaskKind::kTask, state, "F" + std::to_string(i), i);
    total += i;
  }
  const base::TasksAre all = rows.Take(total);
  EXPECT_LE(all.counts.size(), base::kTaskCountsMax);
  EXPECT_EQ(all.counts[0].count, 3'000u);
  std::uint64_t told = 0;
  for (const TaskCount& one : all.counts) told += one.count;
  EXPECT_EQ(told, total);
  EXPECT_EQ(all.counts.back().function, "");
}

TEST(TaskRowsTest, PartsAreOfBoundedSize) {
  base::TasksAre all;
  all.request = base::RequestId{3, 3};
  all.left_out = 5;
  all.counts = {{TaskKind::kTask, TaskState::kQueued, "F", 2'006}};
  for (std::uint64_t n = 1; n <= 2'001; ++n) {
    all.rows.push_back(RowOf(TaskKind::kTask, "F", n));
  }
  const std::vector<base::TasksAre> parts = InParts(all);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].rows.size(), base::kTaskRowsMax);
  EXPECT_FALSE(parts[1].is_last);
  EXPECT_TRUE(parts[1].counts.empty());
  EXPECT_EQ(parts[2].rows.size(), 1u);
  EXPECT_EQ(parts[2].rows[0].task, (base::TaskId{1, 2'001}));
  EXPECT_EQ(parts[2].left_out, 5u);
  EXPECT_TRUE(parts[2].is_last);
  EXPECT_EQ(parts[2].counts.size(), 1u);
  for (const base::TasksAre& part : parts) EXPECT_EQ(part.request, all.request);
  // Nothing is said too.
  const std::vector<base::TasksAre> none = InParts({});
  ASSERT_EQ(none.size(), 1u);
  EXPECT_TRUE(none[0].is_last);
}

}  // namespace
}  // namespace mobula::runtime

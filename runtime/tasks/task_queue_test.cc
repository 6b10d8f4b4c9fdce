#include "runtime/tasks/task_queue.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/ids.h"

namespace mobula::runtime {
namespace {

base::TaskId Task(std::uint64_t n) { return {1, n}; }

std::vector<std::uint64_t> InOrder(const TaskQueue& queue) {
  std::vector<std::uint64_t> order;
  queue.ForEach([&order](base::TaskId task) {
    order.push_back(task.lo);
    return true;
  });
  return order;
}

TEST(TaskQueueTest, HigherGoesFirstElseFirstCome) {
  TaskQueue queue;
  queue.PushBack(0, Task(1));
  queue.PushBack(5, Task(2));
  queue.PushBack(-3, Task(3));
  queue.PushBack(5, Task(4));
  queue.PushFront(0, Task(5));
  EXPECT_EQ(InOrder(queue), (std::vector<std::uint64_t>{2, 4, 5, 1, 3}));
  EXPECT_EQ(queue.size(), 5u);
  for (const std::uint64_t n : {2, 4, 5, 1, 3}) {
    EXPECT_EQ(queue.front(), Task(n));
    queue.PopFront();
  }
  EXPECT_TRUE(queue.empty());
}

TEST(TaskQueueTest, WhatIsGoneIsErased) {
  TaskQueue queue;
  for (std::uint64_t n = 1; n <= 9; ++n) queue.PushBack(n % 3, Task(n));
  queue.EraseIf([](base::TaskId task) { return task.lo % 3 != 1; });
  EXPECT_EQ(InOrder(queue), (std::vector<std::uint64_t>{1, 4, 7}));
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_FALSE(queue.ForEach([](base::TaskId) { return false; }));
}

}  // namespace
}  // namespace mobula::runtime

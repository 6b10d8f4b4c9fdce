#include "runtime/tasks/run_queue.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {
namespace {

Job Make(std::uint64_t n, std::uint64_t from = 1) {
  Job job;
  job.task = {5, n};
  job.from = {1, from};
  return job;
}

TEST(RunQueueTest, IsFirstInFirstOut) {
  RunQueue queue;
  EXPECT_EQ(queue.Add(Make(1)), RunQueue::Added::kYes);
  EXPECT_EQ(queue.Add(Make(2)), RunQueue::Added::kYes);
  EXPECT_EQ(queue.Add(Make(1)), RunQueue::Added::kDuplicate);
  EXPECT_EQ(queue.Pop()->task.lo, 1u);
  EXPECT_EQ(queue.Add(Make(1)), RunQueue::Added::kYes);  // it came again
  EXPECT_EQ(queue.Pop()->task.lo, 2u);
  EXPECT_EQ(queue.Pop()->task.lo, 1u);
  EXPECT_FALSE(queue.Pop().has_value());
}

TEST(RunQueueTest, LanesWaitForThemselvesOnly) {
  RunQueue queue;
  const std::size_t lanes[] = {1, 0, 2, 1, 0};
  for (std::uint64_t n = 0; n < 5; ++n) {
    Job job = Make(n);
    job.lane = lanes[n];
    EXPECT_EQ(queue.Add(std::move(job)), RunQueue::Added::kYes);
  }
  EXPECT_EQ(queue.ArrivalIn(0), 1u);
  EXPECT_EQ(queue.ArrivalIn(1), 0u);
  EXPECT_EQ(queue.ArrivalIn(9), RunQueue::kNever);
  EXPECT_EQ(queue.PopIn(0)->task.lo, 1u);
  EXPECT_EQ(queue.FirstArrival(), 0u) << "of the first lane";
  EXPECT_EQ(queue.Take({5, 0}, {1, 1})->task.lo, 0u);
  EXPECT_EQ(queue.FirstArrival(), 2u);
  EXPECT_EQ(queue.ArrivalIn(1), 3u) << "what was taken out is not there";
  EXPECT_EQ(queue.PopIn(0)->task.lo, 4u);
  EXPECT_FALSE(queue.PopIn(0).has_value());
  EXPECT_EQ(queue.Pop()->task.lo, 2u);
  EXPECT_EQ(queue.Pop()->task.lo, 3u);
  EXPECT_FALSE(queue.Pop().has_value());
  EXPECT_EQ(queue.FirstArrival(), RunQueue::kNever);
}

TEST(RunQueueTest, TakesOutOneOrAllOfOneProcess) {
  RunQueue queue;
  for (std::uint64_t n = 1; n <= 6; ++n) queue.Add(Make(n, n % 2));
  EXPECT_FALSE(queue.Take({5, 3}, {1, 0}).has_value());  // not its own
  EXPECT_EQ(queue.Take({5, 3}, {1, 1})->task.lo, 3u);
  EXPECT_FALSE(queue.Take({5, 3}, {1, 1}).has_value());
  EXPECT_EQ(queue.TakeAllFrom({1, 1}).size(), 2u);
  const std::vector<Job> rest = queue.TakeAll();
  ASSERT_EQ(rest.size(), 3u);
  EXPECT_EQ(rest[0].task.lo, 2u);
  EXPECT_EQ(rest[2].task.lo, 6u);
  EXPECT_TRUE(queue.empty());
}

TEST(RunQueueTest, IsBounded) {
  RunQueue queue;
  for (std::uint64_t n = 1; n <= RunQueue::kJobsMax; ++n) queue.Add(Make(n));
  EXPECT_EQ(queue.Add(Make(0)), RunQueue::Added::kFull);
}

TEST(RunQueueTest, AgreesWithAModel) {
  std::mt19937_64 random(11);
  RunQueue queue;
  std::deque<std::uint64_t> model;
  std::uint64_t next = 1;
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t what = random() % 5;
    if (what < 2) {
      queue.Add(Make(next));
      model.push_back(next++);
    } else if (what == 2 && !model.empty()) {
      const auto at =
          model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
      EXPECT_TRUE(queue.Take({5, *at}, {1, 1}).has_value());
      model.erase(at);
    } else {
      const std::optional<Job> job = queue.Pop();
      ASSERT_EQ(job.has_value(), !model.empty());
      if (!job.has_value()) continue;
      ASSERT_EQ(job->task.lo, model.front());
      model.pop_front();
    }
    ASSERT_EQ(queue.size(), model.size());
  }
}

}  // namespace
}  // namespace mobula::runtime

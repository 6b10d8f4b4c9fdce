#include "runtime/executor/running_tasks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {
namespace {

base::TaskId Task(std::uint64_t n) { return {5, n}; }

// Returns when the token says so.
void AwaitStop(const std::stop_token& token) {
  std::atomic<bool> told{false};
  const std::stop_callback tell(token, [&told] {
    told = true;
    told.notify_all();
  });
  told.wait(false);
}

TEST(RunningTasksTest, StopsOneAndNotTheOthers) {
  RunningTasks running;
  const std::stop_token first = running.TokenOf(Task(1));
  const std::stop_token second = running.TokenOf(Task(2));
  running.Stop(Task(1));
  AwaitStop(first);
  EXPECT_FALSE(second.stop_requested());
  running.Forget(Task(1));
  running.Forget(Task(2));
  EXPECT_EQ(running.size(), 0u);
}

TEST(RunningTasksTest, WhatIsStoppedBeforeItBeginsKnowsAtOnce) {
  RunningTasks running;
  running.Stop(Task(1));
  running.Stop(Task(1));
  EXPECT_TRUE(running.TokenOf(Task(1)).stop_requested());
}

TEST(RunningTasksTest, WhatHangsOnATokenHoldsUpNobody) {
  std::atomic<bool> go_on{false};
  std::atomic<bool> held{false};
  {
    RunningTasks running;
    const std::stop_token token = running.TokenOf(Task(1));
    const std::stop_callback block(token, [&] {
      held = true;
      held.notify_all();
      go_on.wait(false);
    });
    running.Stop(Task(1));
    held.wait(false);
    // The callback still runs.
    running.Forget(Task(1));
    const std::stop_token next = running.TokenOf(Task(2));
    running.Stop(Task(2));
    go_on = true;
    go_on.notify_all();
    AwaitStop(next);
  }
}

TEST(RunningTasksTest, ItsEndTellsWhatWasStopped) {
  std::stop_token token;
  {
    RunningTasks running;
    token = running.TokenOf(Task(1));
    running.Stop(Task(1));
  }
  EXPECT_TRUE(token.stop_requested());
}

TEST(RunningTasksTest, ManyBeginAndStopAtOnce) {
  RunningTasks running;
  constexpr std::uint64_t kTasks = 2'000;
  std::thread stopper([&running] {
    for (std::uint64_t n = 1; n <= kTasks; ++n) running.Stop(Task(n));
  });
  for (std::uint64_t n = 1; n <= kTasks; ++n) {
    AwaitStop(running.TokenOf(Task(n)));
  }
  stopper.join();
  for (std::uint64_t n = 1; n <= kTasks; ++n) running.Forget(Task(n));
  EXPECT_EQ(running.size(), 0u);
}

}  // namespace
}  // namespace mobula::runtime

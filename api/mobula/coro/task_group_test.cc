// TaskGroup, Scope, WithTimeout, Shield, WhenAll.
#include "api/mobula/coro/task_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/coro/with_scope.h"
#include "api/mobula/error.h"
#include "api/mobula/sync/event.h"

namespace mobula {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

Coro<> Sleeps(Timeout time) { co_await SleepFor(time); }
Coro<> Fails() {
  throw std::out_of_range("first");
  co_return;
}
Coro<int> Number(int n) {
  co_await SleepFor(std::chrono::microseconds(n % 7));
  co_return n;
}

// ---- TaskGroup --------------------------------------------------------------

TEST(TaskGroup, WaitsForAll) {
  std::atomic<int> ended{0};
  const auto child = [&ended]() -> Coro<> {
    co_await Yield();
    ended.fetch_add(1);
  };
  TaskGroup group;
  BlockOn(group.Wait());
  for (int i = 0; i < 1'000; ++i) group.Start(child());
  BlockOn(group.Wait());
  EXPECT_EQ(ended.load(), 1'000);
  EXPECT_EQ(group.size(), 0u);
  group.Start(child());
  BlockOn(group.Wait());
  EXPECT_EQ(ended.load(), 1'001);
}

TEST(TaskGroup, ChildrenMayStartChildren) {
  std::atomic<int> ended{0};
  TaskGroup group;
  struct Tree {
    static Coro<> Grow(TaskGroup& group, std::atomic<int>& ended, int depth) {
      for (int i = 0; depth > 0 && i < 3; ++i) {
        group.Start(Grow(group, ended, depth - 1));
      }
      ended.fetch_add(1);
      co_return;
    }
  };
  group.Start(Tree::Grow(group, ended, 6));
  BlockOn(group.Wait());
  EXPECT_EQ(ended.load(), (3 * 729 - 1) / 2);
}

TEST(TaskGroup, TheFirstFailureStopsTheOthers) {
  std::atomic<int> cancelled{0};
  const auto child = [&cancelled]() -> Coro<> {
    try {
      co_await SleepFor(hours(1));
    } catch (const Cancelled&) {
      cancelled.fetch_add(1);
      throw;
    }
  };
  TaskGroup group;
  for (int i = 0; i < 20; ++i) group.Start(child());
  group.Start(Fails());
  EXPECT_THROW(BlockOn(group.Wait()), std::out_of_range);
  EXPECT_EQ(cancelled.load(), 20);
  EXPECT_TRUE(group.token().stop_requested());
}

TEST(TaskGroup, StopIsNoFailure) {
  TaskGroup group;
  for (int i = 0; i < 20; ++i) group.Start(Sleeps(hours(1)));
  group.Stop();
  BlockOn(group.Wait());
}

// Who learns that the children have ended may end the group, though who
// stopped it is still in Stop. A sanitizer sees what is amiss.
TEST(TaskGroup, MayEndBeforeStopHasReturned) {
  for (int round = 0; round < 100; ++round) {
    auto group = std::make_unique<TaskGroup>();
    for (int i = 0; i < 3; ++i) group->Start(Sleeps(hours(1)));
    std::jthread stopper([to = group.get()] { to->Stop(); });
    BlockOn(group->Wait());
    group.reset();
  }
}

TEST(TaskGroup, NothingOutlivesIt) {
  std::atomic<int> alive{0};
  const auto child = [&alive]() -> Coro<> {
    alive.fetch_add(1);
    try {
      co_await SleepFor(hours(1));
    } catch (const Cancelled&) {
      alive.fetch_sub(1);
    }
  };
  for (int round = 0; round < 50; ++round) {
    {
      TaskGroup group;
      for (int i = 0; i < 5; ++i) group.Start(child());
    }
    ASSERT_EQ(alive.load(), 0);
  }
}

TEST(TaskGroup, AStopFromOutsideIsThrown) {
  std::stop_source source;
  const Scope scope(ScopeOptions().Stop(source.get_token()));
  TaskGroup group;
  group.Start(Sleeps(hours(1)));
  source.request_stop();
  EXPECT_THROW(BlockOn(group.Wait()), Cancelled);
}

TEST(TaskGroup, HasADeadline) {
  TaskGroup group(ScopeOptions().Timeout(milliseconds(2)));
  group.Start(Sleeps(hours(1)));
  group.Start(Sleeps(hours(1)));
  EXPECT_THROW(BlockOn(group.Wait()), TimeoutError);
}

TEST(TaskGroup, WithGroupWaitsWithoutBlocking) {
  std::atomic<int> ended{0};
  const auto run = [&ended](bool fails) -> Coro<> {
    auto body = [&ended, fails](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 10; ++i) {
        auto child = [](std::atomic<int>* counter) -> Coro<> {
          co_await Yield();
          counter->fetch_add(1);
        };
        group.Start(child(&ended));
      }
      if (fails) throw std::out_of_range("body");
      co_return;
    };
    auto group = WithGroup(body);
    co_await group;
  };
  BlockOn(run(false));
  EXPECT_EQ(ended.load(), 10);
  EXPECT_THROW(BlockOn(run(true)), std::out_of_range);
}

TEST(TaskGroup, WhenAllGivesTheValuesInOrder) {
  std::vector<Coro<int>> numbers;
  for (int i = 0; i < 200; ++i) numbers.push_back(Number(i));
  const std::vector<int> values = BlockOn(WhenAll(std::move(numbers)));
  ASSERT_EQ(values.size(), 200u);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(values[static_cast<std::size_t>(i)], i);
  }
}

TEST(TaskGroup, TenThousandSleepersInABoundedNumberOfThreads) {
  TaskGroup group;
  for (int i = 0; i < 10'000; ++i) group.Start(Sleeps(milliseconds(i % 20)));
  BlockOn(group.Wait());
}

// ---- Scope ------------------------------------------------------------------

TEST(Scope, CarriesWhatItIsGivenThroughThreadsAndCoroutines) {
  const TraceId trace{1, 2};
  EXPECT_TRUE(CurrentTrace().IsNil());
  EXPECT_TRUE(CurrentTimeLeft().IsInfinite());
  EXPECT_FALSE(CurrentStopToken().stop_possible());
  const Scope scope(ScopeOptions().Trace(trace).Priority(3).Timeout(hours(1)));
  const auto look = [&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(CurrentTrace(), trace);
      EXPECT_EQ(CurrentPriority(), 3);
      EXPECT_LE(CurrentTimeLeft().nanoseconds(), hours(1));
      EXPECT_TRUE(CurrentStopToken().stop_possible());
      co_await SleepFor(std::chrono::microseconds(10));
    }
    {
      const Scope inner(ScopeOptions().Priority(4));
      co_await SleepFor(std::chrono::microseconds(10));
      EXPECT_EQ(CurrentPriority(), 4);
      EXPECT_EQ(CurrentTrace(), trace);
    }
    EXPECT_EQ(CurrentPriority(), 3);
  };
  BlockOn(look());
  TaskGroup group;
  for (int i = 0; i < 20; ++i) group.Start(look());
  BlockOn(group.Wait());
  EXPECT_EQ(CurrentPriority(), 3);
}

TEST(Scope, AnInnerDeadlineCanOnlyComeNearer) {
  const Scope outer(ScopeOptions().Timeout(milliseconds(1)));
  const Scope inner(ScopeOptions().Timeout(hours(1)));
  EXPECT_THROW(BlockOn(SleepFor(hours(2))), TimeoutError);
  EXPECT_THROW(ThrowIfStopped(), TimeoutError);
  EXPECT_THROW(BlockOn(SleepFor(milliseconds(1))), TimeoutError);
}

TEST(Scope, StopReachesTheInnermost) {
  Scope outer;
  const Scope inner;
  ThrowIfStopped();
  outer.Stop();
  EXPECT_THROW(ThrowIfStopped(), Cancelled);
  EXPECT_THROW(BlockOn(SleepFor(hours(1))), Cancelled);
}

TEST(WithTimeout, EndsWhatTakesTooLong) {
  EXPECT_THROW(BlockOn(WithTimeout(milliseconds(2), Sleeps(hours(1)))),
               TimeoutError);
  EXPECT_EQ(BlockOn(WithTimeout(hours(1), Number(5))), 5);
  const auto body = []() -> Coro<> {
    auto slow = WithTimeout(milliseconds(2), Sleeps(hours(1)));
    try {
      co_await slow;
      ADD_FAILURE();
    } catch (const TimeoutError&) {  // NOLINT: what is expected
    }
    co_await SleepFor(milliseconds(1));  // it is over with the scope
  };
  BlockOn(body());
}

TEST(WithTimeout, WaitsForWhatDoesNotListen) {
  bool ended = false;
  const auto deaf = [&ended]() -> Coro<int> {
    auto shielded = Shield(Sleeps(milliseconds(5)));
    co_await shielded;
    ended = true;
    co_return 7;
  };
  EXPECT_EQ(BlockOn(WithTimeout(milliseconds(1), deaf())), 7);
  EXPECT_TRUE(ended);
}

TEST(Shield, IsNotStopped) {
  std::stop_source source;
  source.request_stop();
  const Scope scope(ScopeOptions().Stop(source.get_token()));
  EXPECT_THROW(BlockOn(Sleeps(milliseconds(1))), Cancelled);
  EXPECT_EQ(BlockOn(Shield(Number(5))), 5);
  const auto still_timed = []() -> Coro<> {
    auto timed = WithTimeout(milliseconds(1), Sleeps(hours(1)));
    co_await timed;
  };
  EXPECT_THROW(BlockOn(Shield(still_timed())), TimeoutError);
}

}  // namespace
}  // namespace mobula

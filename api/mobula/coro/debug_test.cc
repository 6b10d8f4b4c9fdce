// Each report of the debug mode comes, and none in a program that is right.
#include "api/mobula/coro/debug.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/pool.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/coro/task_group.h"
#include "api/mobula/coro/with_scope.h"
#include "api/mobula/error.h"
#include "api/mobula/sync/event.h"
#include "api/mobula/sync/mutex.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula {
namespace {

using std::chrono::milliseconds;
using Kind = DebugReport::Kind;

// On a machine that does much else a thread may not run for a while.
constexpr char kSlowMs[] = "400";
constexpr milliseconds kLonger(1'000);
const int is_set = ::setenv("MOBULA_DEBUG_SLOW_MS", kSlowMs, 1);

class DebugTest : public testing::Test {
 protected:
  DebugTest() {
    EXPECT_EQ(is_set, 0);
    OnDebugReport([this](const DebugReport& report) {
      {
        base::MutexLock lock(mutex_);
        reports_.push_back(report);
      }
      reported_.Set();
    });
    SetDebugging(true);
  }
  ~DebugTest() override {
    SetDebugging(false);
    OnDebugReport(nullptr);
  }

  std::vector<DebugReport> Reports() {
    base::MutexLock lock(mutex_);
    return reports_;
  }
  // The one that there is.
  std::string One(Kind kind) {
    const std::vector<DebugReport> reports = Reports();
    EXPECT_EQ(reports.size(), 1u);
    if (reports.empty()) return "";
    EXPECT_EQ(reports[0].kind, kind) << reports[0].text;
    return reports[0].text;
  }

  Event reported_;

 private:
  base::Mutex mutex_;
  std::vector<DebugReport> reports_ MOBULA_GUARDED_BY(mutex_);
};

// ---- steps ------------------------------------------------------------------

// Computes until somebody has noticed.
Coro<> ComputesForLong(Event& noticed) {
  co_await Yield();
  while (!noticed.IsSet()) {
  }
}

TEST_F(DebugTest, ASlowStepIsNoticedWhileItRuns) {
  BlockOn(ComputesForLong(reported_));
  const std::string text = One(Kind::kSlowStep);
  EXPECT_NE(text.find("slow step"), std::string::npos) << text;
  EXPECT_NE(text.find("ComputesForLong"), std::string::npos) << text;
}

TEST_F(DebugTest, WaitsAreNoSteps) {
  const auto waits = []() -> Coro<> {
    co_await SleepFor(kLonger);
    for (int i = 0; i < 20; ++i) co_await Yield();
  };
  BlockOn(waits());
  EXPECT_TRUE(Reports().empty());
}

TEST_F(DebugTest, PoolsForWhatBlocksMayBlock) {
  BlockOn(RunBlocking([] { BlockOn(SleepFor(kLonger)); }));
  EXPECT_TRUE(Reports().empty());
}

// ---- tasks ------------------------------------------------------------------

Coro<int> Forgotten(int x) { co_return x; }

TEST_F(DebugTest, ATaskThatNobodyAwaitsIsLost) {
  {
    const Coro<int> forgotten = Forgotten(1);
  }
  const std::string text = One(Kind::kLostTask);
  EXPECT_NE(text.find("Forgotten(int)"), std::string::npos) << text;
  // Of each place once.
  {
    const Coro<int> forgotten = Forgotten(2);
  }
  EXPECT_EQ(Reports().size(), 1u);
}

TEST_F(DebugTest, OneThatAnExceptionTakesAlongIsNot) {
  EXPECT_THROW(
      {
        const Coro<int> never = Forgotten(1);
        throw std::runtime_error("before it is awaited");
      },
      std::runtime_error);
  EXPECT_TRUE(Reports().empty());
}

TEST_F(DebugTest, AFailureThatNobodyTakesIsLost) {
  const auto fails = []() -> Coro<> {
    throw std::runtime_error("nobody hears this");
    co_return;
  };
  {
    TaskGroup group;
    group.Start(fails());
    while (group.size() > 0) BlockOn(SleepFor(milliseconds(1)));
  }
  const std::string text = One(Kind::kLostError);
  EXPECT_NE(text.find("nobody hears this"), std::string::npos) << text;
}

// ---- locks ------------------------------------------------------------------

Coro<> LockBoth(Mutex& first, Mutex& second) {
  const Mutex::Guard outer = co_await first.Lock();
  const Mutex::Guard inner = co_await second.Lock();
}

TEST_F(DebugTest, OrdersOfLocksAreComparedBeforeTheyCollide) {
  Mutex a;
  Mutex b;
  BlockOn(LockBoth(a, b));
  BlockOn(LockBoth(a, b));
  EXPECT_TRUE(Reports().empty());
  BlockOn(LockBoth(b, a));
  const std::string text = One(Kind::kLockOrder);
  EXPECT_NE(text.find("debug_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("LockBoth"), std::string::npos) << text;
}

TEST_F(DebugTest, ThreadsHaveOrdersToo) {
  Mutex a;
  Mutex b;
  BlockOn(LockBoth(a, b));
  const Mutex::Guard outer = BlockOn(b.Lock());
  const auto takes = [&]() -> Coro<> {
    const Mutex::Guard inner = co_await a.Lock();
  };
  // The coroutine is part of what the thread does.
  BlockOn(takes());
  One(Kind::kLockOrder);
}

TEST_F(DebugTest, OneThatIsLockedByWhoHoldsIt) {
  Mutex mutex;
  const Mutex::Guard guard = BlockOn(mutex.Lock());
  EXPECT_THROW((void)BlockOn(mutex.Lock(milliseconds(1))), TimeoutError);
  const std::string text = One(Kind::kLockOrder);
  EXPECT_NE(text.find("who holds it"), std::string::npos) << text;
}

// ---- a program that is right ------------------------------------------------

TEST_F(DebugTest, NothingIsReportedOfWhatIsRight) {
  Mutex a;
  Mutex b;
  const auto works = [&](int i) -> Coro<int> {
    // Side by side they hold both, in one order.
    Coro<> both = LockBoth(a, b);
    co_await both;
    const auto tried = b.TryLock();
    co_await SleepFor(milliseconds(1));
    co_return i;
  };
  const auto fails = [&]() -> Coro<> {
    co_await SleepFor(milliseconds(5));
    throw std::runtime_error("somebody hears this");
  };
  std::vector<Coro<int>> many;
  for (int i = 0; i < 50; ++i) many.push_back(works(i));
  EXPECT_EQ(BlockOn(WhenAll(std::move(many))).size(), 50u);
  {
    TaskGroup group;
    group.Start(fails());
    EXPECT_THROW(BlockOn(group.Wait()), std::runtime_error);
  }
  const auto sleeps = []() -> Coro<> {
    co_await SleepFor(std::chrono::hours(1));
  };
  EXPECT_THROW(BlockOn(WithTimeout(milliseconds(1), sleeps())), TimeoutError);
  EXPECT_TRUE(Reports().empty());
}

}  // namespace
}  // namespace mobula

#include "runtime/executor/slot/method_threads.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using Pushed = MethodThreads::Pushed;

// What runs, and runs on until it is let go.
class Gate {
 public:
  void Run(std::uint64_t task) {
    base::MutexLock lock(mutex_);
    order_.push_back(task);
    changed_.NotifyAll();
    while (!open_.contains(task) && !all_open_) changed_.Wait(mutex_);
  }
  void AwaitBegun(std::size_t count) {
    base::MutexLock lock(mutex_);
    while (order_.size() < count) changed_.Wait(mutex_);
  }
  void Open(std::uint64_t task) {
    base::MutexLock lock(mutex_);
    open_.insert(task);
    changed_.NotifyAll();
  }
  void OpenAll() {
    base::MutexLock lock(mutex_);
    all_open_ = true;
    changed_.NotifyAll();
  }
  std::vector<std::uint64_t> order() {
    base::MutexLock lock(mutex_);
    return order_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::set<std::uint64_t> open_;
  bool all_open_ = false;
  std::vector<std::uint64_t> order_;
};

Execute Work(std::uint64_t task) {
  Execute work;
  work.task = {7, task};
  return work;
}

TEST(MethodThreadsTest, RunsSoManyAtTheSameTime) {
  Gate gate;
  MethodThreads threads(3, [&](Execute work) { gate.Run(work.task.lo); });
  for (std::uint64_t n = 1; n <= 3; ++n) {
    Execute work = Work(n);
    ASSERT_EQ(threads.Push(work), Pushed::kTaken);
  }
  gate.AwaitBegun(3);
  EXPECT_EQ(threads.threads(), 3u);
  EXPECT_EQ(threads.Running().size(), 3u);
  // One more waits for the first that is free.
  Execute more = Work(4);
  ASSERT_EQ(threads.Push(more), Pushed::kTaken);
  gate.Open(2);
  gate.AwaitBegun(4);
  EXPECT_EQ(gate.order().back(), 4u);
  EXPECT_EQ(threads.threads(), 3u);
  gate.OpenAll();
}

TEST(MethodThreadsTest, AThreadThatIsFreeIsUsedAgain) {
  Gate gate;
  gate.OpenAll();
  MethodThreads threads(100, [&](Execute work) { gate.Run(work.task.lo); });
  for (std::uint64_t n = 1; n <= 50; ++n) {
    Execute work = Work(n);
    ASSERT_EQ(threads.Push(work), Pushed::kTaken);
    gate.AwaitBegun(n);
    while (!threads.Running().empty()) std::this_thread::yield();
  }
  EXPECT_EQ(threads.threads(), 1u);
  std::vector<std::uint64_t> order;
  for (std::uint64_t n = 1; n <= 50; ++n) order.push_back(n);
  EXPECT_EQ(gate.order(), order);
}

TEST(MethodThreadsTest, AfterCloseNothingBegins) {
  Gate gate;
  std::optional<MethodThreads> threads(
      std::in_place, 1, [&](Execute work) { gate.Run(work.task.lo); });
  Execute first = Work(1);
  ASSERT_EQ(threads->Push(first), Pushed::kTaken);
  gate.AwaitBegun(1);
  Execute second = Work(2);
  ASSERT_EQ(threads->Push(second), Pushed::kTaken);
  const std::vector<Execute> late = threads->Close();
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].task.lo, 2u);
  Execute third = Work(3);
  EXPECT_EQ(threads->Push(third), Pushed::kClosed);
  EXPECT_EQ(third.task.lo, 3u) << "it is left as it was";
  gate.OpenAll();
  threads->AwaitEnd();
  EXPECT_TRUE(threads->Running().empty());
  threads.reset();
  EXPECT_EQ(gate.order(), std::vector<std::uint64_t>({1}));
}

}  // namespace
}  // namespace mobula::runtime

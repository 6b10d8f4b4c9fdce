#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace mobula::base {
namespace {

struct Turns {
  Mutex mutex;
  CondVar changed;
  int count MOBULA_GUARDED_BY(mutex) = 0;
};

void Add(Turns& turns, int times) {
  for (int i = 0; i < times; ++i) {
    MutexLock lock(turns.mutex);
    ++turns.count;
    turns.changed.NotifyAll();
  }
}

TEST(MutexTest, ExcludesAndWakes) {
  Turns turns;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&turns] { Add(turns, 1000); });
  }
  {
    MutexLock lock(turns.mutex);
    while (turns.count < 4000) turns.changed.Wait(turns.mutex);
    EXPECT_EQ(turns.count, 4000);
  }
  for (auto& thread : threads) thread.join();
}

TEST(MutexTest, ATimedWaitEnds) {
  Turns turns;
  MutexLock lock(turns.mutex);
  turns.changed.WaitFor(turns.mutex, std::chrono::milliseconds(1));
  turns.changed.WaitFor(turns.mutex, Duration(-1));
  EXPECT_EQ(turns.count, 0);
}

TEST(MutexTest, ATimedWaitHearsANotification) {
  Turns turns;
  std::thread thread([&turns] { Add(turns, 1); });
  {
    MutexLock lock(turns.mutex);
    while (turns.count == 0) {
      turns.changed.WaitFor(turns.mutex, Duration::max());
    }
  }
  thread.join();
}

}  // namespace
}  // namespace mobula::base

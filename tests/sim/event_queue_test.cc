#include "tests/sim/event_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace mobula::sim {
namespace {

using std::chrono::milliseconds;

TEST(EventQueueTest, RunsByTimeThenByOrder) {
  EventQueue queue;
  std::vector<int> ran;
  queue.After(milliseconds(2), [&ran] { ran.push_back(3); });
  queue.After(milliseconds(1), [&ran] { ran.push_back(1); });
  queue.After(milliseconds(1), [&ran] { ran.push_back(2); });
  while (queue.RunNext()) {
  }
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(queue.events_run(), 3u);
}

TEST(EventQueueTest, ThePastIsNowAndNeverIsNever) {
  EventQueue queue;
  const base::BootTime start = queue.now();
  bool ran = false;
  queue.At(base::BootTime(), [&ran] { ran = true; });
  queue.At(base::BootTime::Never(), [] { FAIL(); });
  EXPECT_EQ(queue.next(), start);
  while (queue.RunNext()) {
  }
  EXPECT_TRUE(ran);
  EXPECT_EQ(queue.now(), start);
}

TEST(EventQueueTest, EventsMayAskForEvents) {
  EventQueue queue;
  int left = 3;
  const base::BootTime start = queue.now();
  std::function<void()> again = [&queue, &left, &again] {
    if (--left > 0) queue.After(milliseconds(1), again);
  };
  queue.After(milliseconds(1), again);
  while (queue.RunNext()) {
  }
  EXPECT_EQ(queue.now() - start, milliseconds(3));
}

}  // namespace
}  // namespace mobula::sim

#include "runtime/executor/timer_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <random>
#include <semaphore>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace mobula::runtime {
namespace {

using base::BootNow;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Alarm : base::Timer {
  Alarm(base::BootTime when, std::function<void()> from_ring)
      : ring(std::move(from_ring)) {
    at = when;
    fire = [](base::Timer* timer) noexcept {
      static_cast<Alarm*>(timer)->ring();
    };
  }
  std::function<void()> ring;
};

TEST(TimerQueue, FiresInTheOrderOfTheirTimesNeverEarly) {
  std::counting_semaphore<> fired(0);
  std::vector<int> order;
  std::deque<Alarm> alarms;
  const base::BootTime begin = BootNow();
  for (const int at : {5, 1, 3, 2, 4}) {
    const base::BootTime when = begin + milliseconds(20 + at);
    alarms.emplace_back(when, [&order, &fired, at, when] {
      EXPECT_GE(BootNow(), when);
      order.push_back(at);
      fired.release();
    });
  }
  // None fires before all are there, however long that takes.
  std::binary_semaphore added(0);
  Alarm gate(begin, [&added] { added.acquire(); });
  TimerQueue timers;
  timers.Add(&gate);
  for (Alarm& alarm : alarms) timers.Add(&alarm);
  added.release();
  for (std::size_t i = 0; i < alarms.size(); ++i) fired.acquire();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(timers.size(), 0u);
}

TEST(TimerQueue, WhatIsRemovedNeverFires) {
  TimerQueue timers;
  std::binary_semaphore fired(0);
  Alarm gone(BootNow() + milliseconds(5), [] { FAIL(); });
  Alarm after(BootNow() + milliseconds(10), [&fired] { fired.release(); });
  timers.Add(&gone);
  timers.Add(&after);
  EXPECT_TRUE(timers.Remove(&gone));
  EXPECT_FALSE(timers.Remove(&gone));
  fired.acquire();
  EXPECT_FALSE(timers.Remove(&after));
}

TEST(TimerQueue, LeavesAloneWhatIsOfAnotherQueue) {
  TimerQueue timers;
  TimerQueue others;
  Alarm alarm(BootNow() + hours(1), [] { FAIL(); });
  timers.Add(&alarm);
  EXPECT_FALSE(others.Remove(&alarm));
  EXPECT_EQ(timers.size(), 1u);
  EXPECT_TRUE(timers.Remove(&alarm));
}

TEST(TimerQueue, RemoveWaitsForOneThatFires) {
  TimerQueue timers;
  std::binary_semaphore begun(0);
  std::binary_semaphore go_on(0);
  std::atomic<bool> ended{false};
  Alarm alarm(BootNow(), [&] {
    begun.release();
    go_on.acquire();
    ended.store(true);
  });
  timers.Add(&alarm);
  begun.acquire();
  std::thread helper([&go_on] { go_on.release(); });
  EXPECT_FALSE(timers.Remove(&alarm));
  EXPECT_TRUE(ended.load());
  helper.join();
}

TEST(TimerQueue, MayBeRemovedAndAddedByItsOwnFire) {
  TimerQueue timers;
  std::binary_semaphore done(0);
  int times = 0;
  Alarm* self = nullptr;
  Alarm alarm(BootNow(), [&] {
    EXPECT_FALSE(timers.Remove(self));
    if (++times == 3) {
      done.release();
    } else {
      timers.Add(self);
    }
  });
  self = &alarm;
  timers.Add(&alarm);
  done.acquire();
  EXPECT_EQ(times, 3);
}

TEST(TimerQueue, AnEarlierOneWakesTheThread) {
  TimerQueue timers;
  std::binary_semaphore fired(0);
  Alarm late(BootNow() + hours(1), [] { FAIL(); });
  Alarm soon(BootNow() + milliseconds(1), [&fired] { fired.release(); });
  timers.Add(&late);
  timers.Add(&soon);
  fired.acquire();
  EXPECT_EQ(timers.size(), 1u);
}

TEST(TimerQueue, ManyAddedAndRemovedAtRandom) {
  std::mt19937 random(11);
  TimerQueue timers;
  std::atomic<int> fired{0};
  std::vector<base::BootTime> when;
  std::deque<Alarm> alarms;
  for (int i = 0; i < 3'000; ++i) {
    alarms.emplace_back(BootNow() + microseconds(random() % 20'000),
                        [&fired] { fired.fetch_add(1); });
    timers.Add(&alarms.back());
    if (random() % 3 == 0) {
      Alarm& any = alarms[random() % alarms.size()];
      if (timers.Remove(&any)) fired.fetch_add(1);
    }
  }
  while (timers.size() > 0) std::this_thread::yield();
  for (Alarm& alarm : alarms) EXPECT_FALSE(timers.Remove(&alarm));
  EXPECT_EQ(fired.load(), 3'000);
}

}  // namespace
}  // namespace mobula::runtime

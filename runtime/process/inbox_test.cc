#include "runtime/process/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace mobula::runtime {
namespace {

TEST(Inbox, WakesOnceUntilTheReaderSleepsAgain) {
  int wakes = 0;
  Inbox<int> inbox(10, [&wakes] { ++wakes; });
  std::vector<int> batch;
  EXPECT_TRUE(inbox.Push(1));
  EXPECT_TRUE(inbox.Push(2));
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(inbox.Take(&batch));
  EXPECT_EQ(batch, (std::vector<int>{1, 2}));
  EXPECT_TRUE(inbox.Push(3));
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(inbox.Take(&batch));
  EXPECT_FALSE(inbox.Take(&batch));
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(inbox.Push(4));
  EXPECT_EQ(wakes, 2);
}

TEST(Inbox, WhatIsTakenEarlyLeavesTheReaderAwake) {
  int wakes = 0;
  Inbox<int> inbox(10, [&wakes] { ++wakes; });
  std::vector<int> batch = {7};
  EXPECT_FALSE(inbox.TakeEarly(&batch));
  EXPECT_EQ(batch, (std::vector<int>{7}));
  EXPECT_TRUE(inbox.Push(1));
  EXPECT_TRUE(inbox.Push(2));
  EXPECT_TRUE(inbox.TakeEarly(&batch));
  EXPECT_EQ(batch, (std::vector<int>{1, 2}));
  EXPECT_FALSE(inbox.TakeEarly(&batch));
  EXPECT_TRUE(inbox.Push(3));
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(inbox.Take(&batch));
  EXPECT_EQ(batch, (std::vector<int>{3}));
  EXPECT_FALSE(inbox.TakeEarly(&batch));
  EXPECT_FALSE(inbox.Take(&batch));
  EXPECT_TRUE(inbox.Push(4));
  EXPECT_EQ(wakes, 2);
}

TEST(Inbox, PushWaitsForRoomAndPushNowDoesNot) {
  std::atomic<bool> full{false};
  Inbox<int> inbox(1, [] {});
  std::vector<int> batch;
  ASSERT_TRUE(inbox.Push(1));
  ASSERT_TRUE(inbox.PushNow(2));
  std::thread pusher([&] {
    full = true;
    EXPECT_TRUE(inbox.Push(3));
  });
  std::vector<int> all;
  while (all.size() < 3) {
    if (inbox.Take(&batch)) all.insert(all.end(), batch.begin(), batch.end());
  }
  pusher.join();
  EXPECT_TRUE(full);
  EXPECT_EQ(all, (std::vector<int>{1, 2, 3}));
}

TEST(Inbox, CloseReleasesThoseWhoWaitAndRefusesTheRest) {
  Inbox<int> inbox(1, [] {});
  ASSERT_TRUE(inbox.Push(1));
  std::thread pusher([&inbox] { EXPECT_FALSE(inbox.Push(2)); });
  inbox.Close();
  pusher.join();
  EXPECT_FALSE(inbox.PushNow(3));
}

TEST(Inbox, ManyThreadsKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  Inbox<std::pair<int, int>> inbox(64, [] {});
  std::vector<std::thread> pushers;
  for (int thread = 0; thread < kThreads; ++thread) {
    pushers.emplace_back([&inbox, thread] {
      for (int n = 0; n < kEach; ++n) ASSERT_TRUE(inbox.Push({thread, n}));
    });
  }
  std::vector<int> next(kThreads, 0);
  std::vector<std::pair<int, int>> batch;
  for (int seen = 0; seen < kThreads * kEach;) {
    if (!inbox.Take(&batch)) continue;
    for (const auto& [thread, n] : batch) {
      ASSERT_EQ(n, next[thread]++);
      ++seen;
    }
  }
  for (std::thread& pusher : pushers) pusher.join();
}

}  // namespace
}  // namespace mobula::runtime

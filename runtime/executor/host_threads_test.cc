#include "runtime/executor/host_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "base/shm/worker_page.h"
#include "base/threads/executor.h"

namespace mobula::runtime {
namespace {

using std::chrono::milliseconds;

struct Task : base::Work {
  explicit Task(std::function<void()> from_body) : body(std::move(from_body)) {
    run = [](base::Work* work) noexcept { static_cast<Task*>(work)->body(); };
  }
  std::function<void()> body;
};

HostThreads::RefuseFn Never() {
  return [](base::Work*) { ADD_FAILURE() << "nothing is refused"; };
}

TEST(HostThreads, RunsAllThatIsPosted) {
  std::atomic<int> ran{0};
  std::deque<Task> tasks;
  HostThreads threads({.threads_max = 2}, Never());
  EXPECT_EQ(threads.threads(), 0u);
  for (int i = 0; i < 5'000; ++i) {
    tasks.emplace_back([&ran] { ran.fetch_add(1); });
    threads.Post(&tasks.back());
  }
  threads.Join();
  EXPECT_EQ(ran.load(), 5'000);
}

TEST(HostThreads, NoMoreRunAtOnceThanMay) {
  std::atomic<int> at_once{0};
  std::atomic<int> at_once_max{0};
  std::deque<Task> tasks;
  HostThreads threads({.threads_max = 3}, Never());
  for (int i = 0; i < 300; ++i) {
    tasks.emplace_back([&] {
      const int now = at_once.fetch_add(1) + 1;
      int most = at_once_max.load();
      while (now > most && !at_once_max.compare_exchange_weak(most, now)) {
      }
      for (int turn = 0; turn < 10'000; ++turn) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
      }
      at_once.fetch_sub(1);
    });
    threads.Post(&tasks.back());
  }
  threads.Join();
  EXPECT_LE(at_once_max.load(), 3);
}

TEST(HostThreads, AnotherRunsInPlaceOfOneThatSaysItIsBlocked) {
  HostThreads threads({.threads_max = 1}, Never());
  std::binary_semaphore go(0);
  Task first([&] {
    EXPECT_TRUE(HostThreads::IsHere());
    EXPECT_GT(HostThreads::StackLeft(), HostThreads::kStackBytes / 2);
    HostThreads::BlockedHere(true);
    go.acquire();
    HostThreads::BlockedHere(false);
  });
  Task second([&] { go.release(); });
  threads.Post(&first);
  threads.Post(&second);
  threads.Join();
  EXPECT_FALSE(HostThreads::IsHere());
}

// It blocks in something that knows nothing of us.
TEST(HostThreads, AnotherRunsInPlaceOfOneThatIsFoundBlocked) {
  HostThreads threads({.threads_max = 1}, Never());
  std::binary_semaphore go(0);
  Task first([&] { go.acquire(); });
  Task second([&] { go.release(); });
  threads.Post(&first);
  threads.Post(&second);
  threads.Join();
}

TEST(HostThreads, BeyondTheMostWorkIsRefused) {
  std::binary_semaphore refused(0);
  std::counting_semaphore<> go(0);
  base::Work* refused_work = nullptr;
  HostThreads threads(
      {.threads_max = 1, .extra_max = 2, .patience = milliseconds(1)},
      [&](base::Work* work) {
        refused_work = work;
        refused.release();
      });
  std::deque<Task> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.emplace_back([&] { go.acquire(); });
    threads.Post(&tasks.back());
  }
  Task late([] { ADD_FAILURE() << "it was refused"; });
  // So that it is the last: the three have begun.
  while (threads.threads() < 3) std::this_thread::yield();
  threads.Post(&late);
  refused.acquire();
  EXPECT_EQ(refused_work, &late);
  go.release(3);
  threads.Join();
}

TEST(HostThreads, WhatWaitsCanBeWithdrawn) {
  std::counting_semaphore<> go(0);
  HostThreads threads(
      {.threads_max = 1, .extra_max = 0, .patience = std::chrono::hours(1)},
      Never());
  Task first([&] {
    HostThreads::BlockedHere(true);
    go.acquire();
    HostThreads::BlockedHere(false);
  });
  Task second([] { ADD_FAILURE() << "it was withdrawn"; });
  EXPECT_FALSE(threads.IsFull());
  threads.Post(&first);
  threads.Post(&second);
  while (!threads.IsFull()) std::this_thread::yield();
  EXPECT_TRUE(threads.Withdraw(&second));
  EXPECT_FALSE(threads.Withdraw(&second));
  EXPECT_FALSE(threads.IsFull());
  go.release();
  threads.Join();
}

TEST(HostThreads, ThePageSaysWhetherAnyRuns) {
  const auto page = std::make_unique<base::WorkerPage>();
  page->SetRunning("shared actors");
  HostThreads threads({.threads_max = 2, .page = page.get()}, Never());
  std::binary_semaphore begun(0);
  std::binary_semaphore go(0);
  Task task([&] {
    begun.release();
    go.acquire();
  });
  threads.Post(&task);
  begun.acquire();
  EXPECT_EQ(page->Running(), "shared actors");
  go.release();
  threads.Join();
  EXPECT_EQ(page->Running(), "");
}

}  // namespace
}  // namespace mobula::runtime

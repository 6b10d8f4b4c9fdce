#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <map>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "base/boot_time.h"
#include "base/clock.h"
#include "base/shm/spin/cpu_gauge.h"
#include "base/shm/spin/spin_permits.h"
#include "base/shm/spin/spin_policy.h"

namespace mobula::base {
namespace {

using std::chrono::microseconds;

BootTime At(int us) {
  return BootTime() + std::chrono::seconds(1) + microseconds(us);
}

TEST(SpinPermitsTest, ThereAreAsManyAsTheTakerSays) {
  SpinPage page{};
  SpinPermits permits(page);
  EXPECT_EQ(permits.Take(At(0), At(50), 0), -1);
  EXPECT_EQ(permits.Take(At(0), At(50), -3), -1);
  EXPECT_EQ(permits.Take(At(0), At(50), 2), 0);
  EXPECT_EQ(permits.Take(At(1), At(51), 2), 1);
  EXPECT_EQ(permits.Take(At(2), At(52), 2), -1);
  EXPECT_EQ(permits.taken(At(2)), 2);
  permits.GiveBack(0, At(50));
  EXPECT_EQ(permits.Take(At(3), At(53), 2), 0);
  permits.GiveBack(0, At(50));  // was another's by then
  EXPECT_EQ(permits.taken(At(3)), 2);
}

TEST(SpinPermitsTest, WhatWasTakenWhenThereWereMoreCounts) {
  SpinPage page{};
  SpinPermits permits(page);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(permits.Take(At(0), At(50), 4), i);
  permits.GiveBack(0, At(50));
  permits.GiveBack(1, At(50));
  EXPECT_EQ(permits.Take(At(1), At(51), 2), -1) << "two are taken";
  permits.GiveBack(3, At(50));
  EXPECT_EQ(permits.Take(At(1), At(51), 2), 0);
}

TEST(SpinPermitsTest, OneWhoseHolderIsGoneEndsByItself) {
  SpinPage page{};
  SpinPermits permits(page);
  EXPECT_EQ(permits.Take(At(0), At(50), 1), 0);
  EXPECT_EQ(permits.Take(At(49), At(99), 1), -1);
  EXPECT_EQ(permits.Take(At(50), At(100), 1), 0);
}

TEST(SpinPermitsTest, AnEndThatNobodyCanHaveTakenIsNone) {
  SpinPage page{};
  for (auto& permit : page.permits) permit.end = ~std::uint64_t{0};
  SpinPermits permits(page);
  EXPECT_EQ(permits.taken(At(0)), 0);
  EXPECT_EQ(permits.Take(At(0), At(50), 1), 0);
}

// Beside a model: who holds what until when.
TEST(SpinPermitsTest, DoesWhatItsModelDoes) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    SpinPage page{};
    SpinPermits permits(page);
    std::map<int, int> ends;  // of the permits that have not ended
    int now = 0;
    for (int step = 0; step < 2'000; ++step) {
      now += static_cast<int>(random() % 20);
      std::erase_if(ends,
                    [now](const auto& held) { return held.second <= now; });
      ASSERT_EQ(permits.taken(At(now)), static_cast<int>(ends.size()));
      if (random() % 3 == 0 && !ends.empty()) {
        const auto held =
            std::next(ends.begin(), static_cast<long>(random() % ends.size()));
        permits.GiveBack(held->first, At(held->second));
        ends.erase(held);
        continue;
      }
      const int most = static_cast<int>(random() % 8);
      const int end = now + 1 + static_cast<int>(random() % 200);
      const int permit = permits.Take(At(now), At(end), most);
      ASSERT_EQ(permit >= 0, static_cast<int>(ends.size()) < most);
      if (permit < 0) continue;
      ASSERT_FALSE(ends.contains(permit));
      ends[permit] = end;
    }
  }
}

TEST(SpinPermitsTest, ThreadsNeverHoldMoreThanThereAre) {
  constexpr int kPermits = 2;
  SpinPage page{};
  std::atomic<int> holders = 0;
  std::atomic<int> most = 0;
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      SpinPermits permits(page);
      for (int i = 0; i < 20'000; ++i) {
        // One time for all: none ends while it is held.
        const int permit = permits.Take(At(0), At(900), kPermits);
        if (permit < 0) continue;
        const int now = holders.fetch_add(1) + 1;
        for (int seen = most; seen < now; seen = most) {
          most.compare_exchange_weak(seen, now);
        }
        taken.fetch_add(1);
        holders.fetch_sub(1);
        permits.GiveBack(permit, At(900));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, kPermits);
  EXPECT_GT(taken, 0);
  EXPECT_EQ(SpinPermits(page).taken(At(1)), 0);
}

TEST(SpinPermitsTest, ThoseOfAKilledProcessComeBack) {
  void* const memory = ::mmap(nullptr, sizeof(SpinPage), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const page = new (memory) SpinPage{};
  const pid_t child = ::fork();
  if (child == 0) {
    SpinPermits permits(*page);
    const BootTime now = BootNow();
    while (permits.Take(now, now + SpinPermits::kPermitMax, 8) >= 0) {
    }
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  SpinPermits permits(*page);
  int permit = -1;
  const BootTime deadline = BootNow() + std::chrono::seconds(10);
  while (permit < 0 && BootNow() < deadline) {
    const BootTime now = BootNow();
    permit = permits.Take(now, now + SpinPermits::kPermitMax, 1);
  }
  EXPECT_EQ(permit, 0);
  ::munmap(memory, sizeof(SpinPage));
}

// ---- when -------------------------------------------------------------------

TEST(SpinPolicyTest, OnlyWhereACpuWouldBeIdle) {
  SpinPage page{};
  SpinPolicy one(page, 2);
  SpinPolicy other(page, 2);
  SpinPolicy third(page, 2);
  EXPECT_FALSE(one.Begin(At(0), 4)) << "three others want two CPUs";
  EXPECT_FALSE(one.Begin(At(0), 3));
  ASSERT_TRUE(one.Begin(At(0), 2));
  ASSERT_FALSE(other.Begin(At(1), 3)) << "one spins, one works, on two CPUs";
  ASSERT_TRUE(other.Begin(At(1), 2)) << "one spins, and nobody works";
  EXPECT_FALSE(third.Begin(At(2), 3)) << "two spin";
  one.End(true);
  EXPECT_TRUE(third.Begin(At(3), 2));
}

TEST(SpinPolicyTest, ItEndsAfterAWhile) {
  SpinPage page{};
  SpinPolicy policy(page, 2);
  ASSERT_TRUE(policy.Begin(At(0), 1));
  EXPECT_TRUE(policy.GoesOn(At(49)));
  EXPECT_FALSE(policy.GoesOn(At(50)));
}

TEST(SpinPolicyTest, AfterMissesItIsTriedLessAndLess) {
  SpinPage page{};
  SpinPolicy policy(page, 2);
  std::vector<int> passed;
  int now = 0;
  for (int miss = 0; miss < 14; ++miss) {
    int passes = 0;
    while (!policy.Begin(At(++now), 1)) ++passes;
    passed.push_back(passes);
    policy.End(/*found=*/false);
  }
  EXPECT_EQ(passed, (std::vector<int>{0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512,
                                      1024, 1024, 1024}));
  while (!policy.Begin(At(++now), 1)) {
  }
  policy.End(/*found=*/true);
  EXPECT_TRUE(policy.Begin(At(++now), 1));
}

TEST(CpuGaugeTest, ReadsWhatTheKernelWrites) {
  EXPECT_EQ(CpuGauge::RunnableOf("0.20 0.18 0.12 3/80 11206\n"), 3);
  EXPECT_EQ(CpuGauge::RunnableOf("12.0 8.18 0.12 41/8000 11206\n"), 41);
  EXPECT_EQ(CpuGauge::RunnableOf(""), -1);
  EXPECT_EQ(CpuGauge::RunnableOf("/"), -1);
  EXPECT_EQ(CpuGauge::RunnableOf("a b/c"), -1);
  EXPECT_EQ(CpuGauge::QuotaOf("max 100000\n"), -1);
  EXPECT_EQ(CpuGauge::QuotaOf("150000 100000\n"), 1);
  EXPECT_EQ(CpuGauge::QuotaOf("50000 100000\n"), 0);
  EXPECT_EQ(CpuGauge::QuotaOf(""), -1);
  CpuGauge gauge;
  EXPECT_GE(gauge.cpus(), 0);
  EXPECT_GE(gauge.Runnable(BootNow()), 1) << "this one runs";
}

}  // namespace
}  // namespace mobula::base

#include "raylet/leases/lease_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace mobula::raylet {
namespace {

using base::JobId;
using base::LeaseId;
using base::ProcessId;
using base::ResourceVector;
using Verdict = LeaseQueue::Verdict;

const JobId kA{1, 1};
const JobId kB{1, 2};

QueuedLease Ask(std::uint64_t id, JobId job, double cpus,
                ProcessId owner = {2, 1}) {
  QueuedLease request;
  request.lease = LeaseId{3, id};
  request.owner = owner;
  request.job = job;
  request.shape = ResourceVector::Cpus(cpus);
  return request;
}

// The ids granted by one round that grants all that fits.
std::vector<std::uint64_t> GrantAll(LeaseQueue& queue, double cpus) {
  std::vector<std::uint64_t> granted;
  queue.Round(ResourceVector::Cpus(cpus), [&](const QueuedLease& request) {
    granted.push_back(request.lease.lo);
    return Verdict::kGranted;
  });
  queue.CheckInvariants();
  return granted;
}

TEST(LeaseQueueTest, OneJobIsServedInOrderAsFarAsItFits) {
  LeaseQueue queue({ResourceVector::Cpus(4)});
  queue.AddJob(kA, 1);
  for (std::uint64_t id = 1; id <= 5; ++id) queue.Add(Ask(id, kA, 1));
  EXPECT_EQ(GrantAll(queue, 3), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(GrantAll(queue, 3), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(LeaseQueueTest, TheHigherPriorityOfAJobGoesFirst) {
  LeaseQueue queue({ResourceVector::Cpus(4)});
  queue.AddJob(kA, 1);
  queue.AddJob(kB, 1);
  for (std::uint64_t id = 1; id <= 4; ++id) {
    QueuedLease request = Ask(id, kA, id % 2 == 0 ? 1 : 2);
    request.priority = static_cast<std::int32_t>(id / 3) - 1;
    queue.Add(request);
  }
  EXPECT_EQ(GrantAll(queue, 3), (std::vector<std::uint64_t>{3, 4}));
  queue.Add(Ask(5, kA, 2));
  EXPECT_EQ(GrantAll(queue, 2), std::vector<std::uint64_t>{5});
  // To another job it says nothing.
  QueuedLease high = Ask(6, kB, 1);
  high.priority = 1'000;
  queue.Add(high);
  queue.Add(Ask(7, kB, 1));
  EXPECT_EQ(GrantAll(queue, 5), (std::vector<std::uint64_t>{6, 7, 1, 2}));
}

TEST(LeaseQueueTest, APriorityIsSetByItsOwner) {
  LeaseQueue queue({ResourceVector::Cpus(4)});
  queue.AddJob(kA, 1);
  for (std::uint64_t id = 1; id <= 4; ++id) queue.Add(Ask(id, kA, 1));
  queue.SetPriority(LeaseId{3, 4}, {2, 1}, 5);
  queue.SetPriority(LeaseId{3, 3}, {2, 1}, 5);
  queue.SetPriority(LeaseId{3, 2}, {2, 9}, 9);  // another's
  queue.SetPriority(LeaseId{3, 8}, {2, 1}, 9);  // that is not there
  queue.CheckInvariants();
  EXPECT_EQ(GrantAll(queue, 2), (std::vector<std::uint64_t>{4, 3}));
  queue.SetPriority(LeaseId{3, 1}, {2, 1}, -1);
  EXPECT_EQ(queue.Take(LeaseId{3, 1})->priority, -1);
  EXPECT_EQ(GrantAll(queue, 2), std::vector<std::uint64_t>{2});
}

TEST(LeaseQueueTest, ASmallOnePassesABigOneThatDoesNotFit) {
  LeaseQueue queue({ResourceVector::Cpus(4)});
  queue.AddJob(kA, 1);
  queue.Add(Ask(1, kA, 4));
  queue.Add(Ask(2, kA, 1));
  EXPECT_EQ(GrantAll(queue, 3), std::vector<std::uint64_t>{2});
  EXPECT_EQ(GrantAll(queue, 4), std::vector<std::uint64_t>{1});
}

TEST(LeaseQueueTest, ABigOneIsNotPassedForEver) {
  LeaseQueue queue({ResourceVector::Cpus(4), /*passed_over_max=*/5});
  queue.AddJob(kA, 1);
  queue.AddJob(kB, 1);
  queue.Add(Ask(1, kA, 4));
  std::uint64_t id = 2;
  int passed = 0;
  while (true) {
    queue.Add(Ask(id++, kA, 1));
    queue.Add(Ask(id++, kB, 1));
    const std::vector<std::uint64_t> granted = GrantAll(queue, 1);
    if (granted.empty()) break;
    ASSERT_LE(++passed, 5);
  }
  EXPECT_EQ(passed, 5);
  EXPECT_EQ(GrantAll(queue, 4), std::vector<std::uint64_t>{1});
  EXPECT_FALSE(GrantAll(queue, 1).empty());
}

TEST(LeaseQueueTest, WhatAStarvingOneDoesNotNeedIsGivenToOthers) {
  LeaseQueue queue({ResourceVector::Cpus(4).With("gpu", 1), 1});
  queue.AddJob(kA, 1);
  queue.Add(Ask(1, kA, 4));
  queue.Add(Ask(2, kA, 1));
  EXPECT_EQ(GrantAll(queue, 1), std::vector<std::uint64_t>{2});
  QueuedLease gpu = Ask(3, kA, 0);
  gpu.shape = ResourceVector().With("gpu", 1);
  queue.Add(gpu);
  queue.Add(Ask(4, kA, 1));
  std::vector<std::uint64_t> granted;
  queue.Round(ResourceVector::Cpus(3).With("gpu", 1),
              [&](const QueuedLease& request) {
                granted.push_back(request.lease.lo);
                return Verdict::kGranted;
              });
  EXPECT_EQ(granted, std::vector<std::uint64_t>{3});
}

TEST(LeaseQueueTest, JobsShareByWeight) {
  LeaseQueue queue({ResourceVector::Cpus(4)});
  queue.AddJob(kA, 1);
  queue.AddJob(kB, 3);
  std::map<JobId, int> granted;
  std::uint64_t id = 1;
  for (int i = 0; i < 400; ++i) {
    queue.Add(Ask(id++, kA, 1));
    queue.Add(Ask(id++, kB, 1));
  }
  for (int i = 0; i < 400; ++i) {
    queue.Round(ResourceVector::Cpus(1), [&](const QueuedLease& request) {
      ++granted[request.job];
      return Verdict::kGranted;
    });
  }
  EXPECT_NEAR(granted[kB], 300, 2);
  EXPECT_NEAR(granted[kA], 100, 2);
}

TEST(LeaseQueueTest, AJobThatWasAwayHasNothingSavedUp) {
  LeaseQueue queue({ResourceVector::Cpus(4)});
  queue.AddJob(kA, 1);
  queue.AddJob(kB, 1);
  std::uint64_t id = 1;
  for (int i = 0; i < 100; ++i) {
    queue.Add(Ask(id++, kA, 1));
    EXPECT_EQ(GrantAll(queue, 1).size(), 1u);
  }
  std::map<JobId, int> granted;
  for (int i = 0; i < 100; ++i) {
    queue.Add(Ask(id++, kA, 1));
    queue.Add(Ask(id++, kB, 1));
    queue.Round(ResourceVector::Cpus(1), [&](const QueuedLease& request) {
      ++granted[request.job];
      return Verdict::kGranted;
    });
  }
  EXPECT_NEAR(granted[kB], 50, 2);
}

TEST(LeaseQueueTest, WhatWaitsForItsWorkerKeepsItsResources) {
  LeaseQueue queue({ResourceVector::Cpus(2)});
  queue.AddJob(kA, 1);
  queue.Add(Ask(1, kA, 2));
  queue.Add(Ask(2, kA, 1));
  int offers = 0;
  queue.Round(ResourceVector::Cpus(2), [&](const QueuedLease&) {
    ++offers;
    return Verdict::kWaits;
  });
  EXPECT_EQ(offers, 1) << "nothing is left for the second";
  EXPECT_EQ(queue.size(), 2u);
}

TEST(LeaseQueueTest, AJobWithoutAWorkerDoesNotHoldUpOthers) {
  LeaseQueue queue({ResourceVector::Cpus(2)});
  queue.AddJob(kA, 1);
  queue.AddJob(kB, 1);
  queue.Add(Ask(1, kA, 1));
  queue.Add(Ask(2, kB, 1));
  std::vector<std::uint64_t> granted;
  queue.Round(ResourceVector::Cpus(1), [&](const QueuedLease& request) {
    if (request.job == kA) return Verdict::kNoWorker;
    granted.push_back(request.lease.lo);
    return Verdict::kGranted;
  });
  EXPECT_EQ(granted, std::vector<std::uint64_t>{2});
}

TEST(LeaseQueueTest, TakesByIdOwnerAndJob) {
  LeaseQueue queue({ResourceVector::Cpus(2)});
  queue.AddJob(kA, 1);
  queue.AddJob(kB, 1);
  const ProcessId other{2, 2};
  EXPECT_TRUE(queue.Add(Ask(1, kA, 1)));
  EXPECT_FALSE(queue.Add(Ask(1, kA, 1)));
  queue.Add(Ask(2, kA, 1, other));
  queue.Add(Ask(3, kB, 1));
  EXPECT_TRUE(queue.Take(LeaseId{3, 1}).has_value());
  EXPECT_FALSE(queue.Take(LeaseId{3, 1}).has_value());
  EXPECT_EQ(queue.TakeOfOwner(other).size(), 1u);
  EXPECT_EQ(queue.SizeOfJob(kA), 0u);
  EXPECT_EQ(queue.RemoveJob(kB).size(), 1u);
  EXPECT_EQ(queue.size(), 0u);
  queue.CheckInvariants();
}

TEST(LeaseQueueTest, RandomRoundsKeepTheOrderAndTheBound) {
  std::mt19937 random(11);
  for (int run = 0; run < 50; ++run) {
    LeaseQueue queue({ResourceVector::Cpus(8), 4});
    queue.AddJob(kA, 1);
    queue.AddJob(kB, 2);
    std::uint64_t id = 1;
    std::size_t granted = 0;
    for (int step = 0; step < 200; ++step) {
      if (random() % 3 != 0) {
        QueuedLease request =
            Ask(id, random() % 2 == 0 ? kA : kB, 1 + random() % 8);
        request.priority = static_cast<std::int32_t>(random() % 3);
        queue.Add(std::move(request));
        ++id;
      }
      if (random() % 8 == 0) queue.Take(LeaseId{3, 1 + random() % id});
      const ResourceVector free = ResourceVector::Cpus(random() % 9);
      ResourceVector left = free;
      using Rank = std::pair<std::int32_t, std::uint64_t>;
      std::map<std::pair<JobId, ResourceVector>, Rank> last;
      queue.Round(free, [&](const QueuedLease& request) {
        Rank& before =
            last.try_emplace({request.job, request.shape}, -9, 0).first->second;
        const Rank rank{-request.priority, request.lease.lo};
        EXPECT_GT(rank, before) << "by priority, in order of arrival";
        before = rank;
        if (random() % 5 == 0) return Verdict::kNoWorker;
        if (random() % 5 == 0) return Verdict::kNotForIt;
        EXPECT_TRUE(left.Fits(request.shape));
        left.Subtract(request.shape);
        if (random() % 5 == 0) return Verdict::kWaits;
        ++granted;
        return Verdict::kGranted;
      });
      queue.CheckInvariants();
    }
    while (queue.size() > 0) {
      const std::size_t before = queue.size();
      granted += GrantAll(queue, 8).size();
      ASSERT_LT(queue.size(), before) << "something is never served";
    }
    EXPECT_GT(granted, 50u);
  }
}

}  // namespace
}  // namespace mobula::raylet

#include "raylet/workers/worker_table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <vector>

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::JobId;
using base::ProcessId;
using std::chrono::milliseconds;
using std::chrono::seconds;

const JobId kJob{1, 1};
const JobId kOther{1, 2};

ProcessId Id(std::uint64_t lo) { return ProcessId{2, lo}; }

class WorkerTableTest : public testing::Test {
 protected:
  static WorkerTable::Options MakeOptions() {
    WorkerTable::Options options;
    options.workers_max = 4;
    options.starting_max = 2;
    options.pool = 2;
    return options;
  }
  void SetUp() override {
    table_.AddJob(kJob);
    table_.AddJob(kOther);
  }
  ProcessId StartIdle(JobId job = kJob) {
    const ProcessId process = Id(++ids_);
    table_.Start(process, job, now_);
    table_.Registered(process, now_);
    return process;
  }

  BootTime now_ = BootTime::FromSinceBoot(seconds(1));
  std::uint64_t ids_ = 0;
  WorkerTable table_{MakeOptions()};
};

TEST_F(WorkerTableTest, StartsArePacedAndCapped) {
  table_.Start(Id(101), kJob, now_);
  table_.Start(Id(102), kJob, now_);
  EXPECT_FALSE(table_.MayStart(kJob, now_)) << "two at once";
  table_.Registered(Id(101), now_);
  table_.Registered(Id(102), now_);
  StartIdle();
  StartIdle();
  EXPECT_FALSE(table_.MayStart(kJob, now_)) << "four in all";
  table_.CheckInvariants();
}

TEST_F(WorkerTableTest, TheIdleOneUsedLastComesFirst) {
  const ProcessId a = StartIdle();
  const ProcessId b = StartIdle();
  EXPECT_EQ(table_.IdleOf(kJob), (std::vector<ProcessId>{b, a}));
  table_.Lease(a, false);
  EXPECT_EQ(table_.IdleOf(kJob), (std::vector<ProcessId>{b}));
  table_.Release(a, now_);
  EXPECT_EQ(table_.IdleOf(kJob), (std::vector<ProcessId>{a, b}));
}

TEST_F(WorkerTableTest, ThePoolDoesNotCountActorsAndWaitingTasks) {
  EXPECT_EQ(table_.PoolLacks(kJob), 2u);
  const ProcessId a = StartIdle();
  const ProcessId b = StartIdle();
  EXPECT_EQ(table_.PoolLacks(kJob), 0u);
  table_.Lease(a, /*for_actor=*/true);
  EXPECT_EQ(table_.PoolLacks(kJob), 1u);
  table_.Lease(b, /*for_actor=*/false);
  EXPECT_EQ(table_.PoolLacks(kJob), 1u);
  table_.SetBlocked(b, true);
  EXPECT_EQ(table_.PoolLacks(kJob), 2u);
}

TEST_F(WorkerTableTest, AFailedStartDelaysTheNextAndThreeGiveUp) {
  for (int failure = 1; failure <= 3; ++failure) {
    ASSERT_TRUE(table_.MayStart(kJob, now_));
    table_.Start(Id(failure), kJob, now_);
    const WorkerTable::Removed removed = table_.Remove(Id(failure), now_);
    EXPECT_TRUE(removed.failed_to_start);
    EXPECT_EQ(removed.give_up, failure == 3);
    EXPECT_FALSE(table_.MayStart(kJob, now_));
    EXPECT_TRUE(table_.MayStart(kOther, now_)) << "another job is not charged";
    now_ = table_.StartNotBefore(kJob);
  }
  EXPECT_EQ(table_.PoolLacks(kJob), 0u) << "given up";
  StartIdle();
  EXPECT_EQ(table_.PoolLacks(kJob), 1u) << "it works again";
}

TEST_F(WorkerTableTest, AStartThatWeEndedIsNoFailure) {
  table_.Start(Id(1), kJob, now_);
  table_.ForgiveStart(Id(1));
  table_.Kill(Id(1));
  EXPECT_FALSE(table_.Remove(Id(1), now_).failed_to_start);
  EXPECT_TRUE(table_.MayStart(kJob, now_));
}

TEST_F(WorkerTableTest, OverdueAreStartsAndRetirementsThatTakeTooLong) {
  table_.Start(Id(101), kJob, now_);
  const ProcessId b = StartIdle();
  table_.Retire(b, false, now_);
  EXPECT_TRUE(table_.Overdue(now_).empty());
  EXPECT_EQ(table_.NextDeadline(), now_ + seconds(2));
  EXPECT_EQ(table_.Overdue(now_ + seconds(2)), std::vector<ProcessId>{b});
  EXPECT_EQ(table_.Overdue(now_ + seconds(60)).size(), 2u);
  table_.Kill(b);
  EXPECT_TRUE(table_.Overdue(now_ + seconds(2)).empty());
}

TEST_F(WorkerTableTest, OneThatMayStaySaysSoUnlessItMustGoAfterAll) {
  const ProcessId a = StartIdle();
  const ProcessId b = StartIdle();
  table_.Retire(a, true, now_);
  table_.Retire(b, true, now_);
  table_.Retire(b, false, now_);
  table_.Stay(a, now_ + seconds(1));
  table_.Stay(b, now_ + seconds(1));
  EXPECT_EQ(table_.Find(a)->state, WorkerState::kIdle);
  EXPECT_EQ(table_.Find(a)->idle_since, now_ + seconds(1));
  EXPECT_EQ(table_.Find(b)->state, WorkerState::kRetiring);
  EXPECT_EQ(table_.Overdue(now_ + seconds(2)), std::vector<ProcessId>{b});
  EXPECT_EQ(table_.ending(), 1u);
}

TEST_F(WorkerTableTest, IdleBeyondThePoolIsReapableOldestFirst) {
  const ProcessId a = StartIdle();
  StartIdle();
  EXPECT_TRUE(table_.NextDeadline().IsNever());
  now_ = now_ + seconds(1);
  StartIdle();
  EXPECT_TRUE(table_.Reapable(now_).empty());
  EXPECT_EQ(table_.Reapable(table_.NextDeadline()), std::vector<ProcessId>{a});
  table_.KeepIdle(a, now_ + seconds(9));
  EXPECT_EQ(table_.Reapable(now_ + seconds(9)).size(), 1u);
  EXPECT_NE(table_.Reapable(now_ + seconds(9))[0], a);
}

TEST_F(WorkerTableTest, TheOldestIdleWorkerOfAnotherJobMakesRoom) {
  EXPECT_TRUE(table_.OldestIdleNotOf(kJob).IsNil());
  StartIdle(kJob);
  const ProcessId b = StartIdle(kOther);
  StartIdle(kOther);
  EXPECT_EQ(table_.OldestIdleNotOf(kJob), b);
}

TEST_F(WorkerTableTest, CountsAreRightWhateverHappens) {
  std::mt19937 random(5);
  std::vector<ProcessId> all;
  int ended = 0;
  for (int step = 0; step < 5000; ++step) {
    now_ = now_ + milliseconds(random() % 30);
    const JobId job = random() % 2 == 0 ? kJob : kOther;
    if (random() % 4 == 0 && table_.MayStart(job, now_)) {
      all.push_back(Id(++ids_));
      table_.Start(all.back(), job, now_);
    } else if (!all.empty()) {
      const std::size_t at = random() % all.size();
      const ProcessId process = all[at];
      const Worker worker = *table_.Find(process);
      switch (random() % 6) {
        case 0:
          table_.Remove(process, now_);
          all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
          ++ended;
          break;
        case 1:
          table_.Kill(process);
          break;
        case 2:
          if (worker.registered && worker.state != WorkerState::kDying) {
            table_.Retire(process, random() % 2 == 0, now_);
          }
          if (random() % 2 == 0) table_.Stay(process, now_);
          break;
        default:
          if (worker.state == WorkerState::kStarting) {
            table_.Registered(process, now_);
          } else if (worker.state == WorkerState::kIdle) {
            table_.Lease(process, random() % 2 == 0);
          } else if (worker.state == WorkerState::kLeased) {
            table_.SetBlocked(process, random() % 2 == 0);
            if (random() % 2 == 0) table_.Release(process, now_);
          }
      }
    }
    table_.CheckInvariants();
  }
  EXPECT_GT(ended, 100);
}

}  // namespace
}  // namespace mobula::raylet

#include "gcs/jobs/job_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/control/records.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {
namespace {

const base::NodeId kNode{1, 1}, kOther{1, 2};

base::JobId Id(std::uint64_t lo) { return base::JobId{2, lo}; }

base::JobRecord Job(std::uint64_t lo) {
  base::JobRecord job;
  job.job = Id(lo);
  job.driver = base::ProcessId{3, lo};
  return job;
}

class JobTableTest : public ::testing::Test {
 protected:
  JobTableTest() : table_({/*ended_max=*/2}) {}
  ~JobTableTest() override { table_.CheckInvariants(); }

  bool Begin(std::uint64_t lo, base::NodeId node = kNode) {
    return table_.Begin(Job(lo), node, ++wall_ms_, effects_);
  }
  bool End(std::uint64_t lo) {
    return table_.End(Id(lo), "done", ++wall_ms_, effects_);
  }

  JobTable table_;
  Effects effects_;
  std::int64_t wall_ms_ = 0;
};

TEST_F(JobTableTest, AJobRunsOnTheNodeThatSaidSoFirst) {
  EXPECT_TRUE(Begin(1));
  EXPECT_TRUE(table_.IsRunning(Id(1)));
  effects_.clear();
  EXPECT_TRUE(Begin(1, kOther)) << "said again";
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(table_.Find(Id(1))->node, kNode);
  Begin(2, kOther);
  Begin(3);
  EXPECT_EQ(table_.RunningOn(kNode), (std::vector{Id(1), Id(3)}));
  End(1);
  EXPECT_EQ(table_.RunningOn(kNode), std::vector{Id(3)});
}

TEST_F(JobTableTest, AnEndedJobNeverRunsAgain) {
  Begin(1);
  EXPECT_TRUE(End(1));
  effects_.clear();
  EXPECT_FALSE(End(1));
  EXPECT_FALSE(Begin(1));
  EXPECT_FALSE(End(9)) << "nobody knows it";
  EXPECT_TRUE(effects_.empty());
  EXPECT_TRUE(table_.HasEnded(Id(1)));
  EXPECT_FALSE(table_.HasEnded(Id(9)));
  EXPECT_EQ(table_.Find(Id(1))->cause, "done");
}

TEST_F(JobTableTest, RemembersTheLastThatEnded) {
  for (std::uint64_t lo = 1; lo <= 4; ++lo) Begin(lo);
  End(3);
  End(1);
  effects_.clear();
  End(2);
  EXPECT_EQ(table_.Find(Id(3)), nullptr);
  EXPECT_NE(table_.Find(Id(1)), nullptr);
  ASSERT_EQ(effects_.size(), 2u);
  EXPECT_FALSE(std::get<Write>(effects_[1]).value.has_value());
  EXPECT_EQ(table_.running(), 1u);
}

TEST_F(JobTableTest, RestoresWhatItWrote) {
  std::string error;
  base::JobRecord ended = Job(2);
  ended.state = base::JobState::kEnded;
  EXPECT_TRUE(table_.Restore(Job(1), &error));
  EXPECT_TRUE(table_.Restore(ended, &error));
  EXPECT_FALSE(table_.Restore(Job(1), &error));
  EXPECT_NE(error.find("twice"), std::string::npos);
  EXPECT_TRUE(table_.IsRunning(Id(1)));
  EXPECT_TRUE(table_.HasEnded(Id(2)));
}

}  // namespace
}  // namespace mobula::gcs

#include "examples/index/chaos.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <vector>

namespace indexer {
namespace {

using std::chrono::milliseconds;

constexpr Chaos::Clock::time_point kStart(std::chrono::seconds(100));

class ChaosTest : public testing::Test {
 protected:
  Chaos Make(const Options& options) {
    return Chaos(options, kStart, [this](int pid) {
      if (gone_.contains(pid)) return false;
      killed_.push_back(pid);
      gone_.insert(pid);
      return true;
    });
  }

  std::vector<int> killed_;
  std::set<int> gone_;
};

TEST_F(ChaosTest, KillsNobodyUnasked) {
  Chaos chaos = Make(Options());
  chaos.SawTask(10);
  chaos.SawShard(0, 20);
  chaos.Tick(10, 10, kStart + std::chrono::hours(1));
  EXPECT_TRUE(killed_.empty());
  EXPECT_FALSE(chaos.Owes());
}

TEST_F(ChaosTest, KillsByTimeTasksAndShardsInTurn) {
  Options options;
  options.kill_every = milliseconds(1000);
  options.workers = 2;
  Chaos chaos = Make(options);
  for (int i = 1; i <= 40; ++i) {
    chaos.SawTask(100 + i);
    chaos.SawShard(0, 200 + i);
    chaos.Tick(0, 0, kStart + milliseconds(100 * i));
  }
  EXPECT_EQ(chaos.kills(), 4u);
  ASSERT_EQ(killed_.size(), 4u);
  EXPECT_LT(killed_[0], 200);
  EXPECT_GT(killed_[1], 200);
  EXPECT_LT(killed_[2], 200);
  EXPECT_GT(killed_[3], 200);
}

TEST_F(ChaosTest, KillsByNumberAreSpreadOverTheWork) {
  Options options;
  options.kills = 4;
  Chaos chaos = Make(options);
  std::vector<std::uint64_t> moments;
  for (std::uint64_t done = 0; done <= 100; ++done) {
    chaos.SawTask(static_cast<int>(1000 + done));
    chaos.SawShard(0, static_cast<int>(2000 + done));
    const std::size_t before = killed_.size();
    chaos.Tick(done, 100, kStart);
    if (killed_.size() > before) moments.push_back(done);
  }
  EXPECT_EQ(moments, (std::vector<std::uint64_t>{20, 40, 60, 80}));
  EXPECT_FALSE(chaos.Owes());
}

TEST_F(ChaosTest, WithNobodyLeftNothingIsOwed) {
  Options options;
  options.kills = 3;
  Chaos chaos = Make(options);
  EXPECT_FALSE(chaos.Owes());
  chaos.SawTask(10);
  EXPECT_TRUE(chaos.Owes());
  for (int i = 0; i < 3; ++i) chaos.Tick(5, 5, kStart);
  EXPECT_EQ(killed_, std::vector<int>{10});
  EXPECT_FALSE(chaos.Owes());
}

TEST_F(ChaosTest, WhoIsGoneAlreadyDoesNotCount) {
  Options options;
  options.kills = 1;
  options.workers = 8;
  Chaos chaos = Make(options);
  for (int pid = 10; pid < 15; ++pid) {
    chaos.SawTask(pid);
    if (pid != 12) gone_.insert(pid);
  }
  chaos.Tick(1, 1, kStart);
  EXPECT_EQ(killed_, std::vector<int>{12});
  EXPECT_EQ(chaos.kills(), 1u);
}

TEST_F(ChaosTest, OnlyProcessesOfThisProgramAreKilled) {
  EXPECT_FALSE(Chaos::KillOwn(0));
  EXPECT_FALSE(Chaos::KillOwn(-1));
  EXPECT_FALSE(Chaos::KillOwn(1));
  EXPECT_FALSE(Chaos::KillOwn(::getpid()));
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  EXPECT_TRUE(Chaos::KillOwn(child));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_FALSE(Chaos::KillOwn(child));
}

}  // namespace
}  // namespace indexer

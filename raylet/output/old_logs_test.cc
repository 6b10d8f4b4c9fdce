#include "raylet/output/old_logs.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <utime.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace mobula::raylet {
namespace {

namespace fs = std::filesystem;

class OldLogsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "oldXXXXXX";
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    root_ = root;
  }
  void TearDown() override { fs::remove_all(root_); }
  [[nodiscard]] std::string PathOf(int pid) const {
    return root_ + "/worker-" + std::to_string(pid) + ".log";
  }
  std::string Write(int pid, std::size_t bytes, std::size_t beside = 0) const {
    std::ofstream(PathOf(pid)) << std::string(bytes, 'x');
    if (beside > 0) {
      std::ofstream(PathOf(pid) + ".1") << std::string(beside, 'y');
    }
    return PathOf(pid);
  }
  [[nodiscard]] std::set<std::string> Files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  using Names = std::set<std::string>;

  std::string root_;
};

TEST_F(OldLogsTest, OfMoreThanThereMayBeTheOldestGo) {
  OldLogs logs(root_, {/*count_max=*/2, /*bytes_max=*/1000});
  for (int pid = 1; pid <= 3; ++pid) logs.Keep(Write(pid, 10, 5));
  EXPECT_EQ(Files(), (Names{"worker-2.log", "worker-2.log.1", "worker-3.log",
                            "worker-3.log.1"}));
  EXPECT_EQ(logs.count(), 2u);
  EXPECT_EQ(logs.bytes(), 30u);
}

TEST_F(OldLogsTest, OfMoreBytesThanTheyMayHaveTheOldestGo) {
  OldLogs logs(root_, {/*count_max=*/100, /*bytes_max=*/100});
  logs.Keep(Write(1, 30, 30));
  logs.Keep(Write(2, 40));
  EXPECT_EQ(logs.count(), 2u);
  logs.Keep(Write(3, 1));
  EXPECT_EQ(Files(), (Names{"worker-2.log", "worker-3.log"}));
  EXPECT_EQ(logs.bytes(), 41u);
  // One that is too large by itself leaves nothing.
  logs.Keep(Write(4, 101));
  EXPECT_EQ(Files(), Names{});
  EXPECT_EQ(logs.bytes(), 0u);
}

TEST_F(OldLogsTest, WhatLivesIsNotRemovedUnderTheNumberOfOneThatHasEnded) {
  OldLogs logs(root_, {/*count_max=*/1, /*bytes_max=*/1000});
  logs.Keep(Write(1, 10, 10));
  logs.Reuse(PathOf(1));
  EXPECT_EQ(Files(), Names{});
  Write(1, 20);
  logs.Keep(Write(2, 10));
  logs.Keep(Write(3, 10));
  EXPECT_EQ(Files(), (Names{"worker-1.log", "worker-3.log"}));
  logs.Keep(PathOf(1));
  EXPECT_EQ(Files(), (Names{"worker-1.log"}));
  EXPECT_EQ(logs.bytes(), 20u);
}

TEST_F(OldLogsTest, WhoWroteNothingTakesNoPlace) {
  OldLogs logs(root_, {/*count_max=*/1, /*bytes_max=*/1000});
  logs.Keep(Write(1, 10));
  logs.Keep(PathOf(2));
  EXPECT_EQ(logs.count(), 1u);
  EXPECT_EQ(Files(), (Names{"worker-1.log"}));
}

TEST_F(OldLogsTest, WhatAnEarlierRayletLeftCounts) {
  for (int pid = 1; pid <= 4; ++pid) {
    // Older than those before it.
    const utimbuf times{1000 - pid, 1000 - pid};
    ASSERT_EQ(::utime(Write(pid, 10).c_str(), &times), 0);
  }
  std::ofstream(root_ + "/another.log") << "x";
  OldLogs logs(root_, {/*count_max=*/2, /*bytes_max=*/1000});
  EXPECT_EQ(Files(), (Names{"another.log", "worker-1.log", "worker-2.log"}));
  logs.Keep(Write(5, 10));
  EXPECT_EQ(Files(), (Names{"another.log", "worker-1.log", "worker-5.log"}));
  EXPECT_EQ(OldLogs(root_ + "/absent").count(), 0u);
}

}  // namespace
}  // namespace mobula::raylet

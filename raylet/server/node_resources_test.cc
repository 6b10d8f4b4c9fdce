#include "raylet/server/node_resources.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mobula::raylet {
namespace {

class NodeResourcesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "rootXXXXXX";
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    root_ = root;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string root_;
};

TEST_F(NodeResourcesTest, WithoutLimitsItIsTheMachine) {
  EXPECT_GE(DetectCpus(root_), 1);
  EXPECT_GT(DetectMemoryBytes(root_), 1 << 20);
  EXPECT_FALSE(HostName().empty());
}

TEST_F(NodeResourcesTest, Version2LimitsHoldAlsoFromAbove) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  Write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  Write("/sys/fs/cgroup/a/memory.max", "4194304\n");
  EXPECT_EQ(DetectCpus(root_), 1);
  EXPECT_EQ(DetectMemoryBytes(root_), 4194304);
}

TEST_F(NodeResourcesTest, Version1Limits) {
  Write("/proc/self/cgroup", "4:cpu,cpuacct:/x\n3:memory:/x\n1:name=y:/x\n");
  Write("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000\n");
  Write("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "8388608\n");
  EXPECT_EQ(DetectCpus(root_), 1);
  EXPECT_EQ(DetectMemoryBytes(root_), 8388608);
}

TEST_F(NodeResourcesTest, InAContainerThePathOfTheHostIsNotThere) {
  Write("/proc/self/cgroup", "3:memory:/docker/abc\n4:cpu:/docker/abc\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152\n");
  EXPECT_GE(DetectCpus(root_), 1);
  EXPECT_EQ(DetectMemoryBytes(root_), 2097152);
}

TEST_F(NodeResourcesTest, LessThanOneCpuIsOne) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "20000 100000\n");
  EXPECT_EQ(DetectCpus(root_), 1);
}

}  // namespace
}  // namespace mobula::raylet

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

TEST_F(NodeResourcesTest, FreeIsWhatTheMachineOrALimitLeaves) {
  EXPECT_GT(DetectFreeMemoryBytes(), 0);
  EXPECT_LE(DetectFreeMemoryBytes(), DetectMemoryBytes());
  Write("/proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    4096 kB\nX: 1 kB\n");
  EXPECT_EQ(DetectFreeMemoryBytes(root_), 4096 * 1024);
  // Version 2, with files that can go.
  Write("/proc/self/cgroup", "0::/a\n3:memory:/b\n");
  Write("/sys/fs/cgroup/a/memory.max", "2097152\n");
  Write("/sys/fs/cgroup/a/memory.current", "1500000\n");
  Write("/sys/fs/cgroup/a/memory.stat", "anon 7\ninactive_file 500000\n");
  EXPECT_EQ(DetectFreeMemoryBytes(root_), 2097152 - 1'000'000);
  // Version 1: less is left.
  Write("/sys/fs/cgroup/memory/b/memory.limit_in_bytes", "1048576\n");
  Write("/sys/fs/cgroup/memory/b/memory.usage_in_bytes", "900000\n");
  Write("/sys/fs/cgroup/memory/b/memory.stat",
        "inactive_file 1\ntotal_inactive_file 100000\n");
  EXPECT_EQ(DetectFreeMemoryBytes(root_), 1048576 - 800'000);
  // Over its limit already, and nothing that says what could go.
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
  Write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "2000\n");
  EXPECT_EQ(DetectFreeMemoryBytes(root_), 0);
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

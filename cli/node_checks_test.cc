#include "cli/node_checks.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/control/node_file.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;

class NodeChecksTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string top = testing::TempDir() + "checksXXXXXX";
    ASSERT_NE(::mkdtemp(top.data()), nullptr);
    top_ = top;
  }
  void TearDown() override { fs::remove_all(top_); }
  std::string top_;
};

TEST_F(NodeChecksTest, TheControlStoresProgramLiesBesideThisOne) {
  Check check = CheckPrograms(top_)[0];
  EXPECT_FALSE(check.ok);
  EXPECT_NE(check.detail.find(top_ + "/mobula-gcs: No such file"),
            std::string::npos)
      << check.detail;
  std::ofstream(top_ + "/mobula-gcs") << "#!/bin/sh";
  fs::permissions(top_ + "/mobula-gcs", fs::perms::owner_all);
  EXPECT_TRUE(CheckPrograms(top_)[0].ok);
}

TEST_F(NodeChecksTest, WhatOnlyShowsStacksIsANote) {
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", top_.c_str(), 1);
  const Check without = CheckPrograms(top_)[1];
  std::ofstream(top_ + "/eu-stack") << "#!/bin/sh";
  fs::permissions(top_ + "/eu-stack", fs::perms::owner_all);
  const Check with = CheckPrograms(top_)[1];
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_FALSE(without.ok);
  EXPECT_TRUE(without.is_note);
  EXPECT_NE(without.advice.find("elfutils"), std::string::npos);
  EXPECT_TRUE(with.ok);
}

TEST_F(NodeChecksTest, ASpillFolderThatIsLeftAloneIsWrong) {
  base::StoreInfo store;
  store.bytes_max = 1 << 20;
  const Check good = CheckSpilling("node one", store);
  EXPECT_TRUE(good.ok);
  EXPECT_EQ(good.detail, "node one uses all of them");
  store.disk_trouble = "/disk: No space left on device";
  const Check bad = CheckSpilling("node one", store);
  EXPECT_FALSE(bad.ok);
  EXPECT_EQ(bad.detail,
            "node one leaves one alone: /disk: No space left on device");
}

TEST_F(NodeChecksTest, AHeadFolderIsThereOrCanBeMade) {
  const Check made = CheckHeadFolder(top_ + "/a/b/head");
  EXPECT_TRUE(made.ok) << made.detail;
  EXPECT_NE(made.detail.find("will be made"), std::string::npos);
  fs::create_directory(top_ + "/head");
  fs::permissions(top_ + "/head", static_cast<fs::perms>(0777));
  const Check open = CheckHeadFolder(top_ + "/head");
  EXPECT_FALSE(open.ok);
  EXPECT_NE(open.detail.find("chmod 700"), std::string::npos) << open.detail;
  std::ofstream(top_ + "/file") << "x";
  EXPECT_FALSE(CheckHeadFolder(top_ + "/file").ok);
  EXPECT_FALSE(CheckHeadFolder(top_ + "/file/head").ok);
  EXPECT_FALSE(CheckHeadFolder("").ok);
}

// No process can write there, and nothing is free.
TEST_F(NodeChecksTest, AHeadFolderWithoutRoomIsSaid) {
  const Check check = CheckHeadFolder("/proc/self/mobula/head");
  EXPECT_FALSE(check.ok);
  EXPECT_NE(check.detail.find("can write nothing"), std::string::npos)
      << check.detail;
}

// As one does whose control store ends again and again, and whose raylet hangs.
TEST_F(NodeChecksTest, ANodeOfWhichNothingAnswersIsNotHealthy) {
  const std::string root = top_ + "/mobula";
  EXPECT_TRUE(CheckNodes({root}).empty());
  ::mkdir(root.c_str(), 0700);
  base::NodeFile node;
  node.folder = root + "/session";
  ::mkdir(node.folder.c_str(), 0700);
  node.control = "unix:" + node.folder + "/control.sock";
  node.raylet = node.folder + "/raylet.sock";
  node.node = {1, 1};
  node.cluster = {2, 1};
  node.pid = ::getpid();
  std::string error;
  ASSERT_TRUE(base::WriteNodeFile(node, &error)) << error;
  const std::vector<Check> checks = CheckNodes({root});
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_FALSE(checks[0].ok);
  EXPECT_NE(checks[0].detail.find(node.raylet), std::string::npos);
  EXPECT_FALSE(checks[1].ok);
  EXPECT_NE(checks[1].detail.find(node.control), std::string::npos);
  EXPECT_NE(checks[1].advice.find("mobula logs gcs"), std::string::npos);
}

}  // namespace
}  // namespace mobula::cli

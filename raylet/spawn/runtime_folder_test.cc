#include "raylet/spawn/runtime_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace mobula::raylet {
namespace {

namespace fs = std::filesystem;

class RuntimeFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string above = testing::TempDir() + "folderXXXXXX";
    ASSERT_NE(::mkdtemp(above.data()), nullptr);
    above_ = above;
    root_ = above_ + "/mobula";
  }
  void TearDown() override { fs::remove_all(above_); }
  RuntimeFolder MakeOne() {
    std::string error;
    std::optional<RuntimeFolder> folder = RuntimeFolder::Plan({root_}, &error);
    EXPECT_TRUE(folder) << error;
    EXPECT_TRUE(folder->Make(&error)) << error;
    return std::move(*folder);
  }
  std::string above_;
  std::string root_;
};

TEST_F(RuntimeFolderTest, IsOursAloneAndGoneAfterwards) {
  RuntimeFolder folder = MakeOne();
  struct stat stat;
  for (const std::string& path : {root_, folder.path()}) {
    ASSERT_EQ(::stat(path.c_str(), &stat), 0);
    EXPECT_EQ(stat.st_mode & 0777, 0700u);
  }
  fs::create_directories(folder.path() + "/a/b");
  std::ofstream(folder.path() + "/a/b/file") << "text";
  fs::create_symlink(above_, folder.path() + "/link");
  folder.Remove();
  folder.Remove();
  EXPECT_FALSE(fs::exists(folder.path()));
  EXPECT_TRUE(fs::exists(above_)) << "a link is not followed";
}

TEST_F(RuntimeFolderTest, ALinkInPlaceOfTheRootIsRefused) {
  fs::create_directory(above_ + "/elsewhere");
  fs::permissions(above_ + "/elsewhere", fs::perms::owner_all);
  fs::create_symlink(above_ + "/elsewhere", root_);
  std::string error;
  EXPECT_FALSE(RuntimeFolder::Plan({root_}, &error));
  EXPECT_NE(error.find(root_), std::string::npos);
}

TEST_F(RuntimeFolderTest, ARootOpenToOthersIsRefusedAndTheNextTaken) {
  fs::create_directory(root_);
  fs::permissions(root_, static_cast<fs::perms>(0755));
  std::string error;
  EXPECT_FALSE(RuntimeFolder::Plan({root_}, &error));
  EXPECT_NE(error.find("chmod 700"), std::string::npos);
  const auto second = RuntimeFolder::Plan({root_, above_ + "/second"}, &error);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->path().starts_with(above_ + "/second/"));
}

TEST_F(RuntimeFolderTest, ALiveSessionIsNotStale) {
  RuntimeFolder folder = MakeOne();
  ASSERT_EQ(ListSessions(root_).size(), 1u);
  EXPECT_TRUE(ListSessions(root_)[0].live);
  EXPECT_TRUE(ClaimStale(root_).empty());
  EXPECT_EQ(ReapStale({root_}).sessions, 0u);
  EXPECT_TRUE(fs::exists(folder.path()));
  folder.Remove();
}

TEST_F(RuntimeFolderTest, AStaleSessionIsClaimedOnceAndReapedWithItsProcesses) {
  std::string session;
  {
    const RuntimeFolder crashed = MakeOne();
    session = crashed.session();
  }  // its lock is free, its folder is there
  const pid_t stray = ::fork();
  if (stray == 0) {
    const std::string mark = std::string(kSessionMark) + "=" + session;
    const char* const environment[] = {mark.c_str(), nullptr};
    ::execle("/bin/sleep", "sleep", "1000", nullptr, environment);
    ::_exit(127);
  }
  while (MarkedProcesses(session).empty()) {
  }
  EXPECT_FALSE(ListSessions(root_)[0].live);
  {
    const std::vector<RuntimeFolder> claimed = ClaimStale(root_);
    EXPECT_EQ(claimed.size(), 1u);
    EXPECT_TRUE(ClaimStale(root_).empty());
  }
  const Reaped reaped = ReapStale({root_});
  EXPECT_EQ(reaped.sessions, 1u);
  EXPECT_EQ(reaped.processes, 1u);
  int status = 0;
  ASSERT_EQ(::waitpid(stray, &status, 0), stray);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(ListSessions(root_).empty());
}

TEST_F(RuntimeFolderTest, WhatIsNoSessionIsLetBe) {
  RuntimeFolder folder = MakeOne();
  fs::create_directory(root_ + "/notes");
  EXPECT_EQ(ListSessions(root_).size(), 1u);
  ReapStale({root_});
  EXPECT_TRUE(fs::exists(root_ + "/notes"));
  folder.Remove();
}

}  // namespace
}  // namespace mobula::raylet

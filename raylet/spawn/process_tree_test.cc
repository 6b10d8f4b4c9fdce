#include "raylet/spawn/process_tree.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"

namespace mobula::raylet {
namespace {

// A process with a child that called setsid and forked twice; its pid and the
// fled one's. All three sleep until they are killed.
struct Tree {
  pid_t child = 0;
  pid_t fled = 0;
};

Tree GrowTree() {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  Tree tree;
  tree.child = ::fork();
  if (tree.child == 0) {
    if (::fork() == 0) {
      ::setsid();
      if (::fork() == 0) {
        const pid_t self = ::getpid();
        if (::write(ends[1], &self, sizeof(self)) < 0) ::_exit(1);
        while (true) ::pause();
      }
      ::_exit(0);
    }
    while (true) ::pause();
  }
  EXPECT_EQ(::read(ends[0], &tree.fled, sizeof(tree.fled)),
            static_cast<ssize_t>(sizeof(tree.fled)));
  ::close(ends[0]);
  ::close(ends[1]);
  return tree;
}

TEST(ProcessTreeTest, KnowsItself) {
  const auto stat = ReadProcessStat(::getpid());
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent, ::getppid());
  EXPECT_EQ(stat->session, ::getsid(0));
  EXPECT_FALSE(stat->name.empty());
  EXPECT_FALSE(ReadProcessStat(0x7fffffff));
}

TEST(ProcessTreeTest, ReadsTheEnvironmentOfTheStart) {
  EXPECT_TRUE(EnvironmentOf(::getpid(), "PATH"));
  EXPECT_FALSE(EnvironmentOf(::getpid(), "PAT"));
  EXPECT_FALSE(EnvironmentOf(0x7fffffff, "PATH"));
}

TEST(ProcessTreeTest, ASubreaperLeavesNobodyWhoFled) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const Tree tree = GrowTree();
  const std::vector<pid_t> all = DescendantsOf(::getpid());
  EXPECT_NE(std::find(all.begin(), all.end(), tree.child), all.end());
  EXPECT_NE(std::find(all.begin(), all.end(), tree.fled), all.end());
  EXPECT_TRUE(KillDescendants(base::BootNow() +
                              base::Duration(std::chrono::minutes(1))));
  EXPECT_FALSE(ReadProcessStat(tree.child));
  EXPECT_FALSE(ReadProcessStat(tree.fled));
  EXPECT_TRUE(DescendantsOf(::getpid()).empty());
}

TEST(ProcessTreeTest, AStoppedOneEndsToo) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const Tree tree = GrowTree();
  ::kill(tree.fled, SIGSTOP);
  EXPECT_TRUE(KillDescendants(base::BootNow() +
                              base::Duration(std::chrono::minutes(1))));
  EXPECT_FALSE(ReadProcessStat(tree.fled));
}

TEST(ProcessTreeTest, OnlyAChildOfThatParentIsKilled) {
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  EXPECT_FALSE(KillChildOf(child, child).valid());
  EXPECT_TRUE(KillChildOf(::getpid(), child).valid());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
}

}  // namespace
}  // namespace mobula::raylet

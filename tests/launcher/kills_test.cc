// A launcher that is killed at any moment leaves what the next one knows of.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <cstdlib>
#include <random>
#include <string>

#include "base/unique_fd.h"
#include "raylet/spawn/process_tree.h"
#include "tests/integration/running_program.h"
#include "tests/launcher/launched.h"

namespace mobula::test {
namespace {

constexpr char kThree[] =
    "name: c\n"
    "provider: {type: local, folder: FOLDER/n}\n"
    "head: {cpus: 1}\n"
    "workers: {small: {count: 2, cpus: 1}}\n"
    "files: [{from: c.yaml}]\n"
    "setup: [\"echo made >made\"]\n";

int Rounds() {
  const char* const rounds = std::getenv("MOBULA_KILL_ROUNDS");
  return rounds == nullptr ? 6 : std::atoi(rounds);
}

// Kills the launcher with these words after so long, or when it has ended.
void KillAfter(const Launched& cluster, const std::vector<std::string>& words,
               int milliseconds) {
  RunningProgram launcher(words, cluster.environment());
  const base::UniqueFd pidfd = raylet::OpenPidfd(launcher.pid());
  pollfd ended{pidfd.get(), POLLIN, 0};
  poll(&ended, 1, milliseconds);
  kill(launcher.pid(), SIGKILL);
}

TEST(KillsTest, DownAfterHalfAnUpLeavesNothing) {
  std::mt19937 chance(11);
  int half = 0;
  for (int round = 0; round < Rounds(); ++round) {
    const Launched cluster(kThree);
    const int after = static_cast<int>(chance() % 400);
    KillAfter(cluster, cluster.UpWords(), after);
    if (cluster.State().find("\"making\"") != std::string::npos) ++half;
    const Ended down = cluster.Tool({"down"});
    // 3: it was killed before it had made anything.
    EXPECT_TRUE(down.code == 0 || down.code == 3) << down.output;
    EXPECT_EQ(cluster.Left(), "") << "killed after " << after << " ms";
  }
  EXPECT_GT(half, 0);
}

TEST(KillsTest, UpAfterHalfAnUpMakesTheWhole) {
  std::mt19937 chance(12);
  for (int round = 0; round < Rounds() / 2; ++round) {
    const Launched cluster(kThree);
    const int after = static_cast<int>(chance() % 400);
    KillAfter(cluster, cluster.UpWords(), after);
    const Ended up = cluster.Up();
    EXPECT_EQ(up.code, 0) << after << "\n" << up.output;
    const Ended status = cluster.Tool({"status"});
    EXPECT_EQ(status.code, 0) << status.output;
    EXPECT_NE(status.output.find("3 alive"), std::string::npos)
        << status.output;
    EXPECT_EQ(cluster.Tool({"down"}).code, 0);
    EXPECT_EQ(cluster.Left(), "") << "killed after " << after << " ms";
  }
}

TEST(KillsTest, DownAfterHalfADownLeavesNothing) {
  std::mt19937 chance(13);
  for (int round = 0; round < Rounds() / 2; ++round) {
    const Launched cluster(kThree);
    ASSERT_EQ(cluster.Up().code, 0);
    const int after = static_cast<int>(chance() % 400);
    KillAfter(cluster, cluster.Words({"down"}), after);
    const Ended down = cluster.Tool({"down"});
    EXPECT_TRUE(down.code == 0 || down.code == 3) << down.output;
    EXPECT_EQ(cluster.Left(), "") << "killed after " << after << " ms";
  }
}

TEST(KillsTest, ASecondLauncherIsRefusedWhileOneIsAtWork) {
  Launched cluster(
      "name: c\n"
      "provider: {type: local, folder: FOLDER/n}\n"
      "head: {setup: [\"echo >FOLDER/began; read -r line <FOLDER/go\"]}\n");
  ASSERT_EQ(RunProgram({"/usr/bin/mkfifo", cluster.folder() + "/go"}).code, 0);
  ASSERT_EQ(RunProgram({"/usr/bin/mkfifo", cluster.folder() + "/began"}).code,
            0);
  RunningProgram first(cluster.UpWords(), cluster.environment());
  // Reads until the first one has begun.
  ASSERT_EQ(RunProgram({"/bin/cat", cluster.folder() + "/began"}).code, 0);
  for (const Ended& refused : {cluster.Up(), cluster.Tool({"down"})}) {
    EXPECT_EQ(refused.code, 1);
    EXPECT_EQ(refused.output, "mobula cluster: another launcher (pid " +
                                  std::to_string(first.pid()) +
                                  ") is at work on the cluster c\n");
  }
  ASSERT_EQ(
      RunProgram({"/bin/sh", "-c", "echo go >" + cluster.folder() + "/go"})
          .code,
      0);
  EXPECT_EQ(first.End(), 0);
  EXPECT_EQ(cluster.Tool({"down"}).code, 0);
  EXPECT_EQ(cluster.Left(), "");
}

}  // namespace
}  // namespace mobula::test

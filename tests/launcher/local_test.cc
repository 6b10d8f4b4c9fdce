// A cluster on this machine, from its file to nothing, by the launcher itself.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/sockets/poll_wait.h"
#include "base/unique_fd.h"
#include "raylet/spawn/process_tree.h"
#include "tests/integration/running_program.h"
#include "tests/launcher/launched.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

namespace fs = std::filesystem;

constexpr char kThree[] =
    "name: c\n"
    "provider: {type: local, folder: FOLDER/n}\n"
    "head: {cpus: 1}\n"
    "workers:\n"
    "  small: {count: 2, cpus: 1, labels: {zone: a}}\n"
    "environment: {SECRET: 'it''s secret'}\n"
    "files: [{from: c.yaml, to: sub/file}]\n"
    "setup: [\"test -s sub/file && echo $SECRET >made\"]\n";

int ModeOf(const fs::path& path) {
  return static_cast<int>(fs::status(path).permissions());
}

class LocalTest : public testing::Test {
 protected:
  void ExpectUp() const {
    const Ended up = cluster_.Up();
    ASSERT_EQ(up.code, 0) << up.output;
  }
  void ExpectGone() const {
    const Ended down = cluster_.Tool({"down"});
    EXPECT_EQ(down.code, 0) << down.output;
    EXPECT_EQ(cluster_.Left(), "");
  }
  std::string Exec(const std::string& node, const std::string& line) const {
    const Ended ended =
        cluster_.Tool({"exec", node, "--", "/bin/sh", "-c", line});
    EXPECT_EQ(ended.code, 0) << ended.output;
    return ended.output;
  }
  // Of a node.
  pid_t KeeperOf(const std::string& node) const {
    return std::stoi(Exec(node, "cat \"$XDG_RUNTIME_DIR\"/mobula/*/keeper"));
  }

  Launched cluster_{kThree};
};

TEST_F(LocalTest, FromAFileToNothing) {
  const Ended up = cluster_.Up();
  ASSERT_EQ(up.code, 0) << up.output;
  EXPECT_EQ(CountOf(up.output, ": made on this machine\n"), 3) << up.output;
  EXPECT_NE(up.output.find("c is up: 3 nodes"), std::string::npos);

  const Ended status = cluster_.Tool({"status"});
  EXPECT_EQ(status.code, 0) << status.output;
  for (const char* const node : {"\nhead ", "\nsmall-1 ", "\nsmall-2 "}) {
    EXPECT_EQ(CountOf(status.output, node), 1) << status.output;
  }
  EXPECT_NE(status.output.find("3 alive, 0 dead"), std::string::npos)
      << status.output;
  EXPECT_EQ(Exec("small-2", "cat made"), "it's secret\n");
  ExpectGone();
  const Ended none = cluster_.Tool({"status"});
  EXPECT_EQ(none.code, 3);
}

TEST_F(LocalTest, UpTwiceIsOnce) {
  ExpectUp();
  const std::string state = cluster_.State();
  const pid_t keeper = KeeperOf("small-1");
  const Ended again = cluster_.Up();
  EXPECT_EQ(again.code, 0) << again.output;
  EXPECT_EQ(CountOf(again.output, ": kept on this machine\n"), 3);
  EXPECT_NE(again.output.find("nothing had to be done"), std::string::npos);
  EXPECT_EQ(cluster_.State(), state);
  EXPECT_EQ(KeeperOf("small-1"), keeper);
  ExpectGone();
}

TEST_F(LocalTest, CommandsHaveTheirOutputAndExitCode) {
  ExpectUp();
  const Ended ended = cluster_.Tool(
      {"exec", "small-1", "--", "/bin/sh", "-c",
       "echo \"$1\"; echo to stderr >&2; mobula status | head -n 1; exit 7",
       "x", "a  'b\" $c"});
  EXPECT_EQ(ended.code, 7);
  EXPECT_NE(ended.output.find("a  'b\" $c\n"), std::string::npos);
  EXPECT_NE(ended.output.find("to stderr\n"), std::string::npos);
  EXPECT_NE(ended.output.find("cluster  "), std::string::npos) << ended.output;
  const Ended none = cluster_.Tool({"exec", "nobody", "--", "true"});
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.output,
            "mobula cluster: there is no node nobody; there is: head small-1 "
            "small-2\n");
}

TEST_F(LocalTest, AProgramRunsOnTheCluster) {
  ExpectUp();
  const std::string driver = ProgramPath("tests/launcher/driver");
  const Ended ended = cluster_.Tool({"run", "--", driver, "exit", "9"});
  EXPECT_EQ(ended.code, 9) << ended.output;
  EXPECT_NE(ended.output.find("twice 21 is 42\n"), std::string::npos)
      << ended.output;
  EXPECT_NE(ended.output.find("given exit 9\n"), std::string::npos);
  // It is there now, under its hash, and is not copied again.
  const std::string copies = "find ../programs -type f | wc -l";
  EXPECT_EQ(Exec("head", copies), "1\n");
  EXPECT_EQ(cluster_.Tool({"run", "--", driver, "exit", "0"}).code, 0);
  EXPECT_EQ(Exec("head", copies), "1\n");
  const Ended none = cluster_.Tool({"run", "--", "/etc/passwd"});
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.output.find("/etc/passwd is no program"), std::string::npos);
}

TEST_F(LocalTest, InputAndCtrlCReachAProgram) {
  ExpectUp();
  RunningProgram run(
      cluster_.Words(
          {"run", "--", ProgramPath("tests/launcher/driver"), "wait", "x"}),
      cluster_.environment());
  EXPECT_EQ(run.Line(), "twice 21 is 42");
  // The launcher alone is told, as by a terminal whose session it is in.
  kill(run.pid(), SIGINT);
  EXPECT_EQ(run.End(), 5);  // its standard input ends here
  EXPECT_EQ(Exec("head", "ls ../drivers | wc -l"), "1\n");  // of this exec
}

TEST_F(LocalTest, NodesComeAndGo) {
  ExpectUp();
  const Ended add = cluster_.Tool({"add", "2"});
  EXPECT_EQ(add.code, 0) << add.output;
  EXPECT_NE(cluster_.Tool({"status"}).output.find("5 alive"),
            std::string::npos);
  const Ended remove = cluster_.Tool({"remove", "small-1"});
  EXPECT_EQ(remove.code, 0) << remove.output;
  const Ended status = cluster_.Tool({"status"});
  EXPECT_NE(status.output.find("4 alive, 1 dead"), std::string::npos)
      << status.output;
  EXPECT_EQ(CountOf(status.output, "small-1"), 0);
  // What the file has comes back; what was added stays.
  const Ended up = cluster_.Up();
  EXPECT_NE(up.output.find("small-1: made on"), std::string::npos) << up.output;
  EXPECT_NE(up.output.find("small-4: kept on this machine (beyond what the "
                           "file counts)"),
            std::string::npos)
      << up.output;
  EXPECT_EQ(cluster_.Tool({"remove", "head"}).code, 1);
  ExpectGone();
}

TEST_F(LocalTest, LogsAreOfANodeOrOfAll) {
  ExpectUp();
  const Ended all = cluster_.Tool({"logs"});
  EXPECT_EQ(all.code, 0) << all.output;
  for (const char* const node : {"=== head\n", "=== small-1\n"}) {
    EXPECT_NE(all.output.find(node), std::string::npos) << all.output;
  }
  const Ended one = cluster_.Tool({"logs", "-n", "1", "small-2"});
  EXPECT_EQ(one.code, 0);
  EXPECT_NE(one.output.find("raylet.log"), std::string::npos) << one.output;
  EXPECT_EQ(one.output.find("gcs.log"), std::string::npos);
}

TEST_F(LocalTest, WhatEndedIsStartedAgain) {
  ExpectUp();
  for (const char* const node : {"small-1", "head"}) {
    const pid_t keeper = KeeperOf(node);
    const base::UniqueFd ended = raylet::OpenPidfd(keeper);
    for (const pid_t pid : TreePids(keeper)) kill(pid, SIGKILL);
    ASSERT_TRUE(base::WaitReadable(ended.get(), base::BootTime::Never()));
    const Ended status = cluster_.Tool({"status"});
    EXPECT_EQ(status.code, 1);
    EXPECT_NE(status.output.find("ended"), std::string::npos) << status.output;
    const Ended up = cluster_.Up();
    EXPECT_EQ(up.code, 0) << up.output;
    EXPECT_NE(up.output.find(std::string(node) + ": started again on this "
                                                 "machine (it had ended)"),
              std::string::npos)
        << up.output;
    EXPECT_NE(KeeperOf(node), keeper);
    const Ended run = cluster_.Tool(
        {"run", "--", ProgramPath("tests/launcher/driver"), "exit", "0"});
    EXPECT_EQ(run.code, 0) << run.output;
  }
  ExpectGone();
}

TEST_F(LocalTest, AFailedSetUpIsToldAndTriedAgain) {
  cluster_.WriteFile(
      "name: c\n"
      "provider: {type: local, folder: FOLDER/n}\n"
      "head:\n"
      "workers:\n"
      "  bad: {setup: [\"echo why >&2; test -e FOLDER/mended\"]}\n");
  const Ended up = cluster_.Up();
  EXPECT_EQ(up.code, 1);
  EXPECT_NE(up.output.find("bad-1: the set-up command 'echo why >&2; test -e " +
                           cluster_.folder() + "/mended' failed: why\n"),
            std::string::npos)
      << up.output;
  EXPECT_NE(cluster_.Tool({"status"}).output.find("half made"),
            std::string::npos);
  std::ofstream(cluster_.folder() + "/mended") << "";
  const Ended again = cluster_.Up();
  EXPECT_EQ(again.code, 0) << again.output;
  EXPECT_NE(again.output.find("bad-1: made anew on this machine (it was half "
                              "made)"),
            std::string::npos)
      << again.output;
  ExpectGone();
}

TEST_F(LocalTest, AWrongFileMakesNothing) {
  cluster_.WriteFile("name: c\nprovider: {type: local}\nhaed: {}\n");
  const Ended up = cluster_.Up();
  EXPECT_EQ(up.code, 1);
  EXPECT_NE(up.output.find("c.yaml:3: 'haed' is no key of the file"),
            std::string::npos)
      << up.output;
  EXPECT_EQ(cluster_.Left(), "");
}

TEST_F(LocalTest, ANodeThatDoesNotStartIsTold) {
  cluster_.WriteFile(
      "name: c\nprovider: {type: local, folder: FOLDER/n}\n"
      "head: {environment: {MOBULA_LOG_LEVEL: loud}}\n");
  const Ended up = cluster_.Up();
  EXPECT_EQ(up.code, 1);
  EXPECT_NE(up.output.find("head: it does not start: mobula start: "),
            std::string::npos)
      << up.output;
  ExpectGone();
}

// The text of the cluster's file may hold secrets.
TEST_F(LocalTest, NothingIsOpenToOthersAndNoSecretIsAnArgument) {
  ExpectUp();
  const std::string state = cluster_.folder() + "/state/mobula/clusters/c";
  EXPECT_EQ(ModeOf(state), 0600);
  for (const auto& above : fs::directory_iterator(cluster_.nodes())) {
    EXPECT_EQ(ModeOf(above), 0700) << above;
    for (const auto& node : fs::directory_iterator(above)) {
      EXPECT_EQ(ModeOf(node), 0700) << node;
      EXPECT_EQ(ModeOf(node.path() / "env"), 0600) << node;
    }
  }
  for (const pid_t pid : TreePids(1)) {
    EXPECT_EQ(CommandLine(pid).find("it's secret"), std::string::npos)
        << CommandLine(pid);
  }
  ExpectGone();
}

TEST_F(LocalTest, AClusterIsOfOneFile) {
  ExpectUp();
  fs::copy(cluster_.folder() + "/c.yaml", cluster_.folder() + "/d.yaml");
  const Ended up = cluster_.Tool({"up", cluster_.folder() + "/d.yaml"});
  EXPECT_EQ(up.code, 1);
  EXPECT_NE(up.output.find("there is a cluster c already, of " +
                           cluster_.folder() + "/c.yaml"),
            std::string::npos)
      << up.output;
  // Without its file it goes all the same.
  fs::remove(cluster_.folder() + "/c.yaml");
  ExpectGone();
}

}  // namespace
}  // namespace mobula::test

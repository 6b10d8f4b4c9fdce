#include "cli/cluster/node_script.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/cluster/node_command.h"
#include "cli/cluster/run_command.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;

// One that a script of a node's may be run in.
class NodeScriptTest : public testing::Test {
 protected:
  NodeScriptTest() {
    char pattern[] = "/tmp/mobula-scripts.XXXXXX";
    above_ = mkdtemp(pattern);
    node_.name = "a-1";
    node_.type = "a";
    node_.folder = above_ + "/mobula-1/a-1";
    cluster_.name = "c";
    // Of this process alone: what carries it is killed.
    cluster_.id = std::to_string(getpid());
  }
  ~NodeScriptTest() override { fs::remove_all(above_); }

  CommandEnd Run(const Script& script, const std::string& input = "") const {
    CommandOptions options;
    options.input = input;
    return RunCommand(CommandOn(Provider{}, node_, nullptr, script), options);
  }
  void Make() {
    const CommandEnd made = Run(MakeFolder(node_));
    ASSERT_EQ(made.code, 0) << made.errors;
    ASSERT_EQ(Run(PutFile(node_, "env", "600"),
                  EnvironmentText(cluster_, node_, spec_))
                  .code,
              0);
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(node_.folder + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static int ModeOf(const std::string& path) {
    return static_cast<int>(fs::status(path).permissions());
  }

  std::string above_;
  NodeRecord node_;
  ClusterState cluster_;
  ClusterSpec spec_;
};

constexpr char kOdd[] = "it's \"$HOME\" `id` \\ \n*;& \u00e9";

TEST_F(NodeScriptTest, AWordIsOneWordWhateverIsInIt) {
  const CommandEnd end = RunCommand(
      {"/bin/sh", "-c", "printf %s " + ShellWord(kOdd)}, CommandOptions{});
  EXPECT_EQ(end.output, kOdd);
  EXPECT_EQ(ShellWord(""), "''");
}

TEST_F(NodeScriptTest, TheFolderIsClosedToOthersAndMadeOnce) {
  Make();
  EXPECT_EQ(ModeOf(node_.folder), 0700);
  EXPECT_EQ(ModeOf(node_.folder + "/env"), 0600);
  EXPECT_NE(Run(MakeFolder(node_)).code, 0);
  NodeRecord elsewhere = node_;
  elsewhere.folder = above_ + "/absent/mobula-1/a-1";
  const CommandEnd none = Run(MakeFolder(elsewhere));
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.errors, "there is no folder " + above_ + "/absent\n");
}

TEST_F(NodeScriptTest, TheFolderOfSomebodyElseIsRefused) {
  fs::create_directories(above_ + "/target");
  fs::create_directory_symlink(above_ + "/target", above_ + "/mobula-1");
  EXPECT_NE(Run(MakeFolder(node_)).code, 0);
  EXPECT_TRUE(fs::is_empty(above_ + "/target"));
}

TEST_F(NodeScriptTest, CommandsHaveTheEnvironmentAndTheirCode) {
  spec_.environment = {{"ODD", kOdd}, {"BOTH", "all"}};
  NodeType type;
  type.name = "a";
  type.environment = {{"BOTH", "type"}};
  spec_.workers.push_back(type);
  Make();
  const CommandEnd end =
      Run(RunCommandLine(node_, "1",
                         {"/bin/sh", "-c",
                          "printf %s \"$ODD\" \"$1\"; echo $BOTH; pwd; "
                          "exit 9",
                          "x", kOdd},
                         true));
  EXPECT_EQ(end.code, 9);
  EXPECT_EQ(end.output,
            std::string(kOdd) + kOdd + "type\n" + node_.folder + "/files\n");
  // Ended by a signal, by both ways.
  for (const bool tells : {true, false}) {
    EXPECT_EQ(
        Run(RunCommandLine(node_, "2", {"/bin/sh", "-c", "kill -9 $$"}, tells))
            .code,
        137);
  }
  EXPECT_EQ(Run(RunCommandLine(node_, "3", {"no such program"}, true)).code,
            127);
}

TEST_F(NodeScriptTest, AProgramIsTakenOnlyWhole) {
  Make();
  const std::string hash =  // of "abc"
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_NE(Run(HasProgram(node_, hash, "p")).code, 0);
  EXPECT_NE(Run(PutProgram(node_, hash, "p"), "ab").code, 0);
  EXPECT_NE(Run(HasProgram(node_, hash, "p")).code, 0);
  EXPECT_EQ(Run(PutProgram(node_, hash, "p"), "abc").code, 0);
  EXPECT_EQ(Run(HasProgram(node_, hash, "p")).code, 0);
  EXPECT_EQ(Read("programs/" + hash + "/p"), "abc");
}

TEST_F(NodeScriptTest, SetUpCommandsAreNotInArguments) {
  Make();
  ASSERT_EQ(Run(PutFile(node_, "setup", "600"),
                "cat >seen; tr '\\0' ' ' </proc/$$/cmdline >line; exit 3\n")
                .code,
            0);
  EXPECT_EQ(Run(RunSetup(node_)).code, 3);
  EXPECT_EQ(Read("files/line"), "/bin/sh " + node_.folder + "/setup ");
}

TEST_F(NodeScriptTest, WhatIsNotThereIsAbsentAndWhatDoesNotRunIsDown) {
  EXPECT_EQ(Run(FindNode(node_)).output, "absent\n");
  Make();
  EXPECT_EQ(Run(FindNode(node_)).output, "down\n");
  // A keeper that is no more: its number is another process's now.
  fs::create_directories(node_.folder + "/run/mobula/1");
  std::ofstream(node_.folder + "/run/mobula/1/keeper")
      << getpid() << "\nunix:/x\n";
  EXPECT_EQ(Run(FindNode(node_)).output, "down\n");
}

TEST_F(NodeScriptTest, RemovingEndsWhateverCarriesTheMark) {
  Make();
  // Deaf, and no child of anybody that looks.
  const CommandEnd begun = Run(RunCommandLine(
      node_, "1",
      {"/bin/sh", "-c",
       "trap '' TERM; (setsid sleep 1000 & echo $!) </dev/null 2>/dev/null"},
      false));
  ASSERT_EQ(begun.code, 0) << begun.errors;
  const std::string pid = begun.output.substr(0, begun.output.find('\n'));
  ASSERT_TRUE(fs::exists("/proc/" + pid)) << begun.output;
  NodeRecord other = node_;
  other.name = "a-11";
  EXPECT_EQ(Run(EndNode(node_, MarkOf(cluster_, "a-11"))).code, 0);
  EXPECT_TRUE(fs::exists("/proc/" + pid));
  const CommandEnd removed = Run(RemoveNode(node_, MarkOf(cluster_, "a-1")));
  EXPECT_EQ(removed.code, 0) << removed.errors;
  // A zombie where nobody waits for orphans.
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string text;
  std::getline(stat, text);
  EXPECT_TRUE(text.empty() || text.find(") Z ") != std::string::npos) << text;
  EXPECT_TRUE(fs::is_empty(above_));
  EXPECT_EQ(Run(RemoveNode(node_, MarkOf(cluster_, "a-1"))).code, 0);
}

TEST_F(NodeScriptTest, StartSaysWhatTheTypeOffers) {
  NodeType type;
  type.cpus = 1.5;
  type.memory = "2GiB";
  type.workers_max = 4;
  type.resources = {{"gpu", 2}};
  type.labels = {{"zone", "a b"}};
  const Script start = StartNode(node_, type, "tls:10.0.0.1:1", true);
  EXPECT_EQ(start.arguments,
            (Words{node_.folder, "--address", "tls:10.0.0.1:1", "--token-file",
                   node_.folder + "/token", "--cpus", "1.5", "--memory", "2GiB",
                   "--workers-max", "4", "--resource", "gpu=2", "--label",
                   "zone=a b"}));
  NodeRecord head = node_;
  head.name = "head";
  EXPECT_EQ(StartNode(head, NodeType{}, "unix:/x", false).arguments,
            (Words{node_.folder, "--head", "--dir", node_.folder + "/head",
                   "--listen", "unix:/x"}));
}

TEST_F(NodeScriptTest, SshChecksHostKeysAndAsksNothing) {
  Provider provider;
  provider.kind = ProviderKind::kSsh;
  provider.key = "/k e y";
  provider.known_hosts = "/known hosts";
  SshHost host;
  host.host = "h";
  host.user = "me";
  host.port = 23;
  const Words words =
      CommandOn(provider, node_, &host, Script{"echo \"$1\"\n", {"it's"}});
  const auto has = [&words](const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  EXPECT_EQ(words[0], "ssh");
  EXPECT_TRUE(has("StrictHostKeyChecking=yes"));
  EXPECT_TRUE(has("BatchMode=yes"));
  EXPECT_TRUE(has("UserKnownHostsFile=\"/known hosts\""));
  EXPECT_EQ(words[words.size() - 3], "--");
  EXPECT_EQ(words[words.size() - 2], "h");
  // What the shell there makes of it.
  const CommandEnd end =
      RunCommand({"/bin/sh", "-c", words.back()}, CommandOptions{});
  EXPECT_EQ(end.output, "it's\n");
}

}  // namespace
}  // namespace mobula::cli

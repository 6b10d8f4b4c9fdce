// Nodes that `mobula start` begins: they serve, they come back, they end, and
// they leave nothing, also when one of their daemons is killed at any moment of
// the start or later. MOBULA_KILLS sets the number of moments a role.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/rpc/control_call.h"
#include "raylet/spawn/process_tree.h"
#include "tests/integration/eventually.h"
#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

using std::chrono::milliseconds;
// The promises are 2 s and 5 s, on a machine that has time for us.
constexpr std::chrono::seconds kPatience(20);

std::string RuntimeFolderOf(const StartedHead& head) {
  for (const std::string& one : head.environment()) {
    const std::string name = "XDG_RUNTIME_DIR=";
    if (one.starts_with(name)) return one.substr(name.size());
  }
  return "";
}

std::vector<base::NodeFile> NodesOf(const StartedHead& head) {
  return base::FindNodes({RuntimeFolderOf(head) + "/mobula"});
}

bool Eventually(const std::function<bool()>& holds) {
  return test::Eventually(holds, kPatience);
}

// A line for each process, file or socket that is left.
std::string LeftOf(const StartedHead& head) {
  std::string left;
  for (const int pid : head.Left()) {
    left += std::to_string(pid) + " " + CommandLine(pid) + "\n";
  }
  const std::string root = RuntimeFolderOf(head) + "/mobula";
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(root, code)) {
    left += entry.path().string() + "\n";
  }
  return left;
}

void ExpectNothingLeft(const StartedHead& head) {
  EXPECT_TRUE(Eventually([&head] { return LeftOf(head).empty(); }))
      << LeftOf(head);
}

template <class Answer>
std::optional<Answer> AskStore(const StartedHead& head,
                               base::ControlRequest request) {
  const std::vector<base::NodeFile> nodes = NodesOf(head);
  if (nodes.empty()) return std::nullopt;
  std::string error;
  const auto address = base::ControlAddress::Parse(nodes[0].control, &error);
  EXPECT_TRUE(address) << error;
  base::ControlReply reply = base::CallControl(*address, "", std::move(request),
                                               std::chrono::seconds(10));
  auto* const answer = std::get_if<Answer>(&reply);
  if (answer == nullptr) return std::nullopt;
  return std::move(*answer);
}

std::size_t NodesAlive(const StartedHead& head) {
  const auto nodes = AskStore<base::NodesAnswer>(head, base::ListNodes());
  if (!nodes) return 0;
  return static_cast<std::size_t>(
      std::count_if(nodes->nodes.begin(), nodes->nodes.end(),
                    [](const base::NodeRecord& node) {
                      return node.state == base::NodeState::kAlive;
                    }));
}

enum class Role { kKeeper, kRaylet, kStore };

// 0 if there is none now.
pid_t Find(const StartedHead& head, Role role) {
  for (const int pid : head.Left()) {
    const bool is_store =
        CommandLine(pid).find(" gcs --dir ") != std::string::npos;
    const std::string name = ProcessName(pid);
    if (role == Role::kStore && is_store) return pid;
    if (role == Role::kKeeper && name == "mobula-keeper") return pid;
    if (role == Role::kRaylet && name == "mobula-raylet") return pid;
  }
  return 0;
}

TEST(StartTest, ServesUntilItIsStopped) {
  StartedHead head({"--cpus", "2", "--label", "zone=a"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const std::vector<base::NodeFile> nodes = NodesOf(head);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_TRUE(nodes[0].is_head);
  EXPECT_NE(head.started().output.find("MOBULA_ADDRESS=" + nodes[0].control),
            std::string::npos)
      << head.started().output;
  const auto all = AskStore<base::NodesAnswer>(head, base::ListNodes());
  ASSERT_TRUE(all && all->nodes.size() == 1);
  EXPECT_EQ(all->nodes[0].node, nodes[0].node);
  EXPECT_EQ(all->nodes[0].labels.at("zone"), "a");
  const Ended doctor = head.Tool({"doctor"});
  EXPECT_EQ(doctor.output.find("LEFT"), std::string::npos) << doctor.output;
  EXPECT_NE(doctor.output.find("started  node "), std::string::npos);
  const Ended stop = head.Stop();
  EXPECT_EQ(stop.code, 0);
  EXPECT_NE(stop.output.find(": ended"), std::string::npos) << stop.output;
  EXPECT_EQ(LeftOf(head), "");
}

TEST(StartTest, StoppedTwiceIsStoppedOnce) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  EXPECT_EQ(head.Tool({"stop"}).code, 0);
  const Ended again = head.Tool({"stop"});
  EXPECT_EQ(again.code, 0);
  EXPECT_NE(again.output.find("no node"), std::string::npos);
  EXPECT_EQ(head.Tool({"stop", "a3f0"}).code, 1);
}

TEST(StartTest, ItsStateOutlivesIt) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const auto before = AskStore<base::StatusAnswer>(head, base::GetStatus());
  ASSERT_TRUE(before);
  head.Stop();
  head.StartAgain();
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const auto after = AskStore<base::StatusAnswer>(head, base::GetStatus());
  ASSERT_TRUE(after);
  EXPECT_EQ(after->cluster, before->cluster);
  EXPECT_GT(after->epoch, before->epoch);
}

TEST(StartTest, ASecondHeadInTheSameFolderIsRefused) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const pid_t keeper = Find(head, Role::kKeeper);
  const Ended second = head.Tool({"start", "--head", "--dir", head.store()});
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.output.find("is held by the head with pid " +
                               std::to_string(keeper)),
            std::string::npos)
      << second.output;
  EXPECT_EQ(NodesAlive(head), 1u);
  EXPECT_EQ(NodesOf(head).size(), 1u);
}

TEST(StartTest, AFurtherNodeJoinsAndLeaves) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const base::NodeFile first = NodesOf(head).at(0);
  const Ended joined = head.Tool({"start", "--address", first.control});
  ASSERT_EQ(joined.code, 0) << joined.output;
  const base::NodeFile second = NodesOf(head).at(0);
  EXPECT_NE(second.node, first.node);
  EXPECT_FALSE(second.is_head);
  EXPECT_EQ(NodesAlive(head), 2u);
  const Ended which = head.Tool({"stop"});
  EXPECT_EQ(which.code, 1);
  EXPECT_NE(which.output.find(second.node.ToString()), std::string::npos);
  EXPECT_EQ(head.Tool({"stop", std::to_string(second.pid)}).code, 0);
  // It has said so itself: nobody waits for a lease.
  EXPECT_EQ(NodesAlive(head), 1u);
  head.Stop();
  EXPECT_EQ(LeftOf(head), "");
}

TEST(StartTest, OverTcpATokenIsAsked) {
  StartedHead head({"--listen", "127.0.0.1:0"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const base::NodeFile node = NodesOf(head).at(0);
  std::string error;
  const auto address = base::ControlAddress::Parse(node.control, &error);
  ASSERT_TRUE(address && address->port != 0) << error;
  std::string token;
  std::ifstream(node.token_file) >> token;
  const auto right = base::CallControl(*address, token, base::GetStatus(),
                                       std::chrono::seconds(10));
  EXPECT_TRUE(std::holds_alternative<base::StatusAnswer>(right));
  const auto wrong = base::CallControl(*address, "guess", base::GetStatus(),
                                       std::chrono::seconds(10));
  EXPECT_TRUE(std::holds_alternative<base::Failure>(wrong));
}

TEST(StartTest, WhatCannotStartSaysWhyAndLeavesNothing) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  head.Stop();
  struct Row {
    std::vector<std::string> words;
    int code;
    const char* says;
  };
  const std::string file = head.store() + "/a-file";
  std::ofstream(file) << "x";
  const Row rows[] = {
      {{"start"}, 2, "--head"},
      {{"start", "--head", "--address", "unix:/x"}, 2, "--address"},
      {{"start", "--head", "--cpus", "-1"}, 2, "--cpus"},
      // Which is spoken to by TLS, and none of this machine (TEST-NET-1).
      {{"start", "--head", "--listen", "192.0.2.1:7"}, 1, "192.0.2.1"},
      {{"start", "--head", "--listen", "head:7"}, 2, "no number"},
      {{"start", "--head", "--dir", file}, 1, "not a folder"},
      {{"start", "--head", "--dir", "/proc/none"}, 1, "/proc/none"},
      {{"start", "--head", "--spill-folder", "/absent"}, 1, "/absent"},
      {{"start", "--head", "--object-store-memory", "5Q"}, 2, "unit"},
      {{"start", "--head", "--object-store-memory", "9000TiB"},
       1,
       "--object-store-memory: "},
      {{"start", "--address", "nonsense"}, 2, "nonsense"},
      {{"start", "--address", "unix:/nowhere/control.sock"}, 1, "/nowhere"},
  };
  for (const Row& row : rows) {
    const Ended ended = head.Tool(row.words);
    EXPECT_EQ(ended.code, row.code) << ended.output;
    EXPECT_NE(ended.output.find(row.says), std::string::npos) << ended.output;
    EXPECT_EQ(LeftOf(head), "");
  }
}

TEST(StartTest, AStopWhileTheRayletIsStartedAgain) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  for (int i = 0; i < 5; ++i) {
    const pid_t raylet = Find(head, Role::kRaylet);
    if (raylet != 0) kill(raylet, SIGKILL);
  }
  const Ended stop = head.Tool({"stop"});
  EXPECT_EQ(stop.code, 0) << stop.output;
  EXPECT_NE(stop.output.find(": ended"), std::string::npos) << stop.output;
  EXPECT_EQ(LeftOf(head), "");
}

// A head in the foreground, from a signal to it to nothing.
void EndForeground(StartedHead& head, int signal) {
  Ended ended;
  std::thread starter([&head, &ended] {
    ended =
        head.Tool({"start", "--head", "--dir", head.store(), "--foreground"});
  });
  EXPECT_TRUE(Eventually([&head] { return NodesAlive(head) == 1; }));
  const pid_t keeper = Find(head, Role::kKeeper);
  pid_t parent = 0;
  for (const int pid : head.Left()) {
    const std::vector<pid_t> children = Children(pid);
    if (std::count(children.begin(), children.end(), keeper) > 0) parent = pid;
  }
  EXPECT_GT(parent, 0);
  kill(parent, signal);
  starter.join();
  EXPECT_EQ(ended.code, signal == SIGKILL ? 128 + SIGKILL : 0) << ended.output;
  ExpectNothingLeft(head);
}

TEST(StartTest, InTheForegroundItEndsWithTheCommand) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  head.Stop();
  for (const int signal : {SIGTERM, SIGINT, SIGKILL}) {
    SCOPED_TRACE("signal " + std::to_string(signal));
    EndForeground(head, signal);
  }
}

class StartKillTest : public testing::TestWithParam<Role> {
 protected:
  static int Moments() {
    const char* const text = std::getenv("MOBULA_KILLS");
    return text == nullptr ? 3 : std::atoi(text);
  }
  // After a kill of one of a head that serves.
  static void ExpectAsPromised(StartedHead& head, base::NodeId before) {
    if (GetParam() == Role::kKeeper) return ExpectNothingLeft(head);
    const auto serves = [&head, before] {
      const auto nodes = NodesOf(head);
      const bool changed = !nodes.empty() && nodes[0].node != before;
      if (changed != (GetParam() == Role::kRaylet)) return false;
      return NodesAlive(head) == 1;
    };
    EXPECT_TRUE(Eventually(serves)) << LeftOf(head);
  }
};

TEST_P(StartKillTest, InTheStart) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  for (int seed = 1; seed <= Moments(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    head.Stop();
    ExpectNothingLeft(head);
    std::mt19937 random(static_cast<unsigned>(seed));
    std::thread starter([&head] { head.StartAgain(); });
    poll(nullptr, 0, static_cast<int>(random() % 100));
    pid_t victim = 0;
    Eventually([&head, &victim] {
      victim = Find(head, GetParam());
      return victim != 0;
    });
    EXPECT_NE(victim, 0);
    kill(victim, SIGKILL);
    starter.join();
    if (head.started().code != 0) {
      EXPECT_EQ(head.started().code, 1);
      ExpectNothingLeft(head);
    } else {
      // It served before the kill came.
      const bool gone = GetParam() == Role::kKeeper;
      const auto as_promised = [&head, gone] {
        return gone ? LeftOf(head).empty() : NodesAlive(head) == 1;
      };
      EXPECT_TRUE(Eventually(as_promised)) << LeftOf(head);
    }
  }
}

TEST_P(StartKillTest, WhenItServes) {
  StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  for (int seed = 1; seed <= Moments(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(static_cast<unsigned>(seed));
    if (NodesOf(head).empty()) head.StartAgain();
    ASSERT_FALSE(NodesOf(head).empty()) << head.started().output;
    const base::NodeId before = NodesOf(head).at(0).node;
    poll(nullptr, 0, static_cast<int>(random() % 500));
    const pid_t victim = Find(head, GetParam());
    ASSERT_GT(victim, 0);
    kill(victim, SIGKILL);
    ExpectAsPromised(head, before);
  }
  EXPECT_EQ(head.Stop().code, 0);
  EXPECT_EQ(LeftOf(head), "");
}

// What workers are and have started: two processes that flee for each.
std::vector<int> WorkersOf(const StartedHead& head) {
  std::vector<int> workers = head.Left();
  std::erase_if(workers, [](int pid) {
    return !raylet::EnvironmentOf(pid, "MOBULA_ORIGIN").has_value();
  });
  return workers;
}

TEST_P(StartKillTest, WhileAProgramWorks) {
  StartedHead head({"--cpus", "2"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const base::NodeId before = NodesOf(head).at(0).node;
  std::vector<std::string> environment = head.environment();
  environment.push_back("MOBULA_ADDRESS=" + NodesOf(head).at(0).control);
  Ended victim;
  std::thread program([&environment, &victim] {
    victim =
        RunProgram({ProgramPath("tests/integration/victim"), "4"}, environment);
  });
  EXPECT_TRUE(Eventually([&head] { return WorkersOf(head).size() >= 4; }));
  kill(Find(head, GetParam()), SIGKILL);
  if (GetParam() != Role::kStore) {
    EXPECT_TRUE(Eventually([&head] { return WorkersOf(head).empty(); }))
        << LeftOf(head);
  }
  program.join();
  EXPECT_EQ(victim.code, GetParam() == Role::kStore ? 0 : 3) << victim.output;
  ExpectAsPromised(head, before);
  EXPECT_EQ(head.Stop().code, 0);
  EXPECT_EQ(LeftOf(head), "");
}

// Nobody is left to sweep: what fled is reaped by the next start.
TEST(StartTest, AllKilledAtOnceTheNextStartReaps) {
  StartedHead head({"--cpus", "2"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  std::vector<std::string> environment = head.environment();
  environment.push_back("MOBULA_ADDRESS=" + NodesOf(head).at(0).control);
  std::thread program([&environment] {
    RunProgram({ProgramPath("tests/integration/victim")}, environment);
  });
  EXPECT_TRUE(Eventually([&head] { return WorkersOf(head).size() >= 4; }));
  // Stopped first, so that none can act on another's end.
  const std::vector<pid_t> daemons = {Find(head, Role::kKeeper),
                                      Find(head, Role::kRaylet),
                                      Find(head, Role::kStore)};
  for (const pid_t pid : daemons) kill(pid, SIGSTOP);
  for (const pid_t pid : daemons) kill(pid, SIGKILL);
  program.join();
  EXPECT_TRUE(Eventually([&head] {
    return Find(head, Role::kKeeper) + Find(head, Role::kRaylet) +
               Find(head, Role::kStore) ==
           0;
  }));
  EXPECT_FALSE(WorkersOf(head).empty()) << "what fled is still there";
  head.StartAgain();
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  EXPECT_TRUE(WorkersOf(head).empty()) << LeftOf(head);
  EXPECT_EQ(NodesOf(head).size(), 1u);
  EXPECT_EQ(head.Stop().code, 0);
  EXPECT_EQ(LeftOf(head), "");
}

std::string RoleName(const testing::TestParamInfo<Role>& info) {
  switch (info.param) {
    case Role::kKeeper:
      return "Keeper";
    case Role::kRaylet:
      return "Raylet";
    case Role::kStore:
      return "Store";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Roles, StartKillTest,
                         testing::Values(Role::kKeeper, Role::kRaylet,
                                         Role::kStore),
                         RoleName);

}  // namespace
}  // namespace mobula::test

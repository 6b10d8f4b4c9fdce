// A driver that names a cluster of which no node runs on its machine: it has
// one for itself, which offers nothing and ends with it. Here "another machine"
// is another XDG_RUNTIME_DIR, where no node is to be found.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/control/records.h"
#include "base/rpc/control_call.h"
#include "base/unique_fd.h"
#include "tests/integration/eventually.h"
#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

// Less than a lease: who is told gone within it was told of.
constexpr std::chrono::seconds kPatience(8);
constexpr int kReadPatienceMs = 20'000;

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool Eventually(const std::function<bool()>& holds) {
  return test::Eventually(holds, kPatience);
}

class VisitorTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
    for (const std::string& one : head_.environment()) {
      const std::string name = "XDG_RUNTIME_DIR=";
      if (one.starts_with(name)) here_ = one.substr(name.size());
    }
    there_ = here_ + "/elsewhere";
    std::filesystem::create_directories(there_);
    std::filesystem::permissions(there_, std::filesystem::perms::owner_all);
    node_ = base::FindNodes({here_ + "/mobula"}).at(0);
    before_ = head_.Left().size();
  }

  // Of this test alone: another one may run at the same time.
  static std::string Address() {
    const std::string what = GetParam();
    if (what != "path") return what;
    return "unix:/tmp/mh.visitor." + std::to_string(::getpid()) + ".sock";
  }
  // Of a program on that other machine.
  [[nodiscard]] std::vector<std::string> Elsewhere() const {
    std::vector<std::string> environment = head_.environment();
    environment.push_back("XDG_RUNTIME_DIR=" + there_);
    environment.push_back("MOBULA_ADDRESS=" + node_.control);
    environment.push_back("MOBULA_TOKEN_FILE=" + node_.token_file);
    return environment;
  }
  static Ended Visit(const std::vector<std::string>& words,
                     const std::vector<std::string>& environment) {
    std::vector<std::string> command = {
        ProgramPath("tests/integration/visitor")};
    command.insert(command.end(), words.begin(), words.end());
    return RunProgram(command, environment);
  }
  [[nodiscard]] std::vector<base::NodeRecord> Nodes() const {
    std::string error;
    const auto address = base::ControlAddress::Parse(node_.control, &error);
    std::string token;
    std::ifstream(node_.token_file) >> token;
    const base::ControlReply reply = base::CallControl(
        *address, token, base::ListNodes(), std::chrono::seconds(10));
    const auto* const nodes = std::get_if<base::NodesAnswer>(&reply);
    EXPECT_NE(nodes, nullptr);
    return nodes == nullptr ? std::vector<base::NodeRecord>() : nodes->nodes;
  }
  // The node of the visitor, which has been there or is.
  [[nodiscard]] std::optional<base::NodeRecord> NodeOfVisitor() const {
    for (base::NodeRecord& node : Nodes()) {
      if (node.labels.contains(base::kDriverLabel)) return std::move(node);
    }
    return std::nullopt;
  }
  void ExpectGone() const {
    EXPECT_TRUE(Eventually([this] {
      const auto node = NodeOfVisitor();
      return node.has_value() && node->state == base::NodeState::kDead;
    }));
    EXPECT_TRUE(Eventually([this] { return head_.Left().size() == before_; }))
        << LeftOf(head_);
  }
  static std::string LeftOf(const StartedHead& head) {
    std::string left;
    for (const int pid : head.Left()) {
      left += std::to_string(pid) + " " + CommandLine(pid) + "\n";
    }
    return left;
  }

  StartedHead head_{{"--cpus", "2", "--listen", Address()}};
  std::string here_, there_;
  base::NodeFile node_;
  std::size_t before_ = 0;
};

// visitor, as long as it stays.
class Staying {
 public:
  explicit Staying(const std::vector<std::string>& environment) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe(ends), 0);
    const std::string program = ProgramPath("tests/integration/visitor");
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], 1);
      close(ends[0]);
      close(ends[1]);
      for (const std::string& one : environment) {
        putenv(const_cast<char*>(one.c_str()));
      }
      execl(program.c_str(), "visitor", "stay", nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
    std::string said;
    pollfd poll_fd{output_, POLLIN, 0};
    char c = 0;
    while (!Holds(said, "ready\n") && poll(&poll_fd, 1, kReadPatienceMs) > 0 &&
           read(output_, &c, 1) == 1) {
      said += c;
    }
    EXPECT_TRUE(Holds(said, "ready\n")) << said;
  }
  ~Staying() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(output_);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void Kill() const { kill(pid_, SIGKILL); }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

TEST_P(VisitorTest, HasNamesKeysAndActorsAndTheSlotsOfOthers) {
  ASSERT_EQ(Visit({"make", "host"}, head_.environment()).output,
            "cpus 2\ndetached: 1\nready\n");
  ++before_;  // the actor's process
  const Ended visit = Visit({"visit", "host"}, Elsewhere());
  EXPECT_EQ(visit.code, 0) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "cpus 0\n")) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "key: 42\n")) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "named: 2\n")) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "free task: 7\n")) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "task: 7\n")) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "large task: Infeasible")) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "mobula start --address " + node_.control))
      << visit.output;
  EXPECT_TRUE(Holds(visit.output, "detached: Infeasible")) << visit.output;
  EXPECT_TRUE(Holds(visit.output, "far: 2\n")) << visit.output;
  ExpectGone();
  EXPECT_EQ(NodeOfVisitor()->cause, "it left");
  EXPECT_TRUE(std::filesystem::is_empty(there_ + "/mobula"));
}

TEST_P(VisitorTest, ItsNodeEndsWithIt) {
  const Staying visitor(Elsewhere());
  const auto node = NodeOfVisitor();
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(node->state, base::NodeState::kAlive);
  EXPECT_EQ(node->labels.at(base::kDriverLabel), std::to_string(visitor.pid()));
  EXPECT_TRUE(node->total.units.empty());
  // It is nobody else's: who comes finds no node there, and starts another.
  EXPECT_TRUE(base::FindNodes({there_ + "/mobula"}).empty());
  visitor.Kill();
  ExpectGone();
  EXPECT_EQ(NodeOfVisitor()->cause, "it left");
}

TEST_P(VisitorTest, ARayletThatIsKilledIsToldOfAtOnce) {
  const Staying visitor(Elsewhere());
  const auto node = NodeOfVisitor();
  ASSERT_TRUE(node.has_value() && node->pid > 0);
  kill(node->pid, SIGKILL);
  EXPECT_TRUE(Eventually(
      [this] { return NodeOfVisitor()->state == base::NodeState::kDead; }));
  EXPECT_EQ(NodeOfVisitor()->cause,
            "the raylet was killed by signal 9 (SIGKILL)");
}

INSTANTIATE_TEST_SUITE_P(Of, VisitorTest,
                         testing::Values("path", "127.0.0.1:0"),
                         [](const auto& each) {
                           return each.index == 0 ? "Path" : "Port";
                         });

// What an embedded head cannot do for want of descriptors it says, and why.
TEST(NoVisitTest, AHeadWithTooFewDescriptorsSaysSo) {
  const Ended ended = RunProgram(
      {"/bin/sh", "-c",
       "ulimit -n 16; exec " + ProgramPath("tests/integration/visitor")},
      {"MOBULA_ADDRESS=embedded"});
  EXPECT_TRUE(Holds(ended.output,
                    "key: ControlAway: the control store of this "
                    "program's head does not start"))
      << ended.output;
  EXPECT_TRUE(Holds(ended.output, "Too many open files")) << ended.output;
  EXPECT_TRUE(Holds(ended.output, "run: ulimit -n 1024")) << ended.output;
}

// Somebody else's door: the kernel takes connections in, nobody answers.
base::UniqueFd SilentDoor(std::string* address) {
  base::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&name);
  socklen_t size = sizeof(name);
  EXPECT_EQ(bind(fd.get(), any, size), 0);
  EXPECT_EQ(listen(fd.get(), 100), 0);
  EXPECT_EQ(getsockname(fd.get(), any, &size), 0);
  *address = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  return fd;
}

TEST(NoVisitTest, WhoListensAndIsNoControlStoreIsNamed) {
  std::string address;
  const base::UniqueFd door = SilentDoor(&address);
  const std::string what =
      address + ", is away: it accepts, but does not answer as a control store";
  const Ended ended = RunProgram({ProgramPath("tests/integration/visitor"),
                                  "--mobula-address=" + address});
  EXPECT_EQ(ended.code, 4);
  EXPECT_TRUE(Holds(ended.output, what)) << ended.output;
  const Ended tool = RunProgram({ProgramPath("cli/mobula"), "start",
                                 "--address", address, "--patience", "5"});
  EXPECT_EQ(tool.code, 1);
  EXPECT_TRUE(Holds(tool.output, address)) << tool.output;
  EXPECT_TRUE(Holds(tool.output, "does not answer as a control store"))
      << tool.output;
}

TEST(NoVisitTest, WhatDoesNotListenOrDoesNotAgreeIsSaid) {
  const Ended absent =
      RunProgram({ProgramPath("tests/integration/visitor"),
                  "--mobula-address=unix:/nowhere/control.sock"});
  EXPECT_EQ(absent.code, 4);
  EXPECT_TRUE(Holds(absent.output, "no such node runs on this machine"))
      << absent.output;
  EXPECT_TRUE(Holds(absent.output, "unix:/nowhere/control.sock: No such file"))
      << absent.output;
  StartedHead head({"--listen", "127.0.0.1:0"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const std::size_t at = head.started().output.find("127.0.0.1:");
  const std::string address = head.started().output.substr(
      at, head.started().output.find_first_of(" \n", at) - at);
  const Ended stranger = RunProgram(
      {ProgramPath("tests/integration/visitor"), "--mobula-address=" + address},
      {"XDG_RUNTIME_DIR=/nonexistent", "MOBULA_TOKEN_FILE="});
  EXPECT_EQ(stranger.code, 4);
  EXPECT_TRUE(Holds(stranger.output, "is not to be joined: it refuses: the "))
      << stranger.output;
  EXPECT_TRUE(Holds(stranger.output, "MOBULA_TOKEN_FILE")) << stranger.output;
}

}  // namespace
}  // namespace mobula::test

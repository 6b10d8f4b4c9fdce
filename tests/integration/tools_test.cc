// What people do to a cluster that runs: mobula logs, stack and kill.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/rpc/control_call.h"
#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

constexpr int kPatienceMs = 20'000;

std::string FolderOf(const StartedHead& head) {
  for (const std::string& one : head.environment()) {
    const std::string name = "XDG_RUNTIME_DIR=";
    if (one.starts_with(name)) return one.substr(name.size()) + "/mobula";
  }
  return "";
}

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The program `dweller` on that head.
class Dweller {
 public:
  Dweller(const StartedHead& head, const std::string& name) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe(ends), 0);
    const std::string program = ProgramPath("tests/integration/dweller");
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], 1);
      close(ends[0]);
      close(ends[1]);
      for (const std::string& one : head.environment()) {
        putenv(const_cast<char*>(one.c_str()));
      }
      execl(program.c_str(), "dweller", name.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  ~Dweller() {
    kill(pid_, SIGKILL);
    Reap();
    close(output_);
  }

  // What it says next, without what its workers say; "" if it ended.
  std::string Line() {
    std::string line;
    do {
      line = AnyLine();
    } while (line.starts_with("("));
    return line;
  }
  // The pid of the process in which the actor lives now.
  int ActorPid() {
    const std::string line = Line();
    EXPECT_TRUE(line.starts_with("pid ")) << line;
    return line.size() > 4 ? std::atoi(line.c_str() + 4) : 0;
  }
  int Reap() {
    if (reaped_) return 0;
    reaped_ = true;
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  std::string AnyLine() {
    std::string line;
    while (true) {
      pollfd poll_fd{output_, POLLIN, 0};
      char c = 0;
      if (poll(&poll_fd, 1, kPatienceMs) <= 0) return "too late";
      if (read(output_, &c, 1) != 1 || c == '\n') return line;
      line += c;
    }
  }

  pid_t pid_ = 0;
  int output_ = -1;
  bool reaped_ = false;
};

base::ControlReply AskStore(const StartedHead& head,
                            base::ControlRequest request) {
  std::string error;
  const auto address = base::ControlAddress::Parse(
      base::FindNodes({FolderOf(head)}).at(0).control, &error);
  return base::CallControl(*address, "", std::move(request),
                           std::chrono::seconds(10));
}

class ToolsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
  }
  Ended Tool(const std::vector<std::string>& words) {
    return head_.Tool(words);
  }

  StartedHead head_{{"--cpus", "2"}};
};

TEST_F(ToolsTest, LogsOfDaemonsWorkersAndActors) {
  Dweller dweller(head_, "anna");
  const std::string pid = std::to_string(dweller.ActorPid());
  // A worker's lines are read by the raylet beside its messages.
  Ended logs;
  for (int i = 0; i < kPatienceMs / 10; ++i) {
    logs = Tool({"logs", pid});
    // The first look may also have said that there was nothing yet.
    if (logs.output.starts_with("I live in " + pid)) break;
    poll(nullptr, 0, 10);
  }
  EXPECT_EQ(logs.code, 0);
  EXPECT_TRUE(Holds(logs.output, "I live in " + pid)) << logs.output;
  EXPECT_EQ(Tool({"logs", "anna"}).output, logs.output);
  EXPECT_EQ(Tool({"logs", "actor:anna"}).output, logs.output);
  EXPECT_TRUE(Holds(Tool({"logs", "raylet"}).output, "joined as node"));
  EXPECT_TRUE(Holds(Tool({"logs", "gcs", "-n", "1"}).output, "listens at"));
  EXPECT_TRUE(Holds(Tool({"logs"}).output, "keeper.log <=="));
  EXPECT_EQ(Tool({"logs", "nobody"}).code, 1);
  EXPECT_EQ(Tool({"logs", std::to_string(getpid())}).code, 1);
}

// Its worker's file is made with the first line.
TEST_F(ToolsTest, AnActorThatIsSilentHasWrittenNothingYet) {
  const Ended made =
      RunProgram({ProgramPath("tests/integration/visitor"), "make", "mute"},
                 head_.environment());
  ASSERT_EQ(made.code, 0) << made.output;
  const Ended logs = Tool({"logs", "mute"});
  EXPECT_EQ(logs.code, 0) << logs.output;
  EXPECT_TRUE(Holds(logs.output, "has written nothing yet")) << logs.output;
}

TEST_F(ToolsTest, StackOfAWorkerAndOfNobodyElse) {
  Dweller dweller(head_, "anna");
  const int worker = dweller.ActorPid();
  const Ended stack = Tool({"stack", std::to_string(worker)});
  const bool has_tool = access("/usr/bin/eu-stack", X_OK) == 0 ||
                        access("/usr/bin/gdb", X_OK) == 0;
  if (has_tool) {
    EXPECT_TRUE(Holds(stack.output, "#0 ")) << stack.output;
  } else {
    EXPECT_EQ(stack.code, 1);
    EXPECT_TRUE(Holds(stack.output, "elfutils")) << stack.output;
  }
  const Ended other = Tool({"stack", std::to_string(getpid())});
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(Holds(other.output, "is no process of a node of yours"));
  EXPECT_EQ(Tool({"stack", "1"}).code, 1);
}

TEST_F(ToolsTest, KillOfAWorkerAndOfAnActor) {
  Dweller dweller(head_, "anna");
  const int first = dweller.ActorPid();
  const Ended worker = Tool({"kill", std::to_string(first)});
  EXPECT_EQ(worker.code, 0) << worker.output;
  const int second = dweller.ActorPid();
  EXPECT_NE(second, first);
  const Ended restart = Tool({"kill", "actor:anna", "--restart"});
  EXPECT_EQ(restart.code, 0) << restart.output;
  EXPECT_NE(dweller.ActorPid(), second);
  const Ended end = Tool({"kill", "actor:anna"});
  EXPECT_EQ(end.code, 0) << end.output;
  EXPECT_EQ(dweller.Line(), "dead");
  EXPECT_EQ(dweller.Reap(), 0);
}

TEST_F(ToolsTest, KillByTheBeginningOfAnId) {
  Dweller anna(head_, "anna");
  Dweller bert(head_, "bert");
  anna.ActorPid();
  bert.ActorPid();
  base::FindActor find;
  find.ns = "default";
  find.name = "anna";
  const base::ControlReply found = AskStore(head_, find);
  const auto* const actor = std::get_if<base::ActorAnswer>(&found);
  ASSERT_NE(actor, nullptr);
  const std::string id = actor->actor.actor.ToString();
  EXPECT_EQ(Tool({"kill", id.substr(0, 14)}).code, 0);
  EXPECT_EQ(anna.Line(), "dead");
  const base::ControlReply listed = AskStore(head_, base::ListJobs());
  const auto* const jobs = std::get_if<base::JobsAnswer>(&listed);
  ASSERT_NE(jobs, nullptr);
  // The first dweller leaves when its actor is dead; the other one's job is
  // ended under it.
  anna.Reap();
  base::FindActor other = find;
  other.name = "bert";
  const base::ControlReply rest = AskStore(head_, other);
  const auto* const last = std::get_if<base::ActorAnswer>(&rest);
  ASSERT_NE(last, nullptr);
  const Ended job = Tool({"kill", last->actor.job.ToString()});
  EXPECT_EQ(job.code, 0) << job.output;
  EXPECT_TRUE(Holds(job.output, "ended job")) << job.output;
  EXPECT_NE(bert.Reap(), 128 + SIGKILL);
}

TEST_F(ToolsTest, WhatIsNotThereIsNotKilled) {
  EXPECT_TRUE(Holds(Tool({"kill", std::to_string(getpid())}).output,
                    "is no worker of a node of yours"));
  EXPECT_EQ(Tool({"kill", "actor:nobody"}).code, 1);
  EXPECT_TRUE(Holds(Tool({"kill", "abcdef"}).output,
                    "nothing that lives has the id abcdef"));
  EXPECT_TRUE(Holds(Tool({"kill", "who?"}).output, "is not actor:NAME"));
}

}  // namespace
}  // namespace mobula::test

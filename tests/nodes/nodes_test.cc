// Programs that use several nodes, and what becomes of them when nodes end.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/integration/eventually.h"
#include "tests/integration/programs.h"
#include "tests/integration/running_program.h"
#include "tests/nodes/node_cluster.h"

namespace mobula::test {
namespace {

bool Eventually(const std::function<bool()>& holds) {
  return test::Eventually(holds, std::chrono::seconds(20));
}

bool Begins(const std::string& text, const std::string& with) {
  return text.starts_with(with);
}

// ---- what a program does on several nodes -----------------------------------

class NodesUse : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() { cluster_ = new NodeCluster(3); }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
  }
  static NodeCluster* cluster_;
};

NodeCluster* NodesUse::cluster_ = nullptr;

TEST_P(NodesUse, FromTheHead) {
  ASSERT_EQ(cluster_->trouble(), "");
  const std::string what = GetParam();
  const Ended ended = cluster_->Rove(1, {what});
  EXPECT_EQ(ended.code, 0) << ended.output << cluster_->Logs();
  EXPECT_NE(ended.output.find(what + ": "), std::string::npos) << ended.output;
}

TEST_P(NodesUse, FromANodeThatJoined) {
  ASSERT_EQ(cluster_->trouble(), "");
  const Ended ended = cluster_->Rove(3, {GetParam()});
  EXPECT_EQ(ended.code, 0) << ended.output << cluster_->Logs();
}

TEST_P(NodesUse, FromAMachineWithoutANode) {
  ASSERT_EQ(cluster_->trouble(), "");
  const Ended ended = cluster_->Rove(4, {GetParam()});
  EXPECT_EQ(ended.code, 0) << ended.output << cluster_->Logs();
}

INSTANTIATE_TEST_SUITE_P(Rover, NodesUse,
                         testing::Values("tasks", "overflow", "below", "actors",
                                         "values", "errors", "streams",
                                         "cancels", "many"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

// ---- and when nodes end -----------------------------------------------------

class NodesEnd : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(cluster_.trouble(), ""); }
  std::vector<std::string> Rover(const std::string& what,
                                 const std::string& more = "") {
    std::vector<std::string> command = {ProgramPath("tests/nodes/rover"), what};
    if (!more.empty()) command.push_back(more);
    return command;
  }
  // Whether no worker is left on any node.
  bool Empties() {
    return Eventually([this] {
      for (int node = 1; node <= cluster_.size(); ++node) {
        if (!cluster_.WorkersOn(node).empty()) return false;
      }
      return true;
    });
  }

  NodeCluster cluster_{3};
};

TEST_F(NodesEnd, TasksOfAKilledNodeRunElsewhere) {
  RunningProgram rover(Rover("survives"), cluster_.environment(1));
  ASSERT_EQ(rover.Line(), "begun") << cluster_.Logs();
  cluster_.Kill(2);
  EXPECT_EQ(rover.Line(), "survives: 60") << cluster_.Logs();
}

TEST_F(NodesEnd, AnActorOfAKilledNodeLivesOnElsewhere) {
  RunningProgram rover(Rover("moves"), cluster_.environment(1));
  const std::string at = rover.Line();
  ASSERT_TRUE(Begins(at, "at ")) << at << cluster_.Logs();
  for (int node = 2; node <= 3; ++node) {
    if (cluster_.FileOf(node).node.ToString() == at.substr(3)) {
      cluster_.Kill(node);
      break;
    }
  }
  EXPECT_EQ(rover.Line(), "moves: to another node") << cluster_.Logs();
}

TEST_F(NodesEnd, CallsGoOnWhileTheControlStoreIsKilled) {
  RunningProgram rover(Rover("steady"), cluster_.environment(1));
  ASSERT_EQ(rover.Line(), "begun") << cluster_.Logs();
  for (int i = 0; i < 3; ++i) {
    const pid_t store = cluster_.StoreOf();
    ASSERT_GT(store, 0);
    kill(store, SIGKILL);
    ASSERT_TRUE(Eventually([&] {
      const pid_t now = cluster_.StoreOf();
      return now != 0 && now != store;
    }));
  }
  // It serves again, and the nodes are what they were.
  const Ended tasks = cluster_.Rove(3, {"tasks"});
  EXPECT_EQ(tasks.output, "tasks: on 2 others\n") << cluster_.Logs();
  EXPECT_EQ(rover.End(), 0) << cluster_.Logs();
}

TEST_F(NodesEnd, NothingIsLeftOfAProgramThatWasKilled) {
  RunningProgram rover(Rover("stays"), cluster_.environment(1));
  ASSERT_EQ(rover.Line(), "ready") << cluster_.Logs();
  EXPECT_FALSE(cluster_.WorkersOn(2).empty());
  EXPECT_FALSE(cluster_.WorkersOn(3).empty());
  kill(rover.pid(), SIGKILL);
  EXPECT_TRUE(Empties()) << cluster_.Logs();
}

TEST_F(NodesEnd, NothingIsLeftOfAProgramWhoseNodeWasKilled) {
  RunningProgram rover(Rover("stays"), cluster_.environment(2));
  ASSERT_EQ(rover.Line(), "ready") << cluster_.Logs();
  cluster_.Kill(2);
  EXPECT_TRUE(Eventually([this] {
    return cluster_.WorkersOn(1).empty() && cluster_.WorkersOn(3).empty();
  })) << cluster_.Logs();
}

TEST_F(NodesEnd, NothingIsLeftOfAProgramThatHasNoNode) {
  RunningProgram rover(Rover("stays"), cluster_.environment(4));
  ASSERT_EQ(rover.Line(), "ready") << cluster_.Logs();
  kill(rover.pid(), SIGKILL);
  EXPECT_TRUE(Empties()) << cluster_.Logs();
}

TEST_F(NodesEnd, ADetachedActorIsCalledFromEveryNodeAndOutlivesItsOwn) {
  Ended ended = cluster_.Rove(2, {"detached", "shard"});
  EXPECT_EQ(ended.output, "detached: 1\n") << cluster_.Logs();
  ended = cluster_.Rove(3, {"detached", "shard"});
  EXPECT_EQ(ended.output, "detached: 2\n") << cluster_.Logs();
  ended = cluster_.Rove(4, {"detached", "shard"});
  EXPECT_EQ(ended.output, "detached: 3\n") << cluster_.Logs();
  cluster_.Kill(2);
  // Its state went with its process.
  ended = cluster_.Rove(3, {"detached", "shard"});
  EXPECT_EQ(ended.output, "detached: 1\n") << cluster_.Logs();
}

TEST_F(NodesEnd, ANodeThatComesLaterIsUsed) {
  cluster_.Add();
  ASSERT_EQ(cluster_.trouble(), "");
  const Ended ended = cluster_.Rove(1, {"tasks"});
  EXPECT_EQ(ended.output, "tasks: on 3 others\n") << cluster_.Logs();
}

}  // namespace
}  // namespace mobula::test

#include "cli/nodes/node_choice.h"

#include <gtest/gtest.h>

namespace mobula::cli {
namespace {

base::NodeFile Node(std::uint64_t hi, int pid, bool is_head) {
  base::NodeFile node;
  node.node = base::NodeId{hi << 32, 1};
  node.pid = pid;
  node.is_head = is_head;
  node.control = "unix:/x";
  return node;
}

TEST(NodeChoiceTest, EachWayToNameOne) {
  const std::vector<base::NodeFile> nodes = {Node(0xa3f00001, 17, false),
                                             Node(0xa3f00002, 18, true),
                                             Node(0xbbbb0000, 19, false)};
  struct Row {
    const char* which;
    int pid;  // 0: refused
  };
  const Row rows[] = {
      {"bbbb", 19},     {"17", 17},  {"head", 18}, {"a3f00001", 17},
      {"a3f00002", 18}, {"a3f0", 0}, {"bbb", 0},   {"", 0},
      {"cccc", 0},      {"1", 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.which);
    std::string error;
    const auto chosen = ChooseNode(nodes, row.which, &error);
    EXPECT_EQ(chosen ? chosen->pid : 0, row.pid);
    EXPECT_EQ(error.empty(), chosen.has_value());
  }
}

TEST(NodeChoiceTest, TheOnlyOneNeedsNoName) {
  std::string error;
  EXPECT_EQ(ChooseNode({Node(0xaaaa0000, 5, true)}, "", &error)->pid, 5);
}

TEST(NodeChoiceTest, WhoIsRefusedSeesTheCandidates) {
  std::string error;
  EXPECT_FALSE(ChooseNode({}, "", &error));
  EXPECT_EQ(error, "no node of yours runs on this machine");
  const std::vector<base::NodeFile> two = {Node(0xa3f00001, 17, false),
                                           Node(0xa3f00002, 18, true)};
  EXPECT_FALSE(ChooseNode(two, "", &error));
  EXPECT_NE(error.find("keeper pid 17"), std::string::npos) << error;
  EXPECT_NE(error.find("keeper pid 18"), std::string::npos) << error;
}

}  // namespace
}  // namespace mobula::cli

#include "api/mobula/detail/node_choice.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/mobula/error.h"
#include "api/mobula/init_options.h"
#include "base/control/node_file.h"

namespace mobula::detail {
namespace {

base::NodeFile Node(const std::string& control, const std::string& raylet,
                    bool is_head) {
  base::NodeFile node;
  node.control = control;
  node.raylet = raylet;
  node.is_head = is_head;
  return node;
}

const std::vector<base::NodeFile>& Nodes() {
  static const auto& nodes = *new std::vector<base::NodeFile>{
      Node("127.0.0.1:6380", "/late", false),
      Node("unix:/run/a/control.sock", "/a", true),
      Node("127.0.0.1:6380", "/head", true),
  };
  return nodes;
}

NodeChoice Choose(const InitOptions& options,
                  const std::string& environment = "",
                  const std::vector<base::NodeFile>& nodes = Nodes()) {
  return ChooseNode(options.values(), environment, {"/root"}, nodes);
}

std::string WhyNot(const InitOptions& options,
                   const std::string& environment = "") {
  try {
    Choose(options, environment);
  } catch (const InitError& error) {
    return error.message();
  }
  ADD_FAILURE() << "it was accepted";
  return "";
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(NodeChoiceTest, WithoutAnAddressARunningHeadIsTaken) {
  EXPECT_EQ(Choose(InitOptions()).raylet_socket, "/a");
  EXPECT_EQ(Choose(InitOptions(), "", {}).raylet_socket, "");
  EXPECT_EQ(Choose(InitOptions(), "", {Nodes()[0]}).raylet_socket, "/late");
}

TEST(NodeChoiceTest, WhoSaysWhatItsNodeIsGetsItsOwn) {
  EXPECT_EQ(Choose(InitOptions().Cpus(2)).raylet_socket, "");
  EXPECT_EQ(Choose(InitOptions().WorkersMax(2)).raylet_socket, "");
}

TEST(NodeChoiceTest, AnAddressIsLookedUp) {
  EXPECT_EQ(Choose(InitOptions().Address("127.0.0.1:6380")).raylet_socket,
            "/head");
  EXPECT_EQ(Choose(InitOptions(), "unix:/run/a/control.sock").raylet_socket,
            "/a");
  EXPECT_EQ(Choose(InitOptions(), "auto").raylet_socket, "/a");
}

TEST(NodeChoiceTest, TheArgumentIsBeforeTheEnvironment) {
  EXPECT_EQ(Choose(InitOptions().Address("127.0.0.1:6380"),
                   "unix:/run/a/control.sock")
                .raylet_socket,
            "/head");
  EXPECT_EQ(Choose(InitOptions().Address("embedded"), "auto").raylet_socket,
            "");
  EXPECT_EQ(Choose(InitOptions(), "embedded").raylet_socket, "");
}

TEST(NodeChoiceTest, WhatARunningNodeCannotGiveIsTold) {
  const NodeChoice choice =
      Choose(InitOptions().Cpus(2).Resource("gpu", 1).Address("auto"));
  EXPECT_EQ(choice.raylet_socket, "/a");
  EXPECT_EQ(choice.unused, "Cpus, Resource");
}

TEST(NodeChoiceTest, AnAddressWithoutANodeHereIsToBeJoined) {
  const NodeChoice choice = Choose(InitOptions(), "localhost:9");
  EXPECT_EQ(choice.raylet_socket, "");
  EXPECT_EQ(choice.control, "127.0.0.1:9");
  EXPECT_TRUE(Has(choice.absence, "MOBULA_ADDRESS=localhost:9"));
  EXPECT_TRUE(Has(choice.absence, "mobula start --address 127.0.0.1:9"));
  EXPECT_TRUE(Has(choice.absence, "/root"));
  EXPECT_TRUE(Has(choice.absence, "unix:/run/a/control.sock"));
  EXPECT_TRUE(Has(Choose(InitOptions().Address("127.0.0.1:9")).absence,
                  "the address 127.0.0.1:9"));
  // It starts one itself, of that program, whatever it is to offer.
  EXPECT_EQ(Choose(InitOptions().Cpus(2).Program("/m"), "127.0.0.1:9").unused,
            "Cpus");
  EXPECT_EQ(Choose(InitOptions().Cpus(2)).control, "");
}

TEST(NodeChoiceTest, AnyNodeWhereThereIsNoneIsNamed) {
  try {
    Choose(InitOptions().Address("auto"), "", {});
    ADD_FAILURE() << "it was accepted";
  } catch (const InitError& error) {
    EXPECT_TRUE(Has(error.message(), "mobula start --head"));
  }
}

TEST(NodeChoiceTest, WhatIsNoAddressIsRefused) {
  const std::string why = WhyNot(InitOptions(), "nonsense");
  EXPECT_TRUE(Has(why, "nonsense"));
  EXPECT_TRUE(Has(why, "embedded"));
}

}  // namespace
}  // namespace mobula::detail

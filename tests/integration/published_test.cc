// Values that outlive the program that published them, and all processes.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/control/node_file.h"
#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

class PublishedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
  }
  Ended Run(std::vector<std::string> words) {
    words.insert(words.begin(), ProgramPath("tests/integration/publisher"));
    return RunProgram(words, head_.environment());
  }
  void Publish(std::vector<std::string> words) {
    words.insert(words.begin(), "publish");
    const Ended ended = Run(std::move(words));
    EXPECT_EQ(ended.code, 0) << ended.output;
  }
  std::string Lookup(const std::string& name) {
    return Run({"lookup", name}).output;
  }

  StartedHead head_{{"--cpus", "1"}};
};

TEST_F(PublishedTest, TheyOutliveTheProgram) {
  Publish({"small", "100"});
  Publish({"durable", "1000000", "durable"});
  EXPECT_EQ(Lookup("small"), "100\n");
  EXPECT_EQ(Lookup("durable"), "1000000\n");
  const Ended listed = head_.Tool({"list", "objects", "--json"});
  EXPECT_EQ(listed.code, 0) << listed.output;
  EXPECT_NE(listed.output.find(R"("name":"small")"), std::string::npos)
      << listed.output;
  EXPECT_EQ(Run({"publish", "small", "5"}).code, 1);
  EXPECT_EQ(Run({"unpublish", "small"}).output, "1\n");
  EXPECT_EQ(Run({"unpublish", "small"}).output, "0\n");
  const std::string gone = Lookup("small");
  EXPECT_TRUE(gone.starts_with("NoSuchObject: ")) << gone;
}

TEST_F(PublishedTest, LargeOnesOutliveTheProgramOnTheirNode) {
  Publish({"large", "20000000"});
  EXPECT_EQ(Lookup("large"), "20000000\n");
  const Ended listed = head_.Tool({"list", "objects", "--json"});
  EXPECT_NE(listed.output.find(R"("name":"large")"), std::string::npos)
      << listed.output;
  EXPECT_EQ(Run({"unpublish", "large"}).output, "1\n");
  EXPECT_TRUE(Lookup("large").starts_with("NoSuchObject: "));
}

TEST_F(PublishedTest, LargeOnesAreLostWithTheirNode) {
  Publish({"large", "20000000"});
  for (const int pid : head_.Left()) kill(pid, SIGKILL);
  head_.StartAgain();
  ASSERT_EQ(head_.started().code, 0) << head_.started().output;
  const std::string lost = Lookup("large");
  EXPECT_TRUE(lost.starts_with("ObjectLost: ")) << lost;
  EXPECT_NE(lost.find("is lost: node "), std::string::npos) << lost;
  Publish({"large", "100"});
  EXPECT_EQ(Lookup("large"), "100\n");
}

TEST_F(PublishedTest, ALargeOneOfAnotherNodeIsNotReadHere) {
  Publish({"large", "20000000"});
  Publish({"small", "100"});
  // A program on another machine of the cluster, as far as it can see.
  std::string here;
  for (const std::string& one : head_.environment()) {
    const std::string name = "XDG_RUNTIME_DIR=";
    if (one.starts_with(name)) here = one.substr(name.size());
  }
  const base::NodeFile node = base::FindNodes({here + "/mobula"}).at(0);
  const std::string there = here + "/elsewhere";
  std::filesystem::create_directories(there);
  std::filesystem::permissions(there, std::filesystem::perms::owner_all);
  std::vector<std::string> environment = head_.environment();
  environment.push_back("XDG_RUNTIME_DIR=" + there);
  environment.push_back("MOBULA_ADDRESS=" + node.control);
  environment.push_back("MOBULA_TOKEN_FILE=" + node.token_file);
  const auto lookup = [&environment](const std::string& name) {
    return RunProgram(
               {ProgramPath("tests/integration/publisher"), "lookup", name},
               environment)
        .output;
  };
  EXPECT_EQ(lookup("small"), "100\n");
  const std::string elsewhere = lookup("large");
  EXPECT_TRUE(elsewhere.starts_with("ValueElsewhere: ")) << elsewhere;
  EXPECT_NE(elsewhere.find(node.node.ToString()), std::string::npos)
      << elsewhere;
}

TEST_F(PublishedTest, TheyOutliveEveryProcess) {
  Publish({"small", "100"});
  Publish({"durable", "1000000", "durable"});
  for (const int pid : head_.Left()) kill(pid, SIGKILL);
  head_.StartAgain();
  ASSERT_EQ(head_.started().code, 0) << head_.started().output;
  EXPECT_EQ(Lookup("small"), "100\n");
  EXPECT_EQ(Lookup("durable"), "1000000\n");
}

}  // namespace
}  // namespace mobula::test

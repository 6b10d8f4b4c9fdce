// Programs over nodes of several machines, between which everything goes by
// TLS.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"
#include "tests/security/machine.h"

namespace mobula::test {
namespace {

class NodesByTls : public testing::TestWithParam<const char*> {
 protected:
  // A head and two machines that joined it, each by a token of its own.
  struct Cluster {
    StartedHead head{{"--listen", "tls:127.0.0.2:0", "--cpus", "1"}};
    Machine first;
    Machine second;
  };

  static void SetUpTestSuite() {
    cluster_ = new Cluster;
    ASSERT_EQ(cluster_->head.started().code, 0)
        << cluster_->head.started().output;
    const std::string& output = cluster_->head.started().output;
    const std::size_t at = output.find("tls:127.0.0.2:");
    ASSERT_NE(at, std::string::npos) << output;
    const std::string where =
        output.substr(at, output.find_first_of(" \n", at) - at);
    for (const Machine* machine : {&cluster_->first, &cluster_->second}) {
      const std::string token = machine->folder() + "/token";
      const Ended made =
          cluster_->head.Tool({"token", "create", "--out", token});
      ASSERT_EQ(made.code, 0) << made.output;
      const Ended joined = machine->Tool(
          {"start", "--address", where, "--token-file", token, "--cpus", "4"});
      ASSERT_EQ(joined.code, 0) << joined.output;
    }
  }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
  }
  static void ExpectRoves(const std::vector<std::string>& environment) {
    const std::string what = GetParam();
    const Ended ended =
        RunProgram({ProgramPath("tests/nodes/rover"), what}, environment);
    EXPECT_EQ(ended.code, 0) << ended.output;
    EXPECT_NE(ended.output.find(what + ": "), std::string::npos)
        << ended.output;
  }

  static Cluster* cluster_;
};

NodesByTls::Cluster* NodesByTls::cluster_ = nullptr;

TEST_P(NodesByTls, FromTheHead) { ExpectRoves(cluster_->head.environment()); }

TEST_P(NodesByTls, FromAMachineThatJoined) {
  ExpectRoves(cluster_->second.environment());
}

INSTANTIATE_TEST_SUITE_P(Rover, NodesByTls,
                         testing::Values("tasks", "overflow", "below", "actors",
                                         "values", "errors", "streams",
                                         "cancels", "many"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

}  // namespace
}  // namespace mobula::test

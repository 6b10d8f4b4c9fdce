// Very many nodes that join at once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/machines/scenario.h"

namespace mobula::test {
namespace {

using std::chrono::seconds;

int HowMany() {
  const char* const text = std::getenv("MOBULA_JOINING");
  return text == nullptr ? 200 : std::atoi(text);
}

class Joins : public Scenario {
 protected:
  Joins() : Scenario(1) {}
};

// A quarter of them on each of four machines, each with folders of its own.
TEST_F(Joins, ManyNodesAtOnce) {
  const int each = HowMany() / (kMachines - 1);
  const std::string token = cluster_->MakeToken(HowMany());
  const std::string script =
      "for i in $(seq " + std::to_string(each) +
      "); do"
      " d=$(mktemp -d -t nj.XXXXXX); mkdir -m 700 $d/r;"
      " XDG_RUNTIME_DIR=$d/r XDG_STATE_HOME=$d/s \"$@\" >$d/out 2>&1 ||"
      " cat $d/out & done; wait; echo joined";
  std::vector<std::unique_ptr<RunningProgram>> all;
  for (int machine = 2; machine <= kMachines; ++machine) {
    all.push_back(machines_->Begin(
        machine,
        {"/bin/sh", "-c", script, "sh", machines_->Mobula(), "start",
         "--address", cluster_->address(), "--token-file", token, "--cpus", "1",
         "--object-store-memory", "16MiB", "--patience", "300"}));
  }
  EXPECT_TRUE(cluster_->Comes(1 + each * (kMachines - 1), seconds(300)))
      << cluster_->Logs();
  const Cluster::State state = cluster_->Look();
  EXPECT_EQ(state.dead, 0) << cluster_->Logs();
}

}  // namespace
}  // namespace mobula::test

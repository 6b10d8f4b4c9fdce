// The control store is killed every two seconds, or stopped for a while, and
// nobody notices: no call to a living actor fails, nothing that was
// acknowledged is lost, the index is right. MOBULA_CHAOS_SECONDS (20) and
// MOBULA_STOPPED_SECONDS (15) say for how long.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

std::string SecondsOf(const char* variable, const char* otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : text;
}

TEST(ControlKillsTest, NobodyNoticesThatItIsKilled) {
  const StartedHead head({"--cpus", "4"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const std::string seconds = SecondsOf("MOBULA_CHAOS_SECONDS", "20");
  Ended kills;
  std::thread killer([&kills, &head, &seconds] {
    kills = RunProgram({ProgramPath("tests/chaos/control_kills"), "--store",
                        head.store(), "--seconds", seconds, "--every", "2"},
                       head.environment());
  });
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double>(std::atof(seconds.c_str()));
  int rounds = 0;
  do {
    const Ended index =
        RunProgram({ProgramPath("examples/index/index"), "--workers", "2",
                    "--verify", ProgramPath("docs")},
                   head.environment());
    EXPECT_EQ(index.code, 0) << index.output;
    EXPECT_NE(index.output.find("verified"), std::string::npos) << index.output;
    ++rounds;
  } while (std::chrono::steady_clock::now() < end);
  killer.join();
  std::printf("%s%d index jobs verified\n", kills.output.c_str(), rounds);
  EXPECT_EQ(kills.code, 0) << kills.output;
}

TEST(ControlKillsTest, NobodyNoticesThatItIsStopped) {
  const StartedHead head;
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const Ended stopped = RunProgram(
      {ProgramPath("tests/chaos/control_kills"), "--store", head.store(),
       "--stopped", SecondsOf("MOBULA_STOPPED_SECONDS", "15")},
      head.environment());
  std::printf("%s", stopped.output.c_str());
  EXPECT_EQ(stopped.code, 0) << stopped.output;
  const Ended nodes = head.Tool({"list", "nodes"});
  EXPECT_NE(nodes.output.find("alive"), std::string::npos) << nodes.output;
  EXPECT_EQ(nodes.output.find("dead"), std::string::npos) << nodes.output;
}

}  // namespace
}  // namespace mobula::test

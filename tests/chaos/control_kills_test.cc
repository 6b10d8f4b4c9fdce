// The control store is killed every two seconds, or stopped for a while, and
// nobody notices: no call to a living actor fails, nothing that was
// acknowledged is lost, the index, a job of that cluster, is right.
// MOBULA_CHAOS_SECONDS (20) and MOBULA_STOPPED_SECONDS (15) say for how long;
// with MOBULA_BACK_MS_MAX it must serve again within that (99 of 100 times).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

// The store forgets ended jobs over a thousand.
constexpr std::size_t kJobsKept = 900;

std::string SecondsOf(const char* variable, const char* otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : text;
}

std::size_t LinesWith(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(part) != std::string::npos) ++count;
  }
  return count;
}

TEST(ControlKillsTest, NobodyNoticesThatItIsKilled) {
  const StartedHead head({"--cpus", "4"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const std::string seconds = SecondsOf("MOBULA_CHAOS_SECONDS", "20");
  Ended kills;
  std::thread killer([&kills, &head, &seconds] {
    kills =
        RunProgram({ProgramPath("tests/chaos/control_kills"), "--store",
                    head.store(), "--seconds", seconds, "--every", "2",
                    "--back-ms-max", SecondsOf("MOBULA_BACK_MS_MAX", "600000")},
                   head.environment());
  });
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double>(std::atof(seconds.c_str()));
  // Told how many workers it wants, it would bring a head of its own.
  std::vector<std::string> joins = head.environment();
  joins.emplace_back("MOBULA_ADDRESS=auto");
  std::size_t rounds = 0;
  do {
    const Ended index =
        RunProgram({ProgramPath("examples/index/index"), "--workers", "2",
                    "--verify", ProgramPath("docs")},
                   joins);
    EXPECT_EQ(index.code, 0) << index.output;
    EXPECT_NE(index.output.find("verified"), std::string::npos) << index.output;
    ++rounds;
  } while (std::chrono::steady_clock::now() < end);
  killer.join();
  std::printf("%s%zu index jobs verified\n", kills.output.c_str(), rounds);
  EXPECT_EQ(kills.code, 0) << kills.output;
  const Ended jobs = head.Tool({"list", "jobs", "--all"});
  EXPECT_EQ(jobs.code, 0) << jobs.output;
  // But for those that came and went while the store was away.
  EXPECT_GE(LinesWith(jobs.output, "/index "), std::min(rounds, kJobsKept) / 2)
      << jobs.output;
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

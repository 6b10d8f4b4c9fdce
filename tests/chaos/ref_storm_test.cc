// Refs are passed around by many processes, of which some are killed all the
// time: nothing that is read is wrong, nobody waits in vain, and at the end
// nothing is held. MOBULA_STORM_OPERATIONS (20,000), MOBULA_STORM_PROCESSES (6)
// and MOBULA_STORM_SEEDS (1) say how much of it.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

std::string ValueOf(const char* variable, const char* otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : text;
}

TEST(RefStormTest, NothingIsWrongLostOrLeft) {
  const StartedHead head({"--cpus", "4", "--object-store-memory", "256MiB"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  const int seeds = std::stoi(ValueOf("MOBULA_STORM_SEEDS", "1"));
  for (int seed = 1; seed <= seeds; ++seed) {
    const Ended storm =
        RunProgram({ProgramPath("tests/chaos/ref_storm"), "--tool",
                    ProgramPath("cli/mobula"), "--seed", std::to_string(seed),
                    "--ops", ValueOf("MOBULA_STORM_OPERATIONS", "20000"),
                    "--processes", ValueOf("MOBULA_STORM_PROCESSES", "6")},
                   head.environment());
    std::printf("%s", storm.output.c_str());
    EXPECT_EQ(storm.code, 0) << storm.output;
  }
}

}  // namespace
}  // namespace mobula::test

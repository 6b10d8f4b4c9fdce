// Two programs of weights 3 and 1 that keep one node busy get its time 3 to 1.
// A busy program keeps a slot for turns of a second (LeaseCache::kTurn), so it
// takes some eighty turns for one more or less not to matter.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <thread>

#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

double Shared(const StartedHead& head, const char* weight) {
  const Ended ended =
      RunProgram({ProgramPath("tests/integration/sharer"), weight, "40"},
                 head.environment());
  EXPECT_EQ(ended.code, 0) << ended.output;
  long long count = 0;
  const std::size_t at = ended.output.find("sharer: ");
  if (at != std::string::npos) {
    count = std::stoll(ended.output.substr(at + 8));
  }
  return static_cast<double>(count);
}

TEST(ShareTest, WeightsThreeAndOneGetThreeToOne) {
  const StartedHead head({"--cpus", "2"});
  ASSERT_EQ(head.started().code, 0) << head.started().output;
  double heavy = 0;
  std::thread other([&heavy, &head] { heavy = Shared(head, "3"); });
  const double light = Shared(head, "1");
  other.join();
  ASSERT_GT(light, 0);
  std::printf("share: %.0f to %.0f, %.2f to 1\n", heavy, light, heavy / light);
  EXPECT_NEAR(heavy / light, 3.0, 0.3);
}

}  // namespace
}  // namespace mobula::test

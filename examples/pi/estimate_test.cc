#include "examples/pi/estimate.h"

#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <cstdint>
#include <vector>

#include "examples/pi/samples.h"

namespace pi {
namespace {

std::uint64_t InThisThread(const std::vector<Part>& parts) {
  std::uint64_t inside = 0;
  for (const Part& part : parts) inside += CountInside(part);
  return inside;
}

TEST(EstimateTest, WorkersCountWhatOneThreadCounts) {
  for (const int cpus : {1, 3}) {
    const mobula::Runtime runtime =
        mobula::Init(mobula::InitOptions().Cpus(cpus));
    for (const std::uint32_t tasks : {1u, 10u, 3000u}) {
      const std::vector<Part> parts = Divide(100'000, tasks, 5);
      EXPECT_EQ(CountOnWorkers(parts), InThisThread(parts))
          << cpus << ", " << tasks;
    }
  }
}

TEST(EstimateTest, LocalModeCountsTheSame) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  const std::vector<Part> parts = Divide(100'000, 1500, 5);
  EXPECT_EQ(CountOnWorkers(parts), InThisThread(parts));
  EXPECT_EQ(CountOnWorkers({}), 0u);
}

}  // namespace
}  // namespace pi

#include "tests/sim/plants.h"

#include <gtest/gtest.h>

#include <iostream>
#include <sstream>
#include <string>

#include "tests/sim/runner.h"

namespace mobula::sim {
namespace {

constexpr std::uint64_t kSeedsMax = 300;

class PlantTest : public testing::TestWithParam<PlantName> {};

// Looks for a seed that betrays the plant; without it, that seed is clean.
TEST_P(PlantTest, IsFound) {
  RunOptions options;
  options.plant = GetParam().plant;
  options.twice_every = options.plant == Plant::kUnseededChance ? 1 : 0;
  std::ostringstream found;
  for (std::uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    options.first = options.last = seed;
    if (RunSeeds(options, found).violations == 0) continue;
    std::cout << found.str().substr(0, 400) << '\n';
    options.plant = Plant::kNone;
    EXPECT_EQ(RunSeeds(options, std::cerr).violations, 0u);
    return;
  }
  FAIL() << "no seed up to " << kSeedsMax << " betrays it";
}

INSTANTIATE_TEST_SUITE_P(All, PlantTest,
                         testing::ValuesIn(AllPlants().begin(),
                                           AllPlants().end()),
                         [](const testing::TestParamInfo<PlantName>& info) {
                           std::string name(info.param.name);
                           for (char& c : name) {
                             if (c == '-') c = '_';
                           }
                           return name;
                         });

TEST(PlantsTest, NamesAreFoundAgain) {
  for (const PlantName& plant : AllPlants()) {
    EXPECT_EQ(FindPlant(plant.name), plant.plant);
  }
  EXPECT_FALSE(FindPlant("no-such-plant").has_value());
}

}  // namespace
}  // namespace mobula::sim

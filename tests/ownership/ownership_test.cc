// Refs that travel between processes that die, on real cores, in an order that
// a seed decides: an object is free if, and only if, nobody refers to it.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/ownership/life.h"
#include "tests/ownership/plant.h"

namespace mobula::ownership {
namespace {

std::string Lines(const std::vector<std::string>& wrongs) {
  std::string text;
  for (const std::string& wrong : wrongs) text += wrong + "\n";
  return text;
}

// What many lives came to, all together.
Life LiveMany(std::uint64_t seeds, bool kills, bool losses = false) {
  Life sum;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Life life = Live(OptionsFor(seed, kills, losses));
    EXPECT_TRUE(life.wrongs.empty())
        << "bazel run //tests/ownership:replay -- " << seed << " " << kills
        << " " << losses << "\n"
        << Lines(life.wrongs);
    if (!life.wrongs.empty()) break;
    sum.reads += life.reads;
    sum.losses += life.losses;
    sum.kills += life.kills;
    sum.lost_places += life.lost_places;
    sum.remade += life.remade;
    sum.delivered += life.delivered;
    sum.claims += life.claims;
    sum.stays += life.stays;
    sum.taken += life.taken;
    sum.wants += life.wants;
  }
  return sum;
}

TEST(OwnershipTest, WhereNobodyDiesNothingIsLostOrLeft) {
  const Life sum = LiveMany(1'000, /*kills=*/false);
  EXPECT_GT(sum.reads, 10'000u);
  EXPECT_GT(sum.taken, 1'000u);
  EXPECT_GT(sum.wants, 500u);
  EXPECT_GT(sum.stays, 10u);
}

TEST(OwnershipTest, WhereProcessesDieNothingIsWrongOrLeft) {
  const Life sum = LiveMany(1'000, /*kills=*/true);
  EXPECT_GT(sum.kills, 1'000u);
  EXPECT_GT(sum.claims, 1'000u);
  EXPECT_GT(sum.losses, 100u);
}

TEST(OwnershipTest, LostBytesAreMadeAgainOrNamed) {
  const Life sum = LiveMany(1'000, /*kills=*/false, /*losses=*/true);
  EXPECT_GT(sum.lost_places, 3'000u);
  EXPECT_GT(sum.remade, 300u);
  EXPECT_GT(sum.losses, 100u);
}

TEST(OwnershipTest, LostBytesAmongKillsLeaveNobodyWaiting) {
  const Life sum = LiveMany(1'000, /*kills=*/true, /*losses=*/true);
  EXPECT_GT(sum.lost_places, 3'000u);
  EXPECT_GT(sum.remade, 200u);
  EXPECT_GT(sum.kills, 1'000u);
}

TEST(OwnershipTest, TheSameSeedGivesTheSameTrace) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Node::Options options = OptionsFor(seed, /*kills=*/true);
    EXPECT_EQ(Live(options).trace, Live(options).trace) << "seed " << seed;
  }
}

class PlantTest : public testing::TestWithParam<Plant> {};

TEST_P(PlantTest, IsFound) {
  constexpr std::uint64_t kSeedsMax = 2'000;
  // Claims are only made of those who have ended.
  const bool kills = GetParam() == Plant::kForgottenClaim;
  for (std::uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    const bool losses = GetParam() == Plant::kLostReport;
    Node::Options options = OptionsFor(seed, kills, losses);
    options.plant = GetParam();
    if (Live(options).wrongs.empty()) continue;
    RecordProperty("seed", static_cast<int>(seed));
    return;
  }
  ADD_FAILURE() << kSeedsMax << " seeds do not find it";
}

INSTANTIATE_TEST_SUITE_P(
    All, PlantTest,
    testing::Values(Plant::kReturnsOneLess, Plant::kTakenTooSoon,
                    Plant::kForgottenClaim, Plant::kLostWish,
                    Plant::kLostReport, Plant::kBorrowedTwice,
                    Plant::kTakenNever, Plant::kFreedByReturner));

}  // namespace
}  // namespace mobula::ownership

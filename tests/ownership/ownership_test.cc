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

// AddressSanitizer makes each life five times as long.
#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kSeeds = 200;
#else
constexpr std::uint64_t kSeeds = 1'000;
#endif

std::string Lines(const std::vector<std::string>& wrongs) {
  std::string text;
  for (const std::string& wrong : wrongs) text += wrong + "\n";
  return text;
}

// What many lives came to, all together.
Life LiveMany(bool kills, bool losses = false) {
  Life sum;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Life life = Live(OptionsFor(seed, kills, losses));
    EXPECT_TRUE(life.wrongs.empty())
        << "bazel run //tests/ownership:replay -- " << seed << " " << kills
        << " " << losses << "\n"
        << Lines(life.wrongs);
    if (!life.wrongs.empty()) break;
    sum.reads += life.reads;
    sum.losses += life.losses;
    sum.kills += life.kills;
    sum.cancels += life.cancels;
    sum.stops += life.stops;
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
  const Life sum = LiveMany(/*kills=*/false);
  EXPECT_GT(sum.reads, 10 * kSeeds);
  EXPECT_GT(sum.taken, kSeeds);
  EXPECT_GT(sum.wants, kSeeds / 2);
  EXPECT_GT(sum.stays, kSeeds / 100);
  EXPECT_GT(sum.cancels, kSeeds / 2);
  EXPECT_GT(sum.stops, kSeeds / 20);
}

TEST(OwnershipTest, WhereProcessesDieNothingIsWrongOrLeft) {
  const Life sum = LiveMany(/*kills=*/true);
  EXPECT_GT(sum.kills, kSeeds);
  EXPECT_GT(sum.claims, kSeeds);
  EXPECT_GT(sum.losses, kSeeds / 10);
}

TEST(OwnershipTest, LostBytesAreMadeAgainOrNamed) {
  const Life sum = LiveMany(/*kills=*/false, /*losses=*/true);
  EXPECT_GT(sum.lost_places, 3 * kSeeds);
  EXPECT_GT(sum.remade, 3 * kSeeds / 10);
  EXPECT_GT(sum.losses, kSeeds / 10);
}

TEST(OwnershipTest, LostBytesAmongKillsLeaveNobodyWaiting) {
  const Life sum = LiveMany(/*kills=*/true, /*losses=*/true);
  EXPECT_GT(sum.lost_places, 3 * kSeeds);
  EXPECT_GT(sum.remade, kSeeds / 5);
  EXPECT_GT(sum.kills, kSeeds);
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

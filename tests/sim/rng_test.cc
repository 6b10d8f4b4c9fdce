#include "tests/sim/rng.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>

namespace mobula::sim {
namespace {

TEST(RngTest, SeedMeansTheSameEverywhere) {
  // Of the reference sources of splitmix64 and xoshiro256**, seeded with 0.
  Rng rng(0);
  EXPECT_EQ(rng.Next(), 0x99EC5F36CB75F2B4ULL);
  EXPECT_EQ(rng.Next(), 0xBF6E1F784956452AULL);
  EXPECT_EQ(rng.Next(), 0x1A5F849D4933E6E0ULL);
}

TEST(RngTest, StreamsOfForksDiffer) {
  Rng rng(1);
  Rng one = rng.Fork();
  Rng other = rng.Fork();
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(seen.insert(one.Next()).second);
    EXPECT_TRUE(seen.insert(other.Next()).second);
  }
}

TEST(RngTest, StaysInItsBounds) {
  Rng rng(2);
  bool saw_low = false;
  bool saw_high = false;
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t drawn = rng.Between(-3, 3);
    ASSERT_GE(drawn, -3);
    ASSERT_LE(drawn, 3);
    saw_low |= drawn == -3;
    saw_high |= drawn == 3;
    const double unit = rng.Unit();
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
  }
  EXPECT_TRUE(saw_low && saw_high);
}

TEST(RngTest, LogNormalHasItsMedian) {
  Rng rng(3);
  int below = 0;
  const base::Duration median = std::chrono::microseconds(100);
  for (int i = 0; i < 10'000; ++i) {
    const base::Duration drawn = rng.LogNormal(median, 1);
    ASSERT_GE(drawn.count(), 0);
    ASSERT_LE(drawn, std::chrono::minutes(1));
    if (drawn < median) ++below;
  }
  EXPECT_NEAR(below, 5'000, 300);
}

}  // namespace
}  // namespace mobula::sim

#include "examples/pi/samples.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <set>
#include <vector>

namespace pi {
namespace {

TEST(SamplesTest, PartsAddUpAndAreNumbered) {
  for (const std::uint64_t samples : {1u, 5u, 64u, 1000u}) {
    for (const std::uint32_t count : {1u, 3u, 64u, 2000u}) {
      const std::vector<Part> parts = Divide(samples, count, 9);
      std::uint64_t sum = 0;
      std::set<std::uint32_t> numbers;
      for (const Part& part : parts) {
        EXPECT_GE(part.samples, 1u);
        EXPECT_LE(part.samples, samples / count + 1);
        EXPECT_EQ(part.seed, 9u);
        numbers.insert(part.number);
        sum += part.samples;
      }
      EXPECT_EQ(sum, samples);
      EXPECT_EQ(numbers.size(), parts.size());
    }
  }
}

TEST(SamplesTest, CountsFollowFromSeedAndNumberAlone) {
  const std::uint64_t inside = CountInside({1, 0, 10'000});
  EXPECT_EQ(CountInside({1, 0, 10'000}), inside);
  EXPECT_NE(CountInside({2, 0, 10'000}), inside);
  EXPECT_NE(CountInside({1, 1, 10'000}), inside);
  // The upper half of the seed counts too.
  EXPECT_NE(CountInside({1 + (std::uint64_t{1} << 32), 0, 10'000}), inside);
  // std::mt19937_64 and std::seed_seq are the same everywhere.
  EXPECT_EQ(inside, 7814u);
}

TEST(SamplesTest, StreamsOfPartsAreNotOneStream) {
  // Were all parts alike, their counts would not differ at all; the spread of
  // many independent ones is what chance makes it.
  constexpr int kParts = 400;
  constexpr double kSamples = 2000;
  double sum = 0;
  double squares = 0;
  for (std::uint32_t number = 0; number < kParts; ++number) {
    const auto inside = static_cast<double>(
        CountInside({7, number, static_cast<std::uint64_t>(kSamples)}));
    sum += inside;
    squares += inside * inside;
  }
  const double mean = sum / kParts;
  const double variance = squares / kParts - mean * mean;
  const double share = std::numbers::pi / 4;
  EXPECT_NEAR(variance / (kSamples * share * (1 - share)), 1, 0.4);
}

TEST(SamplesTest, EstimatesKnowTheirError) {
  const Estimate half = EstimateFrom(50, 100);
  EXPECT_DOUBLE_EQ(half.value, 2);
  EXPECT_DOUBLE_EQ(half.standard_error, 0.2);
  EXPECT_GT(half.sigmas_off, kSigmasMax);
  const Estimate near = EstimateFrom(785, 1000);
  EXPECT_LT(near.sigmas_off, 1);
  // One sample says nothing, and does not say that it is wrong.
  EXPECT_LT(EstimateFrom(0, 1).sigmas_off, kSigmasMax);
  EXPECT_LT(EstimateFrom(1, 1).sigmas_off, kSigmasMax);
  EXPECT_EQ(EstimateFrom(1, 1).standard_error, 0);
}

}  // namespace
}  // namespace pi

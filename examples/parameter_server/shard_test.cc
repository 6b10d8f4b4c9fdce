#include "examples/parameter_server/shard.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace digits {
namespace {

TEST(ShardTest, SlicesAreAllOfTheWeights) {
  std::vector<float> weights;
  for (int i = 0; i < 650; ++i) weights.push_back(static_cast<float>(i));
  for (const std::uint32_t count : {1u, 3u, 4u, 64u}) {
    std::vector<Slice> slices = CutIntoSlices(weights, count);
    EXPECT_EQ(slices.size(), count);
    for (const Slice& slice : slices) {
      EXPECT_GE(slice.weights.size(), 650 / count);
      EXPECT_LE(slice.weights.size(), 650 / count + 1);
    }
    EXPECT_EQ(Joined(slices), weights);
    std::swap(slices.front(), slices.back());  // in any order
    EXPECT_EQ(Joined(slices), weights);
  }
}

TEST(ShardTest, SlicesOfMoreThanIsThereAreRefused) {
  std::vector<Slice> slices = CutIntoSlices({1, 2, 3, 4}, 2);
  slices.erase(slices.begin());
  EXPECT_THROW(Joined(slices), std::invalid_argument);
}

TEST(ShardTest, OnlyAFedShardAnswers) {
  Shard shard;
  EXPECT_THROW(shard.Read(), std::logic_error);
  EXPECT_THROW(shard.Apply({1, 2, 3, 4}, 1), std::logic_error);
  const Slice slice{1, {10, 20}, 7};
  shard.Restore(slice);
  EXPECT_EQ(shard.Read(), slice);
}

TEST(ShardTest, AGradientIsAppliedToItsPart) {
  Shard shard;
  shard.Restore({1, {10, 20}, 7});
  shard.Apply({100, 2, 4, 100}, 0.5);
  EXPECT_EQ(shard.Read(), (Slice{1, {9, 18}, 8}));
  EXPECT_THROW(shard.Apply({1, 2}, 1), std::invalid_argument);
  EXPECT_EQ(shard.Read(), (Slice{1, {9, 18}, 8}));
}

}  // namespace
}  // namespace digits

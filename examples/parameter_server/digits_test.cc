#include "examples/parameter_server/digits.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace digits {
namespace {

TEST(DigitsTest, ASeedAlwaysDrawsTheSame) {
  const Digits digits = MakeDigits(1, 50);
  EXPECT_EQ(MakeDigits(1, 50).pixels, digits.pixels);
  EXPECT_EQ(MakeDigits(1, 50).labels, digits.labels);
  EXPECT_NE(MakeDigits(2, 50).pixels, digits.pixels);
  EXPECT_TRUE(MakeDigits(1, 0).labels.empty());
}

TEST(DigitsTest, EachDigitIsThereEquallyOften) {
  const Digits digits = MakeDigits(3, 200);
  ASSERT_EQ(digits.labels.size(), 200u);
  ASSERT_EQ(digits.pixels.size(), 200 * kPixels);
  std::array<int, kClasses> counts{};
  for (const std::uint8_t label : digits.labels) ++counts.at(label);
  for (const int count : counts) EXPECT_EQ(count, 20);
  for (const float pixel : digits.pixels) {
    EXPECT_GE(pixel, 0.0F);
    EXPECT_LE(pixel, 1.0F);
  }
}

// What makes them worth learning: no two are alike, and each is nearer to the
// mean of its class than to most others.
TEST(DigitsTest, DigitsDifferButLookLikeTheirClass) {
  const Digits digits = MakeDigits(4, 1000);
  std::array<std::array<float, kPixels>, kClasses> means{};
  for (std::size_t i = 0; i < 1000; ++i) {
    for (std::size_t p = 0; p < kPixels; ++p) {
      means[digits.labels[i]][p] += digits.pixels[i * kPixels + p] / 100;
    }
  }
  int nearest_is_own = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    std::size_t nearest = 0;
    float least = 1e9F;
    for (std::size_t c = 0; c < kClasses; ++c) {
      float distance = 0;
      for (std::size_t p = 0; p < kPixels; ++p) {
        distance += std::abs(digits.pixels[i * kPixels + p] - means[c][p]);
      }
      if (distance < least) {
        least = distance;
        nearest = c;
      }
    }
    nearest_is_own += nearest == digits.labels[i] ? 1 : 0;
  }
  EXPECT_GT(nearest_is_own, 600);
  EXPECT_LT(nearest_is_own, 1000);
}

}  // namespace
}  // namespace digits

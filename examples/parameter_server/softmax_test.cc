#include "examples/parameter_server/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "examples/parameter_server/digits.h"

namespace digits {
namespace {

Sample SampleOf(const Digits& digits) { return {digits.pixels, digits.labels}; }

std::vector<float> SomeWeights() {
  std::mt19937 random(3);
  std::vector<float> weights(kWeights);
  for (float& weight : weights) {
    weight = static_cast<float>(random() % 1000) / 1000 - 0.5F;
  }
  return weights;
}

TEST(SoftmaxTest, WhoKnowsNothingGuesses) {
  const Digits digits = MakeDigits(1, 100);
  const Score score = Judge(std::vector<float>(kWeights), SampleOf(digits));
  EXPECT_NEAR(score.loss, std::log(10), 1e-4);
  EXPECT_NEAR(score.accuracy, 0.1, 1e-9);
}

TEST(SoftmaxTest, TheGradientIsThatOfTheLoss) {
  const Digits digits = MakeDigits(2, 20);
  const std::vector<float> weights = SomeWeights();
  const std::vector<float> gradient =
      GradientOf(weights, SampleOf(digits), {0, 20});
  ASSERT_EQ(gradient.size(), kWeights);
  for (std::size_t i = 0; i < kWeights; i += 7) {
    constexpr float kStep = 0.01F;
    std::vector<float> more = weights;
    std::vector<float> less = weights;
    more[i] += kStep;
    less[i] -= kStep;
    const double slope = (Judge(more, SampleOf(digits)).loss -
                          Judge(less, SampleOf(digits)).loss) /
                         (2 * kStep);
    EXPECT_NEAR(gradient[i], slope, 1e-3) << i;
  }
}

TEST(SoftmaxTest, ABatchGoesOnAtTheBeginning) {
  const Digits digits = MakeDigits(2, 10);
  const std::vector<float> weights = SomeWeights();
  const Sample sample = SampleOf(digits);
  EXPECT_EQ(GradientOf(weights, sample, {3, 5}),
            GradientOf(weights, sample, {13, 5}));
  const auto all = GradientOf(weights, sample, {0, 10});
  const auto around = GradientOf(weights, sample, {7, 10});
  for (std::size_t i = 0; i < kWeights; ++i) {
    EXPECT_NEAR(all[i], around[i], 1e-5);
  }
}

TEST(SoftmaxTest, StepsAgainstTheGradientLearn) {
  const Digits digits = MakeDigits(1, 500);
  std::vector<float> weights(kWeights);
  for (std::uint64_t step = 0; step < 200; ++step) {
    const auto gradient =
        GradientOf(weights, SampleOf(digits), {step * 32, 32});
    for (std::size_t i = 0; i < kWeights; ++i) weights[i] -= gradient[i];
  }
  const Digits others = MakeDigits(2, 500);
  EXPECT_GT(Judge(weights, SampleOf(others)).accuracy, 0.85);
}

TEST(SoftmaxTest, WhatDoesNotFitIsRefused) {
  const Digits digits = MakeDigits(1, 10);
  const std::vector<float> weights(kWeights);
  const std::vector<float> short_weights(kWeights - 1);
  std::vector<std::uint8_t> labels = digits.labels;
  labels[3] = 10;
  const std::span<const float> pixels = digits.pixels;
  using Invalid = std::invalid_argument;
  EXPECT_THROW(GradientOf(short_weights, SampleOf(digits), {0, 1}), Invalid);
  EXPECT_THROW(GradientOf(weights, SampleOf(digits), {0, 0}), Invalid);
  EXPECT_THROW(GradientOf(weights, {}, {0, 1}), Invalid);
  EXPECT_THROW(Judge(weights, {pixels.first(9), digits.labels}), Invalid);
  EXPECT_THROW(Judge(weights, {pixels, labels}), Invalid);
}

}  // namespace
}  // namespace digits

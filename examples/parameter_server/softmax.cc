#include "examples/parameter_server/softmax.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace digits {
namespace {

using Shares = std::array<float, kClasses>;

void CheckSizes(std::span<const float> weights, const Sample& sample) {
  if (weights.size() != kWeights) {
    throw std::invalid_argument("the weights are not of this model");
  }
  if (sample.labels.empty() ||
      sample.pixels.size() != sample.labels.size() * kPixels) {
    throw std::invalid_argument("there are not as many pixels as digits need");
  }
  if (std::ranges::any_of(sample.labels,
                          [](auto label) { return label >= kClasses; })) {
    throw std::invalid_argument("a label is no digit");
  }
}

// How probable each class is; they add up to 1.
Shares SharesOf(std::span<const float> weights, std::span<const float> pixels) {
  Shares sums{};
  for (std::size_t c = 0; c < kClasses; ++c) {
    const auto of_class = weights.subspan(c * kWeightsOfClass);
    float sum = of_class[kPixels];
    for (std::size_t i = 0; i < kPixels; ++i) sum += of_class[i] * pixels[i];
    sums[c] = sum;
  }
  const float highest = *std::max_element(sums.begin(), sums.end());
  float total = 0;
  for (float& sum : sums) total += sum = std::exp(sum - highest);
  for (float& sum : sums) sum /= total;
  return sums;
}

}  // namespace

std::vector<float> GradientOf(std::span<const float> weights,
                              const Sample& sample, const Batch& batch) {
  CheckSizes(weights, sample);
  if (batch.count == 0) throw std::invalid_argument("an empty batch");
  std::vector<float> gradient(kWeights);
  for (std::uint64_t i = 0; i < batch.count; ++i) {
    const std::size_t digit = (batch.first + i) % sample.labels.size();
    const auto pixels = sample.pixels.subspan(digit * kPixels, kPixels);
    Shares errors = SharesOf(weights, pixels);
    errors[sample.labels[digit]] -= 1;
    for (std::size_t c = 0; c < kClasses; ++c) {
      const std::span of_class(&gradient[c * kWeightsOfClass], kWeightsOfClass);
      for (std::size_t p = 0; p < kPixels; ++p) {
        of_class[p] += errors[c] * pixels[p];
      }
      of_class[kPixels] += errors[c];
    }
  }
  const float scale = 1.0F / static_cast<float>(batch.count);
  for (float& part : gradient) part *= scale;
  return gradient;
}

Score Judge(std::span<const float> weights, const Sample& sample) {
  CheckSizes(weights, sample);
  Score score;
  for (std::size_t digit = 0; digit < sample.labels.size(); ++digit) {
    const Shares shares =
        SharesOf(weights, sample.pixels.subspan(digit * kPixels, kPixels));
    const std::uint8_t label = sample.labels[digit];
    score.loss -= std::log(std::max(shares[label], 1e-30F));
    const auto best = std::max_element(shares.begin(), shares.end());
    score.accuracy += best - shares.begin() == label ? 1 : 0;
  }
  score.loss /= static_cast<double>(sample.labels.size());
  score.accuracy /= static_cast<double>(sample.labels.size());
  return score;
}

}  // namespace digits

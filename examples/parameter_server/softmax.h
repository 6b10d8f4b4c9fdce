// Softmax regression: for each class a weight for each pixel and a bias; the
// class with the highest sum is the answer.
//
// The weights of all classes lie in one vector, class by class, the bias last.
// Threading: pure functions.
#ifndef MOBULA_EXAMPLES_PARAMETER_SERVER_SOFTMAX_H_
#define MOBULA_EXAMPLES_PARAMETER_SERVER_SOFTMAX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "examples/parameter_server/digits.h"

namespace digits {

inline constexpr std::size_t kWeightsOfClass = kPixels + 1;
inline constexpr std::size_t kWeights = kClasses * kWeightsOfClass;

// Digits first, first + 1, ..., the first following on the last.
struct Batch {
  std::uint64_t first = 0;
  std::uint32_t count = 0;
};

// What was learned, or is to be judged; spans of others' memory.
struct Sample {
  std::span<const float> pixels;  // kPixels for each label
  std::span<const std::uint8_t> labels;
};

// Of the mean loss over the batch: kWeights numbers. Throws
// std::invalid_argument if sizes do not fit or there is no digit.
std::vector<float> GradientOf(std::span<const float> weights,
                              const Sample& sample, const Batch& batch);

struct Score {
  double loss = 0;      // mean of -log(probability of the right class)
  double accuracy = 0;  // share of right answers
};

// Throws as GradientOf.
Score Judge(std::span<const float> weights, const Sample& sample);

}  // namespace digits

#endif  // MOBULA_EXAMPLES_PARAMETER_SERVER_SOFTMAX_H_

#include "examples/pi/samples.h"

#include <cmath>
#include <numbers>
#include <random>

namespace pi {
namespace {

// From 0 to 1, without 1. Not std::uniform_real_distribution, which may differ
// from one standard library to the next.
double Fraction(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

// One of two outcomes, thrown `samples` times: the deviation of the mean.
double Deviation(double chance, double samples) {
  return std::sqrt(chance * (1 - chance) / samples);
}

}  // namespace

std::uint64_t CountInside(const Part& part) {
  std::seed_seq seeds{static_cast<std::uint32_t>(part.seed),
                      static_cast<std::uint32_t>(part.seed >> 32), part.number};
  std::mt19937_64 random(seeds);
  std::uint64_t inside = 0;
  for (std::uint64_t i = 0; i < part.samples; ++i) {
    const double x = Fraction(random);
    const double y = Fraction(random);
    inside += x * x + y * y < 1 ? 1 : 0;
  }
  return inside;
}

std::vector<Part> Divide(std::uint64_t samples, std::uint32_t count,
                         std::uint64_t seed) {
  std::vector<Part> parts;
  for (std::uint32_t number = 0; number < count; ++number) {
    const std::uint64_t size =
        samples / count + (number < samples % count ? 1 : 0);
    if (size > 0) parts.push_back({seed, number, size});
  }
  return parts;
}

Estimate EstimateFrom(std::uint64_t inside, std::uint64_t samples) {
  const auto n = static_cast<double>(samples);
  const double share = static_cast<double>(inside) / n;
  Estimate estimate;
  estimate.value = 4 * share;
  estimate.standard_error = 4 * Deviation(share, n);
  // Of the true share, as that of a few samples may be 0.
  estimate.sigmas_off = std::abs(estimate.value - std::numbers::pi) /
                        (4 * Deviation(std::numbers::pi / 4, n));
  return estimate;
}

}  // namespace pi

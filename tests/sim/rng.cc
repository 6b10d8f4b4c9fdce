#include "tests/sim/rng.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace mobula::sim {
namespace {

std::uint64_t SplitMix(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = SplitMix(seed);
}

std::uint64_t Rng::Next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Rng::Below(std::uint64_t bound) {
  MOBULA_CHECK(bound >= 1);
  // The bias of a modulus of 64 bits is below 2^-40 for all bounds used here.
  return Next() % bound;
}

std::int64_t Rng::Between(std::int64_t low, std::int64_t high) {
  MOBULA_CHECK(low <= high);
  const auto span = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<std::int64_t>(Below(span));
}

double Rng::Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

bool Rng::Chance(double probability) { return Unit() < probability; }

base::Duration Rng::Within(base::Duration low, base::Duration high) {
  return base::Duration(Between(low.count(), high.count()));
}

base::Duration Rng::LogNormal(base::Duration median, double sigma) {
  // Irwin-Hall: twelve uniforms less six is close enough to a normal variate,
  // and is the same on every machine.
  double normal = -6;
  for (int i = 0; i < 12; ++i) normal += Unit();
  const double count =
      static_cast<double>(median.count()) * std::exp(sigma * normal);
  return base::Duration(static_cast<std::int64_t>(std::min(count, 60e9)));
}

double Rng::Exponential(double mean) { return -mean * std::log1p(-Unit()); }

Rng Rng::Fork() { return Rng(Next()); }

}  // namespace mobula::sim

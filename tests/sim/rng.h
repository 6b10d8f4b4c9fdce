// Rng is the only source of chance in the simulator: xoshiro256** seeded by
// splitmix64, so that a seed means the same everywhere.
//
//   Rng rng(seed);
//   Rng network = rng.Fork();   // a stream of its own for each consumer
//   if (network.Chance(0.01)) Drop();
//
// After https://prng.di.unimi.it (Blackman, Vigna; public domain).
// Threading: a value.
#ifndef MOBULA_TESTS_SIM_RNG_H_
#define MOBULA_TESTS_SIM_RNG_H_

#include <array>
#include <cstdint>

#include "base/boot_time.h"

namespace mobula::sim {

class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  std::uint64_t Next();
  // 0 <= result < bound; bound >= 1.
  std::uint64_t Below(std::uint64_t bound);
  // low <= result <= high.
  std::int64_t Between(std::int64_t low, std::int64_t high);
  // 0 <= result < 1.
  double Unit();
  bool Chance(double probability);
  base::Duration Within(base::Duration low, base::Duration high);
  // Of a log-normal distribution with this median, at most a minute.
  base::Duration LogNormal(base::Duration median, double sigma);
  double Exponential(double mean);
  // An independent stream; the order of forks is part of the seed's meaning.
  Rng Fork();

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_RNG_H_

#include "base/session/backoff.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::base {
namespace {

// SplitMix64: one addition and a mix, good enough to spread waits.
std::uint64_t NextRandom(std::uint64_t& state) {
  std::uint64_t mixed = state += 0x9E3779B97F4A7C15ULL;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return mixed ^ (mixed >> 31);
}

}  // namespace

Duration JitteredWait(const BackoffOptions& options, std::uint32_t attempt,
                      std::uint64_t random) {
  MOBULA_CHECK(options.first > Duration::zero());
  MOBULA_CHECK(options.max >= options.first);
  Duration bound = options.first;
  for (std::uint32_t i = 0; i < attempt && bound < options.max; ++i) {
    bound = bound > options.max / 2 ? options.max : bound * 2;
  }
  const auto steps = static_cast<std::uint64_t>(bound.count()) + 1;
  return Duration(static_cast<std::int64_t>(random % steps));
}

Backoff::Backoff(BackoffOptions options, std::uint64_t seed)
    : options_(options), random_(seed) {}

Duration Backoff::Next() {
  const std::uint32_t attempt = attempt_;
  attempt_ = std::min(attempt_ + 1, std::uint32_t{1'000'000});
  if (!options_.first_at_once) {
    return JitteredWait(options_, attempt, NextRandom(random_));
  }
  if (attempt == 0) return Duration::zero();
  return JitteredWait(options_, attempt - 1, NextRandom(random_));
}

}  // namespace mobula::base

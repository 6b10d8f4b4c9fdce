#include "runtime/core/backoff.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::runtime {

base::Duration Backoff::Next(int failures) {
  MOBULA_CHECK(failures >= 1);
  if (failures == 1) return base::Duration::zero();
  const int doublings = std::min(failures - 2, 16);
  const base::Duration most = std::min(kMost, kFirst * (1 << doublings));
  // splitmix64: one multiplication chain, good enough to spread retries.
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  mixed ^= mixed >> 31;
  return base::Duration(static_cast<std::int64_t>(
      mixed % static_cast<std::uint64_t>(most.count() + 1)));
}

}  // namespace mobula::runtime

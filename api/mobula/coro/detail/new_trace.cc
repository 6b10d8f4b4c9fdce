#include "api/mobula/coro/detail/new_trace.h"

#include <cstdint>

#include "api/mobula/coro/detail/process_executor.h"
#include "base/clock.h"

namespace mobula::detail {
namespace {

// Of one thread; a forked child must not go on where its parent was.
struct Source {
  bool is_seeded = false;
  std::uint32_t forks = 0;
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
};

thread_local constinit Source source;

// SplitMix64 (Steele, Lea, Flood, 2014).
std::uint64_t Next(std::uint64_t& state) {
  std::uint64_t z = state += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

base::TraceId NewTrace() {
  const std::uint32_t forks = ForkCount();
  if (!source.is_seeded || source.forks != forks) {
    source = {true, forks, base::RandomBits(), base::RandomBits()};
  }
  const base::TraceId made{Next(source.hi), Next(source.lo)};
  return made.IsNil() ? NewTrace() : made;
}

}  // namespace mobula::detail

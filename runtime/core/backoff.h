// Backoff says how long to wait before the next try: nothing before the first
// retry, then a random time below a bound that doubles from 50 ms to 10 s
// ("full jitter", so that many that failed together do not return together).
//
// Owner: a machine.   Threading: none; pure: the seed decides.
#ifndef MOBULA_RUNTIME_CORE_BACKOFF_H_
#define MOBULA_RUNTIME_CORE_BACKOFF_H_

#include <chrono>
#include <cstdint>

#include "base/boot_time.h"

namespace mobula::runtime {

class Backoff {
 public:
  static constexpr base::Duration kFirst = std::chrono::milliseconds(50);
  static constexpr base::Duration kMost = std::chrono::seconds(10);

  explicit Backoff(std::uint64_t seed) : state_(seed) {}

  // `failures`: how many tries in a row have failed, >= 1.
  base::Duration Next(int failures);

 private:
  std::uint64_t state_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_BACKOFF_H_

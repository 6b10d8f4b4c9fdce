// Backoff says how long to wait before the next attempt: full jitter, a random
// part of a bound that doubles, so that many who failed together do not come
// back together (see https://aws.amazon.com/blogs/architecture/
// exponential-backoff-and-jitter/).
//
//   Backoff backoff(BackoffOptions{}, seed);
//   timer = now + backoff.Next();        // and again, until it works
//   backoff.Reset();
// Owner: whoever retries.   Threading: none.
#ifndef MOBULA_BASE_SESSION_BACKOFF_H_
#define MOBULA_BASE_SESSION_BACKOFF_H_

#include <cstdint>

#include "base/boot_time.h"

namespace mobula::base {

struct BackoffOptions {
  Duration first = std::chrono::milliseconds(50);  // the first bound
  Duration max = std::chrono::seconds(10);
  bool first_at_once = false;  // the first attempt waits for nothing
};

// The wait before attempt `attempt` (from 0) given 64 random bits: evenly
// spread over [0, min(max, first * 2^attempt)].
Duration JitteredWait(const BackoffOptions& options, std::uint32_t attempt,
                      std::uint64_t random);

class Backoff {
 public:
  // The same seed gives the same waits.
  Backoff(BackoffOptions options, std::uint64_t seed);

  Duration Next();
  // It worked: the next wait is a first one.
  void Reset() { attempt_ = 0; }
  [[nodiscard]] std::uint32_t attempts() const { return attempt_; }

 private:
  BackoffOptions options_;
  std::uint64_t random_;
  std::uint32_t attempt_ = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SESSION_BACKOFF_H_

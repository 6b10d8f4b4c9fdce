// SpinPermits are how many threads of a node may look at shared memory in a
// loop at once, instead of sleeping until they are woken: no more than there
// are CPUs that nobody else has work for.
//
//   const int permit = permits.Take(now, end, permits_max);
//   if (permit >= 0) look until `end` at most;
//   permits.GiveBack(permit, end);
//
// They lie in a page that all processes of the node map. A permit says when it
// ends, at most kPermitMax after it was taken: so one whose holder has died, or
// does not get a CPU, is free by itself, and nobody need know whose it was.
// Threading: any, of any process; the page's words are all that is shared.
// Invariant: of takers who agree on `permits_max` no more than that hold one
// that has not ended. Failure: what a process scribbles there frees a permit
// early, or keeps others from spinning; they sleep then.
#ifndef MOBULA_BASE_SHM_SPIN_SPIN_PERMITS_H_
#define MOBULA_BASE_SHM_SPIN_SPIN_PERMITS_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/boot_time.h"

namespace mobula::base {

struct SpinPage {
  static constexpr std::size_t kPermits = 64;
  struct alignas(64) Permit {
    // 0: free; else when it ends, in nanoseconds since the machine's start.
    std::atomic<std::uint64_t> end;
  };
  Permit permits[kPermits];
};

class SpinPermits {
 public:
  static constexpr Duration kPermitMax = std::chrono::milliseconds(1);

  // All zero at first.
  explicit SpinPermits(SpinPage& page) : page_(page) {}

  // Which, or -1: as many as that are taken. `end` is after `now`.
  [[nodiscard]] int Take(BootTime now, BootTime end, int permits_max);
  // No effect if it has ended and is another's by now.
  void GiveBack(int permit, BootTime end);
  [[nodiscard]] int taken(BootTime now) const;

 private:
  SpinPage& page_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_SPIN_SPIN_PERMITS_H_

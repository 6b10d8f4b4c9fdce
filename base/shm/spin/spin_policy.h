// SpinPolicy decides whether a thread that has nothing to do looks on for a
// while before it sleeps.
//
//   if (policy.Begin(now, runnable)) {
//     do found = Look(); while (!found && policy.GoesOn(Now()));
//     policy.End(found);
//   }
//
// It may where a CPU would else be idle: CPUs less the threads that are
// runnable and do not spin are the permits of the node. Looking that finds
// nothing is worth nothing: after a miss the next tries are passed over, twice
// as many each time in a row. Owner: a thread that sleeps.   Threading: none;
// the permits are shared.
#ifndef MOBULA_BASE_SHM_SPIN_SPIN_POLICY_H_
#define MOBULA_BASE_SHM_SPIN_SPIN_POLICY_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/boot_time.h"
#include "base/shm/spin/spin_permits.h"

namespace mobula::base {

class SpinPolicy {
 public:
  // What a wake of a thread on another CPU takes, about, so that looking costs
  // twice what it could save at most.
  static constexpr Duration kSpinMax = std::chrono::microseconds(50);
  static constexpr std::uint32_t kPassMax = 1024;

  SpinPolicy(SpinPage& page, int cpus) : permits_(page), cpus_(cpus) {}

  // `runnable`: the threads of the machine that run or would, this one too.
  [[nodiscard]] bool Begin(BootTime now, int runnable) {
    if (passes_left_ > 0) {
      --passes_left_;
      return false;
    }
    const int others = std::max(runnable - 1 - permits_.taken(now), 0);
    end_ = now + kSpinMax;
    permit_ = permits_.Take(now, end_, cpus_ - others);
    return permit_ >= 0;
  }
  [[nodiscard]] bool GoesOn(BootTime now) const { return now < end_; }
  void End(bool found) {
    permits_.GiveBack(permit_, end_);
    passes_ = found ? 0 : std::clamp(passes_ * 2, std::uint32_t{1}, kPassMax);
    passes_left_ = passes_;
  }

 private:
  SpinPermits permits_;
  const int cpus_;
  int permit_ = -1;
  BootTime end_;
  std::uint32_t passes_ = 0;
  std::uint32_t passes_left_ = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_SPIN_SPIN_POLICY_H_

// CpuGauge says how many CPUs this process may use and how many threads want
// one just now.
//
// CPUs: those it may run on, and no more than the quota of its control group.
// Threads: all of the machine that run or would, as the kernel counts them
// (/proc/loadavg), looked at again after kFreshFor.
// Threading: one thread at a time.   Failure: where the kernel does not say,
// all CPUs are wanted.
#ifndef MOBULA_BASE_SHM_SPIN_CPU_GAUGE_H_
#define MOBULA_BASE_SHM_SPIN_CPU_GAUGE_H_

#include <chrono>
#include <string_view>

#include "base/boot_time.h"
#include "base/unique_fd.h"

namespace mobula::base {

class CpuGauge {
 public:
  static constexpr Duration kFreshFor = std::chrono::milliseconds(1);

  CpuGauge();

  [[nodiscard]] int cpus() const { return cpus_; }
  [[nodiscard]] int Runnable(BootTime now);

  // Of "0.20 0.18 0.12 3/80 11206": 3; -1 if it is nothing of the kind.
  static int RunnableOf(std::string_view loadavg);
  // Of "150000 100000" (a quota and its period): 1; -1 where there is none.
  static int QuotaOf(std::string_view cpu_max);

 private:
  const UniqueFd loadavg_;
  const int cpus_;
  int runnable_ = 0;
  BootTime looked_at_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_SPIN_CPU_GAUGE_H_

// ProcessTree: the CPU time, count and memory of a process and all below it, as
// /proc tells them.
//
//   std::int64_t before = TreeCpuNs(getpid());
//
// The janitor, the raylet and the workers of an embedded head descend from the
// driver, so a benchmark's own tree is all that a call costs.
// Threading: any. Failure: a process that ends meanwhile counts as 0.
#ifndef MOBULA_TESTS_BENCH_PROCESS_TREE_H_
#define MOBULA_TESTS_BENCH_PROCESS_TREE_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace mobula::bench {

// `root` and every descendant, `root` first.
std::vector<pid_t> TreePids(pid_t root);

// User and system time, in nanoseconds (10 ms steps), of the tree, children
// that were waited for included.
std::int64_t TreeCpuNs(pid_t root);

// Resident and proportional set size in KiB, and the number of threads.
struct Memory {
  std::int64_t rss_kib = 0;
  std::int64_t pss_kib = 0;
  int threads = 0;
};
Memory MemoryOf(pid_t pid);

}  // namespace mobula::bench

#endif  // MOBULA_TESTS_BENCH_PROCESS_TREE_H_

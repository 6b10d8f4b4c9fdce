// What /proc tells of processes: who descends from whom, what they cost, and
// who carries a mark in its environment.
//
//   std::int64_t before = TreeCpuNs(getpid());
//
// The janitor, the raylet and the workers of an embedded head descend from the
// driver, so a benchmark's own tree is all that a call costs. A mark in the
// environment is inherited by everything that is started below, also by what
// detached itself from the tree: so tests find what was left behind.
// Threading: any. Failure: a process that ends meanwhile counts as nothing.
#ifndef MOBULA_TESTS_PROCESS_TREE_PROCESS_TREE_H_
#define MOBULA_TESTS_PROCESS_TREE_PROCESS_TREE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mobula::test {

// The direct children of a process, oldest pid first.
std::vector<pid_t> Children(pid_t parent);

// `root` and every descendant, `root` first.
std::vector<pid_t> TreePids(pid_t root);

// Living processes (no zombies) whose environment at start had `variable`
// ("NAME=value").
std::vector<pid_t> PidsWithEnvironment(std::string_view variable);

// As the kernel knows it ("mobula-raylet", 15 bytes at most); "" if it is gone.
std::string ProcessName(pid_t pid);

// The name that `ps` shows, and the command line with spaces.
std::string CommandLine(pid_t pid);

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

}  // namespace mobula::test

#endif  // MOBULA_TESTS_PROCESS_TREE_PROCESS_TREE_H_

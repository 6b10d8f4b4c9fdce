// What /proc says about processes: who descends from whom, which mark they
// carry; and how a whole tree is ended.
//
// A process that is a subreaper (PR_SET_CHILD_SUBREAPER) inherits the orphans
// of its descendants, also of those that called setsid and forked twice, so
// that nothing it ever started can leave its tree.
// Threading: any; KillDescendants takes the exit status of every child away
// from whoever else waits for it, and is the last that a process does.
// Failure: a process that ends meanwhile is left out; where /proc is not
// mounted there are no processes.
#ifndef MOBULA_RAYLET_SPAWN_PROCESS_TREE_H_
#define MOBULA_RAYLET_SPAWN_PROCESS_TREE_H_

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/boot_time.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

struct ProcessStat {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  char state = '?';  // 'Z': a zombie
  std::string name;  // as the process calls itself, 15 characters
};

std::optional<ProcessStat> ReadProcessStat(pid_t pid);

// All processes that there are.
std::vector<pid_t> AllProcesses();

// Children first met before their own children; without `root`.
std::vector<pid_t> DescendantsOf(pid_t root);
std::vector<pid_t> ChildrenOf(pid_t parent);

// What `name` was in the environment with which the program of `pid` was
// executed; nothing if it was not set or cannot be read.
std::optional<std::string> EnvironmentOf(pid_t pid, std::string_view name);

// A descriptor that is readable once the process has ended; invalid if there
// is no such process.
base::UniqueFd OpenPidfd(pid_t pid);

// SIGKILL, unless the number has passed to a process with another parent.
// Gives its pidfd; invalid if nothing was sent.
base::UniqueFd KillChildOf(pid_t parent, pid_t pid);

// Waits until one of these processes has ended, 10 ms at most.
void WaitForOne(const std::vector<base::UniqueFd>& pidfds);

// Kills and reaps every descendant of the calling process, until none is left
// or the deadline has come. Whether none is left.
bool KillDescendants(base::BootTime deadline);

// The same, without these children and what descends from them.
bool KillDescendantsBut(const std::set<pid_t>& spared, base::BootTime deadline);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_PROCESS_TREE_H_

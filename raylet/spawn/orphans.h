// Orphans: what a worker started and left behind when it ended.
//
// They have become children of the raylet (a subreaper), also after setsid and
// a double fork. Each is known by the worker it comes from (MOBULA_ORIGIN in
// its environment, else its session); one whose worker lives is let be.
// Threading: the thread that reaps.
// Failure: one that hides both is let be until the raylet ends.
#ifndef MOBULA_RAYLET_SPAWN_ORPHANS_H_
#define MOBULA_RAYLET_SPAWN_ORPHANS_H_

#include <sys/types.h>

#include <cstddef>
#include <set>

#include "base/ids.h"

namespace mobula::raylet {

struct LiveWorkers {
  std::set<pid_t> pids;
  std::set<base::ProcessId> processes;
  pid_t ended = 0;  // the worker whose leavings are swept
};

// Kills the orphans of workers that have ended, with all that descends from
// them; how many. What a killed one leaves is an orphan in its turn: call
// again until there are none.
std::size_t KillOrphans(const LiveWorkers& live);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_ORPHANS_H_

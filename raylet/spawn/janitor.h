// The janitor is the parent of a raylet, and the one that sweeps up when it
// dies; the raylet sweeps up when the janitor dies.
//
//   janitor --fork--> raylet --vfork, exec--> workers --> whatever they start
//
// Both are subreapers and watch one another by pidfd; the janitor watches the
// driver too. Whoever is left kills every descendant, removes the runtime
// folder and leaves. Both killed in the same instant: the kernel ends the
// workers (PDEATHSIG), and the next session reaps the rest by their mark.
// Threading: called by a process with one thread, before there are more.
// Failure: no process or descriptor: exit code 1 and a line on stderr.
#ifndef MOBULA_RAYLET_SPAWN_JANITOR_H_
#define MOBULA_RAYLET_SPAWN_JANITOR_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::raylet {

struct JanitorOptions {
  pid_t driver = 0;  // with which all ends; 0: not known
  // Crashed sessions under these roots are reaped at the start.
  std::vector<std::string> stale_roots;
  // Called in the janitor, to close what only the raylet may hold open.
  std::function<void()> let_go;
  // Arguments of `mobula` that tell a control store that the raylet has died;
  // absent where nobody is to be told.
  std::function<std::vector<std::string>(const std::string& cause)> report;
};

// Runs `raylet` in a child of this process. Returns in both: in the raylet what
// it returned, in the janitor the exit code to end with. `raylet` is given a
// descriptor that becomes readable when the janitor has ended.
int RunUnderJanitor(RuntimeFolder folder, const JanitorOptions& options,
                    const std::function<int(base::UniqueFd janitor)>& raylet);

// What a raylet's process does from its fork on, also under a keeper: runs
// `raylet`, then ends all that it started; the folder too, if `parent` (the
// pidfd that `raylet` is given) has ended. Returns what `raylet` returned.
int LiveAsRaylet(RuntimeFolder& folder, base::UniqueFd parent,
                 const std::function<int(base::UniqueFd parent)>& raylet);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_JANITOR_H_

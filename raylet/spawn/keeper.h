// The keeper of a node that `mobula start` began: the parent of its raylet and,
// on a head, of the control store, and the one that sweeps up after them.
//
//   keeper --fork, exec--> mobula gcs        (on a head)
//          --fork-------> raylet --> workers --> whatever they start
//          --fork, exec--> mobula, to tell the control store of a death
//
// What ends is started again (keeper_policy.h). When a raylet ends, whoever
// descends from it is killed first, its files are removed, and the control
// store is told at once. When the keeper ends, the raylet sees it and ends all
// that is left (janitor.h), and the kernel ends the control store.
// SIGTERM and SIGINT end all in order.
// Threading: one thread, for ever, since it forks. It is called by a process
// that has no other.
// Failure: of the start: what its children wrote, to `ready`; later on, a line
// in the keeper's log, and it goes on.
#ifndef MOBULA_RAYLET_SPAWN_KEEPER_H_
#define MOBULA_RAYLET_SPAWN_KEEPER_H_

#include <functional>
#include <string>
#include <vector>

#include "base/control/node_file.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "raylet/spawn/become_mobula.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::raylet {

// In the session's folder; what it and its children write to stdout and stderr.
inline constexpr char kKeeperLog[] = "keeper.log";
using base::kKeeperFile;
inline constexpr char kKeeperName[] = "mobula-keeper";  // as ps shows it
// The first word on `ready` once all serve; anything else says why not.
inline constexpr char kReady[] = "ready\n";

struct KeeperOptions {
  std::string control;  // ControlAddress of the node's control store
  // Arguments of `mobula` that run the control store; empty: not here.
  std::vector<std::string> control_store;
  // Runs the raylet, in a child; returns its exit code. `keeper` becomes
  // readable when the keeper has ended. It serves once it has written its
  // NodeFile into the session's folder.
  std::function<int(base::UniqueFd keeper)> raylet;
  // Arguments of `mobula` that tell the control store of a raylet's death.
  std::function<std::vector<std::string>(base::NodeId node,
                                         const std::string& cause)>
      report;
  // To whoever starts it; while that has not been told and closes its end, the
  // start is given up.
  base::UniqueFd ready;
};

// In the keeper, to its end: gives the exit code. `folder` has been made.
// Does not return in the raylet's process.
int RunKeeper(RuntimeFolder folder, KeeperOptions options);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_KEEPER_H_

// RunStop is `mobula stop` ends nodes that `mobula start` began on this
// machine, in order: the raylet leaves the cluster, its workers end, the
// control store of a head ends last, the session's folder is removed.
//
//   mobula stop [--all | NODE]
// It returns when they have ended. One that takes too long is killed.
// Threading: called by main.
// Failure: a sentence on stderr and exit code 1; that nothing runs is none.
#ifndef MOBULA_CLI_NODES_STOP_H_
#define MOBULA_CLI_NODES_STOP_H_

#include <string>

namespace mobula::cli {

struct StopCommand {
  bool all = false;
  std::string node;  // as of node_choice.h; "": the only one
};

int RunStop(const StopCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODES_STOP_H_

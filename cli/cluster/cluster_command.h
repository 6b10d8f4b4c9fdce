// RunCluster is `mobula cluster`, the launcher: it makes a cluster from a file,
// looks at it, runs programs on it and removes it (docs/clusters.md).
//
//   up FILE | down | status | exec NODE -- CMD | run -- PROGRAM ARGS
//   logs [NODE] | add N [TYPE] | remove NODE
// Threading: called by main, in a process with one thread.
// Failure: a sentence on stderr and exit code 1; 3 where there is no cluster.
#ifndef MOBULA_CLI_CLUSTER_CLUSTER_COMMAND_H_
#define MOBULA_CLI_CLUSTER_CLUSTER_COMMAND_H_

#include <string>
#include <vector>

namespace mobula::cli {

struct ClusterCommand {
  std::string verb;     // "up" and so on
  std::string cluster;  // "": the only one of this user
  std::string file;
  std::string node;
  std::string type;
  int count = 1;
  std::vector<std::string> command;
  int lines = 100;
  bool follow = false;
  bool forget = false;  // of what cannot be reached
};

int RunCluster(const ClusterCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_CLUSTER_COMMAND_H_

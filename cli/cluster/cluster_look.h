// What uses a cluster and does not change it:
// `mobula cluster status | exec | run | logs`.
//
// exec and run have the caller's standard input, output and error, and give the
// exit code of what they ran; SIGINT, SIGTERM, SIGHUP and SIGQUIT are handed on
// to it. `run` copies the program to the head once, by its content.
// Threading: called by main, in a process with one thread.
// Failure: a sentence on stderr and exit code 1.
#ifndef MOBULA_CLI_CLUSTER_CLUSTER_LOOK_H_
#define MOBULA_CLI_CLUSTER_CLUSTER_LOOK_H_

#include <string>
#include <vector>

namespace mobula::cli {

// 0 where all nodes are up, else 1.
int ClusterStatus(const std::string& cluster);
int ClusterExec(const std::string& cluster, const std::string& node,
                const std::vector<std::string>& command);
int ClusterRun(const std::string& cluster,
               const std::vector<std::string>& command);
// Of all nodes where none is named.
int ClusterLogs(const std::string& cluster, const std::string& node, int lines,
                bool follow);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_CLUSTER_LOOK_H_

// What changes a cluster: `mobula cluster up | down | add | remove`.
//
// One launcher at a time works on a cluster (state_store.h). A node is recorded
// before anything of it is made and forgotten after everything of it is gone,
// so that whatever becomes of a launcher, the next one knows all that there is.
// Threading: called by main, in a process with one thread.
// Failure: sentences on stderr and exit code 1; what went well stays.
#ifndef MOBULA_CLI_CLUSTER_CLUSTER_UP_H_
#define MOBULA_CLI_CLUSTER_CLUSTER_UP_H_

#include <string>

namespace mobula::cli {

int ClusterUp(const std::string& file);
// With `forget` nodes that cannot be reached are named and no longer known,
// here and below.
int ClusterDown(const std::string& cluster, bool forget);
int ClusterAdd(const std::string& cluster, int count, const std::string& type);
int ClusterRemove(const std::string& cluster, const std::string& node,
                  bool forget);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_CLUSTER_UP_H_

#include "cli/cluster/cluster_command.h"

#include <algorithm>
#include <cstdio>

#include "cli/cluster/cluster_look.h"
#include "cli/cluster/cluster_up.h"
#include "cli/cluster/state_store.h"

namespace mobula::cli {
namespace {

constexpr int kNoCluster = 3;

// The cluster that is meant; "" after a sentence on stderr.
std::string Chosen(const std::string& named) {
  const std::vector<std::string> all = StateStore::Names();
  if (!named.empty() && std::find(all.begin(), all.end(), named) != all.end()) {
    return named;
  }
  if (named.empty() && all.size() == 1) return all[0];
  std::string names;
  for (const std::string& name : all) names += " " + name;
  if (all.empty()) {
    std::fprintf(stderr,
                 "mobula cluster: there is none; mobula cluster up FILE makes "
                 "one\n");
  } else if (named.empty()) {
    std::fprintf(stderr, "mobula cluster: name one by --cluster; there is:%s\n",
                 names.c_str());
  } else {
    std::fprintf(stderr,
                 "mobula cluster: there is no cluster %s; there is:%s\n",
                 named.c_str(), names.c_str());
  }
  return "";
}

}  // namespace

int RunCluster(const ClusterCommand& command) {
  if (command.verb == "up") return ClusterUp(command.file);
  const std::string cluster = Chosen(command.cluster);
  if (cluster.empty()) {
    if (command.verb == "down") StateStore::RemoveStale();
    return kNoCluster;
  }
  if (command.verb == "down") {
    return ClusterDown(cluster, command.forget);
  }
  if (command.verb == "status") return ClusterStatus(cluster);
  if (command.verb == "run") return ClusterRun(cluster, command.command);
  if (command.verb == "add") {
    return ClusterAdd(cluster, command.count, command.type);
  }
  if (command.verb == "remove") {
    return ClusterRemove(cluster, command.node, command.forget);
  }
  if (command.verb == "logs") {
    return ClusterLogs(cluster, command.node, command.lines, command.follow);
  }
  return ClusterExec(cluster, command.node, command.command);
}

}  // namespace mobula::cli

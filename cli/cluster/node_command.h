// How the launcher gets to a node: the words of the command that runs a script
// there, and those that make and remove what a node lies in.
//
//   local   /bin/sh -c SCRIPT
//   docker  docker exec -i CONTAINER /bin/sh -c SCRIPT
//   ssh     ssh ... HOST "/bin/sh -c SCRIPT", host keys always checked
// Standard input, output, error and the exit code are those of the script; ssh
// gives 255, and docker 125 to 127, where they do not get there.
// Threading: pure functions.
#ifndef MOBULA_CLI_CLUSTER_NODE_COMMAND_H_
#define MOBULA_CLI_CLUSTER_NODE_COMMAND_H_

#include <string>
#include <vector>

#include "cli/cluster/cluster_spec.h"
#include "cli/cluster/cluster_state.h"
#include "cli/cluster/node_script.h"

namespace mobula::cli {

using Words = std::vector<std::string>;

// `host`: where the node lies, of ssh.
Words CommandOn(const Provider& provider, const NodeRecord& node,
                const SshHost* host, const Script& script);

// Of docker. All that is made has the labels, and a name of the cluster's.
Words MakeNetwork(const ClusterState& cluster);
Words MakeContainer(const ClusterState& cluster, const Provider& provider,
                    const NodeRecord& node);
// Prints "true" if it runs, and its address.
Words InspectContainer(const NodeRecord& node);
Words RemoveContainers(const Words& ids);
Words RemoveNetworks(const Words& ids);
// Print the ids of what has the cluster's label, one a line.
Words FindContainers(const ClusterState& cluster);
// The same, of one node.
Words FindContainer(const ClusterState& cluster, const NodeRecord& node);
Words FindNetworks(const ClusterState& cluster);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_NODE_COMMAND_H_

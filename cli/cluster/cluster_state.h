// ClusterState is what the launcher knows of a cluster that it made: it lies in
// a file of its own (state_store.h), and by it alone `down` finds everything,
// also where the cluster's file has been changed or is gone.
//
//   a node's record:  making --it serves--> up
// A record is written before anything is made for the node, and taken out after
// everything of it is gone: what is not recorded is not there.
// Threading: values and pure functions.
// Failure: ReadClusterState gives nothing, and a sentence.
#ifndef MOBULA_CLI_CLUSTER_CLUSTER_STATE_H_
#define MOBULA_CLI_CLUSTER_CLUSTER_STATE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cluster/cluster_spec.h"

namespace mobula::cli {

struct NodeRecord {
  std::string name;  // "head", "small-1"
  std::string type;  // "head", "small"
  bool is_up = false;
  std::string folder;     // on its machine or in its container
  std::string container;  // docker
  std::string host;       // ssh: HostKey of its SshHost
  std::string print;      // what it was made by: PrintOf
  bool operator==(const NodeRecord&) const = default;
};

struct ClusterState {
  std::string name;
  std::string id;       // 12 random digits: in the names of all that is made
  std::string file;     // absolute path of the cluster's file
  std::string text;     // what it said at the last `up`
  std::string address;  // of the head's control store; "" until it is known
  std::vector<NodeRecord> nodes;  // the head first
  bool operator==(const ClusterState&) const = default;

  [[nodiscard]] const NodeRecord* Find(std::string_view node) const;
  NodeRecord* Find(std::string_view node);
};

// As a JSON object, which is YAML too.
std::string WriteClusterState(const ClusterState& state);
std::optional<ClusterState> ReadClusterState(std::string_view text,
                                             std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_CLUSTER_STATE_H_

// ClusterSpec is what a cluster's file says (docs/clusters.md).
//
//   name: laptop
//   provider: {type: local}
//   head: {cpus: 2}
//   workers:
//     small: {count: 2, cpus: 1, labels: {zone: a}}
//
//   std::vector<SpecError> errors;
//   const auto spec = ParseClusterSpec(text, surroundings, &errors);
// Nothing outside the text is looked at: what must lie on this machine's disk
// (keys, files to copy) is listed in `needed`, for whoever can look.
// Threading: values and pure functions.
// Failure: nothing, and all that is wrong, by line; 20 sentences at most.
#ifndef MOBULA_CLI_CLUSTER_CLUSTER_SPEC_H_
#define MOBULA_CLI_CLUSTER_CLUSTER_SPEC_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cluster/spec_error.h"

namespace mobula::cli {

inline constexpr std::size_t kSpecBytesMax = std::size_t{128} << 10;
inline constexpr int kNodesMax = 1000;
inline constexpr char kHeadNode[] = "head";
// Which node of which cluster a process is of: in its environment.
inline constexpr char kClusterMark[] = "MOBULA_CLUSTER_NODE";

enum class ProviderKind { kLocal, kDocker, kSsh };

struct SshHost {
  std::string host;  // what ssh is told
  std::string user;  // "": what ssh takes by itself
  int port = 22;
  std::string address;  // a number, by which other nodes reach it; "": none
  std::string type;     // taken by nodes of this type alone; "": by any
  int line = 0;
};

struct Provider {
  ProviderKind kind = ProviderKind::kLocal;
  std::string folder;  // on local and ssh: below which nodes have theirs
  std::string mobula;  // its path on the nodes; "": the launcher's is copied
  std::string image;   // docker
  // ssh
  std::string key;
  std::string known_hosts;
  int listen_port = 6380;  // of the head's control store, docker too
  std::vector<SshHost> hosts;
};

struct NodeType {
  std::string name;
  int count = 1;
  std::optional<double> cpus;
  std::string memory;  // as base::ByteAmount takes it; "": mobula's default
  std::string object_store_memory;
  std::optional<int> workers_max;
  std::map<std::string, double> resources;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> environment;
  std::vector<std::string> setup;  // after those of all nodes
};

struct FileCopy {
  std::string from;  // absolute, on this machine
  std::string to;    // below the node's folder of files
  bool operator==(const FileCopy&) const = default;
};

// What must lie on this machine.
struct NeededPath {
  int line = 0;
  std::string path;
  std::string what;        // "the key", "the file to copy"
  bool is_secret = false;  // others must not be able to read it
};

struct ClusterSpec {
  std::string name;
  Provider provider;
  NodeType head;
  std::vector<NodeType> workers;  // as they stand in the file
  std::map<std::string, std::string> environment;
  std::vector<FileCopy> files;
  std::vector<std::string> setup;
  std::vector<NeededPath> needed;

  // By its name, also "head"; null if there is none.
  [[nodiscard]] const NodeType* FindType(std::string_view type) const;
};

struct SpecSurroundings {
  std::string folder;  // absolute, of the file: paths in it begin there
  std::string home;    // what ~/ stands for; "": nothing
};

std::optional<ClusterSpec> ParseClusterSpec(
    std::string_view text, const SpecSurroundings& surroundings,
    std::vector<SpecError>* errors);

// Whether it can be the name of a cluster: [a-z0-9-], no - at an end, 32 at
// most.
bool IsClusterName(std::string_view name);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_CLUSTER_SPEC_H_

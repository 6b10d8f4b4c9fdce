// ClusterNodes does to the nodes of a cluster what the launcher decides: it
// makes, finds, starts, ends and removes one, and runs scripts on it.
//
//   ClusterNodes nodes(spec, &state);
//   std::string error = nodes.Make(record);   // "" if it went well
// Owner: a launcher's command. Threading: one thread, in a process that has no
// other (it forks).
// Failure: a sentence, with the last lines of what failed there; each thing
// that is done has a deadline.
#ifndef MOBULA_CLI_CLUSTER_CLUSTER_NODES_H_
#define MOBULA_CLI_CLUSTER_CLUSTER_NODES_H_

#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/cluster_plan.h"
#include "cli/cluster/cluster_spec.h"
#include "cli/cluster/cluster_state.h"
#include "cli/cluster/node_command.h"
#include "cli/cluster/node_script.h"
#include "cli/cluster/run_command.h"

namespace mobula::cli {

class ClusterNodes {
 public:
  // Both outlive it.
  ClusterNodes(const ClusterSpec& spec, const ClusterState& state)
      : spec_(spec), state_(state) {}

  // What all nodes need before the first is made.
  [[nodiscard]] std::string MakeSurroundings() const;
  // The folder, and the container, of a new node.
  [[nodiscard]] std::string Make(const NodeRecord& node) const;
  // All that is to lie in it, its set-up commands run; also once more.
  [[nodiscard]] std::string Furnish(const NodeRecord& node) const;
  // Where a head that was made is to listen; "" and why.
  [[nodiscard]] std::string AddressOf(const NodeRecord& head,
                                      std::string* error) const;
  // Of one that is furnished.
  [[nodiscard]] std::string Start(const NodeRecord& node,
                                  const std::string& address) const;
  [[nodiscard]] std::optional<Found> Find(const NodeRecord& node,
                                          std::string* error) const;
  // Its processes; the folder stays.
  [[nodiscard]] std::string End(const NodeRecord& node) const;
  // All of it.
  [[nodiscard]] std::string Remove(const NodeRecord& node) const;
  // What no node's record names: containers and networks of the cluster.
  [[nodiscard]] std::string RemoveSurroundings() const;

  [[nodiscard]] CommandEnd Run(const NodeRecord& node, const Script& script,
                               const CommandOptions& options = {}) const;
  // The words of a command that runs it; none, and why.
  [[nodiscard]] Words CommandFor(const NodeRecord& node, const Script& script,
                                 std::string* error) const;
  // Whether the way there tells which signal ended a command.
  [[nodiscard]] bool TellsSignal() const {
    return spec_.provider.kind != ProviderKind::kSsh;
  }
  // "10.0.0.1", "container mobula-a-head", "this machine".
  [[nodiscard]] std::string PlaceOf(const NodeRecord& node) const;

 private:
  [[nodiscard]] std::string BringMobula(const NodeRecord& node) const;
  [[nodiscard]] std::string BringFile(const NodeRecord& node,
                                      const FileCopy& file) const;
  [[nodiscard]] std::string BringToken(const NodeRecord& node) const;
  [[nodiscard]] std::string SetUp(const NodeRecord& node,
                                  const std::string& command) const;
  [[nodiscard]] std::string RemoveAll(const Words& find,
                                      Words (*remove)(const Words&)) const;
  // Runs it; what went wrong, "" if nothing.
  [[nodiscard]] std::string Do(const std::string& what, const NodeRecord& node,
                               const Script& script,
                               const CommandOptions& options = {}) const;

  const ClusterSpec& spec_;
  const ClusterState& state_;
};

// "WHAT: the last lines that it wrote"; "" if it ended with 0.
std::string WhyFailed(const std::string& what, const CommandEnd& end);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_CLUSTER_NODES_H_

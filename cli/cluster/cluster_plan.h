// What has to be done so that a cluster is what its file says: decided from the
// file, the launcher's state and how each node was found, and nothing else.
//
//   const auto plan = PlanUp(spec, state, found, &error);
//   for (const NodeStep& step : *plan) ...
// The head comes first, since the others join it. Carried out to its end the
// same question gives kKeep for each node: `up` twice is once.
// Threading: pure functions.
// Failure: nothing, and a sentence that says what to do.
#ifndef MOBULA_CLI_CLUSTER_CLUSTER_PLAN_H_
#define MOBULA_CLI_CLUSTER_CLUSTER_PLAN_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/cluster_spec.h"
#include "cli/cluster/cluster_state.h"

namespace mobula::cli {

// How a node that is recorded was found.
enum class Found {
  kUp,      // its keeper lives
  kDown,    // its folder is there, and no keeper
  kAbsent,  // neither
};

enum class StepKind {
  kKeep,
  kStart,   // its folder is there: end what is left of it, furnish and start it
  kRemake,  // remove what is left of it, then kMake
  kMake,
};

struct NodeStep {
  StepKind kind = StepKind::kKeep;
  NodeRecord node;   // as it is to be recorded
  std::string note;  // for people: why, or what is odd about it; "" if nothing
  bool operator==(const NodeStep&) const = default;
};

// By this an SshHost is known again: "10.0.0.1:22".
std::string HostKey(const SshHost& host);

// What of the file a node was made by, in few digits: another one means that
// it would be made otherwise now.
std::string PrintOf(const ClusterSpec& spec, const NodeType& type);

std::optional<std::vector<NodeStep>> PlanUp(
    const ClusterSpec& spec, const ClusterState& state,
    const std::map<std::string, Found>& found, std::string* error);

// `count` more of a type ("": the only one of workers); kMake for each.
std::optional<std::vector<NodeStep>> PlanAdd(const ClusterSpec& spec,
                                             const ClusterState& state,
                                             int count, const std::string& type,
                                             std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_CLUSTER_PLAN_H_

#include "cli/nodes/node_choice.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "raylet/spawn/keeper.h"
#include "raylet/spawn/process_tree.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::cli {
namespace {

constexpr std::size_t kPrefixMin = 4;

bool Means(const base::NodeFile& node, const std::string& which) {
  if (which.empty()) return true;
  if (which == "head") return node.is_head;
  if (which == std::to_string(node.pid)) return true;
  return which.size() >= kPrefixMin && node.node.ToString().starts_with(which);
}

// 0 if none lives there.
pid_t KeeperOf(const std::string& folder) {
  std::ifstream file(folder + "/" + raylet::kKeeperFile);
  pid_t pid = 0;
  file >> pid;
  const auto stat = raylet::ReadProcessStat(pid);
  const bool is_keeper = stat && stat->name == raylet::kKeeperName;
  return is_keeper && stat->state != 'Z' ? pid : 0;
}

}  // namespace

std::vector<base::NodeFile> StartedNodes(
    const std::vector<std::string>& roots) {
  std::vector<base::NodeFile> nodes = base::FindNodes(roots);
  for (const std::string& root : roots) {
    for (const raylet::SessionState& session : raylet::ListSessions(root)) {
      if (!session.live) continue;
      const bool known = std::any_of(nodes.begin(), nodes.end(),
                                     [&session](const base::NodeFile& node) {
                                       return node.folder == session.path;
                                     });
      const pid_t keeper = known ? 0 : KeeperOf(session.path);
      if (keeper == 0) continue;
      base::NodeFile node;
      node.folder = session.path;
      node.pid = keeper;
      nodes.push_back(node);
    }
  }
  return nodes;
}

std::string DescribeNode(const base::NodeFile& node) {
  if (node.node.IsNil()) {
    return "a node whose raylet is being started, keeper pid " +
           std::to_string(node.pid);
  }
  return "node " + node.node.ToString() + (node.is_head ? " (head)" : "") +
         ", keeper pid " + std::to_string(node.pid) + ", control store " +
         node.control;
}

std::optional<base::NodeFile> ChooseNode(
    const std::vector<base::NodeFile>& nodes, const std::string& which,
    std::string* error) {
  std::vector<base::NodeFile> meant;
  std::copy_if(
      nodes.begin(), nodes.end(), std::back_inserter(meant),
      [&which](const base::NodeFile& node) { return Means(node, which); });
  if (meant.size() == 1) return meant.front();
  if (nodes.empty()) {
    *error = "no node of yours runs on this machine";
    return std::nullopt;
  }
  *error = meant.empty()   ? "there is no node " + which + " here; there is"
           : which.empty() ? "several nodes run; name one of them"
                           : which + " may be any of";
  for (const base::NodeFile& node : meant.empty() ? nodes : meant) {
    *error += "\n  " + DescribeNode(node);
  }
  return std::nullopt;
}

}  // namespace mobula::cli

#include "api/mobula/detail/node_choice.h"

#include <algorithm>
#include <optional>

#include "api/mobula/error.h"
#include "base/control/control_address.h"

namespace mobula::detail {
namespace {

constexpr char kEmbedded[] = "embedded";
constexpr char kAuto[] = "auto";

// What only a head of its own can be asked for.
std::string OfOwnHead(const InitOptions::Values& options) {
  std::string names;
  const auto add = [&names](const char* name) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  };
  if (options.cpus.has_value()) add("Cpus");
  if (options.memory_bytes.has_value()) add("Memory");
  if (options.object_store.has_value()) add("ObjectStoreMemory");
  if (!options.spill_folders.empty()) add("SpillFolders");
  if (!options.resources.empty()) add("Resource");
  if (options.workers_max.has_value()) add("WorkersMax");
  if (!options.program.empty()) add("Program");
  return names;
}

// The head, if it is among them: it ends last.
const base::NodeFile* Preferred(
    const std::vector<const base::NodeFile*>& nodes) {
  const auto head =
      std::find_if(nodes.begin(), nodes.end(),
                   [](const base::NodeFile* node) { return node->is_head; });
  if (head != nodes.end()) return *head;
  return nodes.empty() ? nullptr : nodes.front();
}

[[noreturn]] void NotFound(const std::string& asked,
                           const std::vector<std::string>& roots,
                           const std::vector<base::NodeFile>& nodes,
                           const std::string& advice) {
  std::string message = asked + ": no such node runs on this machine; " +
                        advice + ". Looked for nodes of this user in";
  for (const std::string& root : roots) message += "\n  " + root;
  if (!nodes.empty()) message += "\nThere are nodes of";
  for (const base::NodeFile& node : nodes) message += "\n  " + node.control;
  ThrowInitError(std::move(message));
}

std::vector<const base::NodeFile*> NodesAt(
    const base::ControlAddress& address,
    const std::vector<base::NodeFile>& nodes) {
  std::vector<const base::NodeFile*> found;
  for (const base::NodeFile& node : nodes) {
    std::string ignored;
    const auto its = base::ControlAddress::Parse(node.control, &ignored);
    if (its == address && !node.raylet.empty()) found.push_back(&node);
  }
  return found;
}

const base::NodeFile& NodeAt(const std::string& asked,
                             const std::string& address,
                             const std::vector<std::string>& roots,
                             const std::vector<base::NodeFile>& nodes) {
  std::vector<const base::NodeFile*> found;
  std::string advice = "`mobula start --head` starts one";
  if (address == kAuto) {
    for (const base::NodeFile& node : nodes) {
      if (!node.raylet.empty()) found.push_back(&node);
    }
  } else {
    std::string why;
    const auto parsed = base::ControlAddress::Parse(address, &why);
    if (!parsed.has_value()) {
      ThrowInitError(asked + ": " + why +
                     "; or say embedded for a head of this program's own, auto "
                     "for a node that runs on this machine");
    }
    found = NodesAt(*parsed, nodes);
    advice = "`mobula start --address " + address + "` joins one";
  }
  const base::NodeFile* const node = Preferred(found);
  if (node == nullptr) NotFound(asked, roots, nodes, advice);
  return *node;
}

}  // namespace

NodeChoice ChooseNode(const InitOptions::Values& options,
                      const std::string& environment,
                      const std::vector<std::string>& roots,
                      const std::vector<base::NodeFile>& nodes) {
  std::string address = options.address;
  std::string asked = "the address " + address;
  if (address.empty()) {
    address = environment;
    asked = "MOBULA_ADDRESS=" + environment;
  }
  NodeChoice choice;
  if (address == kEmbedded) return choice;
  const std::string of_own_head = OfOwnHead(options);
  if (!address.empty()) {
    choice.raylet_socket = NodeAt(asked, address, roots, nodes).raylet;
    choice.unused = of_own_head;
    return choice;
  }
  // Who says what its node is to be wants one of its own.
  if (!of_own_head.empty()) return choice;
  std::vector<const base::NodeFile*> running;
  for (const base::NodeFile& node : nodes) {
    if (!node.raylet.empty()) running.push_back(&node);
  }
  const base::NodeFile* const node = Preferred(running);
  if (node != nullptr) choice.raylet_socket = node->raylet;
  return choice;
}

}  // namespace mobula::detail

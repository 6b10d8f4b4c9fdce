#include "api/mobula/detail/node_choice.h"

#include <algorithm>
#include <optional>

#include "api/mobula/error.h"
#include "base/control/control_address.h"

namespace mobula::detail {
namespace {

constexpr char kEmbedded[] = "embedded";
constexpr char kAuto[] = "auto";

// What only a head of its own offers.
std::string Offered(const InitOptions::Values& options) {
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

std::string NotFound(const std::string& asked,
                     const std::vector<std::string>& roots,
                     const std::vector<base::NodeFile>& nodes,
                     const std::string& advice) {
  std::string message = asked + ": no such node runs on this machine; " +
                        advice + ". Looked for nodes of this user in";
  for (const std::string& root : roots) message += "\n  " + root;
  if (!nodes.empty()) message += "\nThere are nodes of";
  for (const base::NodeFile& node : nodes) message += "\n  " + node.control;
  return message;
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

std::vector<const base::NodeFile*> AllOf(
    const std::vector<base::NodeFile>& nodes) {
  std::vector<const base::NodeFile*> found;
  for (const base::NodeFile& node : nodes) {
    if (!node.raylet.empty()) found.push_back(&node);
  }
  return found;
}

// `asked`: how the address was given.
NodeChoice ChooseAt(const std::string& asked, const std::string& address,
                    const std::vector<std::string>& roots,
                    const std::vector<base::NodeFile>& nodes) {
  NodeChoice choice;
  if (address == kAuto) {
    const base::NodeFile* const any = Preferred(AllOf(nodes));
    if (any == nullptr) {
      ThrowInitError(
          NotFound(asked, roots, nodes, "`mobula start --head` starts one"));
    }
    choice.raylet_socket = any->raylet;
    return choice;
  }
  std::string why;
  const auto parsed = base::ControlAddress::Parse(address, &why);
  if (!parsed.has_value()) {
    ThrowInitError(asked + ": " + why +
                   "; or say embedded for a head of this program's own, auto "
                   "for a node that runs on this machine");
  }
  const base::NodeFile* const node = Preferred(NodesAt(*parsed, nodes));
  if (node != nullptr) {
    choice.raylet_socket = node->raylet;
    return choice;
  }
  choice.control = parsed->ToString();
  choice.absence =
      NotFound(asked, roots, nodes,
               "`mobula start --address " + choice.control + "` joins one");
  return choice;
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
  if (address == kEmbedded) return NodeChoice();
  const std::string offered = Offered(options);
  const bool has_program = !options.program.empty();
  NodeChoice choice;
  if (address.empty()) {
    // Who says what its node is to be wants one of its own.
    if (!offered.empty() || has_program) return choice;
    const base::NodeFile* const node = Preferred(AllOf(nodes));
    if (node != nullptr) choice.raylet_socket = node->raylet;
    return choice;
  }
  choice = ChooseAt(asked, address, roots, nodes);
  choice.unused = offered;
  if (has_program && choice.control.empty()) {
    choice.unused += (offered.empty() ? "" : ", ") + std::string("Program");
  }
  return choice;
}

}  // namespace mobula::detail

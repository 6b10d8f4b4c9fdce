#include "api/mobula/nodes/nodes.h"

#include <utility>

#include "api/mobula/detail/ask_control.h"
#include "api/mobula/detail/session.h"
#include "base/control/records.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/process/backend.h"

namespace mobula {
namespace {

std::map<std::string, double> ResourcesOf(const base::ResourceVector& total) {
  std::map<std::string, double> resources;
  for (const auto& [name, units] : total.units) {
    resources[name] = total.Get(name);
  }
  return resources;
}

}  // namespace

std::vector<NodeInfo> Nodes() {
  runtime::Backend& backend = detail::Session::Require()->OpenBackend();
  std::vector<NodeInfo> nodes;
  if (backend.home().is_local) {
    NodeInfo& node = nodes.emplace_back();
    node.id = backend.home().node;
    node.name = backend.node().name;
    node.resources = ResourcesOf(backend.node().total);
    node.is_head = true;
    node.is_here = true;
    return nodes;
  }
  const auto answer =
      detail::AskControl<base::NodesAnswer>(backend, base::ListNodes());
  for (const base::NodeRecord& record : answer.nodes) {
    if (record.state != base::NodeState::kAlive) continue;
    NodeInfo& node = nodes.emplace_back();
    node.id = record.node;
    node.name = record.name;
    node.labels = record.labels;
    node.resources = ResourcesOf(record.total);
    node.is_head = record.is_head;
    node.is_here = record.node == backend.home().node;
  }
  return nodes;
}

}  // namespace mobula

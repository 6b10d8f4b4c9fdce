// The nodes of the cluster that this program is part of.
//
//   for (const mobula::NodeInfo& node : mobula::Nodes()) {
//     std::cout << node.name << (node.is_here ? " (here)" : "") << "\n";
//   }
//
// Threading: any thread.
// Failure: RuntimeClosed where there is no runtime; ControlAway where the
// control store does not answer in time.
#ifndef MOBULA_API_MOBULA_NODES_NODES_H_
#define MOBULA_API_MOBULA_NODES_NODES_H_

#include <map>
#include <string>
#include <vector>

#include "base/ids.h"

namespace mobula {

struct NodeInfo {
  base::NodeId id;
  std::string name;                           // host name
  std::map<std::string, std::string> labels;  // `mobula start --label`
  // What it offers: "cpu", "memory" in bytes, and names of your own.
  std::map<std::string, double> resources;
  bool is_head = false;  // it runs the control store
  bool is_here = false;  // this process is on it
};

// Those that live, in the order of their ids. One, of this process, in local
// mode.
[[nodiscard]] std::vector<NodeInfo> Nodes();

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_NODES_NODES_H_

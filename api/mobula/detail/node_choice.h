// ChooseNode says where a program begins: at a node that runs on this machine,
// with a node of its own in a cluster that has none here, or with a head of its
// own. Not for users.
// Threading: pure.   Failure: InitError, naming what was looked for.
#ifndef MOBULA_API_MOBULA_DETAIL_NODE_CHOICE_H_
#define MOBULA_API_MOBULA_DETAIL_NODE_CHOICE_H_

#include <functional>
#include <string>
#include <vector>

#include "api/mobula/init_options.h"
#include "base/control/node_file.h"

namespace mobula::detail {

struct NodeChoice {
  std::string raylet_socket;  // "": one of its own
  // The control store of a cluster that has no node here: its own is to be a
  // node of that, if it can be reached, else `absence` is the error. "": a
  // head.
  std::string control;
  std::string absence;
  // What the program asked of its node and will not get, for a warning; "".
  std::string unused;
};

// `environment`: MOBULA_ADDRESS, "" if it is not set. `roots`: where `nodes`,
// the latest first, were looked for.
NodeChoice ChooseNode(const InitOptions::Values& options,
                      const std::string& environment,
                      const std::vector<std::string>& roots,
                      const std::vector<base::NodeFile>& nodes);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_NODE_CHOICE_H_

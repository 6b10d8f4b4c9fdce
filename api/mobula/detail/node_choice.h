// ChooseNode says where a program begins: at a node that runs on this machine,
// or with a head of its own. Not for users.
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
  std::string raylet_socket;  // "": a head of its own
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

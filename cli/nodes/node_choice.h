// Which of the nodes that run on this machine somebody means.
//
//   chosen = ChooseNode(StartedNodes(roots), "a3f0", &error);
// By the id, the beginning of it (four digits or more), the keeper's pid, or
// "head"; the only one where nothing is said.
// Threading: functions; any thread.
// Failure: a sentence that names the candidates.
#ifndef MOBULA_CLI_NODES_NODE_CHOICE_H_
#define MOBULA_CLI_NODES_NODE_CHOICE_H_

#include <optional>
#include <string>
#include <vector>

#include "base/control/node_file.h"

namespace mobula::cli {

// Those that `mobula start` began, the latest first; also one whose raylet is
// just being started again: of it only folder and pid are known.
std::vector<base::NodeFile> StartedNodes(const std::vector<std::string>& roots);

std::optional<base::NodeFile> ChooseNode(
    const std::vector<base::NodeFile>& nodes, const std::string& which,
    std::string* error);

// One line, without a line end: "node a3f0... (head), keeper pid 17, ADDRESS".
std::string DescribeNode(const base::NodeFile& node);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODES_NODE_CHOICE_H_

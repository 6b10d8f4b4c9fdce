// What nodes of this machine stand on, for the doctor: the programs, the folder
// of a head, and the control stores of the nodes that run.
//
//   for (const Check& check : CheckPrograms(folder)) ...
// Threading: CheckNodes blocks the calling thread, some seconds where a control
// store does not answer.
// Failure: what cannot be found out is a check that failed.
#ifndef MOBULA_CLI_NODE_CHECKS_H_
#define MOBULA_CLI_NODE_CHECKS_H_

#include <string>
#include <vector>

#include "base/control/records.h"
#include "cli/check.h"

namespace mobula::cli {

// `folder` is where `mobula` lies.
std::vector<Check> CheckPrograms(const std::string& folder);

// `path` is where a head keeps, or will keep, its state; "" if nobody knows.
Check CheckHeadFolder(const std::string& path);

// Whether the node, as it is called for people, spills into all its folders.
Check CheckSpilling(const std::string& node, const base::StoreInfo& store);

// Of the nodes that were started here: whether their raylets answer and their
// control stores answer, and can write, and what they spill to. `roots` as of
// base::SessionRoots.
std::vector<Check> CheckNodes(const std::vector<std::string>& roots);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODE_CHECKS_H_

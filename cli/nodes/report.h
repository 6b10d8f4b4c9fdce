// RunReport tells a control store that a node is dead: what a keeper, which has
// one thread and must not speak gRPC itself, has `mobula` do.
//
//   mobula report-node-dead --address ADDR --node ID --cause TEXT
// Threading: called by main.
// Failure: a sentence on stderr and exit code 1; the store's leases tell it
// too, later.
#ifndef MOBULA_CLI_NODES_REPORT_H_
#define MOBULA_CLI_NODES_REPORT_H_

#include <string>

#include "cli/tools/store.h"

namespace mobula::cli {

struct ReportCommand {
  StoreFlags store;
  std::string node;
  std::string cause;
};

int RunReport(const ReportCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODES_REPORT_H_

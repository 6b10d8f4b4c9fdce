// RunLogs shows what a node on this machine and its workers wrote.
//
//   mobula logs [gcs|raylet|keeper|PID|ACTOR] [--follow] [--lines N]
//               [--node NODE]
// ACTOR is the name of one, its id or the beginning of it; then it is the log
// of the worker in which it lives now. Without one, all logs of the node.
// Threading: called by main; --follow ends with the node, or when it is told.
// Failure: a sentence on stderr and exit code 1.
#ifndef MOBULA_CLI_TOOLS_LOGS_H_
#define MOBULA_CLI_TOOLS_LOGS_H_

#include <string>

#include "cli/tools/store.h"

namespace mobula::cli {

struct LogsCommand {
  StoreFlags store;
  std::string which;
  std::string ns = "default";
  std::string node;  // as of node_choice.h
  bool follow = false;
  int lines = 100;
};

int RunLogs(const LogsCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_LOGS_H_

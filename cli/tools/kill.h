// RunKill ends an actor, a job or a worker process.
//
//   mobula kill actor:NAME [--namespace NS] [--restart]
//   mobula kill ID [--restart]        an actor's or a job's, or its beginning
//   mobula kill PID                   a worker of a node on this machine
// An actor ends for good; with --restart its worker does, and its restarts
// apply. A job ends with all its tasks and actors but the detached ones. A
// worker gets SIGKILL: what ran there is retried as after a crash.
// Threading: called by main.
// Failure: a sentence on stderr and exit code 1, which names the candidates
// where the beginning of an id may be any of several.
#ifndef MOBULA_CLI_TOOLS_KILL_H_
#define MOBULA_CLI_TOOLS_KILL_H_

#include <string>

#include "cli/tools/store.h"

namespace mobula::cli {

struct KillCommand {
  StoreFlags store;
  std::string target;
  std::string ns = "default";
  bool restart = false;
};

int RunKill(const KillCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_KILL_H_

// What a cluster holds, shown to people as tables and to programs as JSON.
//
//   mobula status [--json]
//   mobula list nodes|jobs|actors|workers|tasks|objects [--all] [--json]
//               of tasks [--job ID] [--limit N] [--group-by function|state]
//   mobula get ID|NAME [--json]
// Nodes, jobs, actors and objects are asked of the control store; workers of
// the raylets on this machine, and tasks (show_tasks.h), through those, of the
// processes that have asked for them. With --json there is one object on
// stdout: {"actors":[{...},...]}; the names of its members are stable. Of
// objects there may be very many: without --all the first thousand are listed,
// and how many were left out is said ("left_out").
// Threading: called by main; they block.
// Failure: a sentence for stderr and an exit code.
#ifndef MOBULA_CLI_TABLES_SHOW_H_
#define MOBULA_CLI_TABLES_SHOW_H_

#include <string>

#include "cli/tables/show_tasks.h"
#include "cli/tables/shown.h"
#include "cli/tools/store.h"

namespace mobula::cli {

struct StatusCommand {
  StoreFlags store;
  bool json = false;
};

struct ListCommand {
  StoreFlags store;
  std::string what;  // nodes, jobs, actors, workers, tasks, objects
  bool all = false;  // also what is dead or has ended, and however many
  bool json = false;
  TaskSelection tasks;  // of tasks only
};

struct GetCommand {
  StoreFlags store;
  std::string which;  // an id, the beginning of one, or an actor's name
  std::string ns = "default";
  bool json = false;
};

Shown Show(const StatusCommand& command);
Shown Show(const ListCommand& command);
Shown Show(const GetCommand& command);

// Writes both; gives the exit code.
int Print(const Shown& shown);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_SHOW_H_

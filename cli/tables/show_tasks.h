// mobula list tasks: what the programs of a cluster have asked for that is not
// done yet, of whom, and what becomes of it.
//
//   mobula list tasks [--json] [--job ID] [--limit N] [--group-by
//   function|state]
// The raylets of this machine are asked, and each asks the processes of its
// node: tasks are known to who made them.
// Threading: called by main; it blocks.
// Failure: a sentence for stderr and an exit code.
#ifndef MOBULA_CLI_TABLES_SHOW_TASKS_H_
#define MOBULA_CLI_TABLES_SHOW_TASKS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "cli/tables/shown.h"
#include "cli/tools/store.h"

namespace mobula::cli {

struct TaskSelection {
  std::string job;  // the beginning of its id, "" for all
  std::size_t limit = 100;
  std::string group_by;               // function, state; "" for none
  std::uint32_t patience_ms = 2'000;  // with a process that is silent
};

Shown ShowTasks(const StoreFlags& store, const TaskSelection& selection,
                bool json);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_SHOW_TASKS_H_

// AskTasks asks the raylets of this machine what the processes of their nodes
// have asked for that is not done.
// Threading: it blocks.
// Failure: what one does not say is left out, with a sentence in `error`; a
// process that does not answer is none, but listed as silent.
#ifndef MOBULA_CLI_TABLES_ASK_TASKS_H_
#define MOBULA_CLI_TABLES_ASK_TASKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/control/node_file.h"
#include "base/frames/task_message.h"
#include "cli/tables/task_rows.h"

namespace mobula::cli {

// Of the job whose id begins so, "" for all; in order of the answers.
TaskRows AskTasks(const std::vector<base::NodeFile>& nodes,
                  const base::ListTasks& question, const std::string& job,
                  std::string* error);

// The most that a process may be asked for.
inline constexpr std::uint32_t kTaskRowsOfProcessMax = 10'000;

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_ASK_TASKS_H_

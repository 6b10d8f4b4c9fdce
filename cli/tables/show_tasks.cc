#include "cli/tables/show_tasks.h"

#include <algorithm>
#include <vector>

#include "base/control/node_file.h"
#include "base/frames/task_message.h"
#include "cli/tables/ask_tasks.h"
#include "cli/tables/task_rows.h"
#include "cli/tables/task_text.h"
#include "cli/tools/ask_raylet.h"

namespace mobula::cli {

Shown ShowTasks(const StoreFlags& store, const TaskSelection& selection,
                bool json) {
  const std::vector<base::NodeFile> nodes = LocalNodes(store);
  if (nodes.empty()) {
    return {kNoCluster, "",
            "mobula: no node of yours runs on this machine, and tasks are "
            "known to the programs of a node alone\n"};
  }
  const bool is_grouped = !selection.group_by.empty();
  base::ListTasks question;
  question.patience_ms = selection.patience_ms;
  question.rows_max = static_cast<std::uint32_t>(std::min<std::size_t>(
      is_grouped ? 0 : selection.limit, kTaskRowsOfProcessMax));
  std::string error;
  TaskRows all = AskTasks(nodes, question, selection.job, &error);
  all.Order(selection.limit);
  Shown shown;
  if (is_grouped) {
    shown.out = json ? JsonOfGroups(all, selection.group_by)
                     : TextOfGroups(all, selection.group_by);
  } else {
    shown.out = json ? JsonOf(all) : TextOf(all);
  }
  if (!json) {
    const bool is_empty = is_grouped ? all.counts.empty() : all.rows.empty();
    if (is_empty) shown.err = "no tasks\n";
    shown.err += NotesOf(all, !is_grouped);
  }
  if (!error.empty()) {
    shown.exit_code = kFailed;
    shown.err += "mobula: " + error + "\n";
  }
  return shown;
}

}  // namespace mobula::cli

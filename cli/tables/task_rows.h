// TaskRows are what the programs of a cluster have asked for that is not done
// yet, as `mobula list tasks` shows it: each process says what it owns, and its
// raylet who has not said anything.
//
//   TaskRows all;
//   all.Add(report, job);                // of each raylet
//   all.Order(100);
// Threading: a value.
#ifndef MOBULA_CLI_TABLES_TASK_ROWS_H_
#define MOBULA_CLI_TABLES_TASK_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/frames/question_message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"

namespace mobula::cli {

// What one raylet answered to ListTasks.
struct TaskReport {
  std::vector<base::TaskPart> parts;
  base::TasksListed listed;
};

struct TaskRow {
  base::TaskRow task;
  base::AskedProcess owner;
  base::NodeId node;
  bool is_blocked = false;  // it runs, and waits for others itself
};

struct TaskRows {
  std::vector<TaskRow> rows;
  std::vector<base::TaskCount> counts;  // of all, rows or not
  std::uint64_t left_out = 0;           // that have no row
  std::vector<base::AskedProcess> silent;

  // `job`: the beginning of the id of the one that is meant, "" for all.
  void Add(const TaskReport& report, const std::string& job);
  // What runs first, and the longest; no more rows than that.
  void Order(std::size_t rows_max);
};

// How many there are of each.
struct TaskGroup {
  std::string name;  // "": of functions that are not told
  std::uint64_t all = 0;
  std::uint64_t running = 0;
  std::uint64_t retrying = 0;
  std::uint64_t waiting = 0;
  std::uint64_t pushed = 0;
  std::uint64_t queued = 0;
};
// The largest first. `group_by`: function or state.
std::vector<TaskGroup> GroupsOf(const std::vector<base::TaskCount>& counts,
                                const std::string& group_by);

// "running", "call", ... for people and programs.
const char* NameOf(base::TaskState state);
const char* NameOf(base::TaskKind kind);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_TASK_ROWS_H_

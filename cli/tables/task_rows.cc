#include "cli/tables/task_rows.h"

#include <algorithm>
#include <map>
#include <set>

namespace mobula::cli {
namespace {

void AddTo(TaskGroup& group, const base::TaskCount& count) {
  group.all += count.count;
  switch (count.state) {
    case base::TaskState::kRunning:
      group.running += count.count;
      return;
    case base::TaskState::kRetrying:
      group.retrying += count.count;
      return;
    case base::TaskState::kWaiting:
      group.waiting += count.count;
      return;
    case base::TaskState::kPushed:
      group.pushed += count.count;
      return;
    case base::TaskState::kQueued:
      group.queued += count.count;
      return;
  }
}

bool ComesBefore(const TaskRow& a, const TaskRow& b) {
  if (a.task.state != b.task.state) return a.task.state < b.task.state;
  if (a.task.state_ms != b.task.state_ms) {
    return a.task.state_ms > b.task.state_ms;
  }
  return a.task.task < b.task.task;
}

}  // namespace

const char* NameOf(base::TaskState state) {
  switch (state) {
    case base::TaskState::kRunning:
      return "running";
    case base::TaskState::kRetrying:
      return "retrying";
    case base::TaskState::kWaiting:
      return "waiting";
    case base::TaskState::kPushed:
      return "pushed";
    case base::TaskState::kQueued:
      return "queued";
  }
  return "unknown";
}

const char* NameOf(base::TaskKind kind) {
  switch (kind) {
    case base::TaskKind::kTask:
      return "task";
    case base::TaskKind::kCall:
      return "call";
    case base::TaskKind::kCreation:
      return "creation";
  }
  return "unknown";
}

void TaskRows::Add(const TaskReport& report, const std::string& job) {
  std::map<base::ProcessId, base::AskedProcess> processes;
  const auto is_meant = [&job](const base::AskedProcess& process) {
    return job.empty() || process.job.ToString().starts_with(job);
  };
  for (const base::AskedProcess& process : report.listed.processes) {
    processes[process.process] = process;
    if (!process.is_complete && is_meant(process)) silent.push_back(process);
  }
  const std::set<base::ProcessId> blocked(report.listed.blocked.begin(),
                                          report.listed.blocked.end());
  for (const base::TaskPart& part : report.parts) {
    // One that has ended since is not described.
    base::AskedProcess& owner = processes[part.process];
    owner.process = part.process;
    if (!is_meant(owner)) continue;
    left_out += part.tasks.left_out;
    counts.insert(counts.end(), part.tasks.counts.begin(),
                  part.tasks.counts.end());
    for (const base::TaskRow& task : part.tasks.rows) {
      const bool runs = task.state == base::TaskState::kRunning;
      rows.push_back({task, owner, report.listed.node,
                      runs && blocked.contains(task.worker)});
    }
  }
}

void TaskRows::Order(std::size_t rows_max) {
  std::sort(rows.begin(), rows.end(), ComesBefore);
  if (rows.size() <= rows_max) return;
  left_out += rows.size() - rows_max;
  rows.resize(rows_max);
}

std::vector<TaskGroup> GroupsOf(const std::vector<base::TaskCount>& counts,
                                const std::string& group_by) {
  std::map<std::string, TaskGroup> by_name;
  for (const base::TaskCount& count : counts) {
    const std::string name =
        group_by == "state" ? NameOf(count.state) : count.function;
    TaskGroup& group = by_name[name];
    group.name = name;
    AddTo(group, count);
  }
  std::vector<TaskGroup> groups;
  for (const auto& [name, group] : by_name) groups.push_back(group);
  std::stable_sort(
      groups.begin(), groups.end(),
      [](const TaskGroup& a, const TaskGroup& b) { return a.all > b.all; });
  return groups;
}

}  // namespace mobula::cli

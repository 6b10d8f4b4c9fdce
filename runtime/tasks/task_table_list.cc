// The part of TaskTable that lists tasks, for tools: it looks at no more of
// them than it has room for.
#include <map>
#include <utility>

#include "runtime/tasks/task_table.h"

namespace mobula::runtime {

using base::TaskKind;
using base::TaskState;

base::TaskState TaskTable::StateOf(base::TaskId id, const Task& task) {
  switch (task.state) {
    case State::kWaitingArgs:
      return TaskState::kWaiting;
    case State::kQueued:
      return TaskState::kQueued;
    case State::kBackoff:
      return TaskState::kRetrying;
    case State::kPushed:
      break;
  }
  const bool runs = LeaseCache::IsFirst(*task.lease, id) ||
                    LeaseCache::IsAside(*task.lease, id);
  return runs ? TaskState::kRunning : TaskState::kPushed;
}

bool TaskTable::AddRow(base::TaskRow row, TaskRows& rows) const {
  const auto it = tasks_.find(row.task);
  if (it == tasks_.end()) return false;
  const Task& task = it->second;
  row.kind = TaskKind::kTask;
  row.state = StateOf(it->first, task);
  row.function = functions_.name(task.function);
  row.attempt = task.attempt;
  row.retries_max = task.retries_max;
  row.result = task.result;
  row.shape = leases_.ResourcesOf(task.shape);
  rows.Describe(task.scope.get(), task.deadline, row);
  base::BootTime since = task.since;
  if (task.lease != nullptr) {
    row.worker = task.lease->worker;
    row.pid = task.lease->pid;
    if (LeaseCache::IsFirst(*task.lease, it->first)) {
      since = task.lease->head_since;
    }
  }
  rows.Add(std::move(row), since);
  return true;
}

void TaskTable::List(TaskState state, TaskRows& rows) const {
  rows.Begin();
  base::TaskRow row;
  if (state == TaskState::kQueued) {
    for (const Queue& queue : queues_) {
      const bool has_room = queue.tasks.ForEach([&](base::TaskId id) {
        if (!rows.Look()) return false;
        row.task = id;
        AddRow(row, rows);
        return true;
      });
      if (!has_room) return;
    }
  } else if (state == TaskState::kRetrying) {
    retries_.ForEach([&](base::TaskId id) {
      if (!rows.Look()) return false;
      row.task = id;
      return AddRow(row, rows);
    });
  } else if (state == TaskState::kRunning || state == TaskState::kPushed) {
    leases_.ForEach([&](const LeaseCache::Lease& lease) {
      return ListSent(lease, state, rows);
    });
  }
}

bool TaskTable::ListSent(const LeaseCache::Lease& lease, TaskState state,
                         TaskRows& rows) const {
  if (!rows.Look()) return false;
  base::TaskRow row;
  for (const LeaseCache::InFlight& entry : lease.in_flight) {
    const bool is_first = &entry == &lease.in_flight.front();
    if (is_first != (state == TaskState::kRunning)) {
      if (!is_first) break;
      continue;
    }
    if (!rows.Look()) return false;
    row.task = entry.task;
    if (!entry.unwanted) AddRow(row, rows);
  }
  if (state != TaskState::kRunning) return true;
  for (const auto& [id, entry] : lease.aside) {
    if (!rows.Look()) return false;
    row.task = id;
    if (!entry.unwanted) AddRow(row, rows);
  }
  return true;
}

void TaskTable::Count(TaskRows& rows) const {
  std::map<std::uint32_t, std::size_t> running;
  const auto count = [&](const LeaseCache::InFlight& entry) {
    const auto it = tasks_.find(entry.task);
    // Who only looks ends nobody.
    if (!entry.unwanted && it != tasks_.end()) ++running[it->second.function];
  };
  rows.Begin();
  leases_.ForEach([&](const LeaseCache::Lease& lease) {
    if (!lease.in_flight.empty()) count(lease.in_flight.front());
    for (const auto& [id, entry] : lease.aside) {
      if (!rows.LookOn()) break;
      count(entry);
    }
    return true;
  });
  for (std::uint32_t f = 0; f < counts_.functions(); ++f) {
    const TaskCounts::ByState& of = counts_.Of(f);
    const auto found = running.find(f);
    const std::size_t heads = found == running.end() ? 0 : found->second;
    const auto tell = [&](TaskState state, std::size_t number) {
      rows.Count(TaskKind::kTask, state, functions_.name(f), number);
    };
    tell(TaskState::kRunning, heads);
    tell(TaskState::kRetrying, of[static_cast<int>(State::kBackoff)]);
    tell(TaskState::kWaiting, of[static_cast<int>(State::kWaitingArgs)]);
    tell(TaskState::kPushed, of[static_cast<int>(State::kPushed)] - heads);
    tell(TaskState::kQueued, of[static_cast<int>(State::kQueued)]);
  }
}

}  // namespace mobula::runtime

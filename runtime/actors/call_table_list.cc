// The part of CallTable that lists calls, for tools: it looks at no more of
// them, and of their actors, than it has room for.
#include <utility>

#include "runtime/actors/call_table.h"

namespace mobula::runtime {

using base::TaskKind;
using base::TaskState;

bool CallTable::Runs(const Target& target, base::TaskId task) {
  return IsHead(target, task) || target.aside.contains(task);
}

bool CallTable::IsHead(const Target& target, base::TaskId task) {
  return !target.announced && !target.in_flight.empty() &&
         target.in_flight.front().task == task;
}

bool CallTable::AddRow(base::TaskRow row, TaskRows& rows) const {
  const auto it = entries_.find(row.task);
  if (it == entries_.end()) return false;
  const Entry& entry = it->second;
  const Target& target = *entry.target;
  row.kind = TaskKind::kCall;
  row.function = entry.method_name;
  row.attempt = entry.attempt;
  row.retries_max = entry.retries_max;
  row.result = entry.result;
  row.actor = target.id;
  rows.Describe(entry.scope.get(), entry.deadline, row);
  base::BootTime since = entry.since;
  if (entry.state == State::kWaiting) {
    row.state = TaskState::kWaiting;
  } else if (entry.state == State::kReady) {
    row.state = TaskState::kQueued;
  } else {
    const bool runs = Runs(target, it->first);
    row.state = runs ? TaskState::kRunning : TaskState::kPushed;
    if (IsHead(target, it->first)) since = target.head_since;
    row.worker = target.worker;
    row.pid = target.pid;
  }
  rows.Add(std::move(row), since);
  return true;
}

void CallTable::List(TaskState state, TaskRows& rows) const {
  rows.Begin();
  const bool is_sent =
      state == TaskState::kRunning || state == TaskState::kPushed;
  if (!is_sent && state != TaskState::kQueued) return;
  for (const auto& [id, target] : targets_) {
    if (!rows.Look()) return;
    if (target.unfinished == 0) continue;
    const bool has_room =
        is_sent ? ListSent(target, state, rows) : ListQueued(target, rows);
    if (!has_room) return;
  }
}

bool CallTable::ListSent(const Target& target, TaskState state,
                         TaskRows& rows) const {
  const bool running = state == TaskState::kRunning;
  base::TaskRow row;
  for (const Sent& sent : target.in_flight) {
    if (IsHead(target, sent.task) != running) {
      if (running) break;
      continue;
    }
    if (!rows.Look()) return false;
    row.task = sent.task;
    AddRow(row, rows);
  }
  if (!running) return true;
  for (const auto& [task, sent] : target.aside) {
    if (!rows.Look()) return false;
    row.task = task;
    AddRow(row, rows);
  }
  return true;
}

bool CallTable::ListQueued(const Target& target, TaskRows& rows) const {
  base::TaskRow row;
  for (const Lane& lane : target.lanes) {
    for (const base::TaskId task : lane.queue) {
      if (!rows.Look()) return false;
      const auto it = entries_.find(task);
      if (it == entries_.end() || it->second.state != State::kReady) continue;
      row.task = task;
      AddRow(row, rows);
    }
  }
  return true;
}

void CallTable::Count(TaskRows& rows) const {
  std::size_t running = 0;
  rows.Begin();
  for (const auto& [id, target] : targets_) {
    if (!rows.LookOn()) break;
    if (!target.announced && !target.in_flight.empty() &&
        entries_.contains(target.in_flight.front().task)) {
      ++running;
    }
    for (const auto& [task, sent] : target.aside) {
      if (!rows.LookOn()) break;
      if (entries_.contains(task)) ++running;
    }
  }
  const auto of = [this](State state) {
    return counts_[static_cast<std::size_t>(state)];
  };
  const auto tell = [&rows](TaskState state, std::size_t count) {
    rows.CountByRows(TaskKind::kCall, state, count);
  };
  tell(TaskState::kRunning, running);
  tell(TaskState::kWaiting, of(State::kWaiting));
  tell(TaskState::kPushed, of(State::kInFlight) - running);
  tell(TaskState::kQueued, of(State::kReady));
}

}  // namespace mobula::runtime

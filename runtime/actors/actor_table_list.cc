// The part of ActorTable that lists creations, for tools: it looks at no more
// actors than it has room for.
#include <map>
#include <utility>

#include "runtime/actors/actor_table.h"

namespace mobula::runtime {

using base::TaskKind;
using base::TaskState;

TaskState ActorTable::StateOf(const Actor& actor) {
  switch (actor.state) {
    case State::kWaitingArgs:
      return TaskState::kWaiting;
    case State::kBackoff:
      return TaskState::kRetrying;
    case State::kCreating:
      return TaskState::kRunning;
    default:
      return TaskState::kQueued;
  }
}

void ActorTable::AddRow(const Actor& actor, base::TaskRow row, TaskRows& rows) {
  row.task = actor.creation;
  row.kind = TaskKind::kCreation;
  row.state = StateOf(actor);
  row.function = actor.class_name;
  row.attempt = actor.restarts + 1;
  row.retries_max = actor.restarts_max;
  row.actor = actor.id;
  row.shape = actor.resources;
  rows.Describe(
      &actor.scope,
      actor.lived == 0 ? actor.scope.deadline : base::BootTime::Never(), row);
  if (actor.state == State::kCreating) {
    row.worker = actor.worker;
    row.pid = actor.pid;
  }
  rows.Add(std::move(row), actor.since);
}

bool ActorTable::AddRow(base::TaskRow row, TaskRows& rows) const {
  const auto it = of_creation_.find(row.task);
  if (it == of_creation_.end() || !IsStarting(*it->second)) return false;
  AddRow(*it->second, std::move(row), rows);
  return true;
}

void ActorTable::List(TaskState state, TaskRows& rows) const {
  if (starting_ == 0 || state == TaskState::kWaiting) return;
  rows.Begin();
  for (const auto& [id, actor] : actors_) {
    if (!rows.Look()) return;
    if (!IsStarting(actor) || StateOf(actor) != state) continue;
    AddRow(actor, base::TaskRow(), rows);
  }
}

void ActorTable::Count(TaskRows& rows) const {
  std::map<TaskState, std::size_t> counts;
  std::size_t counted = 0;
  rows.Begin();
  for (const auto& [id, actor] : actors_) {
    if (counted == starting_ || !rows.LookOn()) break;
    if (!IsStarting(actor)) continue;
    ++counts[StateOf(actor)];
    ++counted;
  }
  // Of very many actors the rest is not looked at.
  counts[TaskState::kQueued] += starting_ - counted;
  for (const auto& [state, count] : counts) {
    rows.CountByRows(TaskKind::kCreation, state, count);
  }
}

}  // namespace mobula::runtime

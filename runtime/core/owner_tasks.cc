// The part of Owner that says what it has asked for that is not done.
#include "runtime/core/owner.h"

namespace mobula::runtime {

using base::TaskState;

base::TasksAre Owner::DescribeTasks(const base::ListOwnTasks& list) const {
  if (!list.task.IsNil()) {
    TaskRows one(1, now_);
    AddTask(list.task, arg_waits_.AwaitedBy(list.task), one);
    return one.Take(0);
  }
  TaskRows rows(list.rows_max, now_);
  for (const TaskState state :
       {TaskState::kRunning, TaskState::kRetrying, TaskState::kWaiting,
        TaskState::kPushed, TaskState::kQueued}) {
    tasks_.List(state, rows);
    calls_.List(state, rows);
    actors_.List(state, rows);
    if (state != TaskState::kWaiting) continue;
    rows.Begin();
    arg_waits_.ForEach(
        [&](base::TaskId task, const ArgWaits::Awaited& awaited) {
          if (!rows.Look()) return false;
          AddTask(task, awaited, rows);
          return true;
        });
  }
  tasks_.Count(rows);
  calls_.Count(rows);
  actors_.Count(rows);
  return rows.Take(tasks_.size() + calls_.size() + actors_.starting());
}

void Owner::AddTask(base::TaskId task, const ArgWaits::Awaited& awaited,
                    TaskRows& rows) const {
  base::TaskRow row;
  row.task = task;
  row.awaited = awaited.count;
  row.awaits = awaited.object;
  const bool is_known = tasks_.AddRow(row, rows) || calls_.AddRow(row, rows) ||
                        actors_.AddRow(row, rows);
  static_cast<void>(is_known);  // else it is done
}

}  // namespace mobula::runtime

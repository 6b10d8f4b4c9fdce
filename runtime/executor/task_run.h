// TaskRun is one run of a function on a SlotThread, with all that it needs
// until its answer has been handed on: a coroutine's lives while it waits.
// Owner: SlotThread.   Threading: the slot's thread.
#ifndef MOBULA_RUNTIME_EXECUTOR_TASK_RUN_H_
#define MOBULA_RUNTIME_EXECUTOR_TASK_RUN_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/function_table.h"
#include "base/threads/coroutine_run.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/executor/current.h"

namespace mobula::runtime {

struct TaskRun final : base::CoroutineRun::Owner {
  explicit TaskRun(Execute asked) : work(std::move(asked)) {
    executed.task = work.task;
    current.task = work.task;
    current.result = work.result;
    current.assigned = work.assigned.get();
    current.actor = work.actor;
    current.incarnation = work.incarnation;
    current.attempt = work.attempt;
    current.is_constructor = work.is_constructor;
    current.invocation = &invocation;
    if (work.scope.has_value()) current.scope = &*work.scope;
    current.deadline = work.deadline;
    invocation.result = base::ObjectName{work.result, work.owner};
  }
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  // Of a coroutine: on the slot's thread, perhaps deep inside of what it does.
  void Ended(base::Outcome outcome) noexcept override {
    executed.outcome = std::move(outcome);
    has_ended = true;
    if (ended != nullptr) ended->push_back(this);
  }
  [[nodiscard]] std::int64_t RunNs() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now() - begin)
        .count();
  }

  const Execute work;
  const base::FunctionEntry* entry = nullptr;
  std::vector<base::Value> mapped;  // the arguments, where some are stored
  std::shared_ptr<void> instance;   // the actor's object
  base::Invocation invocation;
  CurrentExecution current;
  const std::chrono::steady_clock::time_point begin =
      std::chrono::steady_clock::now();
  std::shared_ptr<base::CoroutineRun> coroutine;
  bool may_hold = false;              // it need not wait for what is made again
  std::optional<base::Value> missed;  // that, where it has not begun
  bool has_ended = false;
  std::deque<TaskRun*>* ended = nullptr;  // where it says that it has
  Executed executed;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_TASK_RUN_H_

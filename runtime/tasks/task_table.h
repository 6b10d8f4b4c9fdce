// TaskTable carries each task of this owner from Submit to its outcome.
//
//   WaitingArgs --Resolve--> Queued --a slot has room--> Pushed --Done-->
//   (gone) Pushed --its worker died while it ran, or it threw and is to be
//   retried-->
//       Queued at once the first time, else Backoff --time--> Queued
//   Pushed --never started: its worker died, or it was taken back--> Queued
//   Pushed --its worker did not find the bytes of an argument--> WaitingArgs
//   (a Refetch is produced), uncharged
//   any but Pushed --Cancel--> (gone) with a Failure
//   Pushed --Cancel: StopTask to its worker--> Cancelled --it never started, or
//   its worker says that it stops it, or is gone--> (gone) with that Failure
// A coroutine that waits on its worker stays Pushed, aside.
//   any --timeout, refused lease, no attempts left--> (gone) with a Failure
// Queues are FIFO by shape; what comes back goes to the front, in order.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: (1) exactly one outcome a task; (2) a task starts at most
// retries_max + 1 attempts that are charged, and only the first unanswered task
// of a dead worker, and those aside, are charged; (3) only the worker of the
// task's present lease is believed; (4) if a queue is not empty, no slot of its
// shape has room; (5) what was cancelled is not pushed any more, and has that
// outcome, certain or not whether it ran. A run that does not heed its stop
// goes on, unwanted, and holds its slot. Failure: every refusal of the world
// ends in a Failure of the task, filled with function, node, pid, attempt,
// signal and the worker's last lines.
#ifndef MOBULA_RUNTIME_TASKS_TASK_TABLE_H_
#define MOBULA_RUNTIME_TASKS_TASK_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/value.h"
#include "runtime/core/backoff.h"
#include "runtime/core/events.h"
#include "runtime/core/produced.h"
#include "runtime/core/task_rows.h"
#include "runtime/core/task_spec.h"
#include "runtime/core/timer_set.h"
#include "runtime/tasks/lease_cache.h"
#include "runtime/tasks/run_times.h"
#include "runtime/tasks/task_counts.h"
#include "runtime/tasks/task_queue.h"

namespace mobula::runtime {

class TaskTable {
 public:
  TaskTable(base::JobId job, base::IdSource& ids, std::uint64_t seed);

  // The raylet has accepted this process: queued tasks may ask for leases.
  void Joined(const base::Registered& registered, base::BootTime now,
              Produced& out);

  // A new task, waiting for its arguments.
  void Add(const Submit& submit, base::BootTime now);
  void Resolve(base::TaskId task, std::vector<base::Value> args,
               base::BootTime now, Produced& out);
  // Ends a task with that failure, in whatever state it is.
  void Fail(base::TaskId task, base::Failure failure, base::BootTime now,
            Produced& out);
  [[nodiscard]] bool Has(base::TaskId task) const {
    return tasks_.contains(task);
  }
  // The task's outcome becomes a Failure of kCancelled, now or when its worker
  // has answered. `force`: the worker of one that runs on all the same is
  // ended, also of one that was cancelled before. One that is not here is let
  // pass.
  void Cancel(base::TaskId task, bool force, bool recursive, base::BootTime now,
              Produced& out);
  // Its worker has told the task to stop.
  void Stopping(base::ProcessId from, base::TaskId task, Produced& out);

  // Each says whether the lease, task or worker is one of ours.
  bool Granted(const base::LeaseGranted& granted, base::BootTime now,
               Produced& out);
  bool Refused(const base::LeaseRefused& refused, base::BootTime now,
               Produced& out);
  bool Lost(const base::LeaseLost& lost, base::BootTime now, Produced& out);
  bool LinkEnded(base::ProcessId worker, base::BootTime now, Produced& out);
  bool Done(base::ProcessId from, base::TaskDone& done, base::BootTime now,
            Produced& out);

  bool Aside(base::ProcessId from, const base::TaskAside& aside,
             base::BootTime now, Produced& out);

  void Tick(base::BootTime now, Produced& out);
  [[nodiscard]] base::BootTime Next() const;

  // The raylet is gone: everything ends with that failure.
  void FailAll(const base::Failure& failure, Produced& out);

  // Those in that state; not those that wait for arguments, which ArgWaits
  // knows.
  void List(base::TaskState state, TaskRows& rows) const;
  // Fills in the row of its task; false if there is no such task.
  bool AddRow(base::TaskRow row, TaskRows& rows) const;
  void Count(TaskRows& rows) const;

  [[nodiscard]] std::size_t size() const { return tasks_.size(); }
  [[nodiscard]] std::size_t leases() const { return leases_.size(); }

 private:
  enum class State : std::uint8_t { kWaitingArgs, kQueued, kPushed, kBackoff };
  struct Task {
    base::ObjectId result;
    std::vector<base::Value> args;
    std::unique_ptr<const std::string> name;         // null: its function's
    std::unique_ptr<const base::CallerScope> scope;  // null: a usual one
    base::Duration timeout = base::Duration::max();
    base::BootTime deadline = base::BootTime::Never();
    base::BootTime retry_at = base::BootTime::Never();
    base::BootTime since;                // it has been in its state
    LeaseCache::Lease* lease = nullptr;  // while pushed
    std::uint32_t function = 0;
    LeaseCache::Shape shape = 0;
    std::int32_t retries_max = 0;
    std::int32_t attempt = 1;  // the one that runs or comes next
    State state = State::kWaitingArgs;
    bool retry_exceptions = false;
    bool suspect = false;    // it was on a worker that died: runs alone
    bool recalled = false;   // CancelTask is under way to its worker
    bool maybe_ran = false;  // it was on a worker that was told to end
    bool cancelled = false;  // while pushed: its worker is asked
    bool is_scoped = false;  // its deadline is that of its scope
  };
  using Tasks = std::unordered_map<base::TaskId, Task>;
  // May hold tasks that are gone; `live` counts those that are not.
  struct Queue {
    TaskQueue tasks;
    std::size_t live = 0;
  };

  void SetState(Task& task, State state, base::BootTime now);
  void Enqueue(base::TaskId id, Task& task, bool front, base::BootTime now);
  // The first queued task that still exists, or the end.
  Tasks::iterator Front(Queue& queue);
  // The same, once those before it whose time is over have ended.
  Tasks::iterator FrontInTime(LeaseCache::Shape shape, base::BootTime now,
                              Produced& out);
  void Push(base::TaskId id, Task& task, LeaseCache::Lease& lease,
            base::BootTime now, Produced& out);
  [[nodiscard]] std::int64_t CostNs(const Task& task) const;
  // For people.
  [[nodiscard]] const std::string& NameOf(const Task& task) const;
  // What its worker is told beside the arguments.
  [[nodiscard]] std::shared_ptr<base::Assigned> AssignedTo(
      const Task& task) const;
  // Gives queued tasks of the shape to slots that have room, then asks.
  void Pump(LeaseCache::Shape shape, base::BootTime now, Produced& out);
  // The same for one slot that has just got room.
  void Refill(LeaseCache::Lease& lease, base::BootTime now, Produced& out);
  void Ask(LeaseCache::Shape shape, base::BootTime now, Produced& out);

  void Conclude(Tasks::iterator it, base::TaskDone& done, base::BootTime now,
                Produced& out);
  // Charges the attempt; false if it was the last one.
  bool Retry(base::TaskId id, Task& task, base::BootTime now);
  void Settle(Tasks::iterator it, base::Outcome outcome, Produced& out);
  // The same of what its worker answered; a stored value comes with how it can
  // be made again.
  void SettleValue(Tasks::iterator it, base::TaskDone& done, Produced& out);
  [[nodiscard]] std::unique_ptr<const TaskSpec> SpecOf(const Task& task) const;
  void Fill(const Task& task, const LeaseCache::Lease* lease,
            base::Failure& failure) const;

  [[nodiscard]] static base::Executed RanSoFar(const Task& task);
  [[nodiscard]] static base::TaskState StateOf(base::TaskId id,
                                               const Task& task);
  // False: there is no room for more.
  bool ListSent(const LeaseCache::Lease& lease, base::TaskState state,
                TaskRows& rows) const;
  // In an attempt before the present one.
  [[nodiscard]] static bool RanBefore(const Task& task);
  // Of what was cancelled and has left its worker.
  void SettleCancelled(Tasks::iterator it, base::Executed executed,
                       Produced& out);

  void Look(LeaseCache::Lease& lease, base::BootTime now, Produced& out);
  void Recall(LeaseCache::Lease& lease, Produced& out);
  // Ends a worker that runs what nobody waits for any more.
  void EndWorker(LeaseCache::Lease& lease, base::BootTime now, Produced& out);
  // Takes everything in flight off the lease, which is about to go; the first,
  // and those aside, are charged with `death`.
  void Evacuate(LeaseCache::Lease& lease, const base::Failure& death,
                base::BootTime now, Produced& out);
  void Charge(Tasks::iterator it, const LeaseCache::Lease& lease,
              const base::Failure& death, base::BootTime now, Produced& out);
  // It was on that lease, which is lost.
  void Suspect(Task& task, const LeaseCache::Lease& lease);
  void TimeOut(base::TaskId id, base::BootTime now, Produced& out);
  // The time of its caller's scope is over: it is told to stop.
  void StopLate(Tasks::iterator it, base::Failure failure, Produced& out);
  [[nodiscard]] static std::int32_t PriorityOf(const Task& task) {
    return task.scope == nullptr ? 0 : task.scope->priority;
  }
  void FailQueued(LeaseCache::Shape shape, const base::Failure& failure,
                  Produced& out);

  std::string node_name_;
  RunTimes functions_;
  TaskCounts counts_;
  LeaseCache leases_;
  Backoff backoff_;
  Tasks tasks_;
  std::vector<Queue> queues_;  // by shape
  TimerSet<base::TaskId> deadlines_;
  TimerSet<base::TaskId> retries_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_TASK_TABLE_H_

#include "runtime/tasks/task_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/value.h"
#include "runtime/core/scope_failures.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

// A queue is cleaned when more of it, and over half, is settled.
constexpr std::size_t kSettledMax = 1'024;

bool IsRefusal(const Failure& failure) {
  return failure.code == FailureCode::kCancelled &&
         failure.executed == base::Executed::kNo;
}

}  // namespace

TaskTable::TaskTable(base::JobId job, base::IdSource& ids, std::uint64_t seed)
    : leases_(job, ids), backoff_(seed) {}

void TaskTable::Joined(const base::Registered& registered, base::BootTime now,
                       Produced& out) {
  node_name_ = registered.node_name;
  leases_.Joined(registered.raylet, registered.total,
                 /*is_of_cluster=*/!registered.address.empty());
  for (LeaseCache::Shape shape = 0; shape < queues_.size(); ++shape) {
    if (queues_[shape].live > 0) Pump(shape, now, out);
  }
}

void TaskTable::Add(const Submit& submit, base::BootTime now) {
  MOBULA_CHECK(!submit.task.IsNil());
  const auto [it, is_new] = tasks_.try_emplace(submit.task);
  MOBULA_CHECK(is_new) << "task " << submit.task << " exists";
  Task& task = it->second;
  task.result = submit.result;
  task.function =
      functions_.Intern(submit.function, submit.function_name, submit.by_name);
  if (!submit.name.empty()) {
    task.name = std::make_unique<const std::string>(submit.name);
  }
  task.shape =
      leases_.Use(submit.resources, submit.is_coroutine, submit.placement);
  task.retries_max = submit.retries_max;
  task.retry_exceptions = submit.retry_exceptions;
  task.attempt = submit.attempt;
  task.timeout = submit.timeout;
  task.scope = KeptScope(submit.scope);
  task.deadline = EarlierEnd(submit.timeout, submit.scope.deadline, now);
  task.is_scoped = task.deadline == submit.scope.deadline;
  deadlines_.Add(task.deadline, submit.task);
  task.since = now;
  counts_.Came(task.function, static_cast<std::size_t>(task.state));
  if (queues_.size() <= task.shape) queues_.resize(task.shape + 1);
}

void TaskTable::SetState(Task& task, State state, base::BootTime now) {
  counts_.Moved(task.function, static_cast<std::size_t>(task.state),
                static_cast<std::size_t>(state));
  task.state = state;
  task.since = now;
}

void TaskTable::Resolve(base::TaskId id, std::vector<base::Value> args,
                        base::BootTime now, Produced& out) {
  const auto it = tasks_.find(id);
  MOBULA_CHECK(it != tasks_.end());
  Task& task = it->second;
  MOBULA_CHECK(task.state == State::kWaitingArgs);
  task.args = std::move(args);
  const LeaseCache::Shape shape = task.shape;
  const bool was_empty = queues_[shape].live == 0;
  Enqueue(id, task, false, now);
  if (was_empty) {
    Pump(shape, now, out);
  } else {
    Ask(shape, now, out);
  }
}

void TaskTable::Fail(base::TaskId id, Failure failure, base::BootTime now,
                     Produced& out) {
  const auto it = tasks_.find(id);
  MOBULA_CHECK(it != tasks_.end());
  Task& task = it->second;
  const LeaseCache::Shape shape = task.shape;
  LeaseCache::Lease* lease = task.lease;
  if (task.state == State::kWaitingArgs) out.abandoned.push_back(id);
  const bool was_queued = task.state == State::kQueued;
  if (was_queued) --queues_[shape].live;
  Fill(task, lease, failure);
  if (lease != nullptr) {
    // Beside others that wait it is told to stop, when it waits itself.
    const bool ends_worker =
        LeaseCache::IsFirst(*lease, id) && lease->aside.empty();
    const bool waits = LeaseCache::IsAside(*lease, id);
    leases_.MarkUnwanted(*lease, id, /*is_to_end=*/true);
    if (waits) {
      out.SendTo(lease->worker, base::StopTask{id, /*recursive=*/true});
    } else if (!ends_worker) {
      out.SendTo(lease->worker, base::CancelTask{id});
    }
    task.lease = nullptr;
    Settle(it, std::move(failure), out);
    if (ends_worker && !lease->loss.suspected()) EndWorker(*lease, now, out);
    return;
  }
  Settle(it, std::move(failure), out);
  if (!was_queued) return;
  // Keeps the queue from filling with tasks that have their outcome.
  Queue& queue = queues_[shape];
  if (queue.tasks.size() > 2 * queue.live + kSettledMax) {
    queue.tasks.EraseIf(
        [this](base::TaskId task) { return !tasks_.contains(task); });
  }
  if (queue.live == 0) Ask(shape, now, out);
}

void TaskTable::Cancel(base::TaskId id, bool force, bool recursive,
                       base::BootTime now, Produced& out) {
  const auto it = tasks_.find(id);
  if (it != tasks_.end() && it->second.state != State::kPushed) {
    Fail(id, CancelledFailure(RanSoFar(it->second)), now, out);
    return;
  }
  LeaseCache::Lease* lease =
      it != tasks_.end() ? it->second.lease : leases_.OfUnwanted(id);
  if (lease == nullptr) return;
  if (it != tasks_.end()) it->second.cancelled = true;
  // Of a worker that may be gone the news is awaited.
  if (lease->loss.suspected()) return;
  out.SendTo(lease->worker, base::StopTask{id, recursive});
  if (force) leases_.MarkToEnd(*lease, id, now);
}

void TaskTable::Stopping(base::ProcessId from, base::TaskId id, Produced& out) {
  LeaseCache::Lease* lease = leases_.OfWorker(from);
  const auto it = tasks_.find(id);
  if (it == tasks_.end() || it->second.lease != lease) return;
  if (lease == nullptr || !it->second.cancelled) return;
  leases_.MarkUnwanted(*lease, id, /*is_to_end=*/false);
  SettleCancelled(it, base::Executed::kMaybe, out);
}

void TaskTable::SettleCancelled(Tasks::iterator it, base::Executed executed,
                                Produced& out) {
  if (executed == base::Executed::kNo && RanBefore(it->second)) {
    executed = base::Executed::kMaybe;
  }
  Failure failure = CancelledFailure(executed);
  Fill(it->second, executed == base::Executed::kNo ? nullptr : it->second.lease,
       failure);
  Settle(it, std::move(failure), out);
}

bool TaskTable::Granted(const base::LeaseGranted& granted, base::BootTime now,
                        Produced& out) {
  LeaseCache::Lease* lease = leases_.Grant(granted, now);
  if (lease == nullptr) return false;
  Refill(*lease, now, out);
  return true;
}

bool TaskTable::Refused(const base::LeaseRefused& refused, base::BootTime now,
                        Produced& out) {
  LeaseCache::Shape shape = 0;
  if (!leases_.Refuse(refused.lease, &shape)) return false;
  if (refused.failure.code == FailureCode::kInfeasible ||
      !leases_.Expects(shape)) {
    FailQueued(shape, refused.failure, out);
    // Shapes without tasks and leases are forgotten; this one may be.
    if (shape < queues_.size()) Ask(shape, now, out);
  } else {
    leases_.Postpone(shape, now);
  }
  return true;
}

bool TaskTable::Lost(const base::LeaseLost& lost, base::BootTime now,
                     Produced& out) {
  LeaseCache::Lease* lease = leases_.Find(lost.lease);
  if (lease == nullptr) return false;
  lease->loss.Told(lost.failure, now);
  Look(*lease, now, out);
  return true;
}

bool TaskTable::LinkEnded(base::ProcessId worker, base::BootTime now,
                          Produced& out) {
  LeaseCache::Lease* lease = leases_.OfWorker(worker);
  if (lease == nullptr) return false;
  lease->loss.LinkEnded(now);
  Look(*lease, now, out);
  return true;
}

bool TaskTable::Done(base::ProcessId from, base::TaskDone& done,
                     base::BootTime now, Produced& out) {
  LeaseCache::Lease* lease = leases_.OfWorker(from);
  if (lease == nullptr) return false;
  const bool was_aside = LeaseCache::IsAside(*lease, done.task);
  if (!leases_.Answer(*lease, done.task, now)) return false;
  const auto it = tasks_.find(done.task);
  if (it != tasks_.end()) {
    MOBULA_CHECK(it->second.lease == lease, "answered by another's worker");
    if (done.lost.empty() && !was_aside) {
      functions_.Record(it->second.function, done.run_ns);
    }
    Conclude(it, done, now, out);
  }
  Refill(*lease, now, out);
  return true;
}

bool TaskTable::Aside(base::ProcessId from, const base::TaskAside& aside,
                      base::BootTime now, Produced& out) {
  LeaseCache::Lease* lease = leases_.OfWorker(from);
  if (lease == nullptr || !leases_.SetAside(*lease, aside.task, now)) {
    return false;
  }
  const auto it = tasks_.find(aside.task);
  if (it != tasks_.end()) {
    functions_.Record(it->second.function, aside.run_ns);
  } else {
    out.SendTo(from, base::StopTask{aside.task, /*recursive=*/true});
  }
  Refill(*lease, now, out);
  return true;
}

void TaskTable::Conclude(Tasks::iterator it, base::TaskDone& done,
                         base::BootTime now, Produced& out) {
  Task& task = it->second;
  MOBULA_CHECK(task.state == State::kPushed);
  auto* failure = std::get_if<Failure>(&done.outcome);
  if (task.cancelled) {
    // It has ended meanwhile, or never started.
    SettleCancelled(
        it, failure == nullptr ? base::Executed::kYes : failure->executed, out);
    return;
  }
  if (failure == nullptr) {
    SettleValue(it, done, out);
    return;
  }
  if (!done.lost.empty()) {
    SetState(task, State::kWaitingArgs, now);
    task.lease = nullptr;
    task.recalled = false;
    out.refetches.push_back(
        {it->first, std::exchange(task.args, {}), std::move(done.lost)});
    return;
  }
  if (task.deadline <= now && IsOfScope(*failure)) {
    *failure = TimeoutFailure(base::Executed::kYes, "task");
  }
  if (IsRefusal(*failure)) {
    // Taken back, or the worker is leaving and takes nothing any more.
    if (!task.recalled) task.lease->draining = true;
    Enqueue(it->first, task, true, now);
    return;
  }
  const LeaseCache::Lease* lease = task.lease;
  if (task.retry_exceptions && failure->code == FailureCode::kUserException &&
      Retry(it->first, task, now)) {
    return;
  }
  // It speaks for this attempt alone.
  if (failure->executed == base::Executed::kNo && RanBefore(task)) {
    failure->executed = base::Executed::kMaybe;
  }
  Fill(task, lease, *failure);
  Settle(it, std::move(done.outcome), out);
}

void TaskTable::Enqueue(base::TaskId id, Task& task, bool front,
                        base::BootTime now) {
  Queue& queue = queues_[task.shape];
  SetState(task, State::kQueued, now);
  task.lease = nullptr;
  task.recalled = false;
  ++queue.live;
  if (front) {
    queue.tasks.PushFront(PriorityOf(task), id);
  } else {
    queue.tasks.PushBack(PriorityOf(task), id);
  }
}

TaskTable::Tasks::iterator TaskTable::Front(Queue& queue) {
  while (!queue.tasks.empty()) {
    const auto it = tasks_.find(queue.tasks.front());
    if (it != tasks_.end()) {
      MOBULA_CHECK(it->second.state == State::kQueued);
      return it;
    }
    queue.tasks.PopFront();
  }
  MOBULA_CHECK(queue.live == 0);
  return tasks_.end();
}

TaskTable::Tasks::iterator TaskTable::FrontInTime(LeaseCache::Shape shape,
                                                  base::BootTime now,
                                                  Produced& out) {
  auto it = Front(queues_[shape]);
  while (it != tasks_.end() && it->second.deadline <= now) {
    deadlines_.Remove(it->second.deadline, it->first);
    TimeOut(it->first, now, out);
    it = Front(queues_[shape]);
  }
  return it;
}

std::int64_t TaskTable::CostNs(const Task& task) const {
  return task.suspect ? RunTimes::kInFlightNs
                      : functions_.CostNs(task.function);
}

const std::string& TaskTable::NameOf(const Task& task) const {
  return task.name != nullptr ? *task.name : functions_.name(task.function);
}

std::shared_ptr<base::Assigned> TaskTable::AssignedTo(const Task& task) const {
  const base::ResourceVector& resources = leases_.ResourcesOf(task.shape);
  const bool is_usual =
      resources.units.size() == 1 &&
      resources.GetUnits("cpu") == base::ResourceVector::kUnit;
  if (task.name == nullptr && is_usual) return nullptr;
  auto assigned = std::make_shared<base::Assigned>();
  if (task.name != nullptr) assigned->name = *task.name;
  assigned->resources = resources;
  return assigned;
}

void TaskTable::Push(base::TaskId id, Task& task, LeaseCache::Lease& lease,
                     base::BootTime now, Produced& out) {
  Queue& queue = queues_[task.shape];
  MOBULA_CHECK(queue.live > 0 && queue.tasks.front() == id);
  queue.tasks.PopFront();
  --queue.live;
  leases_.Push(lease, id, task.result, CostNs(task), now);
  SetState(task, State::kPushed, now);
  task.lease = &lease;
  base::RunTask run;
  run.task = id;
  run.result = task.result;
  run.attempt = task.attempt;
  run.function = functions_.id(task.function);
  run.args = task.args;
  if (functions_.by_name(task.function)) {
    run.called = functions_.name(task.function);
  }
  run.assigned = AssignedTo(task);
  run.scope = Travelling(task.scope.get(), task.deadline, now);
  out.SendTo(lease.worker, std::move(run));
}

void TaskTable::Pump(LeaseCache::Shape shape, base::BootTime now,
                     Produced& out) {
  const auto next = [&] { return FrontInTime(shape, now, out); };
  for (auto it = next(); it != tasks_.end(); it = next()) {
    LeaseCache::Lease* lease = leases_.Pick(shape, CostNs(it->second));
    if (lease == nullptr) break;
    Push(it->first, it->second, *lease, now, out);
  }
  Ask(shape, now, out);
}

void TaskTable::Refill(LeaseCache::Lease& lease, base::BootTime now,
                       Produced& out) {
  const LeaseCache::Shape shape = lease.shape;
  if (lease.loss.suspected()) {
    Look(lease, now, out);
    return;
  }
  if (lease.draining && LeaseCache::IsIdle(lease)) {
    leases_.Return(lease, false, out);
  } else {
    const auto next = [&] { return FrontInTime(shape, now, out); };
    for (auto it = next(); it != tasks_.end(); it = next()) {
      if (!LeaseCache::HasRoom(lease, CostNs(it->second))) break;
      Push(it->first, it->second, lease, now, out);
    }
  }
  Ask(shape, now, out);
}

void TaskTable::Ask(LeaseCache::Shape shape, base::BootTime now,
                    Produced& out) {
  Queue& queue = queues_[shape];
  static const std::string kNone;
  const auto it = Front(queue);
  const bool is_none = it == tasks_.end();
  leases_.Ask(shape, {queue.live, is_none ? 0 : PriorityOf(it->second)},
              is_none ? kNone : NameOf(it->second), now, out);
}

bool TaskTable::Retry(base::TaskId id, Task& task, base::BootTime now) {
  if (task.retries_max >= 0 && task.attempt > task.retries_max) return false;
  const base::Duration delay = backoff_.Next(task.attempt);
  ++task.attempt;
  if (delay == base::Duration::zero()) {
    Enqueue(id, task, true, now);
    return true;
  }
  SetState(task, State::kBackoff, now);
  task.lease = nullptr;
  task.retry_at = now + delay;
  retries_.Add(task.retry_at, id);
  return true;
}

void TaskTable::Settle(Tasks::iterator it, base::Outcome outcome,
                       Produced& out) {
  Task& task = it->second;
  deadlines_.Remove(task.deadline, it->first);
  retries_.Remove(task.retry_at, it->first);
  auto* const failure = std::get_if<Failure>(&outcome);
  if (failure != nullptr && task.scope != nullptr && failure->trace.IsNil()) {
    failure->trace = task.scope->trace;
  }
  out.Settle(task.result, std::move(outcome));
  out.settled.back().attempts = task.attempt;
  const LeaseCache::Shape shape = task.shape;
  counts_.Left(task.function, static_cast<std::size_t>(task.state));
  tasks_.erase(it);
  leases_.Unuse(shape);
}

void TaskTable::SettleValue(Tasks::iterator it, base::TaskDone& done,
                            Produced& out) {
  const Task& task = it->second;
  std::unique_ptr<const TaskSpec> spec;
  if (base::StoredIn(done.outcome) != nullptr) spec = SpecOf(task);
  Settle(it, std::move(done.outcome), out);
  Settled& settled = out.settled.back();
  settled.spec = std::move(spec);
  settled.digest = done.digest;
}

std::unique_ptr<const TaskSpec> TaskTable::SpecOf(const Task& task) const {
  auto spec = std::make_unique<TaskSpec>();
  spec->function = functions_.id(task.function);
  spec->function_name = functions_.name(task.function);
  if (task.name != nullptr) spec->name = *task.name;
  spec->retries_max = task.retries_max;
  spec->attempts = task.attempt;
  if (task.retries_max == 0) return spec;
  spec->resources = leases_.ResourcesOf(task.shape);
  spec->placement = leases_.PlacementOf(task.shape);
  spec->is_coroutine = leases_.IsCoroutine(task.shape);
  spec->retry_exceptions = task.retry_exceptions;
  spec->timeout = task.timeout;
  spec->args.reserve(task.args.size());
  for (const base::Value& arg : task.args) {
    if (arg.is_stored()) {
      // What is inside of it is its own affair.
      spec->args.push_back(base::Value::Stored(arg.name(), arg.extent()));
    } else {
      spec->args.emplace_back(base::Bytes::Own(std::string(arg.view())),
                              arg.refs());
    }
  }
  return spec;
}

void TaskTable::Fill(const Task& task, const LeaseCache::Lease* lease,
                     Failure& failure) const {
  if (failure.function.empty()) failure.function = NameOf(task);
  if (lease == nullptr) return;
  if (failure.node.empty()) failure.node = node_name_;
  if (failure.pid == 0) failure.pid = lease->pid;
  if (failure.attempt == 0) failure.attempt = task.attempt;
}

void TaskTable::Look(LeaseCache::Lease& lease, base::BootTime now,
                     Produced& out) {
  const LeaseCache::Shape shape = lease.shape;
  if (lease.loss.suspected() &&
      (LeaseCache::IsIdle(lease) || lease.loss.Decided(now))) {
    Evacuate(lease, lease.loss.failure(), now, out);
    if (lease.loss.told()) {
      leases_.Drop(lease);
    } else {
      leases_.Return(lease, true, out);
    }
    Pump(shape, now, out);
    return;
  }
  const base::Duration age = now - lease.head_since;
  if (LeaseCache::IsIdle(lease) &&
      now - lease.idle_since >= LeaseCache::kIdle) {
    leases_.Return(lease, false, out);
    return;
  }
  if (!lease.in_flight.empty() && !lease.loss.suspected()) {
    if (LeaseCache::IsOverdue(lease, now) && lease.aside.empty()) {
      EndWorker(lease, now, out);
      return;
    }
    if (lease.in_flight.size() > 1 && !lease.recalled &&
        age >= LeaseCache::kRecallAfter) {
      Recall(lease, out);
    }
    // It counts no more as one that serves.
    if (leases_.IsCoroutine(shape)) Ask(shape, now, out);
  }
  leases_.Recheck(lease, now);
}

void TaskTable::Recall(LeaseCache::Lease& lease, Produced& out) {
  lease.recalled = true;
  // Backwards, so that putting each at the front keeps their order.
  for (auto it = lease.in_flight.rbegin(); it + 1 != lease.in_flight.rend();
       ++it) {
    if (it->unwanted) continue;
    tasks_.find(it->task)->second.recalled = true;
    out.SendTo(lease.worker, base::CancelTask{it->task});
  }
}

void TaskTable::EndWorker(LeaseCache::Lease& lease, base::BootTime now,
                          Produced& out) {
  const LeaseCache::Shape shape = lease.shape;
  // By force, and its worker has not answered.
  const base::TaskId first = lease.in_flight.front().task;
  const auto it = tasks_.find(first);
  if (it != tasks_.end() && it->second.cancelled) {
    leases_.MarkUnwanted(lease, first, /*is_to_end=*/true);
    SettleCancelled(it, base::Executed::kMaybe, out);
  }
  if (LeaseCache::IsUnwanted(lease)) {
    for (const LeaseCache::InFlight& entry : lease.in_flight) {
      out.lost_attempts.push_back({lease.worker, entry.result});
    }
    leases_.Return(lease, true, out);
  } else {
    leases_.Discard(lease, now, out);
  }
  Pump(shape, now, out);
}

void TaskTable::Evacuate(LeaseCache::Lease& lease, const Failure& death,
                         base::BootTime now, Produced& out) {
  bool is_first = true;
  std::vector<base::TaskId> unstarted;
  std::vector<Tasks::iterator> charged;
  for (const auto& [id, entry] : lease.aside) {
    out.lost_attempts.push_back({lease.worker, entry.result});
    if (entry.unwanted) continue;
    const auto it = tasks_.find(id);
    MOBULA_CHECK(it != tasks_.end() && it->second.lease == &lease);
    Suspect(it->second, lease);
    if (it->second.cancelled) {
      SettleCancelled(it, base::Executed::kMaybe, out);
    } else {
      charged.push_back(it);
    }
  }
  for (const LeaseCache::InFlight& entry : lease.in_flight) {
    const bool ran = std::exchange(is_first, false);
    if (ran || !lease.loss.complete()) {
      out.lost_attempts.push_back({lease.worker, entry.result});
    }
    if (entry.unwanted) continue;
    const auto it = tasks_.find(entry.task);
    MOBULA_CHECK(it != tasks_.end() && it->second.lease == &lease);
    Suspect(it->second, lease);
    if (it->second.cancelled) {
      SettleCancelled(it, ran ? base::Executed::kMaybe : base::Executed::kNo,
                      out);
    } else if (ran) {
      charged.push_back(it);
    } else {
      unstarted.push_back(entry.task);
    }
  }
  for (auto id = unstarted.rbegin(); id != unstarted.rend(); ++id) {
    Enqueue(*id, tasks_.find(*id)->second, true, now);
  }
  lease.in_flight.clear();
  lease.aside.clear();
  lease.backlog_ns = 0;
  for (const Tasks::iterator it : charged) Charge(it, lease, death, now, out);
}

void TaskTable::Suspect(Task& task, const LeaseCache::Lease& lease) {
  // Coroutines would wait for one another if each were to run alone.
  task.suspect = !leases_.IsCoroutine(lease.shape);
  task.maybe_ran = task.maybe_ran || !lease.loss.complete();
}

void TaskTable::Charge(Tasks::iterator it, const LeaseCache::Lease& lease,
                       const Failure& death, base::BootTime now,
                       Produced& out) {
  Task& task = it->second;
  if (Retry(it->first, task, now)) return;
  Failure failure = death;
  failure.executed = base::Executed::kMaybe;
  Fill(task, &lease, failure);
  failure.function = NameOf(task);
  failure.attempt = task.attempt;
  Settle(it, std::move(failure), out);
}

void TaskTable::Tick(base::BootTime now, Produced& out) {
  while (const std::optional<base::TaskId> id = deadlines_.PopDue(now)) {
    TimeOut(*id, now, out);
  }
  while (const std::optional<base::TaskId> id = retries_.PopDue(now)) {
    Task& task = tasks_.find(*id)->second;
    task.retry_at = base::BootTime::Never();
    Enqueue(*id, task, true, now);
    Pump(task.shape, now, out);
  }
  while (LeaseCache::Lease* lease = leases_.PopCheck(now)) {
    Look(*lease, now, out);
  }
  while (const std::optional<LeaseCache::Shape> shape = leases_.ShapeDue(now)) {
    Ask(*shape, now, out);
  }
}

void TaskTable::TimeOut(base::TaskId id, base::BootTime now, Produced& out) {
  const auto it = tasks_.find(id);
  MOBULA_CHECK(it != tasks_.end());
  Task& task = it->second;
  task.deadline = base::BootTime::Never();
  const base::Executed ran = RanSoFar(task);
  Failure failure =
      task.cancelled ? CancelledFailure(ran) : TimeoutFailure(ran, "task");
  if (task.is_scoped && task.state == State::kPushed) {
    StopLate(it, std::move(failure), out);
  } else {
    Fail(id, std::move(failure), now, out);
  }
}

void TaskTable::StopLate(Tasks::iterator it, Failure failure, Produced& out) {
  LeaseCache::Lease& lease = *it->second.lease;
  const base::TaskId id = it->first;
  leases_.MarkUnwanted(lease, id, /*is_to_end=*/false);
  // It was told before, where it was cancelled.
  if (!lease.loss.suspected() && !it->second.cancelled) {
    out.SendTo(lease.worker, base::StopTask{id, /*recursive=*/true});
  }
  Fill(it->second, &lease, failure);
  Settle(it, std::move(failure), out);
}

// A task that was pushed and came back unstarted has certainly not run.
base::Executed TaskTable::RanSoFar(const Task& task) {
  return task.state == State::kPushed || RanBefore(task)
             ? base::Executed::kMaybe
             : base::Executed::kNo;
}

bool TaskTable::RanBefore(const Task& task) {
  return task.attempt > 1 || task.maybe_ran;
}

base::BootTime TaskTable::Next() const {
  return std::min({deadlines_.Next(), retries_.Next(), leases_.Next()});
}

void TaskTable::FailQueued(LeaseCache::Shape shape, const Failure& failure,
                           Produced& out) {
  Queue& queue = queues_[shape];
  for (auto it = Front(queue); it != tasks_.end(); it = Front(queue)) {
    queue.tasks.PopFront();
    --queue.live;
    Failure copy = failure;
    copy.executed = RanSoFar(it->second);
    copy.function = NameOf(it->second);
    if (copy.node.empty()) copy.node = node_name_;
    Settle(it, std::move(copy), out);
  }
}

void TaskTable::FailAll(const Failure& failure, Produced& out) {
  std::vector<base::TaskId> ids;
  ids.reserve(tasks_.size());
  for (const auto& [id, task] : tasks_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const base::TaskId id : ids) {
    const auto it = tasks_.find(id);
    const Task& task = it->second;
    if (task.state == State::kWaitingArgs) out.abandoned.push_back(id);
    Failure copy = failure;
    copy.executed = RanSoFar(task);
    Fill(task, task.lease, copy);
    Settle(it, std::move(copy), out);
  }
  for (Queue& queue : queues_) queue = Queue();
  leases_.Clear();
}

}  // namespace mobula::runtime

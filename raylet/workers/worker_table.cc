#include "raylet/workers/worker_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::raylet {

using base::BootTime;
using base::JobId;
using base::ProcessId;

WorkerTable::WorkerTable(Options options) : options_(options) {
  MOBULA_CHECK(options_.workers_max > 0);
  MOBULA_CHECK(options_.starting_max > 0);
  MOBULA_CHECK(options_.start_failures_max > 0);
}

void WorkerTable::AddJob(JobId job) { AddJob(job, options_.pool); }

void WorkerTable::AddJob(JobId job, std::size_t pool) {
  Job fresh;
  fresh.pool = pool;
  const bool added = jobs_.emplace(job, std::move(fresh)).second;
  MOBULA_CHECK(added);
}

void WorkerTable::RemoveJob(JobId job) {
  MOBULA_CHECK(JobAt(job).workers.empty());
  jobs_.erase(job);
}

Worker& WorkerTable::At(ProcessId process) {
  const auto found = workers_.find(process);
  MOBULA_CHECK(found != workers_.end());
  return found->second;
}

const WorkerTable::Job& WorkerTable::JobAt(JobId job) const {
  const auto found = jobs_.find(job);
  MOBULA_CHECK(found != jobs_.end());
  return found->second;
}

bool WorkerTable::MayStart(JobId job, BootTime now) const {
  if (workers_.size() >= options_.workers_max) return false;
  if (starting_ >= options_.starting_max) return false;
  return now >= JobAt(job).start_not_before;
}

void WorkerTable::Start(ProcessId process, JobId job, BootTime now) {
  MOBULA_CHECK(MayStart(job, now));
  Worker worker;
  worker.process = process;
  worker.job = job;
  worker.deadline = now + options_.start_timeout;
  const bool is_new = workers_.emplace(process, worker).second;
  MOBULA_CHECK(is_new);
  Job& of = jobs_.at(job);
  of.workers.insert(process);
  ++of.starting;
  ++starting_;
}

std::size_t WorkerTable::PoolLacks(JobId job) const {
  const Job& of = JobAt(job);
  if (of.given_up) return 0;
  std::size_t ready = of.starting + of.idle.size();
  for (const ProcessId process : of.workers) {
    const Worker& worker = workers_.at(process);
    if (worker.state != WorkerState::kLeased) continue;
    if (!worker.actor_host && !worker.blocked) ++ready;
  }
  return of.pool > ready ? of.pool - ready : 0;
}

void WorkerTable::Leave(Worker& worker) {
  Job& job = jobs_.at(worker.job);
  switch (worker.state) {
    case WorkerState::kStarting:
      MOBULA_CHECK(job.starting > 0 && starting_ > 0);
      --job.starting;
      --starting_;
      break;
    case WorkerState::kIdle:
      job.idle.erase(worker.idle_order);
      break;
    case WorkerState::kLeased:
      worker.actor_host = false;
      worker.blocked = false;
      break;
    case WorkerState::kRetiring:
    case WorkerState::kDying:
      MOBULA_CHECK(ending_ > 0);
      --ending_;
      break;
  }
  worker.deadline = BootTime::Never();
}

void WorkerTable::Registered(ProcessId process, BootTime now) {
  Worker& worker = At(process);
  MOBULA_CHECK(worker.state == WorkerState::kStarting);
  Job& job = jobs_.at(worker.job);
  job.start_failures = 0;
  job.given_up = false;
  job.start_not_before = BootTime();
  worker.registered = true;
  Release(process, now);
}

void WorkerTable::Lease(ProcessId process, bool for_actor) {
  Worker& worker = At(process);
  MOBULA_CHECK(worker.state == WorkerState::kIdle);
  Leave(worker);
  worker.state = WorkerState::kLeased;
  worker.actor_host = for_actor;
}

void WorkerTable::Release(ProcessId process, BootTime now) {
  Worker& worker = At(process);
  MOBULA_CHECK(worker.state == WorkerState::kStarting ||
               worker.state == WorkerState::kLeased);
  BecomeIdle(worker, now);
}

void WorkerTable::BecomeIdle(Worker& worker, BootTime now) {
  Leave(worker);
  worker.state = WorkerState::kIdle;
  worker.idle_since = now;
  worker.idle_order = next_idle_order_++;
  jobs_.at(worker.job).idle.emplace(worker.idle_order, worker.process);
}

void WorkerTable::NoteLate(ProcessId process) {
  Worker& worker = At(process);
  MOBULA_CHECK(worker.state == WorkerState::kStarting);
  worker.is_late = true;
}

void WorkerTable::SetBlocked(ProcessId process, bool blocked) {
  Worker& worker = At(process);
  MOBULA_CHECK(worker.state == WorkerState::kLeased);
  worker.blocked = blocked;
}

void WorkerTable::SetPid(ProcessId process, std::int32_t pid) {
  At(process).pid = pid;
}

void WorkerTable::Retire(ProcessId process, bool may_stay, BootTime now) {
  Worker& worker = At(process);
  MOBULA_CHECK(worker.registered && worker.state != WorkerState::kDying);
  if (worker.state == WorkerState::kRetiring) {
    worker.may_stay = worker.may_stay && may_stay;
    return;
  }
  Leave(worker);
  worker.may_stay = may_stay;
  worker.state = WorkerState::kRetiring;
  worker.deadline = now + options_.retire_grace;
  ++ending_;
}

void WorkerTable::Stay(ProcessId process, BootTime now) {
  Worker& worker = At(process);
  if (worker.state != WorkerState::kRetiring || !worker.may_stay) return;
  BecomeIdle(worker, now);
}

void WorkerTable::Kill(ProcessId process) {
  Worker& worker = At(process);
  if (worker.state == WorkerState::kDying) return;
  Leave(worker);
  worker.state = WorkerState::kDying;
  ++ending_;
}

void WorkerTable::ForgiveStart(ProcessId process) {
  At(process).counts_as_failed = false;
}

void WorkerTable::KeepIdle(ProcessId process, BootTime now) {
  Worker& worker = At(process);
  MOBULA_CHECK(worker.state == WorkerState::kIdle);
  worker.idle_since = now;
}

WorkerTable::Removed WorkerTable::Remove(ProcessId process, BootTime now) {
  Worker& worker = At(process);
  Leave(worker);
  Job& job = jobs_.at(worker.job);
  job.workers.erase(process);
  Removed removed;
  removed.worker = worker;
  workers_.erase(process);
  if (removed.worker.registered || !removed.worker.counts_as_failed) {
    return removed;
  }
  NoteStartFailure(job, now, removed);
  return removed;
}

void WorkerTable::NoteStartFailure(Job& job, BootTime now, Removed& removed) {
  removed.failed_to_start = true;
  base::Duration backoff = options_.start_backoff_min;
  for (int i = 0; i < job.start_failures; ++i) backoff *= 2;
  job.start_not_before = now + std::min(backoff, options_.start_backoff_max);
  if (++job.start_failures < options_.start_failures_max) return;
  job.start_failures = 0;
  job.given_up = true;
  removed.give_up = true;
}

const Worker* WorkerTable::Find(ProcessId process) const {
  const auto found = workers_.find(process);
  return found == workers_.end() ? nullptr : &found->second;
}

std::vector<ProcessId> WorkerTable::OfJob(JobId job) const {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return {};
  return {found->second.workers.begin(), found->second.workers.end()};
}

std::vector<ProcessId> WorkerTable::IdleOf(JobId job) const {
  std::vector<ProcessId> idle;
  const Job& of = JobAt(job);
  idle.reserve(of.idle.size());
  for (auto it = of.idle.rbegin(); it != of.idle.rend(); ++it) {
    idle.push_back(it->second);
  }
  return idle;
}

ProcessId WorkerTable::OldestIdleNotOf(JobId job) const {
  ProcessId oldest;
  std::uint64_t oldest_order = 0;
  for (const auto& [id, of] : jobs_) {
    if (id == job || of.idle.empty()) continue;
    const auto& [order, process] = *of.idle.begin();
    if (!oldest.IsNil() && order > oldest_order) continue;
    oldest = process;
    oldest_order = order;
  }
  return oldest;
}

std::vector<ProcessId> WorkerTable::Reapable(BootTime now) const {
  std::vector<ProcessId> reapable;
  for (const auto& [id, job] : jobs_) {
    std::size_t idle = job.idle.size();
    for (const auto& [order, process] : job.idle) {
      if (idle <= job.pool) break;
      if (workers_.at(process).idle_since + options_.idle_keep > now) continue;
      reapable.push_back(process);
      --idle;
    }
  }
  return reapable;
}

std::vector<ProcessId> WorkerTable::Overdue(BootTime now) const {
  std::vector<ProcessId> overdue;
  for (const auto& [process, worker] : workers_) {
    if (worker.deadline <= now) overdue.push_back(process);
  }
  return overdue;
}

std::size_t WorkerTable::SizeOfJob(JobId job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second.workers.size();
}

std::size_t WorkerTable::StartingOf(JobId job) const {
  return JobAt(job).starting;
}

BootTime WorkerTable::StartNotBefore(JobId job) const {
  return JobAt(job).start_not_before;
}

BootTime WorkerTable::NextDeadline() const {
  BootTime next = BootTime::Never();
  for (const auto& [process, worker] : workers_) {
    next = std::min(next, worker.deadline);
  }
  for (const auto& [id, job] : jobs_) {
    if (job.idle.size() <= job.pool) continue;
    for (const auto& [order, process] : job.idle) {
      next =
          std::min(next, workers_.at(process).idle_since + options_.idle_keep);
    }
  }
  return next;
}

void WorkerTable::CheckInvariants() const {
  MOBULA_CHECK(workers_.size() <= options_.workers_max);
  MOBULA_CHECK(starting_ <= options_.starting_max);
  std::size_t starting = 0;
  std::size_t ending = 0;
  for (const auto& [process, worker] : workers_) {
    const Job& job = JobAt(worker.job);
    MOBULA_CHECK(job.workers.contains(process));
    const bool idle = worker.state == WorkerState::kIdle;
    MOBULA_CHECK(idle == job.idle.contains(worker.idle_order));
    if (worker.state == WorkerState::kStarting) ++starting;
    if (worker.state == WorkerState::kRetiring) ++ending;
    if (worker.state == WorkerState::kDying) ++ending;
  }
  MOBULA_CHECK(starting == starting_);
  MOBULA_CHECK(ending == ending_);
  std::size_t workers = 0;
  std::size_t starting_of_jobs = 0;
  for (const auto& [id, job] : jobs_) {
    workers += job.workers.size();
    starting_of_jobs += job.starting;
  }
  MOBULA_CHECK(workers == workers_.size());
  MOBULA_CHECK(starting_of_jobs == starting_);
}

}  // namespace mobula::raylet

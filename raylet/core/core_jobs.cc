// The part of Core that begins and ends jobs and their workers.
#include <chrono>
#include <string>
#include <utility>

#include "base/check.h"
#include "raylet/core/core.h"

namespace mobula::raylet {

using base::Failure;

void Core::OnEndJob(ProcessId from, JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || found->second.driver != from) return;
  if (found->second.ended) {
    SendTo(from, base::JobEnded{job});
    return;
  }
  if (!found->second.ending) EndWorkersOf(job, /*at_once=*/false);
  FinishJobIfEmpty(job);
}

void Core::EndWorkersOf(JobId job, bool at_once) {
  Job& ending = jobs_.at(job);
  ending.ending = true;
  store_.JobGone(job, now_, *effects_);
  for (const base::NodeId host : ending.hosts) {
    Tell(host, base::EndJobThere{job});
  }
  for (const AfarLeases::Lease& lease : afar_.TakeOfJob(job)) {
    ledger_.RememberEnded(lease.owner, lease.request.lease);
  }
  for (const QueuedLease& request : queue_.TakeOfJob(job)) {
    ledger_.RememberEnded(request.owner, request.lease);
  }
  for (const ProcessId process : workers_.OfJob(job)) {
    if (const Lease* lease = ledger_.FindOfWorker(process)) {
      const Lease ended = ledger_.End(lease->lease);
      // On its node the job may go on.
      if (IsGuest(ended.owner)) {
        Failure failure;
        failure.code = base::FailureCode::kWorkerDied;
        failure.node = options_.node_name;
        failure.message = "its job has ended on node " + options_.node_name;
        SendTo(ended.owner,
               base::LeaseLost{ended.lease, process, std::move(failure)});
      }
    }
    if (at_once || !workers_.Find(process)->registered) {
      workers_.ForgiveStart(process);
      KillWorkerNow(process);
    } else {
      RetireWorker(process);
    }
  }
}

void Core::FinishJobIfEmpty(JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || !found->second.ending) return;
  if (workers_.SizeOfJob(job) > 0 || !found->second.hosts.empty()) return;
  if (found->second.driver_lost) {
    LoseGuestsOfJob(job);
    if (!found->second.home.IsNil()) {
      Tell(found->second.home, base::JobLeft{job});
    }
    queue_.RemoveJob(job);
    workers_.RemoveJob(job);
    const std::string program = found->second.program;
    jobs_.erase(found);
    ProgramLeft(program);
    return;
  }
  if (found->second.ended) return;
  found->second.ended = true;
  ControlLine::Out out;
  line_.JobOver(job, "", out);
  Flush(out);
  SendTo(found->second.driver, base::JobEnded{job});
}

void Core::OnPeerLost(ProcessId process) {
  const auto found = peers_.find(process);
  if (found == peers_.end()) {
    // A worker that lost its link before it registered serves nobody; it has
    // failed to start.
    if (workers_.Find(process) != nullptr) KillWorkerNow(process);
    NodeQuestions::Out questions;  // of a tool
    questions_.Gone(process, now_, questions);
    Flush(questions);
    return;
  }
  const Peer peer = found->second;
  if (!peer.node.IsNil()) return;  // it has no link
  peers_.erase(found);
  if (peer.role == base::Role::kDriver) {
    LoseDriver(process, peer.job, "its driver has ended");
    return;
  }
  ForgetProcess(process, jobs_.at(peer.job).ending);
  ReleaseOwner(process);
  LeaveNodes(process, /*job_over=*/false);
  const Worker* worker = workers_.Find(process);
  // A retiring one closes its link before its destructors run.
  if (worker != nullptr && worker->state != WorkerState::kRetiring) {
    KillWorkerNow(process);
  }
}

void Core::LoseDriver(ProcessId driver, JobId job, const std::string& cause) {
  ForgetProcess(driver, /*job_over=*/true);
  ReleaseOwner(driver);
  LeaveNodes(driver, /*job_over=*/true);
  Unlink(driver, ProcessId());
  jobs_.at(job).driver_lost = true;
  jobs_.at(job).awaiting_program.clear();
  ControlLine::Out out;
  line_.JobOver(job, cause, out);
  Flush(out);
  EndWorkersOf(job, /*at_once=*/true);
  FinishJobIfEmpty(job);
}

void Core::ReleaseOwner(ProcessId owner) {
  queue_.TakeOfOwner(owner);
  afar_.TakeOfOwner(owner);  // those nodes are told that it has left
  for (const LeaseId lease : ledger_.OwnedBy(owner)) {
    EndLease(lease, /*discard=*/true);
  }
  ledger_.ForgetOwner(owner);
}

void Core::OnWorkerStartFailed(const WorkerStartFailed& failed) {
  const Worker* known = workers_.Find(failed.process);
  if (known == nullptr) return;
  const JobId job = known->job;
  Failure failure =
      base::NotRun(base::FailureCode::kWorkerStart, failed.reason);
  OnWorkerExited(failed.process, failure);
  if (failed.is_program_lacking) OnProgramLacking(job, std::move(failure));
}

Failure Core::LateStart(Failure failure) const {
  const auto limit = std::chrono::duration_cast<std::chrono::seconds>(
      workers_.start_timeout());
  failure.message = "one did not serve " + std::to_string(limit.count()) +
                    " s after its start and was killed; is there a long "
                    "static initialisation, or MOBULA_WORKER_SETUP?";
  return failure;
}

void Core::OnWorkerExited(ProcessId process, const Failure& failure,
                          base::ActorId charged) {
  const Worker* known = workers_.Find(process);
  if (known == nullptr) return;
  store_.NoteDeath(process,
                   failure.message + ", pid " + std::to_string(failure.pid));
  ForgetProcess(process, jobs_.at(known->job).ending);
  ReleaseOwner(process);
  ProcessId told;
  if (const Lease* lease = ledger_.FindOfWorker(process)) {
    const Lease lost = ledger_.End(lease->lease);
    Failure story = failure;
    story.node = options_.node_name;
    told = lost.owner;
    SendTo(lost.owner,
           base::LeaseLost{lost.lease, process, std::move(story), charged});
  }
  LeaveNodes(process, /*job_over=*/false);
  Unlink(process, told);
  if (peers_.erase(process) > 0) effects_->push_back(ClosePeer{process});
  const WorkerTable::Removed removed = workers_.Remove(process, now_);
  if (removed.give_up) {
    RefuseWaiting(removed.worker.job,
                  removed.worker.is_late ? LateStart(failure) : failure);
  }
  FinishJobIfEmpty(removed.worker.job);
}

void Core::StartOne(JobId job) {
  const ProcessId process = ids_.Next<ProcessId>();
  workers_.Start(process, job, now_);
  // Filled in place: GCC 12 takes a moved-in string for uninitialised.
  auto& start = std::get<StartWorker>(
      effects_->emplace_back(std::in_place_type<StartWorker>));
  const Job& of = jobs_.at(job);
  start.process = process;
  start.job = job;
  if (of.driver.IsNil() || !of.home.IsNil()) start.program = of.program;
  if (!of.home.IsNil()) {
    start.driver = of.driver;
    start.driver_node = of.home;
    start.sources = SourcesOf(job);
    return;
  }
  if (of.driver.IsNil()) start.sources = SourcesOf(job);
  const auto output = jobs_.find(of.output);
  if (output != jobs_.end() && !output->second.driver_lost) {
    start.driver = output->second.driver;
  }
}

void Core::RetireWorker(ProcessId process, bool may_stay) {
  if (workers_.Find(process)->state == WorkerState::kDying) return;
  workers_.Retire(process, may_stay, now_);
  SendTo(process, base::Retire{may_stay});
}

void Core::KillWorkerNow(ProcessId process) {
  const Worker* worker = workers_.Find(process);
  MOBULA_CHECK(worker != nullptr);
  if (worker->state == WorkerState::kDying) return;
  workers_.Kill(process);
  effects_->push_back(KillWorker{process});
}

}  // namespace mobula::raylet

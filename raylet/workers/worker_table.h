// WorkerTable knows the worker processes of the node and what each is for.
//
//   Starting --Registered--> Idle --Lease--> Leased --Release--> Idle
//   any --Retire--> Retiring (asked to end; killed after retire_grace)
//   Retiring --Stay, where that was left to it--> Idle
//   any --Kill--> Dying --Remove--> gone             Remove from any state
//
// A worker belongs to one job for its whole life. A job keeps `pool` workers
// ready; idle ones beyond that end after idle_keep. Starts are paced: at most
// starting_max at once, workers_max in all, and after one that failed the next
// of that job waits. start_failures_max failures in a row give the job up
// until somebody asks anew.
// Owner: raylet::Core.   Threading: none; runs on its owner's strand.
// Invariants: (1) workers <= workers_max, starting <= starting_max; (2) the
// counts of a job are those of its workers; (3) ids are never reused.
// Failure: none; what makes no sense is a CHECK.
#ifndef MOBULA_RAYLET_WORKERS_WORKER_TABLE_H_
#define MOBULA_RAYLET_WORKERS_WORKER_TABLE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"

namespace mobula::raylet {

enum class WorkerState : std::uint8_t {
  kStarting,
  kIdle,
  kLeased,
  kRetiring,
  kDying,
};

struct Worker {
  base::ProcessId process;
  base::JobId job;
  WorkerState state = WorkerState::kStarting;
  bool registered = false;
  bool actor_host = false;       // its lease is an actor's
  bool blocked = false;          // its task waits
  bool counts_as_failed = true;  // if it ends before it has registered
  bool may_stay = false;         // retiring: it may say that it is needed
  bool is_late = false;          // it was starting for too long
  std::int32_t pid = 0;
  // Starting: given up then. Retiring: killed then.
  base::BootTime deadline = base::BootTime::Never();
  base::BootTime idle_since;
  std::uint64_t idle_order = 0;
};

class WorkerTable {
 public:
  struct Options {
    std::size_t workers_max = 64;
    std::size_t starting_max = 1;
    std::size_t pool = 1;
    base::Duration idle_keep = std::chrono::seconds(10);
    base::Duration start_timeout = std::chrono::seconds(60);
    base::Duration retire_grace = std::chrono::seconds(2);
    base::Duration start_backoff_min = std::chrono::milliseconds(20);
    base::Duration start_backoff_max = std::chrono::seconds(5);
    int start_failures_max = 3;
  };

  explicit WorkerTable(Options options);

  // With the pool of the options, or one of its own.
  void AddJob(base::JobId job);
  void AddJob(base::JobId job, std::size_t pool);
  void RemoveJob(base::JobId job);  // CHECKs: no worker of it is left

  // Whether the job may start one more worker now.
  [[nodiscard]] bool MayStart(base::JobId job, base::BootTime now) const;
  // CHECKs: MayStart.
  void Start(base::ProcessId process, base::JobId job, base::BootTime now);
  // How many more workers the job's pool lacks; 0 once it was given up.
  [[nodiscard]] std::size_t PoolLacks(base::JobId job) const;

  // The worker has said who it is: it is idle. CHECKs: it is starting.
  void Registered(base::ProcessId process, base::BootTime now);
  void Lease(base::ProcessId process, bool for_actor);
  void Release(base::ProcessId process, base::BootTime now);
  void SetBlocked(base::ProcessId process, bool blocked);
  void SetPid(base::ProcessId process, std::int32_t pid);
  // Asked to end; it has retire_grace to do so, or to say that it stays. What
  // was asked without that choice is not taken back by Stay.
  void Retire(base::ProcessId process, bool may_stay, base::BootTime now);
  // It is idle again, if that was left to it.
  void Stay(base::ProcessId process, base::BootTime now);
  // SIGKILL is on its way.
  void Kill(base::ProcessId process);
  // It has been starting for too long, and is to be killed.
  void NoteLate(base::ProcessId process);
  // It does not count as one that failed to start: we ended it.
  void ForgiveStart(base::ProcessId process);
  // Puts off its being reaped.
  void KeepIdle(base::ProcessId process, base::BootTime now);

  struct Removed {
    Worker worker;
    bool failed_to_start = false;
    bool give_up = false;  // one failure too many: refuse who waits
  };
  // Its process is gone. CHECKs: it is in the table.
  Removed Remove(base::ProcessId process, base::BootTime now);

  [[nodiscard]] const Worker* Find(base::ProcessId process) const;
  [[nodiscard]] std::vector<base::ProcessId> OfJob(base::JobId job) const;
  // Idle workers of a job, the one that was used last first.
  [[nodiscard]] std::vector<base::ProcessId> IdleOf(base::JobId job) const;
  // The idle worker of another job that has waited longest; nil if none.
  [[nodiscard]] base::ProcessId OldestIdleNotOf(base::JobId job) const;
  // Idle beyond the pool for too long.
  [[nodiscard]] std::vector<base::ProcessId> Reapable(base::BootTime now) const;
  // Starting or retiring for too long.
  [[nodiscard]] std::vector<base::ProcessId> Overdue(base::BootTime now) const;

  [[nodiscard]] std::size_t size() const { return workers_.size(); }
  [[nodiscard]] std::size_t SizeOfJob(base::JobId job) const;
  [[nodiscard]] std::size_t StartingOf(base::JobId job) const;
  [[nodiscard]] std::size_t ending() const { return ending_; }
  [[nodiscard]] std::size_t workers_max() const { return options_.workers_max; }
  [[nodiscard]] base::Duration start_timeout() const {
    return options_.start_timeout;
  }
  // Before this moment the job starts no worker.
  [[nodiscard]] base::BootTime StartNotBefore(base::JobId job) const;
  // The next moment at which something is overdue or reapable.
  [[nodiscard]] base::BootTime NextDeadline() const;
  // CHECKs the invariants.
  void CheckInvariants() const;

 private:
  struct Job {
    std::size_t pool = 0;
    std::set<base::ProcessId> workers;
    std::size_t starting = 0;
    std::map<std::uint64_t, base::ProcessId> idle;  // by idle_order
    int start_failures = 0;
    bool given_up = false;
    base::BootTime start_not_before;
  };

  Worker& At(base::ProcessId process);
  [[nodiscard]] const Job& JobAt(base::JobId job) const;
  void Leave(Worker& worker);  // takes it out of its state's counts
  void BecomeIdle(Worker& worker, base::BootTime now);
  void NoteStartFailure(Job& job, base::BootTime now, Removed& removed);

  const Options options_;
  std::map<base::ProcessId, Worker> workers_;
  std::map<base::JobId, Job> jobs_;
  std::size_t starting_ = 0;
  std::size_t ending_ = 0;  // retiring and dying
  std::uint64_t next_idle_order_ = 1;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_WORKERS_WORKER_TABLE_H_

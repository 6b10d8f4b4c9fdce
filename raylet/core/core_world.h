// World is a core under test: the effects that it had, and shorthands for what
// happens to it. After each event the core's invariants are checked.
// Threading: none; tests only.
#ifndef MOBULA_RAYLET_CORE_CORE_WORLD_H_
#define MOBULA_RAYLET_CORE_CORE_WORLD_H_

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "raylet/core/core.h"

namespace mobula::raylet::test {

using base::BootTime;
using base::FailureCode;
using base::JobId;
using base::LeaseId;
using base::ProcessId;
using base::ResourceVector;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr ProcessId kSelf{1, 1};
inline constexpr ProcessId kDriver{2, 1};
inline constexpr JobId kJob{3, 1};

inline BootTime At(base::Duration since) {
  return BootTime::FromSinceBoot(since);
}

inline Core::Options OptionsFor(double cpus) {
  Core::Options options;
  options.self = kSelf;
  options.node = base::NodeId{4, 1};
  options.node_name = "here";
  options.total = ResourceVector::Cpus(cpus).With("gpu", 2);
  options.workers = Core::WorkerOptionsFor(cpus);
  return options;
}

// A core, the effects it had, and shorthands for what happens to it.
class World {
 public:
  explicit World(Core::Options options, base::IdSource ids = base::IdSource(9))
      : core(std::move(options), ids) {}

  Effects Do(const Event& event) {
    Effects effects;
    core.Step(event, now, effects);
    core.CheckInvariants();
    for (const Effect& effect : effects) Note(effect);
    return effects;
  }
  Effects Say(ProcessId from, base::Message message) {
    return Do(Received{from, std::move(message)});
  }
  Effects AddDriver(ProcessId driver = kDriver, JobId job = kJob,
                    int weight = 1) {
    base::Register m;
    m.process = driver;
    m.role = base::Role::kDriver;
    m.job = job;
    m.weight = weight;
    return Say(driver, m);
  }
  Effects RegisterWorker(ProcessId worker) {
    base::Register m;
    m.process = worker;
    m.job = job_of.at(worker);
    m.pid = 100;
    return Say(worker, m);
  }
  // Registers every worker that was started and not yet registered.
  void RegisterAll() {
    while (!starting.empty()) {
      const ProcessId worker = *starting.begin();
      starting.erase(starting.begin());
      Do(WorkerStarted{worker, 50});
      RegisterWorker(worker);
    }
  }
  LeaseId Ask(ResourceVector shape, bool for_actor = false,
              ProcessId from = kDriver, JobId job = kJob) {
    const LeaseId lease{5, ++leases_made};
    Say(from, base::RequestLease{lease, job, std::move(shape), for_actor, ""});
    return lease;
  }
  Effects Exit(ProcessId worker, int exit_code = 1) {
    base::Failure failure;
    failure.code = FailureCode::kWorkerDied;
    failure.exit_code = exit_code;
    failure.log_tail = {"last words"};
    starting.erase(worker);
    return Do(WorkerExited{worker, failure});
  }
  [[nodiscard]] std::optional<ProcessId> WorkerOf(LeaseId lease) const {
    const auto found = granted.find(lease);
    if (found == granted.end()) return std::nullopt;
    return found->second;
  }

  BootTime now = At(seconds(1));
  Core core;
  std::set<ProcessId> starting;
  std::set<ProcessId> killed;
  std::map<ProcessId, JobId> job_of;
  std::map<LeaseId, ProcessId> granted;
  std::map<LeaseId, base::Failure> refused;
  std::map<LeaseId, base::Failure> lost;
  std::vector<Send> sent;
  std::vector<std::pair<ProcessId, ProcessId>> connects;
  BootTime timer = BootTime::Never();
  std::uint64_t leases_made = 0;
  std::vector<base::ControlMessage> told;  // to the control store
  int needs = 0;
  std::vector<std::string> leaves;
  std::vector<JobId> keeps;
  std::vector<std::set<std::string>> forgets;
  std::map<ProcessId, StartWorker> starts;
  std::set<ProcessId> closed;

  template <class M>
  [[nodiscard]] std::vector<M> Told() const {
    std::vector<M> found;
    for (const base::ControlMessage& message : told) {
      if (const M* m = std::get_if<M>(&message)) found.push_back(*m);
    }
    return found;
  }
  Effects StoreSays(base::ControlMessage message) {
    return Do(ControlSaid{std::move(message)});
  }

  template <class M>
  [[nodiscard]] std::vector<std::pair<ProcessId, M>> Sent() const {
    std::vector<std::pair<ProcessId, M>> found;
    for (const Send& send : sent) {
      if (const M* m = std::get_if<M>(&send.message)) {
        found.emplace_back(send.to, *m);
      }
    }
    return found;
  }

 private:
  void Note(const Effect& effect) {
    if (const auto* start = std::get_if<StartWorker>(&effect)) {
      starting.insert(start->process);
      starts[start->process] = *start;
      job_of[start->process] = start->job;
    } else if (const auto* kill = std::get_if<KillWorker>(&effect)) {
      killed.insert(kill->process);
      starting.erase(kill->process);
    } else if (const auto* connect = std::get_if<Connect>(&effect)) {
      connects.emplace_back(connect->a, connect->b);
    } else if (const auto* set = std::get_if<SetTimer>(&effect)) {
      timer = set->at;
    } else if (const auto* tell = std::get_if<TellControl>(&effect)) {
      told.push_back(tell->message);
    } else if (std::holds_alternative<NeedControl>(effect)) {
      ++needs;
    } else if (const auto* leave = std::get_if<LeaveCluster>(&effect)) {
      leaves.push_back(leave->reason);
    } else if (const auto* keep = std::get_if<KeepProgram>(&effect)) {
      keeps.push_back(keep->job);
    } else if (const auto* forget = std::get_if<ForgetPrograms>(&effect)) {
      forgets.push_back(forget->needed);
    } else if (const auto* close = std::get_if<ClosePeer>(&effect)) {
      closed.insert(close->process);
    } else if (const auto* send = std::get_if<Send>(&effect)) {
      NoteSend(*send);
    }
  }
  void NoteSend(const Send& send) {
    sent.push_back(send);
    if (const auto* m = std::get_if<base::LeaseGranted>(&send.message)) {
      granted[m->lease] = m->worker;
    } else if (const auto* m = std::get_if<base::LeaseRefused>(&send.message)) {
      refused[m->lease] = m->failure;
    } else if (const auto* m = std::get_if<base::LeaseLost>(&send.message)) {
      lost[m->lease] = m->failure;
    }
  }
};

}  // namespace mobula::raylet::test

#endif  // MOBULA_RAYLET_CORE_CORE_WORLD_H_

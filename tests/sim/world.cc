#include "tests/sim/world.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "tests/sim/oracle.h"

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr base::ProcessId kRaylet{1, 1};
constexpr std::uint64_t kDriverMaker = 8;
// What is promised once nothing goes wrong any more.
constexpr base::Duration kHealedBound = seconds(30);
constexpr base::Duration kSettlingBound = seconds(30);
constexpr std::int32_t kCrash = 11;  // SIGSEGV
constexpr std::size_t kHangsPrinted = 5;
constexpr base::Duration kEndingBound = seconds(5);

}  // namespace

World::World(const SwarmOptions& options, Plant plant, std::ostream* out)
    : options_(options),
      rng_(options.seed ^ 0x5EED),
      fault_rng_(rng_.Fork()),
      trace_(out),
      plants_(plant, rng_.Fork()),
      network_(options_.network, rng_.Fork(), queue_, counts_),
      link_context_{queue_, network_, verdict_, plants_, options_.encode} {
  raylet_ = std::make_unique<RayletProcess>(kRaylet, *this);
  StartDrivers();
  Enter(Phase::kFaulty, options_.faults_end);
  ScheduleKill();
  ScheduleCut();
  SchedulePause();
  const ProcessOptions& faults = options_.processes;
  if (faults.kill_driver) {
    effects_until_driver_kill_ = fault_rng_.Between(10, 600);
  }
  if (faults.kill_raylet) {
    effects_until_raylet_kill_ = fault_rng_.Between(20, 400);
  }
}

World::~World() = default;

void World::StartDrivers() {
  const WorkloadOptions& work = options_.workload;
  for (int i = 0; i < work.drivers; ++i) {
    RuntimeProcess::Options options;
    options.id =
        base::ProcessId{kDriverMaker, static_cast<std::uint64_t>(i) + 1};
    options.role = base::Role::kDriver;
    options.job = base::JobId{1, static_cast<std::uint64_t>(i) + 1};
    options.raylet = kRaylet;
    options.weight = static_cast<std::int32_t>(rng_.Between(1, 3));
    options.operations = work.operations / work.drivers;
    auto driver = std::make_unique<RuntimeProcess>(options, *this);
    Link(*driver, *raylet_);
    raylet_->FindLink(options.id)->Open(kRaylet);
    RuntimeProcess* begun = driver.get();
    drivers_.push_back(begun);
    processes_.emplace(options.id, std::move(driver));
    begun->After(rng_.Within(microseconds(0), milliseconds(2)),
                 [begun] { begun->Begin(); });
  }
}

Report World::Run() {
  while (phase_ != Phase::kOver && queue_.RunNext()) {
    if (!verdict_.violations().empty()) break;
    Advance();
  }
  Report report;
  report.events = queue_.events_run();
  report.tasks = ledger_.settled();
  report.runs = ledger_.executions().size();
  report.faults = counts_;
  report.trace_hash = trace_.hash();
  report.violations = verdict_.violations();
  return report;
}

// ---- processes --------------------------------------------------------------

Process* World::Find(base::ProcessId process) {
  if (process == kRaylet) return raylet_.get();
  const auto found = processes_.find(process);
  return found == processes_.end() ? nullptr : found->second.get();
}

void World::Link(Process& a, Process& b) {
  auto link = std::make_shared<SimLink>(link_context_, a, b);
  a.AddLink(b.id(), link);
  b.AddLink(a.id(), std::move(link));
}

void World::Connect(base::ProcessId a, base::ProcessId b) {
  Process* const one = Find(a);
  Process* const other = Find(b);
  MOBULA_CHECK(one != nullptr && other != nullptr);
  Link(*one, *other);
  // The socket's end dies on its way to a process that is dead.
  if (!one->alive()) one->CloseLink(b);
  if (!other->alive()) other->CloseLink(a);
}

void World::StartWorker(base::ProcessId process, base::JobId job) {
  RuntimeProcess::Options options;
  options.id = process;
  options.job = job;
  options.raylet = kRaylet;
  auto made = std::make_unique<RuntimeProcess>(options, *this);
  RuntimeProcess* worker = made.get();
  MOBULA_CHECK(processes_.emplace(process, std::move(made)).second);
  Link(*worker, *raylet_);
  raylet_->FindLink(process)->Open(kRaylet);
  const bool fails =
      faulty() && fault_rng_.Chance(options_.processes.start_failure);
  queue_.After(rng_.Within(microseconds(0), microseconds(500)),
               [this, worker, fails] {
                 if (!worker->alive()) return;
                 if (!fails) {
                   Boot(*worker);
                   return;
                 }
                 ++counts_.start_failures;
                 worker->End();
                 raylet_->Turn([this, worker] {
                   raylet_->Post(raylet::WorkerStartFailed{
                       worker->id(), "no memory for a process"});
                 });
               });
}

void World::Boot(RuntimeProcess& worker) {
  raylet_->Turn([this, &worker] {
    raylet_->Post(raylet::WorkerStarted{worker.id(), worker.pid()});
  });
  const base::Duration delay =
      rng_.LogNormal(options_.processes.start_delay_median, 0.3) +
      plants_.Unseeded();
  const bool ends =
      faulty() && fault_rng_.Chance(options_.processes.early_exit);
  worker.After(delay, [this, &worker, ends] {
    if (!ends) {
      worker.Begin();
      return;
    }
    ++counts_.start_failures;
    EndProcess(worker.id(), Death{0, 1});
  });
}

void World::EndProcess(base::ProcessId process, Death death) {
  Process* const ended = Find(process);
  if (ended == nullptr || !ended->alive()) return;
  trace_.Note(queue_.now(), process, "ends", death);
  base::Duration hold(0);
  if (faulty() && ended->role() == base::Role::kWorker &&
      fault_rng_.Chance(options_.processes.late_eof)) {
    hold = fault_rng_.Within(milliseconds(1), seconds(2));
  }
  ended->End(hold);
  ledger_.LoseProcess(process);
  // What user code does to itself goes on; it is waited for.
  if (phase_ == Phase::kHealed && death.signal == kCrash) {
    Enter(Phase::kHealed, kHealedBound + OwnTime());
  }
  if (ended->role() == base::Role::kWorker) Reap(process, death);
  if (ended->role() != base::Role::kRaylet) return;
  // The janitor ends what does not end by itself.
  for (const auto& [id, worker] : processes_) {
    if (worker->role() != base::Role::kWorker || !worker->alive()) continue;
    queue_.After(rng_.Within(microseconds(0), milliseconds(1000)),
                 [this, id = id] { EndProcess(id, Death{9, 0}); });
  }
}

// The raylet hears of it when it has read what the worker wrote, which is
// before or after the end of the link.
void World::Reap(base::ProcessId process, Death death) {
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.pid = Find(process)->pid();
  failure.signal = death.signal;
  failure.exit_code = death.exit_code;
  failure.log_tail = {"last words"};
  queue_.After(rng_.Within(microseconds(10), milliseconds(5)),
               [this, process, failure = std::move(failure)] {
                 raylet_->Turn([this, process, failure] {
                   raylet_->Post(raylet::WorkerExited{process, failure});
                 });
               });
}

// ---- faults -----------------------------------------------------------------

bool World::DiesHere(const Process& process) {
  if (!faulty()) return false;
  if (process.role() == base::Role::kDriver) {
    if (effects_until_driver_kill_ < 0) return false;
    if (--effects_until_driver_kill_ > 0) return false;
    effects_until_driver_kill_ = -1;
    ++counts_.kills;
    return true;
  }
  if (process.role() == base::Role::kRaylet) {
    if (effects_until_raylet_kill_ < 0) return false;
    if (--effects_until_raylet_kill_ > 0) return false;
    effects_until_raylet_kill_ = -1;
    ++counts_.kills;
    return true;
  }
  if (options_.processes.effects_per_kill <= 0) return false;
  effects_until_kill_ -= 1;
  if (effects_until_kill_ > 0) return false;
  ScheduleKill();
  if (counts_.kills >=
      static_cast<std::uint64_t>(options_.processes.kills_max)) {
    return false;
  }
  if (fault_rng_.Chance(0.5)) {
    ++counts_.kills;
    return true;
  }
  // Or any worker at some moment soon, whatever it does then.
  queue_.After(
      fault_rng_.Within(microseconds(0), 3 * options_.workload.run_median),
      [this] { KillSomeWorker(); });
  return false;
}

void World::ScheduleKill() {
  effects_until_kill_ =
      1 + fault_rng_.Exponential(options_.processes.effects_per_kill);
}

void World::KillSomeWorker() {
  if (!faulty()) return;
  RuntimeProcess* const victim = DrawProcess(base::Role::kWorker);
  if (victim == nullptr) return;
  ++counts_.kills;
  EndProcess(victim->id(), Death{9, 0});
}

RuntimeProcess* World::DrawProcess(base::Role role) {
  std::vector<RuntimeProcess*> choices;
  for (const auto& [id, process] : processes_) {
    if (process->alive() && process->role() == role) {
      choices.push_back(process.get());
    }
  }
  if (choices.empty()) return nullptr;
  return choices[fault_rng_.Below(choices.size())];
}

void World::ScheduleCut() {
  const NetworkOptions& faults = options_.network;
  if (faults.cut_interval == base::Duration(0)) return;
  queue_.After(
      fault_rng_.Within(base::Duration(0), 2 * faults.cut_interval), [this] {
        if (!faulty()) return;
        RuntimeProcess* const victim = DrawProcess(
            fault_rng_.Chance(0.3) ? base::Role::kDriver : base::Role::kWorker);
        if (victim != nullptr && !victim->links().empty()) {
          const auto& links = victim->links();
          const auto chosen = std::next(
              links.begin(),
              static_cast<std::ptrdiff_t>(fault_rng_.Below(links.size())));
          chosen->second->Cut(
              fault_rng_.Chance(0.5) ? victim->id() : chosen->first,
              fault_rng_.Within(base::Duration(0),
                                options_.network.cut_length_max));
        }
        ScheduleCut();
      });
}

void World::SchedulePause() {
  const ProcessOptions& faults = options_.processes;
  if (faults.pause_interval == base::Duration(0)) return;
  queue_.After(
      fault_rng_.Within(base::Duration(0), 2 * faults.pause_interval), [this] {
        if (!faulty()) return;
        const bool is_driver = fault_rng_.Chance(0.2);
        Process* victim =
            DrawProcess(is_driver ? base::Role::kDriver : base::Role::kWorker);
        if (fault_rng_.Chance(0.1)) victim = raylet_.get();
        if (victim != nullptr) {
          ++counts_.pauses;
          victim->Pause(fault_rng_.Within(base::Duration(0),
                                          options_.processes.pause_length_max));
        }
        SchedulePause();
      });
}

// ---- phases -----------------------------------------------------------------

void World::Enter(Phase phase, base::Duration bound) {
  phase_ = phase;
  began_ = queue_.now();
  deadline_ = queue_.now() + bound;
  // So that the deadline is looked at when nothing else happens.
  queue_.At(deadline_, [] {});
}

bool World::ProgramsOver() const {
  return std::all_of(drivers_.begin(), drivers_.end(),
                     [](const RuntimeProcess* driver) {
                       return !driver->alive() || driver->idle();
                     });
}

// Everything that was granted has come back, every ref was let go.
bool World::IsSettled() const {
  if (raylet_->alive() && !raylet_->quiet()) return false;
  return std::all_of(
      processes_.begin(), processes_.end(), [](const auto& item) {
        return !item.second->alive() || item.second->Leftovers().empty();
      });
}

bool World::IsGone() const {
  if (raylet_->alive() && !raylet_->empty()) return false;
  return std::none_of(processes_.begin(), processes_.end(),
                      [](const auto& item) { return item.second->alive(); });
}

void World::Advance() {
  const bool is_late = queue_.now() >= deadline_;
  if (phase_ == Phase::kFaulty) {
    if (is_late || ProgramsOver()) Heal();
  } else if (phase_ == Phase::kHealed && ProgramsOver()) {
    Enter(Phase::kSettling, kSettlingBound);
  } else if (phase_ == Phase::kSettling && IsSettled()) {
    CheckOutcomes();
    Enter(Phase::kEnding, kEndingBound);
    for (RuntimeProcess* driver : drivers_) {
      if (!driver->alive()) continue;
      if (raylet_->alive()) {
        driver->EndJob();
      } else {
        EndProcess(driver->id(), {});
      }
    }
  } else if (phase_ == Phase::kEnding) {
    if (is_late || IsGone()) {
      CheckEnd();
      phase_ = Phase::kOver;
    }
  } else if (is_late) {
    Overdue();
  }
}

void World::Heal() {
  trace_.Note(queue_.now(), kRaylet, "heals", counts_);
  network_.Heal();
  Enter(Phase::kHealed, kHealedBound + OwnTime());
}

// How long the functions themselves may still run, one after the other. What
// crashes its process makes its actor, or itself, wait before the next try.
base::Duration World::OwnTime() const {
  constexpr base::Duration kBackoffMax = seconds(10);
  base::Duration time(0);
  for (const Operation& operation : ledger_.operations()) {
    if (operation.outcome.has_value()) continue;
    time += 5 * operation.behaviour.run;
    if (operation.behaviour.crashes) {
      time += (operation.retries_max + 1) * kBackoffMax;
    }
  }
  return time;
}

void World::Overdue() {
  if (phase_ == Phase::kSettling) {
    OverdueSettling();
    return;
  }
  for (OpIndex i = 0; i < ledger_.operations().size(); ++i) {
    const Operation& operation = ledger_.operations()[i];
    if (verdict_.violations().size() < kHangsPrinted && operation.watched &&
        !operation.outcome.has_value() && Find(operation.owner)->alive()) {
      verdict_.Violate("I10",
                       "after healing, " + ledger_.Describe(i) +
                           " has no outcome; raylet: " + raylet_->Describe());
    }
  }
  if (verdict_.violations().empty()) {
    verdict_.Violate("I10", "after healing, a program does not end");
  }
}

void World::OverdueSettling() {
  for (const auto& [id, process] : processes_) {
    if (!process->alive()) continue;
    const std::string leftovers = process->Leftovers();
    if (!leftovers.empty()) {
      verdict_.Violate(
          "I6", "process " + id.ToString() + " still holds " + leftovers);
    }
  }
  if (raylet_->alive() && !raylet_->quiet()) {
    verdict_.Violate("I5", "not all comes back: " + raylet_->Describe());
  }
}

// At quiescence, before the jobs end and take everything with them.
void World::CheckOutcomes() {
  Oracle oracle(ledger_, verdict_,
                {counts_.start_failures > 0 || counts_.kills > 0,
                 !raylet_->alive(), raylet_->worker_cap_reached()});
  for (const auto& [id, process] : processes_) {
    if (process->alive()) oracle.CheckProcess(id);
  }
}

void World::CheckEnd() {
  for (const auto& [id, process] : processes_) {
    if (!process->alive()) continue;
    verdict_.Violate("I12", "process " + id.ToString() + " outlives its job");
  }
  if (raylet_->alive() && !raylet_->empty()) {
    verdict_.Violate("I12", "the raylet still holds " + raylet_->Describe());
  }
}

}  // namespace mobula::sim

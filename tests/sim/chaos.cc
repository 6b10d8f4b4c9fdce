#include "tests/sim/chaos.h"

#include <chrono>
#include <iterator>

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Chaos::Chaos(const SwarmOptions& options, Rng rng, const Context& context)
    : options_(options), rng_(rng), context_(context) {}

void Chaos::Begin(Victims& victims) {
  victims_ = &victims;
  ScheduleKill();
  ScheduleCut();
  SchedulePause();
  const ProcessOptions& faults = options_.processes;
  if (faults.kill_driver) effects_until_driver_kill_ = rng_.Between(10, 600);
  if (faults.kill_raylet) effects_until_raylet_kill_ = rng_.Between(20, 400);
  if (!options_.control.on) return;
  ScheduleRayletKill();
  ScheduleStoreKill();
  ScheduleLineFault();
}

// ---- deaths -----------------------------------------------------------------

bool Chaos::DiesHere(const Process& process) {
  if (!on_) return false;
  switch (process.role()) {
    case base::Role::kDriver:
      return DriverDies();
    case base::Role::kRaylet:
      return RayletDies();
    case base::Role::kWorker:
      return WorkerDies();
    case base::Role::kTool:
      return StoreDies();
  }
  return false;
}

bool Chaos::DriverDies() {
  if (effects_until_driver_kill_ < 0) return false;
  if (--effects_until_driver_kill_ > 0) return false;
  effects_until_driver_kill_ = -1;
  ++context_.counts.kills;
  return true;
}

bool Chaos::RayletDies() {
  if (effects_until_raylet_kill_ < 0) return false;
  if (--effects_until_raylet_kill_ > 0) return false;
  effects_until_raylet_kill_ = -1;
  ++context_.counts.kills;
  if (options_.control.on) ScheduleRayletKill();
  return true;
}

void Chaos::ScheduleRayletKill() {
  if (raylet_kills_ >= options_.control.raylet_kills_max) return;
  ++raylet_kills_;
  effects_until_raylet_kill_ = rng_.Between(20, 600);
}

bool Chaos::StoreDies() {
  if (effects_until_store_kill_ <= 0) return false;
  effects_until_store_kill_ -= 1;
  if (effects_until_store_kill_ > 0) return false;
  ScheduleStoreKill();
  ++context_.counts.kills;
  return true;
}

void Chaos::ScheduleStoreKill() {
  const ControlOptions& faults = options_.control;
  if (faults.effects_per_kill <= 0 || store_kills_ >= faults.kills_max) return;
  ++store_kills_;
  effects_until_store_kill_ = 1 + rng_.Exponential(faults.effects_per_kill);
}

bool Chaos::WorkerDies() {
  if (options_.processes.effects_per_kill <= 0) return false;
  effects_until_kill_ -= 1;
  if (effects_until_kill_ > 0) return false;
  ScheduleKill();
  const int kills_max = options_.processes.kills_max;
  if (worker_kills_ >= static_cast<std::uint64_t>(kills_max)) return false;
  if (rng_.Chance(0.5)) {
    ++worker_kills_;
    ++context_.counts.kills;
    return true;
  }
  // Or any worker at some moment soon, whatever it does then.
  context_.queue.After(
      rng_.Within(microseconds(0), 3 * options_.workload.run_median),
      [this] { KillSomeWorker(); });
  return false;
}

void Chaos::ScheduleKill() {
  effects_until_kill_ =
      1 + rng_.Exponential(options_.processes.effects_per_kill);
}

void Chaos::KillSomeWorker() {
  if (!on_) return;
  Process* const victim = Draw(base::Role::kWorker);
  if (victim == nullptr) return;
  ++worker_kills_;
  ++context_.counts.kills;
  victims_->Kill(victim->id());
}

Process* Chaos::Draw(base::Role role) {
  const std::vector<Process*> choices = victims_->Living(role);
  return choices.empty() ? nullptr : choices[rng_.Below(choices.size())];
}

bool Chaos::StartFails() {
  const bool fails = on_ && rng_.Chance(options_.processes.start_failure);
  if (fails) ++context_.counts.start_failures;
  return fails;
}

bool Chaos::EndsEarly() {
  const bool ends = on_ && rng_.Chance(options_.processes.early_exit);
  if (ends) ++context_.counts.start_failures;
  return ends;
}

base::Duration Chaos::DrawHold() {
  if (!on_ || !rng_.Chance(options_.processes.late_eof)) {
    return base::Duration(0);
  }
  return rng_.Within(milliseconds(1), seconds(2));
}

base::Duration Chaos::DrawOutage() {
  base::Duration outage =
      rng_.Within(microseconds(500), options_.control.restart_max);
  if (on_ && rng_.Chance(options_.control.long_outage)) {
    outage = rng_.Within(seconds(5), seconds(40));
  }
  return outage;
}

bool Chaos::DiesSilently() {
  return on_ && rng_.Chance(options_.control.silent_death);
}

// ---- links, pauses, lines ---------------------------------------------------

void Chaos::ScheduleCut() {
  const base::Duration interval = options_.network.cut_interval;
  if (interval == base::Duration(0)) return;
  context_.queue.After(rng_.Within(base::Duration(0), 2 * interval), [this] {
    if (!on_) return;
    CutSomeLink();
    ScheduleCut();
  });
}

void Chaos::CutSomeLink() {
  Process* const victim =
      Draw(rng_.Chance(0.3) ? base::Role::kDriver : base::Role::kWorker);
  if (victim == nullptr || victim->links().empty()) return;
  const auto& links = victim->links();
  const auto chosen = std::next(
      links.begin(), static_cast<std::ptrdiff_t>(rng_.Below(links.size())));
  chosen->second->Cut(
      rng_.Chance(0.5) ? victim->id() : chosen->first,
      rng_.Within(base::Duration(0), options_.network.cut_length_max));
}

void Chaos::SchedulePause() {
  const base::Duration interval = options_.processes.pause_interval;
  if (interval == base::Duration(0)) return;
  context_.queue.After(rng_.Within(base::Duration(0), 2 * interval), [this] {
    if (!on_) return;
    PauseSomeone();
    SchedulePause();
  });
}

void Chaos::PauseSomeone() {
  const base::Duration length =
      rng_.Within(base::Duration(0), options_.processes.pause_length_max);
  const base::BootTime now = context_.queue.now();
  if (rng_.Chance(0.1)) {
    const std::vector<RayletProcess*> raylets = victims_->Raylets();
    if (raylets.empty()) return;
    RayletProcess* const raylet = raylets[rng_.Below(raylets.size())];
    context_.audit.Disturb(raylet->node(), now, length);
    raylet->Pause(length);
  } else if (options_.control.on && rng_.Chance(0.1)) {
    Process* const store = victims_->Store();
    if (store == nullptr) return;
    // For as long as leases last, too: that must count against nobody.
    store->Pause(rng_.Chance(0.2) ? 8 * length : length);
  } else {
    Process* const victim =
        Draw(rng_.Chance(0.2) ? base::Role::kDriver : base::Role::kWorker);
    if (victim == nullptr) return;
    victim->Pause(length);
  }
  ++context_.counts.pauses;
}

void Chaos::ScheduleLineFault() {
  const base::Duration interval = options_.control.break_interval;
  if (interval == base::Duration(0)) return;
  context_.queue.After(rng_.Within(base::Duration(0), 2 * interval), [this] {
    if (!on_) return;
    const std::vector<RayletProcess*> raylets = victims_->Raylets();
    if (!raylets.empty()) DisturbLine(*raylets[rng_.Below(raylets.size())]);
    ScheduleLineFault();
  });
}

void Chaos::DisturbLine(RayletProcess& raylet) {
  ++context_.counts.line_faults;
  const base::Duration length =
      rng_.Within(base::Duration(0), options_.control.block_length_max);
  const std::uint64_t kind = rng_.Below(4);
  if (kind < 2) {
    raylet.line().Break();
    return;
  }
  context_.audit.Disturb(raylet.node(), context_.queue.now(), length);
  if (kind == 2) {
    raylet.line().Cut(static_cast<int>(rng_.Below(2)), length);
  } else {
    raylet.line().Block(length);
  }
}

}  // namespace mobula::sim

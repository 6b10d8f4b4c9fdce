#include "tests/sim/world.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <utility>

#include "base/check.h"
#include "tests/ownership/ref_audit.h"
#include "tests/sim/directory_audit.h"
#include "tests/sim/oracle.h"

namespace mobula::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// What is promised once nothing goes wrong any more.
constexpr base::Duration kHealedBound = seconds(30);
// A node that nobody reported dead is known as dead after its lease.
constexpr base::Duration kRestingBound = seconds(40);
// What is read and counted at rest is there by then, mostly.
constexpr base::Duration kLook = milliseconds(100);
constexpr base::Duration kRevivingBound = seconds(40);
constexpr base::Duration kSettlingBound = seconds(30);
constexpr base::Duration kEndingBound = seconds(5);
constexpr std::int32_t kCrash = 11;  // SIGSEGV
constexpr std::size_t kHangsPrinted = 5;

}  // namespace

World::World(const SwarmOptions& options, Plant plant, std::ostream* out)
    : options_(options),
      rng_(options.seed ^ 0x5EED),
      trace_(out),
      plants_(plant, rng_.Fork()),
      truth_(
          [this](const std::string& wrong) { verdict_.Violate("I2", wrong); }),
      network_(options_.network, rng_.Fork(), queue_, counts_),
      chaos_(options_, rng_.Fork(), {queue_, counts_, audit_}),
      store_({*this, chaos_, audit_, counts_}, rng_.Fork()),
      cast_({*this, chaos_, store_, network_, audit_, counts_}, rng_.Fork(),
            options_.encode) {
  cast_.Begin();
  Enter(Phase::kFaulty, options_.faults_end);
  chaos_.Begin(cast_);
}

World::~World() = default;

Report World::Run() {
  while (phase_ != Phase::kOver && queue_.RunNext()) {
    if (!verdict_.violations().empty()) break;
    Advance();
  }
  Report report;
  report.events = queue_.events_run();
  report.tasks = ledger_.settled();
  report.runs = ledger_.executions().size();
  report.asks = control_.answered();
  report.objects = ledger_.objects();
  report.borrows = tally_.borrows();
  report.losses = truth_.lost_places();
  report.remade = remade_;
  report.faults = counts_;
  report.trace_hash = trace_.hash();
  report.violations = verdict_.violations();
  return report;
}

// ---- what processes reach of it ---------------------------------------------

bool World::DiesHere(const Process& process) {
  return chaos_.DiesHere(process);
}

void World::EndProcess(base::ProcessId process, Death death) {
  if (!cast_.End(process, death)) return;
  trace_.Note(queue_.now(), process, "ends", death);
  ledger_.LoseProcess(process);
  truth_.NoteEnded(process, death.signal != 0 || death.exit_code != 0);
  const auto known = cast_.processes().find(process);
  if (known != cast_.processes().end() &&
      known->second->role() == base::Role::kDriver) {
    truth_.NoteJobOver(known->second->job());
  }
  control_.OnProcessLost(process, queue_.now());
  if (cast_.processes().contains(process)) control_.OnWorkerLost();
  // What user code does to itself goes on; it is waited for.
  if (death.signal != kCrash) return;
  if (phase_ == Phase::kHealed) Enter(phase_, kHealedBound + OwnTime());
  // Of a task that is run again since its bytes are lost.
  if (phase_ == Phase::kResting) Enter(phase_, kRestingBound + OwnTime());
}

void World::StartWorker(base::ProcessId raylet, base::ProcessId process,
                        base::JobId job) {
  cast_.StartWorker(*cast_.FindRaylet(raylet), process, job);
}

void World::Connect(base::ProcessId a, base::ProcessId b) {
  cast_.Connect(a, b);
}

ArenaMemoryPtr World::TakeArena(base::ProcessId process) {
  const RuntimeProcess& taker = *cast_.processes().at(process);
  return cast_.FindRaylet(taker.raylet())->arenas().Take(process);
}

bool World::IsMapped(const ArenaMemory* memory) {
  return std::any_of(cast_.processes().begin(), cast_.processes().end(),
                     [memory](const auto& item) {
                       return item.second->alive() &&
                              item.second->store().Maps(memory);
                     });
}

void World::NeedControl() { store_.Start(); }

// ---- phases -----------------------------------------------------------------

void World::Enter(Phase phase, base::Duration bound) {
  phase_ = phase;
  deadline_ = queue_.now() + bound;
  // So that the deadline is looked at when nothing else happens.
  queue_.At(deadline_, [] {});
}

void World::Advance() {
  const bool is_late = queue_.now() >= deadline_;
  if (phase_ == Phase::kFaulty) {
    if (is_late || ProgramsOver()) Heal();
  } else if (phase_ == Phase::kHealed && ProgramsOver()) {
    BeginResting();
  } else if (phase_ == Phase::kResting && IsAtRest()) {
    BeginReviving();
  } else if (phase_ == Phase::kReviving && IsRevived()) {
    BeginSettling();
  } else if (phase_ == Phase::kSettling && !is_late) {
    EndDetached();
    if (!IsSettled()) return;
    CheckOutcomes();
    BeginEnding();
  } else if (phase_ == Phase::kEnding) {
    EndDetached();
    if (is_late || IsGone()) {
      CheckEnd();
      phase_ = Phase::kOver;
    }
  } else if (is_late) {
    Overdue();
  }
}

void World::Heal() {
  trace_.Note(queue_.now(), base::ProcessId(), "heals", counts_);
  chaos_.End();
  network_.Heal();
  store_.Heal();
  for (const auto& raylet : cast_.raylets()) {
    raylet->line().Heal();
    raylet->arenas().Heal();
  }
  Enter(Phase::kHealed, kHealedBound + OwnTime());
}

bool World::ProgramsOver() const {
  return std::all_of(cast_.drivers().begin(), cast_.drivers().end(),
                     [](const RuntimeProcess* driver) {
                       return !driver->alive() || driver->idle();
                     });
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

// Everybody reads all that they have; then nothing is on its way.
void World::BeginResting() {
  Enter(Phase::kResting, kRestingBound + OwnTime());
  look_at_ = queue_.now();
  for (const auto& [id, process] : cast_.processes()) {
    if (process->alive()) process->ReadAll();
  }
}

bool World::IsAtRest() {
  if (queue_.now() < look_at_) return false;
  if (AuditRefs(/*is_end=*/false).empty() && DirectoryAgrees()) return true;
  look_at_ = queue_.now() + kLook;
  queue_.At(look_at_, [] {});
  return false;
}

bool World::DirectoryAgrees() {
  if (!store_.started() || directory_wrong_.empty()) return true;
  if (asked_at_last_ > 0 || !NodesAgree()) return false;
  AskAtLast(base::ListObjects(), [this](const base::ControlReply& reply) {
    NodeStores stores;
    for (const auto& raylet : cast_.raylets()) {
      // An embedded head may have nothing to do with it.
      if (raylet->alive() && raylet->line().started()) {
        stores.emplace(raylet->node(), &raylet->core().store());
      }
    }
    const auto* told = std::get_if<base::ObjectsAnswer>(&reply);
    directory_wrong_ =
        told == nullptr ? "does not say" : CompareDirectory(*told, stores);
  });
  return false;
}

std::vector<std::string> World::AuditRefs(bool is_end) const {
  std::vector<std::string> wrongs;
  for (const auto& raylet : cast_.raylets()) {
    if (!raylet->alive()) continue;
    ownership::Scene scene;
    scene.store = &raylet->core().store();
    scene.has_ended = [this](base::ProcessId process) {
      return truth_.HasEnded(process);
    };
    for (const auto& [id, process] : cast_.processes()) {
      if (!process->alive() || process->raylet() != raylet->id()) continue;
      auto seat = process->Seat();
      if (seat.has_value()) scene.seats.emplace(id, *std::move(seat));
    }
    const std::vector<std::string> here =
        is_end ? ownership::AuditNoRefs(scene) : ownership::AuditRefs(scene);
    wrongs.insert(wrongs.end(), here.begin(), here.end());
  }
  return wrongs;
}

void World::BeginReviving() {
  for (RuntimeProcess* driver : cast_.drivers()) {
    if (driver->alive()) driver->LetAll();
  }
  Enter(Phase::kReviving, kRevivingBound + OwnTime());
  CheckKeys();
}

// All that were acknowledged live; then they are ended, so that everything that
// they hold comes back.
void World::BeginSettling() {
  Enter(Phase::kSettling, kSettlingBound);
  EndDetached();
}

// A registration whose asker has given up may still come.
void World::EndDetached() {
  if (asked_at_last_ > 0) return;
  for (const auto& [actor, record] : audit_.durable().actors) {
    if (!record.detached || record.state == base::ActorState::kDead) continue;
    AskAtLast(base::EndActor{actor, false}, [](const base::ControlReply&) {});
  }
}

void World::AskAtLast(base::ControlRequest request,
                      std::function<void(const base::ControlReply&)> answered) {
  ++asked_at_last_;
  store_.Ask(std::move(request), [this, answered = std::move(answered)](
                                     const base::ControlReply& reply) {
    --asked_at_last_;
    answered(reply);
  });
}

void World::CheckKeys() {
  if (!store_.started()) return;
  for (const auto& [name, history] : control_.keys()) {
    const std::size_t slash = name.find('/');
    AskAtLast(base::GetKey{name.substr(0, slash), name.substr(slash + 1)},
              [this, name = name](const base::ControlReply& reply) {
                const auto* answer = std::get_if<base::KeyAnswer>(&reply);
                const std::string wrong =
                    answer == nullptr ? "no value at the end"
                                      : control_.CheckKey(name, *answer);
                if (!wrong.empty()) verdict_.Violate("I7", name + ": " + wrong);
              });
  }
}

bool World::IsRevived() const {
  if (asked_at_last_ > 0) return false;
  if (!store_.started()) return true;
  const ControlProcess* const store = store_.serving();
  if (store == nullptr) return false;
  if (!NodesAgree()) return false;
  // An embedded head that has ended is followed by none.
  const bool is_over =
      std::none_of(cast_.raylets().begin(), cast_.raylets().end(),
                   [](const auto& raylet) { return raylet->alive(); });
  if (is_over && options_.control.embedded) return true;
  const std::vector<base::ActorId> living = control_.MustLive();
  return std::all_of(living.begin(), living.end(), [this](base::ActorId actor) {
    return WhyNotAlive(actor).empty();
  });
}

// "" if it lives, as the store and its raylet say.
std::string World::WhyNotAlive(base::ActorId actor) const {
  const auto& actors = audit_.durable().actors;
  const auto known = actors.find(actor);
  if (known == actors.end()) return "is not known any more";
  const base::ActorRecord& record = known->second;
  if (record.state == base::ActorState::kDead) {
    return "is dead: " + base::DescribeFailure(record.cause);
  }
  if (record.state != base::ActorState::kAlive) return "does not live yet";
  const Process* const worker = cast_.Find(record.worker);
  return worker == nullptr || !worker->alive() ? "has a dead worker" : "";
}

// Everything that was granted has come back, every ref was let go.
bool World::IsSettled() const {
  if (asked_at_last_ > 0) return false;
  for (const auto& raylet : cast_.raylets()) {
    if (raylet->alive() && !raylet->quiet()) return false;
  }
  const bool is_empty = std::all_of(
      cast_.processes().begin(), cast_.processes().end(), [](const auto& item) {
        return !item.second->alive() || item.second->Leftovers().empty();
      });
  return is_empty && AuditRefs(/*is_end=*/true).empty();
}

void World::BeginEnding() {
  Enter(Phase::kEnding, kEndingBound);
  for (RuntimeProcess* driver : cast_.drivers()) {
    if (!driver->alive()) continue;
    if (cast_.FindRaylet(driver->raylet())->alive()) {
      driver->EndJob();
    } else {
      EndProcess(driver->id(), {});
    }
  }
}

bool World::IsGone() const {
  for (const auto& raylet : cast_.raylets()) {
    if (raylet->alive() && !raylet->empty()) return false;
  }
  return std::none_of(cast_.processes().begin(), cast_.processes().end(),
                      [](const auto& item) { return item.second->alive(); }) &&
         WhatStoreLacks().empty();
}

// ---- what is wrong ----------------------------------------------------------

void World::Overdue() {
  if (phase_ == Phase::kHealed) OverdueHealed();
  if (phase_ == Phase::kResting) OverdueResting();
  if (phase_ == Phase::kReviving) OverdueReviving();
  if (phase_ == Phase::kSettling) OverdueSettling();
  if (verdict_.violations().empty()) {
    verdict_.Violate("I10", "after healing, something does not end");
  }
}

void World::OverdueHealed() {
  for (OpIndex i = 0; i < ledger_.operations().size(); ++i) {
    const Operation& operation = ledger_.operations()[i];
    const auto owner = cast_.processes().find(operation.owner);
    if (owner == cast_.processes().end() || !owner->second->alive()) continue;
    if (verdict_.violations().size() < kHangsPrinted && operation.watched &&
        !operation.outcome.has_value()) {
      verdict_.Violate(
          "I10", "after healing, " + ledger_.Describe(i) +
                     " has no outcome; raylet: " +
                     cast_.FindRaylet(owner->second->raylet())->Describe());
    }
  }
  for (const RuntimeProcess* driver : cast_.drivers()) {
    if (driver->alive()) control_.CheckAnswered(driver->id());
  }
}

void World::OverdueResting() {
  PrintRefs(/*is_end=*/false);
  if (store_.started() && !directory_wrong_.empty()) {
    verdict_.Violate("directory", "the control store " + directory_wrong_);
  }
}

void World::PrintRefs(bool is_end) {
  std::vector<std::string> wrongs = AuditRefs(is_end);
  wrongs.resize(std::min(wrongs.size(), kHangsPrinted));
  for (std::string& wrong : wrongs) verdict_.Violate("I6", std::move(wrong));
}

void World::OverdueReviving() {
  if (asked_at_last_ > 0) {
    verdict_.Violate("I10", "the control store does not answer");
  }
  if (!NodesAgree()) {
    verdict_.Violate("I10", "the control store " + WhatStoreLacks());
  }
  for (const base::ActorId actor : control_.MustLive()) {
    const std::string why = WhyNotAlive(actor);
    if (why.empty()) continue;
    verdict_.Violate("I7", "detached actor " + actor.ToString() +
                               " was acknowledged, and " + why);
  }
}

void World::OverdueSettling() {
  for (const auto& [id, process] : cast_.processes()) {
    if (!process->alive()) continue;
    const std::string leftovers = process->Leftovers();
    if (!leftovers.empty()) {
      verdict_.Violate(
          "I6", "process " + id.ToString() + " still holds " + leftovers);
    }
  }
  PrintRefs(/*is_end=*/true);
  for (const auto& raylet : cast_.raylets()) {
    if (raylet->alive() && !raylet->quiet()) {
      verdict_.Violate("I5", "not all comes back: " + raylet->Describe());
    }
  }
}

// At quiescence, before the jobs end and take everything with them.
void World::CheckOutcomes() {
  for (const auto& [id, process] : cast_.processes()) {
    if (!process->alive()) continue;
    const RayletProcess& raylet = *cast_.FindRaylet(process->raylet());
    Oracle::Facts facts;
    facts.workers_failed_to_start =
        counts_.start_failures > 0 || counts_.kills > 0;
    facts.raylet_died = !raylet.alive();
    facts.worker_cap_reached = raylet.worker_cap_reached();
    facts.has_other_nodes = cast_.raylets().size() > 1;
    Oracle(ledger_, truth_, verdict_, facts).CheckProcess(id);
    control_.CheckAnswered(id);
  }
}

void World::CheckEnd() {
  for (const auto& [id, process] : cast_.processes()) {
    if (!process->alive()) continue;
    verdict_.Violate("I12", "process " + id.ToString() + " outlives its job");
  }
  for (const auto& raylet : cast_.raylets()) {
    if (raylet->alive() && !raylet->empty()) {
      verdict_.Violate("I12", "a raylet still holds " + raylet->Describe());
    }
  }
  const std::string lacks = WhatStoreLacks();
  if (!lacks.empty()) verdict_.Violate("I12", "the control store " + lacks);
}

// "" if what it knows is what there is: the living nodes, no job, no actor.
std::string World::WhatStoreLacks() const {
  if (!store_.started()) return "";
  const ControlProcess* const store = store_.serving();
  if (store == nullptr) return "is away";
  const gcs::Core::Census census = store->core().Count();
  if (NodesAgree() && census.jobs_running == 0 && census.actors_living == 0) {
    return "";
  }
  return "knows " + store->Describe() + "; there are " +
         std::to_string(cast_.raylets().size()) + " nodes, dead ones too";
}

// The store knows the living nodes, and no other as living.
bool World::NodesAgree() const {
  std::set<base::NodeId> alive;
  for (const auto& raylet : cast_.raylets()) {
    if (raylet->alive() && raylet->line().started()) {
      alive.insert(raylet->node());
    }
  }
  for (const auto& [id, node] : audit_.durable().nodes) {
    if (node.state == base::NodeState::kAlive && alive.erase(id) == 0) {
      return false;
    }
  }
  return alive.empty();
}

}  // namespace mobula::sim

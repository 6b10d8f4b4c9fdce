#include "tests/sim/cast.h"

#include <chrono>
#include <utility>

#include "base/check.h"

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::uint64_t kDriverMaker = 8;
constexpr std::uint64_t kRayletMaker = 1;
// The janitor has ended a node by then.
constexpr base::Duration kNodeEnd = seconds(1);
// How often it is looked whether what the dead had sent was read.
constexpr base::Duration kRestPoll = microseconds(100);

SimLink::Context LinkContext(const Cast::Parts& parts, bool encode) {
  const Surroundings::Records records = parts.world.records();
  return {records.queue, parts.network, records.verdict, records.plants,
          encode};
}

}  // namespace

Cast::Cast(const Parts& parts, Rng rng, bool encode)
    : parts_(parts), rng_(rng), link_context_(LinkContext(parts, encode)) {}

void Cast::Begin() {
  const SwarmOptions& options = parts_.world.options();
  for (int i = 0; i < options.control.nodes; ++i) AddNode();
  const int drivers = options.workload.drivers;
  for (int i = 0; i < drivers; ++i) {
    AddDriver(*raylets_[static_cast<std::size_t>(i) % raylets_.size()],
              options.workload.operations / drivers);
  }
}

RayletProcess& Cast::AddNode() {
  RayletProcess::Options options;
  options.number = raylets_.size() + 1;
  options.id = base::ProcessId{kRayletMaker, options.number};
  raylets_.push_back(
      std::make_unique<RayletProcess>(options, parts_.world, parts_.store));
  RayletProcess& raylet = *raylets_.back();
  if (parts_.world.options().control.on &&
      !parts_.world.options().control.embedded) {
    parts_.store.Start();
    raylet.JoinCluster();
  }
  return raylet;
}

void Cast::AddDriver(RayletProcess& node, int operations) {
  const std::uint64_t number = drivers_.size() + 1;
  RuntimeProcess::Options options;
  options.id = base::ProcessId{kDriverMaker, number};
  options.role = base::Role::kDriver;
  options.job = base::JobId{1, number};
  options.raylet = node.id();
  options.node = node.node();
  options.weight = static_cast<std::int32_t>(rng_.Between(1, 3));
  options.operations = operations;
  auto driver = std::make_unique<RuntimeProcess>(options, parts_.world);
  Link(*driver, node);
  node.FindLink(options.id)->Open(node.id());
  RuntimeProcess* begun = driver.get();
  drivers_.push_back(begun);
  processes_.emplace(options.id, std::move(driver));
  begun->After(rng_.Within(microseconds(0), milliseconds(2)),
               [begun] { begun->Begin(); });
}

// ---- who there is -----------------------------------------------------------

RayletProcess* Cast::FindRaylet(base::ProcessId raylet) const {
  if (raylet.hi != kRayletMaker || raylet.lo > raylets_.size()) return nullptr;
  return raylets_[raylet.lo - 1].get();
}

Process* Cast::Find(base::ProcessId process) const {
  if (Process* raylet = FindRaylet(process)) return raylet;
  if (Process* store = parts_.store.Find(process)) return store;
  const auto found = processes_.find(process);
  return found == processes_.end() ? nullptr : found->second.get();
}

std::vector<Process*> Cast::Living(base::Role role) {
  std::vector<Process*> living;
  for (const auto& [id, process] : processes_) {
    if (process->alive() && process->role() == role) {
      living.push_back(process.get());
    }
  }
  return living;
}

std::vector<RayletProcess*> Cast::Raylets() {
  std::vector<RayletProcess*> living;
  for (const auto& raylet : raylets_) {
    if (raylet->alive()) living.push_back(raylet.get());
  }
  return living;
}

void Cast::Kill(base::ProcessId process) {
  parts_.world.EndProcess(process, Death{9, 0});
}

// ---- what a raylet's shell does ---------------------------------------------

void Cast::Link(Process& a, Process& b) {
  auto link = std::make_shared<SimLink>(link_context_, a, b);
  a.AddLink(b.id(), link);
  b.AddLink(a.id(), std::move(link));
}

void Cast::Connect(base::ProcessId a, base::ProcessId b) {
  Process* const one = Find(a);
  Process* const other = Find(b);
  MOBULA_CHECK(one != nullptr && other != nullptr);
  Link(*one, *other);
  // The socket's end dies on its way to a process that is dead.
  if (!one->alive()) one->CloseLink(b);
  if (!other->alive()) other->CloseLink(a);
}

void Cast::StartWorker(RayletProcess& raylet, base::ProcessId process,
                       base::JobId job) {
  RuntimeProcess::Options options;
  options.id = process;
  options.job = job;
  options.raylet = raylet.id();
  options.node = raylet.node();
  auto made = std::make_unique<RuntimeProcess>(options, parts_.world);
  RuntimeProcess* worker = made.get();
  MOBULA_CHECK(processes_.emplace(process, std::move(made)).second);
  Link(*worker, raylet);
  raylet.FindLink(process)->Open(raylet.id());
  const bool fails = parts_.chaos.StartFails();
  parts_.world.records().queue.After(
      rng_.Within(microseconds(0), microseconds(500)),
      [this, worker, &raylet, fails] {
        if (!worker->alive()) return;
        if (!fails) {
          Boot(*worker);
          return;
        }
        parts_.world.records().control.OnWorkerLost();
        worker->End();
        raylet.Turn([worker, &raylet] {
          raylet.Post(raylet::WorkerStartFailed{worker->id(),
                                                "no memory for a process"});
        });
      });
}

void Cast::Boot(RuntimeProcess& worker) {
  RayletProcess& raylet = *FindRaylet(worker.raylet());
  raylet.Turn([&raylet, &worker] {
    raylet.Post(raylet::WorkerStarted{worker.id(), worker.pid()});
  });
  const base::Duration delay =
      rng_.LogNormal(parts_.world.options().processes.start_delay_median, 0.3) +
      parts_.world.records().plants.Unseeded();
  const bool ends = parts_.chaos.EndsEarly();
  worker.After(delay, [this, &worker, ends] {
    if (ends) {
      parts_.world.EndProcess(worker.id(), Death{0, 1});
    } else {
      worker.Begin();
    }
  });
}

// The raylet hears of it when it has read what the worker wrote and sent, which
// is before or after the end of the link.
void Cast::Reap(RuntimeProcess& worker, Death death) {
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.pid = worker.pid();
  failure.signal = death.signal;
  failure.exit_code = death.exit_code;
  failure.log_tail = {"last words"};
  RayletProcess& raylet = *FindRaylet(worker.raylet());
  parts_.world.records().queue.After(
      rng_.Within(microseconds(10), milliseconds(5)),
      [this, &raylet, failure = std::move(failure), process = worker.id(),
       charged = death.charged] { Bury(raylet, {process, failure, charged}); });
}

void Cast::Bury(RayletProcess& raylet, const raylet::WorkerExited& exited) {
  raylet.Turn([this, &raylet, exited] {
    const SimLink* const link = raylet.FindLink(exited.process);
    if (link == nullptr || link->rest_read(raylet.id())) {
      raylet.Post(exited);
      return;
    }
    parts_.world.records().queue.After(
        kRestPoll, [this, &raylet, exited] { Bury(raylet, exited); });
  });
}

bool Cast::End(base::ProcessId process, Death death) {
  Process* const ended = Find(process);
  if (ended == nullptr || !ended->alive()) return false;
  const bool is_worker = ended->role() == base::Role::kWorker;
  const auto known = processes_.find(process);
  if (known != processes_.end()) {
    FindRaylet(known->second->raylet())->arenas().Forget(process);
  }
  ended->End(is_worker ? parts_.chaos.DrawHold() : base::Duration(0));
  if (ControlProcess* store = parts_.store.Find(process)) {
    store->Abandon();
    parts_.store.OnDeath();
  } else if (RayletProcess* raylet = FindRaylet(process)) {
    EndNode(*raylet);
  } else if (is_worker) {
    Reap(*processes_.at(process), death);
  }
  return true;
}

// ---- what a janitor does ----------------------------------------------------

// It ends what does not end by itself, says so, and another node comes.
void Cast::EndNode(RayletProcess& raylet) {
  EventQueue& queue = parts_.world.records().queue;
  raylet.line().Close();
  for (const auto& [id, worker] : processes_) {
    const bool is_here = worker->role() == base::Role::kWorker &&
                         worker->raylet() == raylet.id();
    if (!is_here || !worker->alive()) continue;
    queue.After(rng_.Within(microseconds(0), kNodeEnd),
                [this, id = id] { parts_.world.EndProcess(id, Death{9, 0}); });
  }
  if (!parts_.world.options().control.on) return;
  ++parts_.counts.node_deaths;
  parts_.audit.Disturb(raylet.node(), queue.now(), std::chrono::hours(1));
  const bool is_embedded = parts_.world.options().control.embedded;
  if (is_embedded || !parts_.store.started()) return;
  if (!parts_.chaos.DiesSilently()) {
    queue.After(kNodeEnd, [this, node = raylet.node()] { ReportNode(node); });
  }
  queue.After(rng_.Within(milliseconds(1), 2 * kNodeEnd),
              [this] { Replace(); });
}

void Cast::ReportNode(base::NodeId node) {
  base::ReportNodeDead report;
  report.node = node;
  report.cause = "its raylet was killed";
  parts_.store.Ask(report, [](const base::ControlReply&) {});
}

// With a driver of its own, while there is something to do.
void Cast::Replace() {
  RayletProcess& node = AddNode();
  if (parts_.chaos.on()) {
    AddDriver(node, static_cast<int>(rng_.Between(10, 40)));
  }
}

}  // namespace mobula::sim

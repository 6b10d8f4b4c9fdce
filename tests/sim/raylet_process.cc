#include "tests/sim/raylet_process.h"

#include <utility>
#include <variant>

namespace mobula::sim {
namespace {

constexpr std::uint64_t kIdMaker = 7;  // of workers' process ids

raylet::Core::Options OptionsFor(base::ProcessId id,
                                 const SwarmOptions& swarm) {
  raylet::Core::Options options;
  options.self = id;
  options.node = base::NodeId{1, 1};
  options.node_name = "node";
  options.total = base::ResourceVector::Cpus(swarm.cpus);
  options.workers = raylet::Core::WorkerOptionsFor(swarm.cpus);
  options.workers.workers_max = static_cast<std::size_t>(swarm.workers_max);
  return options;
}

}  // namespace

RayletProcess::RayletProcess(base::ProcessId id, Surroundings& world)
    : Process(id, base::Role::kRaylet, base::JobId(), world.records().queue),
      world_(world),
      core_(OptionsFor(id, world.options()), base::IdSource(kIdMaker)),
      audit_(core_.total(), world.records().verdict) {}

void RayletProcess::OnMessage(base::ProcessId from,
                              const base::Message& message) {
  if (!alive()) return;
  if (std::holds_alternative<base::ReturnLease>(message) &&
      world_.records().plants.Strikes(Plant::kLeakedSlot)) {
    return;
  }
  Post(raylet::Received{from, message});
}

void RayletProcess::OnLinkClosed(base::ProcessId peer) {
  if (!alive()) return;
  CloseLink(peer);
  Post(raylet::PeerLost{peer});
}

void RayletProcess::Post(raylet::Event event) {
  events_.push_back(std::move(event));
  if (stepping_) return;
  stepping_ = true;
  while (alive() && !events_.empty()) {
    const raylet::Event next = std::move(events_.front());
    events_.pop_front();
    Step(next);
  }
  stepping_ = false;
}

void RayletProcess::Step(const raylet::Event& event) {
  Surroundings::Records records = world_.records();
  records.trace.Note(queue().now(), id(), "event", event);
  audit_.OnEvent(event);
  raylet::Effects effects;
  core_.Step(event, queue().now(), effects);
  core_.CheckInvariants();
  const auto cap = static_cast<std::size_t>(world_.options().workers_max);
  cap_reached_ |= core_.workers() >= cap;
  if (core_.workers() > cap) {
    records.verdict.Violate("I13", "more workers than there may be");
  }
  for (const raylet::Effect& effect : effects) {
    if (world_.DiesHere(*this)) {
      world_.EndProcess(id(), Surroundings::Death{9, 0});
    }
    if (!alive()) return;
    records.trace.Note(queue().now(), id(), "effect", effect);
    audit_.OnEffect(effect);
    CarryOut(effect);
  }
}

void RayletProcess::CarryOut(const raylet::Effect& effect) {
  if (const auto* send = std::get_if<raylet::Send>(&effect)) {
    SendTo(send->to, send->message);
  } else if (const auto* connect = std::get_if<raylet::Connect>(&effect)) {
    world_.Connect(connect->a, connect->b);
    SendTo(connect->a, base::Attach{connect->b});
    SendTo(connect->b, base::Attach{connect->a});
  } else if (const auto* start = std::get_if<raylet::StartWorker>(&effect)) {
    world_.StartWorker(start->process, start->job);
  } else if (const auto* kill = std::get_if<raylet::KillWorker>(&effect)) {
    world_.EndProcess(kill->process, Surroundings::Death{9, 0});
  } else if (const auto* timer = std::get_if<raylet::SetTimer>(&effect)) {
    SetTimer(timer->at);
  } else {
    CloseLink(std::get<raylet::ClosePeer>(effect).process);
  }
}

void RayletProcess::SetTimer(base::BootTime at) {
  const std::uint64_t number = ++timer_;
  queue().At(at, [this, number] {
    Turn([this, number] {
      if (timer_ == number) Post(raylet::Tick{});
    });
  });
}

bool RayletProcess::quiet() const {
  return core_.leases() == 0 && core_.queued() == 0 &&
         core_.free() == core_.total() && audit_.granted() == 0 &&
         audit_.unanswered() == 0;
}

bool RayletProcess::empty() const {
  return quiet() && core_.jobs() == 0 && core_.workers() == 0;
}

std::string RayletProcess::Describe() const {
  return std::to_string(core_.leases()) + " leases, " +
         std::to_string(core_.queued()) + " requests, free " +
         core_.free().ToString() + " of " + core_.total().ToString() + ", " +
         std::to_string(core_.workers()) + " workers, " +
         std::to_string(core_.jobs()) + " jobs; seen from outside " +
         std::to_string(audit_.granted()) + " granted, " +
         std::to_string(audit_.unanswered()) + " unanswered";
}

}  // namespace mobula::sim

#include "tests/sim/raylet_process.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::sim {
namespace {

constexpr std::uint64_t kIdMaker = 7;        // of workers' process ids
constexpr std::uint64_t kIdMakerNext = 100;  // of further nodes

// So that most joinings take several messages.
constexpr std::size_t kJoinBytesMax = 400;

// Raylets are told of one another, and have no doors here: nothing goes between
// them.
bool IsOfOtherNodes(const raylet::Effect& effect) {
  return std::holds_alternative<raylet::KnowNode>(effect) ||
         std::holds_alternative<raylet::ForgetNode>(effect);
}

base::IdSource IdsOf(std::uint64_t node) {
  return base::IdSource(node == 1 ? kIdMaker : kIdMakerNext + node);
}

raylet::Core::Options OptionsFor(const RayletProcess::Options& process,
                                 const SwarmOptions& swarm) {
  raylet::Core::Options options;
  options.self = process.id;
  options.node = base::NodeId{1, process.number};
  options.node_name = "node" + std::to_string(process.number);
  options.total = base::ResourceVector::Cpus(swarm.cpus);
  options.workers = raylet::Core::WorkerOptionsFor(swarm.cpus);
  options.workers.workers_max = static_cast<std::size_t>(swarm.workers_max);
  options.object_store_bytes = static_cast<std::uint64_t>(swarm.refs.store_mib)
                               << 20;
  options.has_control = swarm.control.on && !swarm.control.embedded;
  options.join_bytes_max = kJoinBytesMax;
  return options;
}

ControlLine::World LineWorld(Surroundings& world, ControlDoor& door) {
  const Surroundings::Records records = world.records();
  return {records.queue, records.network, records.verdict, door};
}

}  // namespace

RayletProcess::RayletProcess(const Options& options, Surroundings& world,
                             ControlDoor& door)
    : Process(options.id, base::Role::kRaylet, base::JobId(),
              world.records().queue),
      world_(world),
      node_{1, options.number},
      core_(OptionsFor(options, world.options()), IdsOf(options.number)),
      line_(LineWorld(world, door), *this, world.ForkRng(),
            {[this](std::uint64_t epoch) { Post(raylet::ControlUp{epoch}); },
             [this] { Post(raylet::ControlDown{}); },
             [this](base::ControlMessage message) {
               Post(raylet::ControlSaid{std::move(message)});
             }}),
      audit_(core_.total(), world.records().verdict),
      arenas_(world.options().refs, world.ForkRng(), world.records().plants,
              [this](base::Duration delay, raylet::Event event) {
                // Its thread does one thing after the other.
                told_at_ = std::max(told_at_, queue().now() + delay);
                After(told_at_ - queue().now(), [this, event] { Post(event); });
              }) {}

void RayletProcess::JoinCluster() {
  After(base::Duration(0), [this] { line_.Start(); });
}

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
  CheckControl(event);
  NoteLost(event);
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

// What its disk has lost, or does not find now.
void RayletProcess::NoteLost(const raylet::Event& event) {
  Surroundings::Records records = world_.records();
  if (const auto* failed = std::get_if<raylet::RestoreFailed>(&event)) {
    records.truth.NoteUnreadable(failed->arena);
  }
  const auto* restored = std::get_if<raylet::Restored>(&event);
  if (restored == nullptr) return;
  for (const base::Extent& extent : restored->lost) {
    const base::ObjectName name = core_.store().stored().NameAt(extent);
    // Nil: it was freed meanwhile.
    if (name.object.IsNil()) continue;
    if (!records.truth.NoteLost(name.object, extent)) continue;
    records.ledger.NoteBytesLost(name.object);
  }
}

// A reader that waited long enough is told that there is no room: is there?
void RayletProcess::CheckRefusal(const base::ArenaLost& lost) {
  if (lost.failure.code != base::FailureCode::kObjectStoreFull) return;
  const raylet::ObjectStore& store = core_.store();
  const std::uint64_t needed = store.stored().PageBytesIn(lost.arena);
  if (store.arenas().charged_bytes() + needed > store.arenas().bytes_max()) {
    return;
  }
  world_.records().verdict.Violate(
      "I15", "arena " + lost.arena.ToString() +
                 " is not brought back though there is room");
}

void RayletProcess::CheckControl(const raylet::Event& event) {
  Verdict& verdict = world_.records().verdict;
  if (const auto* up = std::get_if<raylet::ControlUp>(&event)) {
    if (up->epoch < epoch_) verdict.Violate("I8", "an earlier epoch is back");
    epoch_ = up->epoch;
    return;
  }
  const auto* said = std::get_if<raylet::ControlSaid>(&event);
  if (said == nullptr) return;
  const auto* joined = std::get_if<base::NodeJoined>(&said->message);
  if (joined == nullptr) return;
  if (incarnation_ != 0 && joined->incarnation != incarnation_) {
    verdict.Violate("I8", "a node is told another incarnation of its own");
  }
  incarnation_ = joined->incarnation;
}

bool RayletProcess::CarryOutStore(const raylet::Effect& effect) {
  if (const auto* with = std::get_if<raylet::SendWithArena>(&effect)) {
    arenas_.HandOver(with->to, with->arena);
    SendTo(with->to, with->message);
    return true;
  }
  if (const auto* spill = std::get_if<raylet::SpillArena>(&effect)) {
    CheckUnmapped(spill->arena);
  } else if (const auto* drop = std::get_if<raylet::DropArena>(&effect)) {
    CheckUnmapped(drop->arena);
  } else if (const auto* rename = std::get_if<raylet::RenameArena>(&effect)) {
    CheckUnmapped(rename->arena);
  }
  return arenas_.Do(effect);
}

void RayletProcess::CheckUnmapped(base::ArenaId arena) {
  const ArenaMemory* const memory = arenas_.Find(arena);
  if (memory == nullptr || !world_.IsMapped(memory)) return;
  world_.records().verdict.Violate(
      "I2", "arena " + arena.ToString() + " is taken away and mapped");
}

void RayletProcess::CarryOut(const raylet::Effect& effect) {
  if (const auto* send = std::get_if<raylet::Send>(&effect)) {
    if (const auto* free = std::get_if<base::FreeExtents>(&send->message)) {
      for (const base::Extent& extent : free->extents) {
        world_.records().truth.NoteFreed(extent);
      }
    }
    if (const auto* lost = std::get_if<base::ArenaLost>(&send->message)) {
      CheckRefusal(*lost);
    }
    SendTo(send->to, send->message);
  } else if (const auto* connect = std::get_if<raylet::Connect>(&effect)) {
    world_.Connect(connect->a, connect->b);
    SendTo(connect->a, base::Attach{connect->b});
    SendTo(connect->b, base::Attach{connect->a});
  } else if (const auto* start = std::get_if<raylet::StartWorker>(&effect)) {
    if (start->program == OwnProgram() && !keeps_program_) {
      world_.records().verdict.Violate(
          "program", "a program was forgotten that an actor is made of");
    }
    world_.StartWorker(id(), start->process, start->job);
  } else if (const auto* kill = std::get_if<raylet::KillWorker>(&effect)) {
    world_.EndProcess(kill->process, Surroundings::Death{9, 0});
  } else if (const auto* timer = std::get_if<raylet::SetTimer>(&effect)) {
    SetTimer(timer->at);
  } else if (const auto* close = std::get_if<raylet::ClosePeer>(&effect)) {
    CloseLink(close->process);
  } else if (const auto* tell = std::get_if<raylet::TellControl>(&effect)) {
    line_.Send(tell->message);
  } else if (std::holds_alternative<raylet::NeedControl>(effect)) {
    world_.NeedControl();
    line_.Start();
  } else if (const auto* keep = std::get_if<raylet::KeepProgram>(&effect)) {
    raylet::ProgramKept kept;
    kept.job = keep->job;
    kept.program = OwnProgram();
    After(std::chrono::microseconds(300), [this, kept] {
      keeps_program_ = true;
      Post(kept);
    });
  } else if (const auto* forget =
                 std::get_if<raylet::ForgetPrograms>(&effect)) {
    keeps_program_ &= forget->needed.contains(OwnProgram());
  } else if (std::holds_alternative<raylet::LeaveCluster>(effect)) {
    world_.EndProcess(id(), Surroundings::Death{0, 1});
  } else if (!IsOfOtherNodes(effect) && !CarryOutStore(effect)) {
    MOBULA_CHECK(false, "an effect that the simulator does not know");
  }
}

std::string RayletProcess::OwnProgram() const { return node_.ToString(); }

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
  return quiet() && core_.jobs() == 0 && core_.workers() == 0 &&
         core_.store().stored().size() == 0 &&
         core_.store().stored().remembered() == 0 &&
         core_.store().custody().size() == 0 &&
         core_.store().arenas().size() == 0 && arenas_.size() == 0;
}

std::string RayletProcess::Describe() const {
  return std::to_string(core_.leases()) + " leases, " +
         std::to_string(core_.queued()) + " requests, free " +
         core_.free().ToString() + " of " + core_.total().ToString() + ", " +
         std::to_string(core_.workers()) + " workers, " +
         std::to_string(core_.jobs()) + " jobs, " +
         std::to_string(core_.store().stored().size()) + " objects in " +
         std::to_string(core_.store().arenas().size()) +
         " arenas; seen from outside " + std::to_string(audit_.granted()) +
         " granted, " + std::to_string(audit_.unanswered()) + " unanswered";
}

}  // namespace mobula::sim

#include "tests/ownership/node.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <variant>

#include "base/check.h"
#include "base/failure.h"
#include "base/scheduling/resource_vector.h"
#include "tests/ownership/describe.h"

namespace mobula::ownership {

using base::BootTime;
using base::ObjectId;
using base::ProcessId;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::uint64_t kHeaderBytes = 64;

raylet::Core::Options RayletOptions(int cpus) {
  raylet::Core::Options options;
  options.self = Node::kRaylet;
  options.node = base::NodeId{4, 1};
  options.node_name = "here";
  options.total = base::ResourceVector::Cpus(cpus);
  options.workers = raylet::Core::WorkerOptionsFor(cpus);
  options.workers.workers_max = 12;
  options.workers.pool = 1;
  options.workers.idle_keep = seconds(1);
  options.object_store_bytes = 1u << 30;
  return options;
}

}  // namespace

Node::Node(const Options& options)
    : options_(options),
      random_(options.seed),
      now_(BootTime::FromSinceBoot(seconds(1))),
      raylet_(RayletOptions(options.cpus), base::IdSource(9)),
      truth_([log = options.log](const std::string& wrong) {
        if (log != nullptr) *log << "wrong: " << wrong << "\n";
      }) {
  for (int i = 0; i < options.drivers; ++i) AddDriver(i);
}

void Node::AddDriver(int number) {
  const auto n = static_cast<std::uint64_t>(number);
  AddProcess({8, 1 + n}, {3, 1 + n}, base::Role::kDriver);
}

Node::Process& Node::AddProcess(ProcessId id, base::JobId job,
                                base::Role role) {
  Process& process = processes_[id];
  truth_.NoteCame(id, job);
  is_driver_[id] = process.is_driver = role == base::Role::kDriver;
  runtime::Core::Options options;
  options.self = id;
  options.role = role;
  options.job = job;
  options.seed = id.lo;
  process.core = std::make_unique<runtime::Core>(
      options, base::IdSource(id.hi * 2'000'000 + id.lo));
  process.program = std::make_unique<Program>(*this, id);
  process.attached.insert(kRaylet);
  linked_.insert({id, kRaylet});
  base::Register whoami;
  whoami.process = id;
  whoami.role = role;
  whoami.job = job;
  whoami.pid = static_cast<std::int32_t>(id.lo);
  Push(id, kRaylet, whoami);
  base::LeaseArena lease;
  lease.request = {5, id.lo};
  lease.byte_count = 1;
  Push(id, kRaylet, lease);
  return process;
}

// ---- what happens -----------------------------------------------------------

void Node::Run(int deeds) {
  for (int i = 0; i < deeds; ++i) {
    for (auto& [id, process] : processes_) {
      if (process.is_driver && Random(2) == 0) process.program->Allow(1);
    }
    const std::uint64_t steps = Random(12);
    for (std::uint64_t s = 0; s < steps; ++s) {
      if (!Step()) AdvanceTime();
    }
    if (options_.kills && Random(20) == 0) KillSome();
    if (options_.losses && Random(3) == 0 &&
        !truth_.LoseSome(random_()).IsNil()) {
      ++losses_;
    }
  }
}

void Node::Settle() {
  // Longer than any patience of the cores.
  const BootTime horizon = now_ + seconds(50);
  for (;;) {
    if (Step()) continue;
    bool was_waiting = false;
    for (auto& [id, process] : processes_) {
      was_waiting = process.program->GiveUpWaiting() || was_waiting;
    }
    if (was_waiting) continue;
    if (now_ > horizon || !AdvanceTime()) return;
  }
}

void Node::DropAll() {
  std::vector<ProcessId> ids;
  for (const auto& [id, process] : processes_) ids.push_back(id);
  for (const ProcessId id : ids) {
    const auto found = processes_.find(id);
    if (found != processes_.end()) found->second.program->DropAll();
  }
}

bool Node::Step() {
  ended_.clear();
  if (Random(8) == 0) now_ = now_ + microseconds(Random(400));
  const std::uint64_t first = Random(10);
  if (StepOnce(first)) return true;
  for (std::uint64_t choice = 0; choice < 10; ++choice) {
    if (StepOnce(choice)) return true;
  }
  return false;
}

bool Node::StepOnce(std::uint64_t choice) {
  if (choice < 6) return DeliverSome();
  if (choice < 8) return WorkSome();
  if (choice < 9) return TimeSome();
  return BurySome();
}

bool Node::AdvanceTime() {
  BootTime next = raylet_timer_;
  for (const auto& [id, process] : processes_) {
    next = std::min(next, process.timer);
  }
  if (next.IsNever()) return false;
  now_ = std::max(now_, next);
  return true;
}

bool Node::TimeSome() {
  if (raylet_timer_ <= now_) {
    raylet_timer_ = BootTime::Never();
    TellRaylet(raylet::Tick{});
    return true;
  }
  for (auto& [id, process] : processes_) {
    if (process.timer > now_) continue;
    process.timer = BootTime::Never();
    Do(id, runtime::Tick{});
    return true;
  }
  return false;
}

bool Node::WorkSome() {
  std::vector<Program*> able;
  for (auto& [id, process] : processes_) {
    if (process.program->HasWork()) able.push_back(process.program.get());
  }
  if (able.empty()) return false;
  able[Random(able.size())]->Work();
  return true;
}

// The raylet is told of the end of a worker some time after that of its link.
bool Node::BurySome() {
  if (unburied_.empty()) return false;
  const ProcessId process = unburied_.front();
  unburied_.pop_front();
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.signal = 9;
  TellRaylet(raylet::WorkerExited{process, failure});
  return true;
}

bool Node::DeliverSome() {
  std::vector<const std::pair<const Wire, Line>*> loaded;
  for (const auto& line : lines_) {
    if (!line.second.packets.empty() && IsDeliverable(line.first)) {
      loaded.push_back(&line);
    }
  }
  if (loaded.empty()) return false;
  const auto* chosen = loaded[Random(loaded.size())];
  // A slow one is mostly passed over.
  if (chosen->second.is_slow && Random(8) != 0) {
    chosen = loaded[Random(loaded.size())];
  }
  Deliver(chosen->first);
  return true;
}

// A socket is read once it has come.
bool Node::IsDeliverable(const Wire& wire) const {
  if (wire.second == kRaylet || wire.first == kRaylet) return true;
  const auto to = processes_.find(wire.second);
  return to == processes_.end() || to->second.attached.contains(wire.first);
}

void Node::Log(ProcessId from, ProcessId to, const Packet& packet) {
  if (options_.log == nullptr) return;
  *options_.log << now_.since_boot().count() / 1'000 << " us  " << from.hi
                << "." << from.lo << " > " << to.hi << "." << to.lo << "  "
                << (packet.has_value() ? DescribeMessage(*packet) : "ends")
                << "\n";
}

void Node::Deliver(const Wire& wire) {
  const auto [from, to] = wire;
  Line& line = lines_.at(wire);
  Packet packet = std::move(line.packets.front());
  line.packets.pop_front();
  if (line.packets.empty() && !packet.has_value()) lines_.erase(wire);
  ++delivered_;
  const std::size_t kind = packet.has_value() ? packet->index() + 1 : 0;
  ++counts_[kind];
  for (const std::uint64_t part : {from.lo, to.lo, std::uint64_t{kind}}) {
    trace_ = (trace_ ^ part) * 0x100000001B3ULL;
  }
  Log(from, to, packet);
  if (to == kRaylet) {
    DeliverToRaylet(from, std::move(packet));
  } else if (processes_.contains(to)) {
    Hear(to, from, std::move(packet));
  }
}

void Node::DeliverToRaylet(ProcessId from, Packet packet) {
  if (packet.has_value()) {
    const auto* stored = std::get_if<base::ObjectStored>(&*packet);
    const base::Extent extent =
        stored == nullptr ? base::Extent() : stored->extent;
    TellRaylet(raylet::Received{from, std::move(*packet)});
    if (IsStored(extent)) stored_.push_back(extent);
    return;
  }
  TellRaylet(raylet::PeerLost{from});
  if (!is_driver_.at(from)) unburied_.push_back(from);
}

void Node::Hear(ProcessId to, ProcessId from, Packet packet) {
  Process& process = processes_.at(to);
  if (!packet.has_value()) {
    Do(to, runtime::PeerLost{from});
    return;
  }
  if (const auto* attach = std::get_if<base::Attach>(&*packet)) {
    process.attached.insert(attach->peer);
  } else if (const auto* leased = std::get_if<base::ArenaLeased>(&*packet)) {
    process.arena = leased->arena;
    process.arena_bytes = leased->byte_count;
  } else if (const auto* free = std::get_if<base::FreeExtents>(&*packet)) {
    for (const base::Extent& extent : free->extents) {
      truth_.NoteFreed(extent);
    }
  }
  Do(to, runtime::Received{from, std::move(*packet)});
}

// ---- processes --------------------------------------------------------------

void Node::Do(ProcessId id, runtime::Event event) {
  const auto found = processes_.find(id);
  if (found == processes_.end()) return;  // it ended while it worked
  Process& process = found->second;
  process.pending.push_back(std::move(event));
  if (process.stepping) return;
  process.stepping = true;
  while (!process.pending.empty()) {
    runtime::Event next = std::move(process.pending.front());
    process.pending.pop_front();
    runtime::Effects effects;
    process.core->Step(std::move(next), now_, effects);
    CarryOut(id, effects);
    if (!processes_.contains(id)) return;
  }
  process.stepping = false;
}

void Node::CarryOut(ProcessId from, runtime::Effects& effects) {
  Process& process = processes_.at(from);
  for (runtime::Effect& effect : effects) {
    if (auto* send = std::get_if<runtime::Send>(&effect)) {
      Transmit(from, send->to, std::move(send->message));
    } else if (auto* ready = std::get_if<runtime::Ready>(&effect)) {
      process.program->OnReady(*ready);
    } else if (auto* execute = std::get_if<runtime::Execute>(&effect)) {
      process.program->OnExecute(std::move(*execute));
    } else if (auto* news = std::get_if<runtime::ActorChanged>(&effect)) {
      process.program->OnActorChanged(*news);
    } else if (auto* stop = std::get_if<runtime::StopExecution>(&effect)) {
      process.program->OnStop(stop->task);
    } else if (auto* verdict = std::get_if<runtime::CancelReady>(&effect)) {
      ++cancels_;
      process.program->OnCancelReady(*verdict);
    } else if (auto* timer = std::get_if<runtime::SetTimer>(&effect)) {
      process.timer = timer->at;
    } else if (std::holds_alternative<runtime::Remade>(effect)) {
      ++remade_;
    } else if (std::holds_alternative<runtime::Exit>(effect)) {
      End(from, /*was_killed=*/false);
      return;
    }
  }
}

void Node::Say(ProcessId process, base::Message message) {
  Transmit(process, kRaylet, std::move(message));
}

std::optional<base::Message> Node::Spoil(base::Message message) const {
  auto* returned = std::get_if<base::ReturnObjects>(&message);
  auto* claimed = std::get_if<base::ClaimObjects>(&message);
  switch (options_.plant) {
    case Plant::kReturnsOneLess:
      if (returned == nullptr) break;
      for (auto& one : returned->objects) --one.lent_count;
      break;
    case Plant::kFreedByReturner:
      if (returned == nullptr) break;
      for (auto& one : returned->objects) ++one.lent_count;
      break;
    case Plant::kForgottenClaim:
      if (claimed != nullptr) claimed->objects.clear();
      break;
    case Plant::kLostWish:
      if (std::holds_alternative<base::WantObjects>(message)) return {};
      break;
    case Plant::kLostReport:
      if (std::holds_alternative<base::ObjectsLost>(message)) return {};
      break;
    case Plant::kTakenNever:
      if (std::holds_alternative<base::ObjectsTaken>(message)) return {};
      break;
    case Plant::kNone:
    case Plant::kTakenTooSoon:
    case Plant::kBorrowedTwice:
      break;
  }
  return message;
}

void Node::Transmit(ProcessId from, ProcessId to, base::Message message) {
  if (!processes_.contains(from)) return;  // it ended while it worked
  MOBULA_CHECK(processes_.at(from).attached.contains(to))
      << "a message to " << to << ", to which there was never a link";
  if (to != kRaylet && !processes_.contains(to)) return;
  truth_.NoteSent(from, to, message);
  std::optional<base::Message> spoilt = Spoil(std::move(message));
  if (!spoilt.has_value()) return;
  if (options_.plant == Plant::kBorrowedTwice &&
      std::holds_alternative<base::BorrowObjects>(*spoilt)) {
    Push(from, to, *spoilt);
  }
  const std::vector<ObjectId> thirds = ThirdPartyRefs(from, to, *spoilt);
  Push(from, to, std::move(*spoilt));
  if (options_.plant == Plant::kTakenTooSoon && !thirds.empty()) {
    Push(to, from, base::ObjectsTaken{thirds});
  }
}

void Node::Push(ProcessId from, ProcessId to, Packet packet) {
  const auto [line, is_new] = lines_.try_emplace(Wire{from, to});
  if (is_new) line->second.is_slow = Random(4) == 0;
  line->second.packets.push_back(std::move(packet));
}

std::optional<base::Extent> Node::Write(ProcessId id, ObjectId object,
                                        const base::Bytes& bytes) {
  const auto found = processes_.find(id);
  if (found == processes_.end()) return std::nullopt;
  Process& process = found->second;
  base::Extent extent;
  extent.arena = process.arena;
  extent.byte_count = bytes.size();
  extent.offset = process.arena_next + kHeaderBytes;
  extent.generation = 1;
  const std::uint64_t end = extent.offset + extent.byte_count;
  if (process.arena.IsNil() || end > process.arena_bytes) return std::nullopt;
  process.arena_next = (end + 63) / 64 * 64;
  truth_.NoteWritten(object, extent, bytes);
  return extent;
}

std::optional<base::ObjectName> Node::SomeName() {
  auto it = processes_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(Random(processes_.size())));
  const auto& handles = it->second.program->handles();
  if (handles.empty()) return std::nullopt;
  const auto& [object, handle] = *handles.begin();
  // A pending result could come to be inside of itself, which nobody collects.
  if (!truth_.IsLeaf(object)) return std::nullopt;
  return base::ObjectName{object, handle.owner};
}

void Node::KillSome() {
  auto it = processes_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(Random(processes_.size())));
  // One driver stays, to see what becomes of the others.
  if (it->first == ProcessId{8, 1}) return;
  if (it->second.is_driver && Random(4) != 0) return;
  ++kills_;
  End(it->first, /*was_killed=*/true);
}

void Node::End(ProcessId id, bool was_killed) {
  truth_.NoteEnded(id, was_killed);
  if (is_driver_.at(id)) truth_.NoteJobOver({3, id.lo});
  ended_.push_back(processes_.extract(id));
  for (auto it = linked_.begin(); it != linked_.end();) {
    const Wire wire = *it;
    if (wire.second == id) lines_.erase(wire);
    if (wire.first == id) {
      auto& packets = lines_[wire].packets;
      // Of what it said to its peers the last may not have left it.
      if (was_killed && wire.second != kRaylet && Random(2) == 0) {
        packets.resize(packets.size() - Random(packets.size() + 1));
      }
      packets.push_back(std::nullopt);
    }
    it = wire.first == id || wire.second == id ? linked_.erase(it)
                                               : std::next(it);
  }
  lines_.erase({kRaylet, id});
}

// ---- the raylet -------------------------------------------------------------

void Node::TellRaylet(raylet::Event event) {
  raylet_pending_.push_back(std::move(event));
  if (raylet_stepping_) return;
  raylet_stepping_ = true;
  while (!raylet_pending_.empty()) {
    const raylet::Event next = std::move(raylet_pending_.front());
    raylet_pending_.pop_front();
    raylet::Effects effects;
    raylet_.Step(next, now_, effects);
    CarryOut(effects);
  }
  raylet_stepping_ = false;
  NoteStore();
}

void Node::CarryOut(raylet::Effects& effects) {
  for (raylet::Effect& effect : effects) {
    if (auto* send = std::get_if<raylet::Send>(&effect)) {
      if (processes_.contains(send->to)) {
        Push(kRaylet, send->to, std::move(send->message));
      }
    } else if (auto* with = std::get_if<raylet::SendWithArena>(&effect)) {
      if (processes_.contains(with->to)) {
        Push(kRaylet, with->to, std::move(with->message));
      }
    } else if (const auto* connect = std::get_if<raylet::Connect>(&effect)) {
      Connect(connect->a, connect->b);
    } else if (const auto* start = std::get_if<raylet::StartWorker>(&effect)) {
      AddProcess(start->process, start->job, base::Role::kWorker);
      TellRaylet(raylet::WorkerStarted{start->process, 1});
    } else if (const auto* kill = std::get_if<raylet::KillWorker>(&effect)) {
      if (processes_.contains(kill->process)) End(kill->process, true);
    } else if (const auto* timer = std::get_if<raylet::SetTimer>(&effect)) {
      raylet_timer_ = timer->at;
    } else if (const auto* make = std::get_if<raylet::MakeArena>(&effect)) {
      TellRaylet(raylet::ArenaMade{make->arena});
    }
  }
}

void Node::Connect(ProcessId a, ProcessId b) {
  for (const auto& [one, other] : {Wire{a, b}, Wire{b, a}}) {
    if (!processes_.contains(one)) continue;
    Push(kRaylet, one, base::Attach{other});
    if (processes_.contains(other)) {
      linked_.insert({one, other});
    } else {
      Push(other, one, std::nullopt);
    }
  }
}

// What the raylet knew of and knows of no more is free.
void Node::NoteStore() {
  std::erase_if(stored_, [this](const base::Extent& extent) {
    const bool is_free = !IsStored(extent);
    if (is_free) truth_.NoteFreed(extent);
    return is_free;
  });
}

bool Node::IsStored(const base::Extent& extent) const {
  return !raylet_.store().stored().NameAt(extent).object.IsNil();
}

std::uint64_t Node::CountOf(std::size_t kind) const {
  const auto found = counts_.find(kind + 1);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace mobula::ownership

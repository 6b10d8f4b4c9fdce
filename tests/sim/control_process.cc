#include "tests/sim/control_process.h"

#include <chrono>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::seconds;

namespace {

constexpr base::ClusterId kCluster{0xC1, 1};
constexpr base::Duration kLostAfter = seconds(30);
constexpr std::int64_t kRoom = std::int64_t{1} << 30;

gcs::Core::Options CoreOptions(Surroundings& world, std::uint64_t epoch) {
  gcs::Core::Options options;
  options.cluster = kCluster;
  options.epoch = epoch;
  options.pid = 1;
  options.plant_accept_stale_incarnation =
      world.records().plants.Is(Plant::kStaleReport);
  options.history_max =
      static_cast<std::size_t>(world.options().control.history_max);
  return options;
}

gcs::CommitQueue::Options QueueOptions(Surroundings& world) {
  gcs::CommitQueue::Options options;
  options.held_max = static_cast<std::size_t>(world.options().control.held_max);
  options.plant_reply_before_write =
      world.records().plants.Is(Plant::kReplyBeforeWrite);
  return options;
}

}  // namespace

ControlProcess::ControlProcess(base::ProcessId id, Surroundings& world,
                               Disk& disk, StoreAudit& audit)
    : Process(id, base::Role::kTool, base::JobId(), world.records().queue),
      world_(world),
      disk_(disk),
      audit_(audit),
      rng_(world.ForkRng()),
      commit_(QueueOptions(world)) {}

void ControlProcess::Begin() {
  // Syncs and room are news from outside, which a paused process gets later.
  Disk::Callbacks callbacks;
  callbacks.on_durable = [this](std::uint64_t number) {
    Turn([this, number] { OnDurable(number); });
  };
  callbacks.on_full = [this](bool full) {
    Turn([this, full] { OnDisk(full); });
  };
  callbacks.on_failed = [this] {
    world_.EndProcess(id(), Surroundings::Death{6, 0});
  };
  epoch_ = disk_.Open(std::move(callbacks));
  core_ = std::make_unique<gcs::Core>(CoreOptions(world_, epoch_));
  disk_.ForEach([this](std::string_view key, std::string_view value) {
    std::string error;
    if (!core_->Restore(key, value, &error)) {
      world_.records().verdict.Violate(
          "I7", "the store does not know its own log: " + error);
    }
  });
  audit_.OnStart(epoch_, queue().now());
  gcs::Effects effects;
  core_->Start(queue().now(), effects);
  core_->CheckInvariants();
  Commit(effects);
  if (alive()) OnDisk(disk_.full());
}

void ControlProcess::OnDisk(bool full) {
  world_.records().control.OnDiskFull(full, queue().now());
  Post(gcs::DiskChanged{full, full ? 0 : kRoom});
}

// ---- sessions ---------------------------------------------------------------

void ControlProcess::Accept(const LineHello& hello,
                            std::shared_ptr<LineConnection> line,
                            const ControlDoor::Agreed& agreed) {
  const auto known = peers_.find(hello.raylet);
  const bool goes_on = known != peers_.end() && hello.epoch == epoch_;
  if (!goes_on) {
    LosePeer(hello.raylet);
    if (!alive()) return;
    OpenPeer(hello.raylet);
  }
  Peer& peer = peers_.at(hello.raylet);
  ++peer.connections;
  peer.end->Attach(std::move(line));
  LineWelcome welcome;
  welcome.store = id();
  welcome.epoch = epoch_;
  welcome.goes_on = goes_on;
  agreed(welcome);
}

void ControlProcess::OpenPeer(base::ProcessId raylet) {
  LineEnd::Options options;
  options.side = 1;
  options.peer = raylet;
  options.epoch = epoch_;
  LineEnd::Callbacks callbacks;
  callbacks.on_message = [this, raylet](base::ControlMessage message) {
    Post(gcs::Received{raylet, std::move(message)});
  };
  callbacks.on_detached = [this, raylet] { OnDetached(raylet); };
  callbacks.on_ended = [this, raylet] { LosePeer(raylet); };
  peers_[raylet].end = std::make_shared<LineEnd>(
      options, *this, queue(), world_.records().verdict, std::move(callbacks));
}

void ControlProcess::OnDetached(base::ProcessId raylet) {
  const auto found = peers_.find(raylet);
  if (found == peers_.end()) return;
  After(kLostAfter, [this, raylet, connections = found->second.connections] {
    const auto peer = peers_.find(raylet);
    if (peer == peers_.end() || peer->second.end->attached()) return;
    if (peer->second.connections == connections) LosePeer(raylet);
  });
}

void ControlProcess::LosePeer(base::ProcessId raylet) {
  const auto found = peers_.find(raylet);
  if (found == peers_.end()) return;
  // Later: it may be the end itself that calls.
  const std::shared_ptr<LineEnd> end = std::move(found->second.end);
  peers_.erase(found);
  end->Close();
  Post(gcs::PeerLost{raylet});
}

void ControlProcess::Abandon() {
  disk_.Crash();
  for (auto& [raylet, peer] : peers_) peer.end->Close();
}

void ControlProcess::AskAsTool(
    const base::ControlCall& call,
    std::function<void(const base::ControlReply&)> answered) {
  tools_[call.request] = std::move(answered);
  Post(gcs::Received{call.from, call});
}

// No process has a link to the store.
void ControlProcess::OnMessage(base::ProcessId /*from*/,
                               const base::Message& /*message*/) {
  MOBULA_CHECK(false);
}
void ControlProcess::OnLinkClosed(base::ProcessId /*peer*/) {
  MOBULA_CHECK(false);
}

// ---- events and effects -----------------------------------------------------

void ControlProcess::Post(gcs::Event event) {
  events_.push_back(std::move(event));
  Drain();
}

void ControlProcess::Drain() {
  if (stepping_) return;
  stepping_ = true;
  // What is held has a bound: beyond it nothing is read.
  while (alive() && !events_.empty() && !commit_.Full()) {
    const gcs::Event event = std::move(events_.front());
    events_.pop_front();
    Step(event);
  }
  stepping_ = false;
}

void ControlProcess::Step(const gcs::Event& event) {
  Surroundings::Records records = world_.records();
  records.trace.Note(queue().now(), id(), "event", event);
  audit_.OnEvent(event, queue().now());
  core_->SetLogNumber(disk_.durable());
  gcs::Effects effects;
  core_->Step(event, queue().now(), effects);
  core_->CheckInvariants();
  Commit(effects);
}

void ControlProcess::Commit(gcs::Effects& effects) {
  if (Dies()) return;
  for (const gcs::Effect& effect : effects) {
    world_.records().trace.Note(queue().now(), id(), "effect", effect);
    if (const auto* write = std::get_if<gcs::Write>(&effect)) {
      audit_.OnWrite(*write);
    }
  }
  gcs::Effects released;
  gcs::Batch batch;
  commit_.Take(effects, released, batch);
  if (!batch.empty()) commit_.Appended(disk_.Append(std::move(batch)));
  Release(released);
}

void ControlProcess::OnDurable(std::uint64_t number) {
  gcs::Effects released;
  commit_.Durable(number, released);
  Release(released);
  Drain();
}

void ControlProcess::Release(gcs::Effects& released) {
  for (const gcs::Effect& effect : released) {
    if (!alive() || Dies()) return;
    CarryOut(effect);
  }
}

bool ControlProcess::Dies() {
  if (!world_.DiesHere(*this)) return false;
  world_.EndProcess(id(), Surroundings::Death{9, 0});
  return true;
}

void ControlProcess::CarryOut(const gcs::Effect& effect) {
  if (const auto* send = std::get_if<gcs::Send>(&effect)) {
    SendToPeer(*send);
  } else if (const auto* timer = std::get_if<gcs::SetTimer>(&effect)) {
    SetTimer(timer->at);
  } else if (const auto* close = std::get_if<gcs::ClosePeer>(&effect)) {
    const auto found = peers_.find(close->peer);
    if (found == peers_.end()) return;
    const std::shared_ptr<LineEnd> end = std::move(found->second.end);
    peers_.erase(found);
    end->Close();
  } else {
    world_.records().verdict.Violate("I7", "a write is released as an effect");
  }
}

void ControlProcess::SendToPeer(const gcs::Send& send) {
  world_.records().trace.Note(queue().now(), id(), "sends", send);
  audit_.OnSend(send, queue().now());
  const auto peer = peers_.find(send.to);
  if (peer != peers_.end()) {
    peer->second.end->Send(send.message);
    return;
  }
  const auto* answer = std::get_if<base::ControlAnswer>(&send.message);
  if (answer == nullptr) return;
  const auto tool = tools_.find(answer->request);
  if (tool == tools_.end()) return;
  const auto answered = std::move(tool->second);
  tools_.erase(tool);
  answered(answer->body);
}

void ControlProcess::SetTimer(base::BootTime at) {
  const std::uint64_t number = ++timer_;
  queue().At(at, [this, number] {
    Turn([this, number] {
      if (timer_ == number) Post(gcs::Tick{});
    });
  });
}

std::string ControlProcess::Describe() const {
  const gcs::Core::Census census = core_->Count();
  return "epoch " + std::to_string(epoch_) + ", " +
         std::to_string(census.nodes_alive) + " nodes, " +
         std::to_string(census.jobs_running) + " jobs, " +
         std::to_string(census.actors_living) + " living actors, " +
         std::to_string(census.keys) + " keys, " +
         std::to_string(commit_.held()) + " effects held, " +
         std::to_string(events_.size()) + " events wait";
}

}  // namespace mobula::sim

#include "raylet/lines/node_lines.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/frames/node_message_codec.h"
#include "base/log.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::NodeId;

// Messages that may be on their way: of bulk, 8 MiB.
constexpr std::uint32_t kControlWindow = 1024;
constexpr std::uint32_t kBulkWindow = 32;
constexpr base::Duration kControlAckDelay = std::chrono::milliseconds(10);
// A connection loses nothing; after one that broke, Resend.
constexpr base::Duration kNeverRepeated = std::chrono::hours(24 * 365);

// Larger than that of an earlier process of the same id, if there was one.
std::uint64_t FirstLife() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count());
}

}  // namespace

NodeLines::NodeLines(base::Strand& strand, Options options, Callbacks callbacks)
    : strand_(strand),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)) {
  MOBULA_CHECK(!options_.self.IsNil() && !options_.raylet.IsNil());
}

NodeLines::~NodeLines() {
  strand_.AssertHeld();
  *alive_ = false;
  for (auto& [node, peer] : peers_) {
    Drop(*peer);
    if (peer->timer != 0) strand_.Cancel(peer->timer);
  }
  for (Waiting& waiting : waiting_) strand_.Cancel(waiting.timer);
}

bool NodeLines::Listen(std::string* door, std::string* error) {
  strand_.AssertHeld();
  MOBULA_CHECK(door_ == nullptr);
  door->clear();
  if (options_.door.empty()) return true;
  NodeDoor::Options options;
  options.credentials_file = options_.credentials_file;
  options.hello_timeout = options_.hello_timeout;
  options.look = options_.credentials_look;
  options.clock = options_.clock;
  door_ = std::make_unique<NodeDoor>(strand_, std::move(options),
                                     [this](NodeDoor::Arrival arrival) {
                                       strand_.AssertHeld();
                                       OnArrival(std::move(arrival));
                                     });
  base::ControlAddress bound;
  if (!door_->Listen(options_.door, &bound, error)) return false;
  if (!options_.door_host.empty()) bound.host = options_.door_host;
  *door = bound.ToString();
  return true;
}

void NodeLines::Join(base::ClusterId cluster) {
  strand_.AssertHeld();
  MOBULA_CHECK(!cluster.IsNil());
  MOBULA_CHECK(cluster_.IsNil() || cluster_ == cluster,
               "a raylet is of one cluster as long as it lives");
  cluster_ = cluster;
  JudgeWaiting(NodeId());
}

NodeLines::PeerPtr NodeLines::Find(NodeId node) const {
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : found->second;
}

void NodeLines::Knows(NodeId node, base::ProcessId raylet, std::string door) {
  strand_.AssertHeld();
  if (node == options_.self || node.IsNil()) return;
  PeerPtr& peer = peers_[node];
  if (peer == nullptr) {
    Line::Options line;
    line.lost_after = options_.lost_after;
    line.wait_max = options_.retry_max;
    line.wait_first = std::min(line.wait_first, line.wait_max);
    line.first_life = FirstLife();
    line.seed = base::RandomBits();
    peer = std::make_shared<Peer>(line);
    peer->node = node;
    peer->raylet = raylet;
  }
  if (peer->raylet != raylet) GiveUp(peer, "its raylet has been started again");
  peer->raylet = raylet;
  peer->door = std::move(door);
  if (peer->telling) {
    peer->known_again = true;
    return;
  }
  const PeerPtr held = peer;
  LineEffects effects;
  held->line.Know(strand_.Now(), effects);
  Apply(held, effects);
  JudgeWaiting(node);
}

void NodeLines::Forget(NodeId node) {
  strand_.AssertHeld();
  const PeerPtr peer = Find(node);
  if (peer == nullptr) return;
  peers_.erase(node);
  Drop(*peer);
  peer->telling = false;
  if (peer->timer != 0) strand_.Cancel(std::exchange(peer->timer, 0));
}

bool NodeLines::knows(NodeId node) const {
  strand_.AssertHeld();
  const PeerPtr peer = Find(node);
  return peer != nullptr && peer->line.known();
}

std::size_t NodeLines::queued_bytes(NodeId node) const {
  strand_.AssertHeld();
  const PeerPtr peer = Find(node);
  std::size_t bytes = 0;
  if (peer == nullptr) return bytes;
  for (const OutLane& out : peer->out) {
    if (out.session != nullptr) bytes += out.session->queued_bytes();
  }
  return bytes;
}

void NodeLines::Apply(const PeerPtr& peer, const LineEffects& effects) {
  if (effects.ended) {
    Drop(*peer);
    Tell(peer, effects.why);
  }
  for (const Lane lane : effects.dial) Dial(peer, lane);
  SetTimer(peer);
}

// Never inside a call of who is told.
void NodeLines::Tell(const PeerPtr& peer, const std::string& why) {
  MOBULA_LOG(WARNING) << "the line to node " << peer->node
                      << " is given up: " << why;
  peer->telling = true;
  strand_.Post([this, alive = alive_, peer, why] {
    if (!*alive) return;
    strand_.AssertHeld();
    if (!std::exchange(peer->telling, false)) return;  // forgotten
    callbacks_.on_lost(peer->node, why);
    if (!*alive || Find(peer->node) != peer) return;
    if (!std::exchange(peer->known_again, false)) return;
    LineEffects effects;
    peer->line.Know(strand_.Now(), effects);
    Apply(peer, effects);
    JudgeWaiting(peer->node);
  });
}

void NodeLines::GiveUp(const PeerPtr& peer, const std::string& why) {
  LineEffects effects;
  peer->line.GiveUp(why, effects);
  Apply(peer, effects);
}

// All connections and what they carried.
void NodeLines::Drop(Peer& peer) {
  for (OutLane& out : peer.out) out = OutLane();
  for (InLane& in : peer.in) {
    if (in.ack_timer != 0) strand_.Cancel(in.ack_timer);
    in = InLane();
  }
}

// One that fires too early does no harm.
void NodeLines::SetTimer(const PeerPtr& peer) {
  const BootTime at = peer->line.timer();
  if (at >= peer->timer_at) return;
  if (peer->timer != 0) strand_.Cancel(peer->timer);
  peer->timer_at = at;
  peer->timer = strand_.PostAt(at, [this, weak = std::weak_ptr<Peer>(peer)] {
    strand_.AssertHeld();
    const PeerPtr held = weak.lock();
    if (held == nullptr) return;
    held->timer = 0;
    held->timer_at = BootTime::Never();
    OnTimer(held);
  });
}

void NodeLines::OnTimer(const PeerPtr& peer) {
  const BootTime now = strand_.Now();
  for (const Lane lane : {Lane::kControl, Lane::kBulk}) {
    OutLane& out = peer->out[static_cast<std::size_t>(lane)];
    if (out.wire == nullptr) continue;
    const std::uint64_t taken = out.wire->taken_bytes();
    if (taken > out.taken_bytes) peer->line.OnMoved(lane, now);
    out.taken_bytes = taken;
  }
  LineEffects effects;
  peer->line.OnTimer(now, effects);
  Apply(peer, effects);
}

base::SessionOptions NodeLines::SessionFor(const Peer& peer, Lane lane,
                                           std::uint64_t life) const {
  const bool is_bulk = lane == Lane::kBulk;
  base::SessionOptions options;
  options.epoch = life;
  options.self = options_.raylet;
  options.peer = peer.raylet;
  options.window = is_bulk ? kBulkWindow : kControlWindow;
  options.queued_bytes_max =
      options_.queued_bytes_max + base::kNodeMessageBytesMax;
  options.retransmit_first = kNeverRepeated;
  options.retransmit_max = kNeverRepeated;
  options.lost_after = kNeverRepeated;  // Line's to say
  options.ack_delay = is_bulk ? base::Duration::zero() : kControlAckDelay;
  return options;
}

}  // namespace mobula::raylet

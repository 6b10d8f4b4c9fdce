// What NodeLines sends.
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/control/control_address.h"
#include "base/frames/node_message_codec.h"
#include "base/log.h"
#include "raylet/lines/node_lines.h"

namespace mobula::raylet {
namespace {

using base::SessionEffects;

Lane LaneOf(const base::NodeMessage& message) {
  const bool is_part = std::holds_alternative<base::ProgramPart>(message) ||
                       std::holds_alternative<base::ExtentPart>(message);
  return is_part ? Lane::kBulk : Lane::kControl;
}

std::size_t At(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace

base::Session& NodeLines::OutSession(Peer& peer, Lane lane) {
  OutLane& out = peer.out[At(lane)];
  if (out.session == nullptr) {
    out.session = std::make_unique<base::Session>(
        SessionFor(peer, lane, peer.line.life().own()));
  }
  return *out.session;
}

void NodeLines::Send(base::NodeId node, const base::NodeMessage& message) {
  strand_.AssertHeld();
  const PeerPtr peer = Find(node);
  if (peer == nullptr || !peer->line.known()) return;
  base::Bytes bytes = base::Bytes::Own(base::EncodeNodeMessage(message));
  if (bytes.size() > base::kNodeMessageBytesMax) {
    return GiveUp(peer, "a message of " + std::to_string(bytes.size()) +
                            " bytes was to be sent; the limit is " +
                            std::to_string(base::kNodeMessageBytesMax));
  }
  if (queued_bytes(node) + bytes.size() > options_.queued_bytes_max) {
    return GiveUp(peer, "more than " +
                            std::to_string(options_.queued_bytes_max) +
                            " bytes wait for it: it takes too little");
  }
  const Lane lane = LaneOf(message);
  const base::BootTime now = strand_.Now();
  SessionEffects effects;
  const std::uint64_t number =
      OutSession(*peer, lane)
          .Send(std::move(bytes), base::BootTime::Never(), now, effects);
  MOBULA_CHECK(number != 0, "its queue is longer than ours");
  Transmit(*peer, lane, effects);
  LineEffects of_line;
  peer->line.Want(lane, now, of_line);
  Apply(peer, of_line);
}

// While there is no connection they are only kept.
void NodeLines::Transmit(const Peer& peer, Lane lane,
                         const SessionEffects& effects) {
  LaneWire* const wire = peer.out[At(lane)].wire.get();
  if (wire == nullptr) return;
  for (const base::SessionEffect& effect : effects) {
    const auto* const transmit = std::get_if<base::Transmit>(&effect);
    if (transmit != nullptr) wire->Send(*transmit);
  }
}

void NodeLines::Dial(const PeerPtr& peer, Lane lane) {
  NodeHello hello;
  hello.cluster = cluster_;
  hello.from = options_.self;
  hello.raylet = options_.raylet;
  hello.to = peer->node;
  hello.lane = lane;
  hello.epoch = peer->line.life().own();
  hello.seen = peer->line.life().theirs();
  hello.over = peer->line.life().over();
  if (cluster_.IsNil()) {
    return peer->line.OnDown(lane, "this node has not joined its cluster yet",
                             strand_.Now());
  }
  if (peer->door.empty()) {
    return peer->line.OnDown(lane, "it waits nowhere for other nodes",
                             strand_.Now());
  }
  if (tunnel_ == nullptr && !options_.credentials_file.empty()) {
    tunnel_ = std::make_unique<base::TlsTunnel>(
        base::TlsTunnel::Options{options_.credentials_file, options_.clock});
  }
  const LaneDial::Target target{peer->door, tunnel_.get(),
                                options_.dial_timeout, options_.lost_after / 3};
  peer->out[At(lane)].dial =
      std::make_unique<LaneDial>(strand_, target, hello,
                                 [this, weak = std::weak_ptr<Peer>(peer),
                                  lane](LaneDial::Outcome outcome) {
                                   strand_.AssertHeld();
                                   const PeerPtr held = weak.lock();
                                   if (held != nullptr)
                                     OnDialled(held, lane, std::move(outcome));
                                 });
}

void NodeLines::OnDialled(const PeerPtr& peer, Lane lane,
                          LaneDial::Outcome outcome) {
  peer->out[At(lane)].dial.reset();
  const base::BootTime now = strand_.Now();
  LineEffects effects;
  if (outcome.wire == nullptr) {
    LogTrouble(*peer, outcome.why);
    peer->line.OnDown(lane, outcome.why, now);
  } else if (outcome.welcome.refusal != NodeRefusal::kNone) {
    LogTrouble(*peer, "it refuses: " + outcome.welcome.reason);
    peer->line.OnRefused(lane, outcome.welcome, now, effects);
  } else if (peer->line.OnUp(lane, outcome.welcome.epoch, now, effects)) {
    peer->refused.clear();
    TakeUp(peer, lane, std::move(outcome));
  }
  Apply(peer, effects);
}

// Once, as long as it is the same.
void NodeLines::LogTrouble(Peer& peer, const std::string& why) {
  if (peer.refused == why) return;
  peer.refused = why;
  MOBULA_LOG(INFO) << "node " << peer.node << " at " << peer.door
                   << " is not reached: " << why;
}

void NodeLines::TakeUp(const PeerPtr& peer, Lane lane,
                       LaneDial::Outcome outcome) {
  OutLane& out = peer->out[At(lane)];
  LaneWire::Callbacks callbacks;
  const std::weak_ptr<Peer> weak = peer;
  callbacks.on_hello = [this, weak](const base::Bytes&) {
    strand_.AssertHeld();
    if (const PeerPtr held = weak.lock()) {
      GiveUp(held, "it breaks the protocol: a second welcome");
    }
  };
  callbacks.on_frame = [this, weak, lane](base::SessionHeader header,
                                          const base::Bytes&) {
    strand_.AssertHeld();
    if (const PeerPtr held = weak.lock()) OnOutFrame(held, lane, header);
  };
  callbacks.on_closed = [this, weak, lane](const std::string& why) {
    strand_.AssertHeld();
    const PeerPtr held = weak.lock();
    if (held == nullptr) return;
    held->out[At(lane)].wire.reset();
    held->line.OnDown(lane, "the connection ended: " + why, strand_.Now());
    SetTimer(held);
  };
  outcome.wire->Hand(std::move(callbacks));
  out.taken_bytes = 0;
  if (out.session != nullptr) {
    // What it has is not sent again. What that gives credit for goes with the
    // rest.
    base::SessionHeader known;
    known.kind = base::SessionKind::kAck;
    known.ack = outcome.welcome.received;
    known.credits = out.session->options().window;
    const std::uint64_t life = peer->line.life().own();
    OnOutFrame(peer, lane, known);
    if (peer->line.life().own() != life) return;
  }
  out.wire = std::move(outcome.wire);
  if (out.session == nullptr) return;
  SessionEffects effects;
  out.session->Resend(strand_.Now(), effects);
  Transmit(*peer, lane, effects);
}

void NodeLines::OnOutFrame(const PeerPtr& peer, Lane lane,
                           base::SessionHeader header) {
  OutLane& out = peer->out[At(lane)];
  if (header.kind != base::SessionKind::kAck || out.session == nullptr) {
    return GiveUp(peer, "it breaks the protocol: no acknowledgement");
  }
  header.epoch = out.session->options().epoch;
  header.from = out.session->options().peer;
  header.to = out.session->options().self;
  SessionEffects effects;
  const base::BootTime now = strand_.Now();
  const base::FrameVerdict verdict =
      out.session->OnFrame(header, base::Bytes(), now, effects);
  if (verdict != base::FrameVerdict::kAccepted) {
    return GiveUp(peer, "it breaks the protocol: a wrong acknowledgement");
  }
  Transmit(*peer, lane, effects);
  if (header.ack <= out.acked) return;
  out.acked = header.ack;
  peer->line.OnAcked(lane, out.session->queued_bytes() == 0, now);
}

}  // namespace mobula::raylet

// What comes to NodeLines.
#include <chrono>
#include <iterator>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/frames/node_message_codec.h"
#include "base/log.h"
#include "raylet/lines/node_lines.h"

namespace mobula::raylet {
namespace {

using base::SessionEffects;
using base::SessionKind;

constexpr base::Duration kLogGap = std::chrono::seconds(1);

std::size_t At(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace

void NodeLines::OnArrival(NodeDoor::Arrival arrival) {
  Judge(std::move(arrival));
}

std::string NodeLines::WhyNot(const NodeDoor::Arrival& arrival) const {
  const NodeHello& hello = arrival.hello;
  if (arrival.maker != 0 && arrival.maker != hello.from.hi) {
    return "its certificate is not that of node " + hello.from.ToString();
  }
  if (!cluster_.IsNil() && hello.cluster != cluster_) {
    return "it is of cluster " + hello.cluster.ToString() +
           ", and this node of " + cluster_.ToString();
  }
  if (hello.to != options_.self) {
    return "it looks for node " + hello.to.ToString() + ", and this is node " +
           options_.self.ToString();
  }
  return "";
}

void NodeLines::Judge(NodeDoor::Arrival arrival) {
  const std::string wrong = WhyNot(arrival);
  if (!wrong.empty()) {
    LogRefused(arrival.hello.from, wrong);
    return Refuse(std::move(arrival), NodeRefusal::kOther, wrong);
  }
  const NodeHello hello = arrival.hello;
  const PeerPtr peer = Find(hello.from);
  if (cluster_.IsNil() || peer == nullptr || peer->raylet != hello.raylet) {
    return Wait(std::move(arrival));
  }
  LineEffects effects;
  const Line::Verdict verdict = peer->line.OnHello(hello, effects);
  Apply(peer, effects);
  switch (verdict) {
    case Line::Verdict::kWelcome:
      return Attach(peer, std::move(arrival));
    case Line::Verdict::kStale:
      return Refuse(std::move(arrival), NodeRefusal::kStale,
                    "that line has been given up");
    case Line::Verdict::kWait:
      return Wait(std::move(arrival));
  }
}

// It will come again and again.
void NodeLines::LogRefused(base::NodeId node, const std::string& why) {
  const base::BootTime now = strand_.Now();
  if (refused_at_ != base::BootTime() && now - refused_at_ < kLogGap) return;
  refused_at_ = now;
  MOBULA_LOG(WARNING) << "a connection of node " << node
                      << " is refused: " << why;
}

void NodeLines::Refuse(NodeDoor::Arrival arrival, NodeRefusal refusal,
                       const std::string& why) {
  NodeWelcome welcome;
  welcome.refusal = refusal;
  welcome.reason = why;
  arrival.wire->SendHello(EncodeNodeWelcome(welcome));
}

// It may just have joined, and the store's news of it be on their way.
void NodeLines::Wait(NodeDoor::Arrival arrival) {
  if (waiting_.size() >= options_.waiting_max) {
    return Refuse(std::move(arrival), NodeRefusal::kNotKnown,
                  "too many nodes wait to be known here");
  }
  const auto at = waiting_.emplace(waiting_.end());
  at->arrival = std::move(arrival);
  at->timer =
      strand_.PostAt(strand_.Now() + options_.known_patience, [this, at] {
        strand_.AssertHeld();
        at->timer = 0;
        Refuse(std::move(at->arrival), NodeRefusal::kNotKnown,
               "the control store has not told of it yet");
        EndWaiting(at);
      });
  LaneWire::Callbacks callbacks;
  callbacks.on_hello = [this, at](const base::Bytes&) {
    strand_.AssertHeld();
    EndWaiting(at);
  };
  callbacks.on_frame = [this, at](const base::SessionHeader&,
                                  const base::Bytes&) {
    strand_.AssertHeld();
    EndWaiting(at);
  };
  callbacks.on_closed = [this, at](const std::string&) {
    strand_.AssertHeld();
    EndWaiting(at);
  };
  at->arrival.wire->Hand(std::move(callbacks));
}

void NodeLines::EndWaiting(WaitingList::iterator at) {
  if (at->timer != 0) strand_.Cancel(at->timer);
  waiting_.erase(at);
}

void NodeLines::JudgeWaiting(base::NodeId node) {
  WaitingList found;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto next = std::next(at);
    if (node.IsNil() || at->arrival.hello.from == node) {
      strand_.Cancel(at->timer);
      found.splice(found.end(), waiting_, at);
    }
    at = next;
  }
  for (Waiting& waiting : found) {
    waiting.arrival.wire->Hand(
        {[](const base::Bytes&) {},
         [](const base::SessionHeader&, const base::Bytes&) {},
         [](const std::string&) {}});
    Judge(std::move(waiting.arrival));
  }
}

void NodeLines::Attach(const PeerPtr& peer, NodeDoor::Arrival arrival) {
  const Lane lane = arrival.hello.lane;
  InLane& in = peer->in[At(lane)];
  const std::weak_ptr<Peer> weak = peer;
  LaneWire::Callbacks callbacks;
  callbacks.on_hello = [this, weak](const base::Bytes&) {
    strand_.AssertHeld();
    if (const PeerPtr held = weak.lock()) {
      GiveUp(held, "it breaks the protocol: a second hello");
    }
  };
  callbacks.on_frame = [this, weak, lane](base::SessionHeader header,
                                          base::Bytes payload) {
    strand_.AssertHeld();
    if (const PeerPtr held = weak.lock()) {
      OnInFrame(held, lane, header, std::move(payload));
    }
  };
  callbacks.on_closed = [weak, lane](const std::string&) {
    if (const PeerPtr held = weak.lock()) held->in[At(lane)].wire.reset();
  };
  arrival.wire->Hand(std::move(callbacks));
  in.wire = std::move(arrival.wire);  // in place of one that is no more
  if (in.session == nullptr) {
    in.session = std::make_unique<base::Session>(
        SessionFor(*peer, lane, arrival.hello.epoch));
  }
  NodeWelcome welcome;
  welcome.epoch = peer->line.life().own();
  welcome.received = in.session->received();
  in.wire->SendHello(EncodeNodeWelcome(welcome));
}

void NodeLines::OnInFrame(const PeerPtr& peer, Lane lane,
                          base::SessionHeader header, base::Bytes payload) {
  InLane& in = peer->in[At(lane)];
  MOBULA_CHECK(in.session != nullptr, "a connection without its session");
  header.epoch = in.session->options().epoch;
  header.from = in.session->options().peer;
  header.to = in.session->options().self;
  SessionEffects effects;
  base::FrameVerdict verdict = base::FrameVerdict::kRefused;
  if (header.kind == SessionKind::kData) {
    verdict =
        in.session->OnFrame(header, std::move(payload), strand_.Now(), effects);
  }
  if (verdict != base::FrameVerdict::kAccepted &&
      verdict != base::FrameVerdict::kDuplicate) {
    return GiveUp(peer, "it breaks the protocol: out of the session's order");
  }
  const std::uint64_t life = peer->line.life().own();
  const std::shared_ptr<bool> alive = alive_;
  for (const base::SessionEffect& effect : effects) {
    if (const auto* timer = std::get_if<base::SetSessionTimer>(&effect)) {
      SetAckTimer(peer, lane, timer->at);
    } else if (const auto* transmit = std::get_if<base::Transmit>(&effect)) {
      if (in.wire != nullptr) in.wire->Send(*transmit);
    } else if (const auto* deliver = std::get_if<base::Deliver>(&effect)) {
      base::NodeMessage message;
      std::string error;
      if (!base::DecodeNodeMessage(deliver->payload, &message, &error)) {
        return GiveUp(peer, "it sends what is no message: " + error);
      }
      callbacks_.on_message(peer->node, std::move(message));
      // It may have been given up, or forgotten, by who was told.
      if (!*alive || Find(peer->node) != peer ||
          peer->line.life().own() != life) {
        return;
      }
    }
  }
}

void NodeLines::SetAckTimer(const PeerPtr& peer, Lane lane, base::BootTime at) {
  InLane& in = peer->in[At(lane)];
  if (in.ack_timer != 0) strand_.Cancel(in.ack_timer);
  in.ack_timer = strand_.PostAt(at, [this, weak = std::weak_ptr<Peer>(peer),
                                     lane] {
    strand_.AssertHeld();
    const PeerPtr held = weak.lock();
    if (held == nullptr) return;
    InLane& of = held->in[At(lane)];
    of.ack_timer = 0;
    if (of.session == nullptr) return;
    SessionEffects effects;
    of.session->OnTimer(strand_.Now(), effects);
    for (const base::SessionEffect& effect : effects) {
      if (const auto* t = std::get_if<base::Transmit>(&effect)) {
        if (of.wire != nullptr) of.wire->Send(*t);
      } else if (const auto* s = std::get_if<base::SetSessionTimer>(&effect)) {
        SetAckTimer(held, lane, s->at);
      }
    }
  });
}

}  // namespace mobula::raylet

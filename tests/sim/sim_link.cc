#include "tests/sim/sim_link.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/codec/codec.h"

namespace mobula::sim {

// The number is the simulator's own: the session knows nothing of it.
struct SimLink::Envelope {
  std::uint64_t number = 0;
  base::Message message;
  std::string encoded;  // stands for `message` where encode is on
};

namespace {

constexpr std::uint64_t kEpoch = 2;

base::SessionOptions OptionsFor(const Party& self, const Party& peer) {
  base::SessionOptions options;
  options.epoch = kEpoch;
  options.self = self.id();
  options.peer = peer.id();
  return options;
}

}  // namespace

SimLink::SimLink(const Context& context, Party& a, Party& b)
    : context_(context),
      ends_{End(a, OptionsFor(a, b)), End(b, OptionsFor(b, a))} {}

SimLink::End& SimLink::EndOf(base::ProcessId self) {
  End& end = ends_[0].party.id() == self ? ends_[0] : ends_[1];
  MOBULA_CHECK(end.party.id() == self);
  return end;
}

const SimLink::End& SimLink::EndOf(base::ProcessId self) const {
  return const_cast<SimLink*>(this)->EndOf(self);
}

SimLink::End& SimLink::Other(const End& end) {
  return &end == &ends_[0] ? ends_[1] : ends_[0];
}

bool SimLink::closed(base::ProcessId self) const {
  const End& end = EndOf(self);
  return end.closed || end.peer_closed;
}

bool SimLink::rest_read(base::ProcessId self) const {
  const End& end = EndOf(self);
  return closed(self) || (end.data_ended && end.reading);
}

std::uint64_t SimLink::in_flight(base::ProcessId self) const {
  return EndOf(self).session.in_flight();
}

std::uint64_t SimLink::NumberOf(const base::Bytes& payload) {
  return reinterpret_cast<const Envelope*>(payload.view().data())->number;
}

base::Bytes SimLink::Wrap(const base::Message& message) {
  auto envelope = std::make_shared<Envelope>();
  if (context_.encode) {
    envelope->encoded = base::Encode(message);
  } else {
    envelope->message = message;
  }
  // The session carries bytes; it gets the address of the envelope as such.
  const std::string_view view(reinterpret_cast<const char*>(envelope.get()),
                              sizeof(Envelope));
  return base::Bytes::Share(std::move(envelope), view);
}

void SimLink::Open(base::ProcessId self) {
  End& end = EndOf(self);
  if (end.open) return;
  end.open = true;
  // What is in the socket is read in a turn of its own.
  context_.queue.After(base::Duration(0), [link = shared_from_this(), &end] {
    end.party.Turn([link, &end] { link->ReadEarly(end); });
  });
}

void SimLink::ReadEarly(End& end) {
  end.reading = true;
  const std::vector<Packet> arrived = std::exchange(end.arrived_early, {});
  for (const Packet& packet : arrived) {
    if (!end.closed) Handle(end, packet);
  }
  if (end.data_ended) DeliverRest(end);
  if (end.peer_closed && !end.closed) {
    end.party.OnLinkClosed(Other(end).party.id());
  }
}

void SimLink::Send(base::ProcessId self, const base::Message& message) {
  End& end = EndOf(self);
  if (end.closed || end.peer_closed) return;
  MOBULA_CHECK(end.open, "a process sends over a link that it has not got");
  base::Bytes payload = Wrap(message);
  auto* envelope =
      reinterpret_cast<Envelope*>(const_cast<char*>(payload.view().data()));
  envelope->number = ++sent_[&end - ends_.data()];
  base::SessionEffects effects;
  const std::uint64_t sequence =
      end.session.Send(std::move(payload), base::BootTime::Never(),
                       context_.queue.now(), effects);
  if (sequence == 0) {
    context_.verdict.Violate("I13", "the queue of a link is full");
  }
  CarryOut(end, effects);
}

void SimLink::Close(base::ProcessId self, base::Duration hold) {
  End& end = EndOf(self);
  if (end.closed) return;
  end.closed = true;
  End& other = Other(end);
  if (other.closed) return;
  context_.network.End(end.out, [link = shared_from_this(), &other, hold] {
    link->EndOfData(other);
    link->context_.queue.After(hold,
                               [link, &other] { link->EndOfPeer(other); });
  });
}

// All that was written has arrived.
void SimLink::EndOfData(End& end) {
  if (end.closed) return;
  end.party.Turn([link = shared_from_this(), &end] {
    end.data_ended = true;
    if (end.reading) link->DeliverRest(end);
  });
}

void SimLink::EndOfPeer(End& end) {
  if (end.closed) return;
  end.party.Turn([link = shared_from_this(), &end] {
    if (end.closed || end.peer_closed) return;
    end.peer_closed = true;
    if (end.reading) end.party.OnLinkClosed(link->Other(end).party.id());
  });
}

void SimLink::DeliverRest(End& end) {
  while (!end.closed && !end.under_way.empty()) {
    const base::Bytes payload = end.under_way.begin()->second;
    DeliverTo(end, payload);
  }
}

void SimLink::Cut(base::ProcessId self, base::Duration length) {
  context_.network.Cut(EndOf(self).out, length);
}

void SimLink::Arrive(End& end, const Packet& packet) {
  if (end.closed) return;
  end.party.Turn([link = shared_from_this(), &end, packet] {
    if (end.closed || end.peer_closed) return;
    if (end.reading) {
      link->Handle(end, packet);
    } else {
      end.arrived_early.push_back(packet);
    }
  });
}

void SimLink::Handle(End& end, const Packet& packet) {
  base::SessionEffects effects;
  base::SessionHeader header = packet.header;
  const bool is_stale = header.epoch != kEpoch;
  if (is_stale && context_.plants.Is(Plant::kStaleEpoch)) {
    header.epoch = kEpoch;
  }
  const base::FrameVerdict verdict = end.session.OnFrame(
      header, packet.payload, context_.queue.now(), effects);
  if (verdict == base::FrameVerdict::kRefused && !is_stale) {
    context_.verdict.Violate("session", "a frame of an honest peer is refused");
  }
  CarryOut(end, effects);
  if (verdict == base::FrameVerdict::kDuplicate &&
      context_.plants.Strikes(Plant::kMissingDedup)) {
    DeliverTo(end, packet.payload);
  }
}

// What a session between the same two processes may have sent in a former
// epoch: the same bytes, under a number that the receiver awaits.
void SimLink::SendStale(End& end, Packet packet) {
  End& other = Other(end);
  packet.header.epoch = kEpoch - 1;
  ++packet.header.seq;
  context_.network.Carry(
      end.out, [link = shared_from_this(), &other, packet = std::move(packet)] {
        link->Arrive(other, packet);
      });
}

void SimLink::CarryOut(End& end, base::SessionEffects& effects) {
  for (base::SessionEffect& effect : effects) {
    if (end.closed) return;
    if (auto* transmit = std::get_if<base::Transmit>(&effect)) {
      Transmit(end, std::move(*transmit));
    } else if (const auto* deliver = std::get_if<base::Deliver>(&effect)) {
      DeliverTo(end, deliver->payload);
    } else if (const auto* timer =
                   std::get_if<base::SetSessionTimer>(&effect)) {
      ArmTimer(end, timer->at);
    } else {
      // Processes of one node lose their links only with their peers.
      context_.verdict.Violate("session",
                               "the link of two live processes"
                               " was given up");
      Close(end.party.id());
    }
  }
}

void SimLink::Transmit(End& end, base::Transmit transmit) {
  End& other = Other(end);
  Packet packet{transmit.header, std::move(transmit.payload)};
  if (packet.header.kind == base::SessionKind::kData) {
    const std::uint64_t number = NumberOf(packet.payload);
    if (number > other.last_delivered) {
      other.under_way.emplace(number, packet.payload);
    }
  }
  if (packet.header.kind == base::SessionKind::kData &&
      context_.network.DrawStale()) {
    SendStale(end, packet);
  }
  context_.network.Carry(
      end.out, [link = shared_from_this(), &other, packet = std::move(packet)] {
        link->Arrive(other, packet);
      });
}

void SimLink::DeliverTo(End& end, const base::Bytes& payload) {
  const auto* envelope =
      reinterpret_cast<const Envelope*>(payload.view().data());
  if (envelope->number != end.last_delivered + 1) {
    context_.verdict.Violate("session", "message " +
                                            std::to_string(envelope->number) +
                                            " was delivered after message " +
                                            std::to_string(end.last_delivered));
    return;
  }
  end.last_delivered = envelope->number;
  // The envelope lives as long as this does.
  const base::Bytes held = payload;
  end.under_way.erase(envelope->number);
  const base::ProcessId from = Other(end).party.id();
  if (!context_.encode) {
    end.party.OnMessage(from, envelope->message);
    return;
  }
  base::Message message;
  std::string error;
  if (!base::Decode(envelope->encoded, &message, &error)) {
    context_.verdict.Violate("I20", "a message does not decode: " + error);
    return;
  }
  end.party.OnMessage(from, message);
}

void SimLink::ArmTimer(End& end, base::BootTime at) {
  const std::uint64_t number = ++end.timer;
  context_.queue.At(at, [link = shared_from_this(), &end, number] {
    end.party.Turn([link, &end, number] {
      if (end.closed || end.peer_closed || end.timer != number) return;
      base::SessionEffects effects;
      end.session.OnTimer(link->context_.queue.now(), effects);
      link->CarryOut(end, effects);
    });
  });
}

}  // namespace mobula::sim

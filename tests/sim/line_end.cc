#include "tests/sim/line_end.h"

#include <chrono>
#include <utility>
#include <variant>

#include "base/control/control_codec.h"

namespace mobula::sim {

using std::chrono::milliseconds;

// ---- LineConnection ---------------------------------------------------------

void LineConnection::Read(int side, Reader reader) {
  readers_[side] = std::move(reader);
  // The end may have come while nobody of consequence read.
  const auto ended = readers_[side].ended;
  if (saw_end_[side] && ended) ended();
}

void LineConnection::Send(int side, LinePacket packet) {
  if (closed_[side]) return;
  network_.Carry(channels_[side], [connection = shared_from_this(), side,
                                   packet = std::move(packet)] {
    // A copy: the reader may go away while it reads.
    const auto arrive = connection->readers_[1 - side].arrive;
    if (arrive) arrive(packet);
  });
}

void LineConnection::Close(int side) {
  readers_[side] = {};
  SendEnd(side);
}

void LineConnection::Break() {
  SendEnd(0);
  SendEnd(1);
}

void LineConnection::SendEnd(int side) {
  if (closed_[side]) return;
  closed_[side] = true;
  network_.End(channels_[side], [connection = shared_from_this(), side] {
    connection->saw_end_[1 - side] = true;
    const auto ended = connection->readers_[1 - side].ended;
    if (ended) ended();
  });
}

void LineConnection::Cut(int side, base::Duration length) {
  network_.Cut(channels_[side], length);
}

// ---- LineEnd ----------------------------------------------------------------

namespace {

base::SessionOptions SessionOptionsOf(const LineEnd::Options& options,
                                      base::ProcessId self) {
  base::SessionOptions session;
  session.epoch = options.epoch;
  session.self = self;
  session.peer = options.peer;
  // As base/rpc has them.
  session.retransmit_first = milliseconds(50);
  session.retransmit_max = milliseconds(200);
  session.lost_after = base::Duration::max();
  return session;
}

}  // namespace

LineEnd::LineEnd(const Options& options, Process& process, EventQueue& queue,
                 Verdict& verdict, Callbacks callbacks)
    : options_(options),
      process_(process),
      queue_(queue),
      verdict_(verdict),
      callbacks_(std::move(callbacks)),
      session_(SessionOptionsOf(options, process.id())) {}

void LineEnd::Attach(std::shared_ptr<LineConnection> connection) {
  if (connection_ != nullptr) connection_->Close(options_.side);
  connection_ = std::move(connection);
  LineConnection* const current = connection_.get();
  const std::weak_ptr<LineEnd> weak = weak_from_this();
  const auto in_turn = [this, weak, current](std::function<void()> work) {
    process_.Turn([weak, current, work = std::move(work)] {
      const std::shared_ptr<LineEnd> end = weak.lock();
      if (end != nullptr && end->connection_.get() == current) work();
    });
  };
  connection_->Read(
      options_.side,
      {[this, in_turn](const LinePacket& packet) {
         in_turn([this, packet] { Arrive(packet); });
       },
       [this, in_turn] {
         in_turn([this] {
           std::exchange(connection_, nullptr)->Close(options_.side);
           callbacks_.on_detached();
         });
       }});
}

void LineEnd::Send(const base::ControlMessage& message) {
  if (ended_) return;
  base::SessionEffects effects;
  const std::uint64_t sequence =
      session_.Send(base::Bytes::Own(base::EncodeControl(message)),
                    base::BootTime::Never(), queue_.now(), effects);
  if (sequence == 0) verdict_.Violate("I13", "the queue of a line is full");
  CarryOut(effects);
}

void LineEnd::Close() {
  ended_ = true;
  if (connection_ != nullptr) {
    std::exchange(connection_, nullptr)->Close(options_.side);
  }
}

void LineEnd::Arrive(const LinePacket& packet) {
  if (ended_) return;
  base::SessionEffects effects;
  const base::FrameVerdict verdict =
      session_.OnFrame(packet.header, packet.payload, queue_.now(), effects);
  if (verdict == base::FrameVerdict::kRefused) {
    verdict_.Violate("session", "a frame of an honest peer is refused");
  }
  CarryOut(effects);
}

void LineEnd::CarryOut(base::SessionEffects& effects) {
  const std::shared_ptr<LineEnd> alive = shared_from_this();
  for (base::SessionEffect& effect : effects) {
    if (ended_) return;
    if (auto* transmit = std::get_if<base::Transmit>(&effect)) {
      if (connection_ != nullptr) {
        connection_->Send(options_.side,
                          {transmit->header, std::move(transmit->payload)});
      }
    } else if (const auto* deliver = std::get_if<base::Deliver>(&effect)) {
      Deliver(deliver->payload);
    } else if (const auto* timer =
                   std::get_if<base::SetSessionTimer>(&effect)) {
      ArmTimer(timer->at);
    } else {
      Close();
      callbacks_.on_ended();
    }
  }
}

void LineEnd::Deliver(const base::Bytes& payload) {
  base::ControlMessage message;
  std::string error;
  if (base::DecodeControl(payload, &message, &error)) {
    callbacks_.on_message(std::move(message));
  } else {
    verdict_.Violate("I20", "a control message does not decode: " + error);
  }
}

void LineEnd::ArmTimer(base::BootTime at) {
  const std::uint64_t number = ++timer_;
  queue_.At(at, [this, weak = weak_from_this(), number] {
    const std::shared_ptr<LineEnd> alive = weak.lock();
    if (alive == nullptr) return;
    process_.Turn([this, weak, number] {
      const std::shared_ptr<LineEnd> end = weak.lock();
      if (end == nullptr || ended_ || timer_ != number) return;
      base::SessionEffects effects;
      session_.OnTimer(queue_.now(), effects);
      CarryOut(effects);
    });
  });
}

}  // namespace mobula::sim

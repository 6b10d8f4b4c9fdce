#include "raylet/lines/lane_wire.h"

#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/frames/frame.h"
#include "base/frames/node_message_codec.h"
#include "base/frames/pipes/unix_pipe.h"
#include "raylet/lines/node_hello.h"

namespace mobula::raylet {
namespace {

using base::Bytes;
using base::FrameHeader;
using base::FrameKind;
using base::UniqueFd;

// More than this leaves before the turn ends: the peer may begin.
constexpr std::size_t kEarlyFlushBytes = std::size_t{256} << 10;

}  // namespace

struct LaneWire::State : std::enable_shared_from_this<LaneWire::State> {
  State(base::Strand& the_strand, UniqueFd socket)
      : strand(the_strand), pipe(the_strand, std::move(socket)) {}

  void Write(const FrameHeader& header, Bytes payload);
  void FlushLater();
  void Close(const std::string& why);
  void OnFrame(const FrameHeader& header, Bytes payload);
  bool Assemble(const FrameHeader& header, Bytes* payload);

  base::Strand& strand;
  base::UnixPipe pipe;
  std::shared_ptr<const Callbacks> callbacks;  // none: the owner is gone
  bool closed = false;
  bool flush_posted = false;
  std::uint64_t written_bytes = 0;
  std::uint64_t taken_bytes = 0;  // once it is closed
  std::string parts;              // of the message that comes in several frames
  std::uint64_t parts_seq = 0;    // its number; 0: none
};

void LaneWire::State::Write(const FrameHeader& header, Bytes payload) {
  if (closed) return;
  written_bytes += base::kFrameHeaderBytes + payload.size();
  pipe.Write(header, std::move(payload), UniqueFd());
}

void LaneWire::State::FlushLater() {
  if (!closed && pipe.queued_bytes() >= kEarlyFlushBytes) pipe.Flush();
  if (flush_posted || closed || pipe.queued_bytes() == 0) return;
  flush_posted = true;
  strand.Post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->strand.AssertHeld();
      self->flush_posted = false;
      if (!self->closed) self->pipe.Flush();
    }
  });
}

void LaneWire::State::Close(const std::string& why) {
  if (!closed) pipe.Close(why);
}

void LaneWire::State::OnFrame(const FrameHeader& header, Bytes payload) {
  const auto held = callbacks;
  if (closed || held == nullptr) return;
  if (header.kind == FrameKind::kHello) {
    if (payload.size() > kNodeHelloBytesMax) return Close("too long a hello");
    return held->on_hello(std::move(payload));
  }
  if (header.kind != FrameKind::kData && header.kind != FrameKind::kAck) {
    return Close("bad frame: of a kind that raylets do not send");
  }
  if (!Assemble(header, &payload)) return;
  base::SessionHeader in;
  in.kind = header.kind == FrameKind::kData ? base::SessionKind::kData
                                            : base::SessionKind::kAck;
  in.seq = header.seq;
  in.ack = header.ack;
  in.credits = header.credits;
  held->on_frame(in, std::move(payload));
}

// Whether the whole of it is there.
bool LaneWire::State::Assemble(const FrameHeader& header, Bytes* payload) {
  const bool is_more = (header.flags & base::kFrameMore) != 0;
  if (parts_seq == 0 && !is_more) return true;
  if (header.kind != FrameKind::kData || header.seq == 0 ||
      (parts_seq != 0 && header.seq != parts_seq)) {
    Close("bad frame: a message inside another one's parts");
    return false;
  }
  if (payload->size() > base::kNodeMessageBytesMax - parts.size()) {
    Close("bad frame: a message over the limit");
    return false;
  }
  parts_seq = is_more ? header.seq : 0;
  parts.append(payload->view());
  if (is_more) return false;
  *payload = Bytes::Own(std::exchange(parts, std::string()));
  return true;
}

LaneWire::LaneWire(base::Strand& strand, UniqueFd socket)
    : state_(std::make_shared<State>(strand, std::move(socket))) {}

LaneWire::~LaneWire() {
  state_->callbacks.reset();
  if (!state_->closed) state_->pipe.Flush();
  state_->Close("closed by this side");
  // It may be the one that is calling us.
  state_->strand.Post([state = std::move(state_)] {});
}

void LaneWire::Start(Callbacks callbacks) {
  Hand(std::move(callbacks));
  State* const state = state_.get();
  state->pipe.Start(
      {[state](const FrameHeader& header, Bytes payload, UniqueFd) {
         state->strand.AssertHeld();
         state->OnFrame(header, std::move(payload));
       },
       [state](const std::string& why) {
         state->strand.AssertHeld();
         if (std::exchange(state->closed, true)) return;
         state->taken_bytes = state->written_bytes;
         state->parts.clear();
         // Not inside a call of who holds it.
         state->strand.Post([weak = state->weak_from_this(), why] {
           const auto self = weak.lock();
           if (self == nullptr) return;
           self->strand.AssertHeld();
           const auto held = self->callbacks;
           if (held != nullptr) held->on_closed(why);
         });
       }});
}

void LaneWire::Hand(Callbacks callbacks) {
  state_->callbacks = std::make_shared<const Callbacks>(std::move(callbacks));
}

void LaneWire::SendHello(std::string bytes) {
  FrameHeader header;
  header.kind = FrameKind::kHello;
  state_->Write(header, Bytes::Own(std::move(bytes)));
  state_->FlushLater();
}

// A payload larger than a frame's leaves in parts that share its storage.
void LaneWire::Send(const base::Transmit& transmit) {
  FrameHeader header;
  MOBULA_CHECK(transmit.header.kind != base::SessionKind::kStale);
  header.kind = transmit.header.kind == base::SessionKind::kData
                    ? FrameKind::kData
                    : FrameKind::kAck;
  header.credits = static_cast<std::uint16_t>(transmit.header.credits);
  header.seq = transmit.header.seq;
  header.ack = transmit.header.ack;
  std::string_view rest = transmit.payload.view();
  header.flags = base::kFrameMore;
  while (rest.size() > base::kFramePayloadMax) {
    const std::string_view part = rest.substr(0, base::kFramePayloadMax);
    state_->Write(header, transmit.payload.Part(part));
    rest.remove_prefix(part.size());
  }
  header.flags = 0;
  state_->Write(header, transmit.payload.Part(rest));
  state_->FlushLater();
}

std::uint64_t LaneWire::taken_bytes() const {
  if (state_->closed) return state_->taken_bytes;
  return state_->written_bytes - state_->pipe.queued_bytes();
}

}  // namespace mobula::raylet

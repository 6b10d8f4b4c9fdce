#include "base/frames/link.h"

#include <map>
#include <utility>

#include "base/check.h"
#include "base/frames/frame.h"
#include "base/frames/hello.h"
#include "base/frames/message_codec.h"
#include "base/frames/pipes/ring_pipe.h"
#include "base/frames/pipes/unix_pipe.h"
#include "base/session/session.h"

namespace mobula::base {
namespace {

constexpr std::uint32_t kWindow = 1024;
// More than this leaves before the turn ends: the peer may begin.
constexpr std::size_t kEarlyFlushBytes = std::size_t{256} << 10;

SessionOptions SessionOf(const Link::Options& options) {
  SessionOptions session;
  session.self = options.self;
  session.peer = options.peer;
  session.window = kWindow;
  session.queued_bytes_max = options.queued_bytes_max;
  // The pipe loses nothing: no copies, no timers, and an acknowledgement alone
  // only for half a window.
  session.retransmit = false;
  session.ack_delay = Duration::max();
  return session;
}

SessionKind KindOf(FrameKind kind) {
  switch (kind) {
    case FrameKind::kAck:
      return SessionKind::kAck;
    case FrameKind::kStale:
      return SessionKind::kStale;
    case FrameKind::kData:
    case FrameKind::kHello:
    case FrameKind::kRings:
      break;
  }
  return SessionKind::kData;
}

FrameKind KindOf(SessionKind kind) {
  switch (kind) {
    case SessionKind::kAck:
      return FrameKind::kAck;
    case SessionKind::kStale:
      return FrameKind::kStale;
    case SessionKind::kData:
      break;
  }
  return FrameKind::kData;
}

}  // namespace

struct Link::State : std::enable_shared_from_this<Link::State> {
  State(Strand& the_strand, UniqueFd socket, Options the_options,
        Callbacks the_callbacks)
      : strand(the_strand),
        options(std::move(the_options)),
        callbacks(std::move(the_callbacks)),
        session(SessionOf(options)) {
    if (!options.rings) {
      pipe = std::make_unique<UnixPipe>(strand, std::move(socket));
      return;
    }
    auto with_rings = std::make_unique<RingPipe>(strand, std::move(socket));
    rings = with_rings.get();
    pipe = std::move(with_rings);
  }

  void Start();
  void Send(const Message& message, UniqueFd fd);
  void Flush();
  void FlushLater();
  void Close(const std::string& reason);
  void Detach();

  void OnFrame(const FrameHeader& header, Bytes payload, UniqueFd fd);
  void OnHello(const Bytes& payload);
  // The whole message once its last part is there.
  bool Assemble(const FrameHeader& header, Bytes* payload, UniqueFd* fd);
  void OnWhole(const FrameHeader& header, Bytes payload, UniqueFd fd);
  void OnPayload(const Bytes& payload, UniqueFd fd);
  void OnPipeClosed(std::string reason);
  void WriteFrames(const Transmit& transmit);

  Strand& strand;
  const Options options;
  const Callbacks callbacks;
  Session session;
  std::unique_ptr<FramePipe> pipe;
  RingPipe* rings = nullptr;  // the pipe, where it is one
  bool closed = false;
  bool detached = false;  // the Link is gone: no callback any more
  bool flush_posted = false;
  ProcessId peer;  // nil before its Hello

  // By the number of their messages, while those wait for credits.
  std::map<std::uint64_t, UniqueFd> waiting_fds;
  SessionEffects outgoing;  // of Send
  SessionEffects incoming;  // of OnFrame, which Send interrupts

  std::string parts;            // of the message that comes in several frames
  std::uint64_t parts_seq = 0;  // its number; 0: none
  UniqueFd parts_fd;
};

void Link::State::Start() {
  pipe->Start(
      {[this](const FrameHeader& header, Bytes payload, UniqueFd fd) {
         OnFrame(header, std::move(payload), std::move(fd));
       },
       [this](std::string reason) { OnPipeClosed(std::move(reason)); }});
  Hello hello;
  hello.process = options.self;
  hello.role = options.role;
  hello.window = kWindow;
  hello.features = rings != nullptr ? kFeatureRings : 0;
  FrameHeader header;
  header.kind = FrameKind::kHello;
  pipe->Write(header, Bytes::Own(EncodeHello(hello)), UniqueFd());
  FlushLater();
}

void Link::State::Send(const Message& message, UniqueFd fd) {
  if (closed) return;
  Bytes payload = Bytes::Own(EncodeMessage(message));
  if (payload.size() > kMessageBytesMax) {
    return Close("a message of " + std::to_string(payload.size()) +
                 " bytes was to be sent; the limit is " +
                 std::to_string(kMessageBytesMax));
  }
  if (pipe->queued_bytes() > options.queued_bytes_max) {
    return Close("the peer does not read: the queue is full");
  }
  outgoing.clear();
  const std::uint64_t seq =
      session.Send(std::move(payload), BootTime::Never(), BootTime(), outgoing);
  if (seq == 0) return Close("the peer does not read: the queue is full");
  if (fd.valid()) waiting_fds.emplace(seq, std::move(fd));
  for (const SessionEffect& effect : outgoing) {
    if (const auto* transmit = std::get_if<Transmit>(&effect)) {
      WriteFrames(*transmit);
    }
  }
}

// A payload larger than a frame's leaves in parts that share its storage.
void Link::State::WriteFrames(const Transmit& transmit) {
  FrameHeader header;
  header.kind = KindOf(transmit.header.kind);
  header.credits = static_cast<std::uint16_t>(transmit.header.credits);
  header.seq = transmit.header.seq;
  header.ack = transmit.header.ack;
  header.budget_ms = BudgetToMs(transmit.header.budget);
  UniqueFd fd;
  if (const auto it = waiting_fds.find(header.seq);
      header.kind == FrameKind::kData && it != waiting_fds.end()) {
    fd = std::move(it->second);
    waiting_fds.erase(it);
  }
  if (transmit.payload.size() <= kFramePayloadMax) {
    pipe->Write(header, transmit.payload, std::move(fd));
  } else {
    const auto whole = std::make_shared<const Bytes>(transmit.payload);
    std::string_view rest = whole->view();
    header.flags = kFrameMore;
    while (rest.size() > kFramePayloadMax) {
      pipe->Write(header, Bytes::Share(whole, rest.substr(0, kFramePayloadMax)),
                  std::move(fd));
      fd = UniqueFd();
      rest.remove_prefix(kFramePayloadMax);
    }
    header.flags = 0;
    pipe->Write(header, Bytes::Share(whole, rest), UniqueFd());
  }
  if (pipe->queued_bytes() >= kEarlyFlushBytes) {
    pipe->Flush();
  }
  if (pipe->queued_bytes() > 0) FlushLater();
}

void Link::State::FlushLater() {
  if (flush_posted || closed) return;
  flush_posted = true;
  strand.Post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->strand.AssertHeld();
      self->flush_posted = false;
      self->Flush();
    }
  });
}

void Link::State::Flush() {
  if (!closed) pipe->Flush();
}

void Link::State::Close(const std::string& reason) {
  if (!closed) pipe->Close(reason);
}

// Posted, so that no caller of Send or Flush is called back inside.
void Link::State::OnPipeClosed(std::string reason) {
  if (closed) return;
  closed = true;
  waiting_fds.clear();
  parts.clear();
  if (detached) return;
  strand.Post([weak = weak_from_this(), reason = std::move(reason)] {
    const auto self = weak.lock();
    if (self == nullptr || self->detached) return;
    self->strand.AssertHeld();
    if (self->callbacks.on_closed) self->callbacks.on_closed(reason);
  });
}

void Link::State::Detach() {
  Flush();
  detached = true;
  Close("closed by this side");
}

void Link::State::OnFrame(const FrameHeader& header, Bytes payload,
                          UniqueFd fd) {
  if (closed) return;
  if (header.kind == FrameKind::kHello) return OnHello(payload);
  if (header.kind == FrameKind::kRings) {
    return Close("bad frame: rings were not agreed upon");
  }
  if (peer.IsNil()) return Close("bad frame: the first is no hello");
  if (!Assemble(header, &payload, &fd)) return;
  OnWhole(header, std::move(payload), std::move(fd));
}

void Link::State::OnHello(const Bytes& payload) {
  if (!peer.IsNil()) return Close("bad frame: a second hello");
  Hello hello;
  std::string error;
  if (!DecodeHello(payload.view(), &hello, &error)) return Close(error);
  if (!options.peer.IsNil() && hello.process != options.peer) {
    return Close("the peer is process " + hello.process.ToString() + ", not " +
                 options.peer.ToString());
  }
  if (hello.window != kWindow) return Close("the peer has another window");
  peer = hello.process;
  if (rings != nullptr && (hello.features & kFeatureRings) != 0) {
    rings->Agree(options.self < peer);
  }
  if (callbacks.on_open) callbacks.on_open(peer, hello.role);
}

bool Link::State::Assemble(const FrameHeader& header, Bytes* payload,
                           UniqueFd* fd) {
  const bool is_more = (header.flags & kFrameMore) != 0;
  if (parts_seq == 0 && !is_more) return true;
  const bool is_first = parts_seq == 0;
  if (header.kind != FrameKind::kData ||
      (!is_first && (header.seq != parts_seq || fd->valid()))) {
    Close("bad frame: a message inside another one's parts");
    return false;
  }
  if (payload->size() > kMessageBytesMax - parts.size()) {
    Close("bad frame: a message over the limit");
    return false;
  }
  if (is_first) parts_fd = std::move(*fd);
  parts_seq = is_more ? header.seq : 0;
  parts.append(payload->view());
  if (is_more) return false;
  *payload = Bytes::Own(std::exchange(parts, std::string()));
  *fd = std::move(parts_fd);
  return true;
}

void Link::State::OnWhole(const FrameHeader& header, Bytes payload,
                          UniqueFd fd) {
  SessionHeader in;
  in.epoch = session.options().epoch;  // agreed by the Hellos
  in.from = session.options().peer;
  in.to = session.options().self;
  in.kind = KindOf(header.kind);
  in.seq = header.seq;
  in.ack = header.ack;
  in.credits = header.credits;
  in.budget = BudgetFromMs(header.budget_ms);
  incoming.clear();
  const FrameVerdict verdict =
      session.OnFrame(in, std::move(payload), BootTime(), incoming);
  if (verdict != FrameVerdict::kAccepted) {
    return Close("bad frame: out of the session's order");
  }
  for (const SessionEffect& effect : incoming) {
    if (closed) return;
    if (const auto* deliver = std::get_if<Deliver>(&effect)) {
      OnPayload(deliver->payload, std::move(fd));
      fd = UniqueFd();
    } else if (const auto* transmit = std::get_if<Transmit>(&effect)) {
      WriteFrames(*transmit);
    } else if (std::holds_alternative<SessionStale>(effect)) {
      Close("the peer says that this end belongs to the past");
    }
  }
}

void Link::State::OnPayload(const Bytes& payload, UniqueFd fd) {
  Message message;
  std::string error;
  if (!DecodeMessage(payload, &message, &error)) {
    return Close("bad message (protocol version " +
                 std::to_string(kProtocolVersion) + "): " + error);
  }
  callbacks.on_message(std::move(message), std::move(fd));
}

Link::Link(Strand& strand, UniqueFd socket, Options options,
           Callbacks callbacks)
    : state_(std::make_shared<State>(strand, std::move(socket),
                                     std::move(options),
                                     std::move(callbacks))) {
  state_->Start();
}

Link::~Link() { state_->Detach(); }

void Link::Send(const Message& message, UniqueFd fd) {
  state_->Send(message, std::move(fd));
}

void Link::Flush() { state_->Flush(); }

void Link::Drain() {
  if (!state_->closed) state_->pipe->Drain();
}

std::size_t Link::queued_bytes() const {
  return state_->session.queued_bytes() + state_->pipe->queued_bytes();
}

bool Link::closed() const { return state_->closed; }

bool Link::has_rings() const {
  return state_->rings != nullptr && state_->rings->has_rings();
}

ProcessId Link::peer() const { return state_->peer; }

}  // namespace mobula::base

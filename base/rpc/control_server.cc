#include "base/rpc/control_server.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/control/control_codec.h"
#include "base/rpc/connection_gate.h"
#include "base/rpc/frame_stream.h"
#include "base/rpc/peer_session.h"
#include "base/rpc/store_service.h"
#include "base/rpc/stream_events.h"
#include "base/security/node_identity.h"

namespace mobula::base {
namespace {

using control::Frame;
using Kind = StreamEvent::Kind;

// Marks questions that came through the gate, not the door.
constexpr std::uint64_t kOfGate = std::uint64_t{1} << 63;
constexpr std::size_t kQueuedBytesMax = std::size_t{256} << 20;  // of a peer

ProcessId ToProcess(const control::Id& id) { return {id.hi(), id.lo()}; }

template <class AnId>
void SetId(control::Id* id, const AnId& from) {
  id->set_hi(from.hi);
  id->set_lo(from.lo);
}

}  // namespace

struct ControlServer::State
    : public std::enable_shared_from_this<ControlServer::State> {
  struct Stream {
    std::shared_ptr<FrameStream> frames;
    ProcessId peer;  // nil until its HELLO
    BootTime since;
    std::uint64_t maker = 0;  // 0: of this machine
  };
  struct Peer {
    std::shared_ptr<PeerSession> session;
    std::uint64_t number = 0;  // of the session, given by the peer
    std::uint64_t maker = 0;
    std::uint64_t stream = 0;  // 0: its connection is broken
    BootTime heard_at;
  };
  struct Question {
    std::unique_ptr<QuestionTransport> call;
    ProcessId peer;  // nil once answered
    std::uint64_t maker = 0;
  };

  State(Strand& the_strand, Options the_options, Callbacks the_callbacks);
  void End();
  void OpenDoor();
  // Of a connection by what the kernel calls its other end; nothing if it came
  // through the door and that has closed it.
  [[nodiscard]] std::optional<std::uint64_t> MakerFrom(
      const std::string& name) const;
  void TellForged(std::uint64_t maker, const std::string& what) const;

  void OnEvent(StreamEvent& event);
  void OnOpened(StreamEvent& event);
  void OnAsked(StreamEvent& event);
  void OnFrames(const StreamEvent& event);
  void OnDone(std::uint64_t stream);
  // False if the stream is of no use any more.
  bool OnFrame(Stream& stream, Frame& frame);
  bool OnHello(Stream& stream, const Frame& hello);
  void Welcome(Stream& stream, ProcessId id, std::uint64_t number);
  void OpenPeer(ProcessId id, std::uint64_t number);
  void Attach(Peer& peer, ProcessId id, Stream& stream);
  void BreakOff(std::uint64_t stream);
  void Lose(ProcessId id, const std::string& reason, bool tell);
  void TellLost(ProcessId id, const std::string& reason);
  void FlushLost();
  void Answer(ProcessId id, const ControlMessage& message);
  void HangUp(std::uint64_t stream);
  void Sweep();
  void SweepLater();
  void GoOn();

  Strand& strand;
  const Options options;
  const Callbacks callbacks;
  IdSource ids{RandomBits()};
  std::shared_ptr<StreamEvents> events;
  StoreService service;
  std::unique_ptr<ConnectionGate> gate;
  std::unique_ptr<TlsDoor> door;                // once it listens
  std::map<std::string, std::uint64_t> makers;  // of those it has admitted
  std::map<std::uint64_t, Stream> streams;
  std::map<ProcessId, Peer> peers;
  std::map<std::uint64_t, Question> questions;  // by stream
  std::map<ProcessId, std::uint64_t> askers;    // to their streams
  bool paused = false;
  std::vector<StreamEvent> held;                       // while paused
  std::deque<std::pair<ProcessId, std::string>> lost;  // to be told
  Strand::TimerId sweep = 0;
  BootTime sweep_at;
  bool ended = false;
};

ControlServer::State::State(Strand& the_strand, Options the_options,
                            Callbacks the_callbacks)
    : strand(the_strand),
      options(std::move(the_options)),
      callbacks(std::move(the_callbacks)),
      events(std::make_shared<StreamEvents>(
          strand, [this](StreamEvent& event) { OnEvent(event); })),
      service(events) {
  MOBULA_CHECK(!options.self.IsNil() && options.epoch > 0);
  ConnectionGate::Options gate_options;
  gate_options.token = options.token;
  gate_options.connections_max = options.connections_max;
  gate_options.handshake_timeout = options.handshake_timeout;
  ConnectionGate::Callbacks of_gate;
  of_gate.on_admitted = [this](UniqueFd socket) {
    service.Serve(std::move(socket));
  };
  of_gate.on_question = [this](std::uint64_t id, std::string body) {
    if (callbacks.on_question == nullptr) return;
    callbacks.on_question(
        {kOfGate | id, /*is_local=*/true, 0, "this machine", std::move(body)});
  };
  gate = std::make_unique<ConnectionGate>(strand, std::move(gate_options),
                                          std::move(of_gate));
}

void ControlServer::State::OpenDoor() {
  TlsDoor::Options door_options;
  door_options.connections_max = options.connections_max;
  door_options.handshake_timeout = options.handshake_timeout;
  door_options.clock = options.clock;
  TlsDoor::Callbacks of_door;
  of_door.on_admitted = [this](TlsDoor::Admitted admitted) {
    makers[admitted.name] = admitted.maker;
    service.Serve(std::move(admitted.socket));
  };
  of_door.on_gone = [this](const std::string& name) { makers.erase(name); };
  of_door.on_question = [this](TlsDoor::Question asked) {
    if (callbacks.on_question == nullptr) return;
    callbacks.on_question({asked.id, /*is_local=*/false, asked.maker,
                           std::move(asked.from), std::move(asked.body)});
  };
  of_door.on_verdict = [this](const TlsDoor::Verdict& verdict) {
    if (callbacks.on_verdict) callbacks.on_verdict(verdict);
  };
  door = std::make_unique<TlsDoor>(strand, door_options, std::move(of_door));
}

std::optional<std::uint64_t> ControlServer::State::MakerFrom(
    const std::string& name) const {
  if (name.empty()) return 0;
  const auto known = makers.find(name);
  if (known == makers.end()) return std::nullopt;
  return known->second;
}

void ControlServer::State::TellForged(std::uint64_t maker,
                                      const std::string& what) const {
  if (callbacks.on_verdict == nullptr) return;
  callbacks.on_verdict(
      {false, maker, "node " + MakerText(maker), "it claims to be " + what});
}

// All that is gRPC's has ended when it returns.
void ControlServer::State::End() {
  ended = true;
  if (sweep != 0) strand.Cancel(sweep);
  gate = nullptr;
  door = nullptr;
  for (StreamEvent& event : held) OnEvent(event);
  for (auto& [id, peer] : peers) peer.session->Retire();
  events->Close();
  for (auto& [id, stream] : streams) stream.frames->Cut();
  for (auto& [id, question] : questions) {
    if (!question.peer.IsNil())
      question.call->Refuse("it is ending", /*again=*/true);
    question.peer = {};
  }
  events->DrainUntil([this] { return streams.empty() && questions.empty(); },
                     Duration::max());
  service.Stop();
}

void ControlServer::State::OnEvent(StreamEvent& event) {
  FlushLost();
  switch (event.kind) {
    case Kind::kOpened:
      return OnOpened(event);
    case Kind::kAsked:
    case Kind::kFrames:
      if (paused && !ended) {
        held.push_back(std::move(event));
      } else if (event.kind == Kind::kAsked) {
        OnAsked(event);
      } else {
        OnFrames(event);
      }
      return;
    case Kind::kReadEnd:
    case Kind::kCancelled:
      if (questions.contains(event.stream)) return HangUp(event.stream);
      return BreakOff(event.stream);
    case Kind::kWritten: {
      const auto it = streams.find(event.stream);
      MOBULA_CHECK(it != streams.end());
      it->second.frames->OnWritten(event.ok);
      if (!event.ok) BreakOff(event.stream);
      return;
    }
    case Kind::kDone:
      return OnDone(event.stream);
  }
}

void ControlServer::State::OnOpened(StreamEvent& event) {
  Stream& stream = streams[event.stream];
  stream.frames = std::make_shared<FrameStream>(strand, event.stream,
                                                std::move(event.transport));
  stream.since = strand.Now();
  const auto maker = MakerFrom(event.from);
  if (ended || !maker) return stream.frames->Cut();
  stream.maker = *maker;
  stream.frames->Begin();
  SweepLater();
}

void ControlServer::State::OnFrames(const StreamEvent& event) {
  const auto it = streams.find(event.stream);
  if (it == streams.end() || ended) return;
  const std::shared_ptr<FrameStream> frames = it->second.frames;
  if (frames->ending()) return;
  const std::size_t bytes = event.frames->ByteSizeLong();
  for (Frame& frame : *event.frames->mutable_frames()) {
    if (frames->ending()) return;
    if (!OnFrame(it->second, frame)) return BreakOff(event.stream);
  }
  frames->OnHandled(bytes);
}

bool ControlServer::State::OnFrame(Stream& stream, Frame& frame) {
  if (stream.peer.IsNil()) {
    return frame.kind() == control::HELLO && OnHello(stream, frame);
  }
  Peer& peer = peers.at(stream.peer);
  peer.heard_at = strand.Now();
  switch (frame.kind()) {
    case control::DATA:
    case control::ACK:
      peer.session->OnFrame(frame);
      return true;
    case control::PING:
      return true;
    case control::CLOSE:
      Lose(stream.peer, frame.payload(), /*tell=*/false);
      return true;
    default:
      return false;
  }
}

bool ControlServer::State::OnHello(Stream& stream, const Frame& hello) {
  const ProcessId id = ToProcess(hello.from());
  if (id.IsNil() || hello.next_session() == 0) return false;
  if (stream.maker != 0 && id.hi != stream.maker) {
    TellForged(stream.maker, "process " + id.ToString());
    return false;
  }
  const auto known = peers.find(id);
  const bool goes_on =
      known != peers.end() && (known->second.number == hello.session() ||
                               known->second.number == hello.next_session());
  if (goes_on) {
    BreakOff(known->second.stream);
    Welcome(stream, id, known->second.number);
    Attach(known->second, id, stream);
    return true;
  }
  if (known != peers.end()) Lose(id, "it began a new session", /*tell=*/true);
  FlushLost();
  OpenPeer(id, hello.next_session());
  Welcome(stream, id, hello.next_session());
  Attach(peers.at(id), id, stream);
  callbacks.on_open(id);
  return true;
}

void ControlServer::State::OpenPeer(ProcessId id, std::uint64_t number) {
  Peer& peer = peers[id];
  peer.number = number;
  PeerSession::Callbacks session;
  session.on_message = [this, id](ControlMessage message) {
    callbacks.on_message(id, std::move(message));
  };
  session.on_ended = [this, id](const std::string& reason) {
    Lose(id, reason, /*tell=*/true);
  };
  const PeerSession::Ends ends{options.epoch, options.self, id};
  peer.session = std::make_shared<PeerSession>(strand, ends, kQueuedBytesMax,
                                               std::move(session));
}

void ControlServer::State::Welcome(Stream& stream, ProcessId id,
                                   std::uint64_t number) {
  Frame welcome;
  welcome.set_kind(control::WELCOME);
  SetId(welcome.mutable_cluster(), options.cluster);
  welcome.set_epoch(options.epoch);
  SetId(welcome.mutable_from(), options.self);
  SetId(welcome.mutable_to(), id);
  welcome.set_budget_ns(static_cast<std::uint64_t>(options.lost_after.count()));
  welcome.set_session(number);
  stream.frames->Send(std::move(welcome));
}

void ControlServer::State::Attach(Peer& peer, ProcessId id, Stream& stream) {
  stream.peer = id;
  peer.stream = stream.frames->id();
  peer.heard_at = strand.Now();
  peer.session->Attach(stream.frames);
  peer.maker = stream.maker;
}

// The stream is over; its peer's session waits for another one.
void ControlServer::State::BreakOff(std::uint64_t id) {
  const auto it = streams.find(id);
  if (it == streams.end()) return;
  const ProcessId peer_id = std::exchange(it->second.peer, {});
  it->second.frames->Cut();
  const auto peer = peers.find(peer_id);
  if (peer == peers.end() || peer->second.stream != id) return;
  peer->second.stream = 0;
  peer->second.heard_at = strand.Now();
  peer->second.session->Detach();
  SweepLater();
}

void ControlServer::State::OnDone(std::uint64_t id) {
  questions.erase(id);
  const auto it = streams.find(id);
  if (it == streams.end()) return;
  it->second.frames->OnDone();
  streams.erase(it);
}

// The session is over. `tell`: the peer learns why, if it is there.
void ControlServer::State::Lose(ProcessId id, const std::string& reason,
                                bool tell) {
  auto node = peers.extract(id);
  if (node.empty()) return;
  Peer& peer = node.mapped();
  peer.session->Retire();
  const auto stream = streams.find(peer.stream);
  if (stream != streams.end()) {
    stream->second.peer = {};
    if (tell) {
      Frame close;
      close.set_kind(control::CLOSE);
      close.set_payload(reason);
      stream->second.frames->Send(std::move(close));
    }
    stream->second.frames->EndAfterWriting();
  }
  // It may be the caller.
  strand.Post([session = std::move(peer.session)] { (void)session; });
  TellLost(id, reason);
}

void ControlServer::State::TellLost(ProcessId id, const std::string& reason) {
  lost.emplace_back(id, reason);
  strand.Post([self = weak_from_this()] {
    const auto state = self.lock();
    if (state != nullptr) state->FlushLost();
  });
}

// Before anything that comes of a later event.
void ControlServer::State::FlushLost() {
  while (!lost.empty() && !ended) {
    const auto [id, reason] = std::move(lost.front());
    lost.pop_front();
    callbacks.on_lost(id, reason);
  }
}

void ControlServer::State::OnAsked(StreamEvent& event) {
  Question& question = questions[event.stream];
  question.call = std::move(event.question);
  std::string wrong = "it is ending";
  ControlMessage message;
  const auto maker = MakerFrom(event.from);
  const bool good =
      !ended && maker.has_value() &&
      DecodeControl(Bytes::Own(question.call->payload()), &message, &wrong);
  if (!good || !std::holds_alternative<ControlCall>(message)) {
    if (good) wrong = "only calls can be asked so";
    return question.call->Refuse(wrong, /*again=*/ended);
  }
  question.maker = *maker;
  const auto id = ids.Next<ProcessId>();
  question.peer = id;
  askers[id] = event.stream;
  callbacks.on_open(id);
  callbacks.on_message(id, std::move(message));
}

void ControlServer::State::Answer(ProcessId id, const ControlMessage& message) {
  if (!std::holds_alternative<ControlAnswer>(message)) return;
  Question& question = questions.at(askers.at(id));
  std::string payload = EncodeControl(message);
  if (payload.size() > kControlMessageBytesMax) {
    payload = EncodeControl(AnswerTooLarge(message, payload.size()));
  }
  question.call->Answer(std::move(payload));
  question.peer = {};
  askers.erase(id);
  TellLost(id, "it was answered");
}

void ControlServer::State::HangUp(std::uint64_t stream) {
  Question& question = questions.at(stream);
  if (question.peer.IsNil()) return;
  const ProcessId id = std::exchange(question.peer, {});
  askers.erase(id);
  question.call->Refuse("the caller hung up", /*again=*/false);
  TellLost(id, "it hung up");
}

void ControlServer::State::SweepLater() {
  if (sweep != 0) return;
  const Duration wait =
      std::min(options.lost_after, options.handshake_timeout) / 4;
  sweep_at = strand.Now() + wait;
  sweep = strand.PostAt(sweep_at, [this] {
    strand.AssertHeld();
    sweep = 0;
    Sweep();
  });
}

// Ends what has been silent for too long: a stream before its HELLO, a peer.
// While paused nobody is heard, so nobody is lost.
void ControlServer::State::Sweep() {
  const BootTime now = strand.Now();
  std::vector<std::uint64_t> silent_streams;
  for (const auto& [id, stream] : streams) {
    const bool silent = stream.peer.IsNil() && !stream.frames->ended() &&
                        stream.since + options.handshake_timeout <= now;
    if (silent && !paused) silent_streams.push_back(id);
  }
  for (const std::uint64_t id : silent_streams) BreakOff(id);
  // What was said while this process stood still has not been read yet.
  const Duration gap = now - sweep_at;
  std::vector<ProcessId> silent_peers;
  for (auto& [id, peer] : peers) {
    peer.heard_at = std::min(now, peer.heard_at + gap);
    if (!paused && peer.heard_at + options.lost_after <= now) {
      silent_peers.push_back(id);
    }
  }
  for (const ProcessId id : silent_peers) {
    const bool there = peers.at(id).stream != 0;
    BreakOff(peers.at(id).stream);
    Lose(id, there ? "it said nothing for too long" : "its connection broke",
         /*tell=*/true);
  }
  if (!streams.empty() || !peers.empty()) SweepLater();
}

void ControlServer::State::GoOn() {
  for (StreamEvent& event : std::exchange(held, {})) OnEvent(event);
}

ControlServer::ControlServer(Strand& strand, Options options,
                             Callbacks callbacks)
    : state_(std::make_shared<State>(strand, std::move(options),
                                     std::move(callbacks))) {}

ControlServer::~ControlServer() { state_->End(); }

bool ControlServer::Listen(const ControlAddress& address, ControlAddress* bound,
                           std::string* error) {
  return state_->gate->Listen(address, bound, error);
}

bool ControlServer::ListenTls(const ControlAddress& address,
                              std::shared_ptr<const TlsContext> context,
                              ControlAddress* bound, std::string* error) {
  if (state_->door == nullptr) state_->OpenDoor();
  return state_->door->Listen(address, std::move(context), bound, error);
}

void ControlServer::UseTls(std::shared_ptr<const TlsContext> context) {
  if (state_->door != nullptr) state_->door->Use(std::move(context));
}

void ControlServer::Answer(std::uint64_t question, std::string body) {
  if ((question & kOfGate) != 0) {
    state_->gate->Answer(question & ~kOfGate, body);
  } else if (state_->door != nullptr) {
    state_->door->Answer(question, std::move(body));
  }
}

std::uint64_t ControlServer::MakerOf(ProcessId peer) const {
  const auto asker = state_->askers.find(peer);
  if (asker != state_->askers.end()) {
    return state_->questions.at(asker->second).maker;
  }
  const auto known = state_->peers.find(peer);
  return known == state_->peers.end() ? 0 : known->second.maker;
}

void ControlServer::Adopt(UniqueFd socket) {
  state_->gate->Adopt(std::move(socket));
}

void ControlServer::Pause(bool paused) {
  if (state_->paused == paused) return;
  state_->paused = paused;
  if (paused) return;
  for (auto& [id, one] : state_->peers) one.heard_at = state_->strand.Now();
  state_->strand.Post([self = std::weak_ptr<State>(state_)] {
    const auto state = self.lock();
    if (state != nullptr && !state->paused && !state->ended) state->GoOn();
  });
}

void ControlServer::Send(ProcessId peer, const ControlMessage& message) {
  if (state_->askers.contains(peer)) return state_->Answer(peer, message);
  const auto it = state_->peers.find(peer);
  if (it != state_->peers.end()) it->second.session->Send(message);
}

void ControlServer::Close(ProcessId peer, const std::string& reason) {
  const auto asker = state_->askers.find(peer);
  if (asker != state_->askers.end()) return state_->HangUp(asker->second);
  state_->Lose(peer, reason, /*tell=*/true);
}

}  // namespace mobula::base

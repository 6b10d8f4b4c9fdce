#include "base/rpc/control_client.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rpc/client_greeting.h"
#include "base/rpc/frame_stream.h"
#include "base/rpc/peer_session.h"
#include "base/rpc/store_channel.h"
#include "base/rpc/stream_events.h"
#include "base/session/backoff.h"

namespace mobula::base {
namespace {

using control::Frame;
using Kind = StreamEvent::Kind;

// How long the destructor waits for what was sent to leave.
constexpr Duration kFarewell = std::chrono::seconds(1);
// An attempt that came to nothing in its time is followed by one with twice as
// much, up to this (or the first one's, if that is more): who is slow would
// else never be ready.
constexpr Duration kHandshakeMax = std::chrono::seconds(12);
// Silence is broken so many times in what the server bears of it.
constexpr int kPingsInSilence = 4;

BackoffOptions BackoffOf(const ControlClient::Options& options) {
  BackoffOptions backoff;
  backoff.first = options.reconnect_first;
  backoff.max = options.reconnect_max;
  return backoff;
}

}  // namespace

struct ControlClient::State
    : public std::enable_shared_from_this<ControlClient::State> {
  // Who the store was when the session was agreed.
  struct Store {
    ClusterId cluster;
    std::uint64_t epoch = 0;
    ProcessId process;
    friend bool operator==(const Store&, const Store&) = default;
  };

  State(Strand& the_strand, Options the_options, Callbacks the_callbacks);
  void End();

  // One attempt: connect, greet, open a stream, say HELLO; or later again.
  void Connect();
  void Greet();
  void SayHello();
  void TryLater();
  void Failed(const std::string& reason) const;
  void StartTimer(Duration wait, void (State::*then)());
  void OnLate();

  void OnEvent(StreamEvent& event);
  void OnFrames(const StreamEvent& event);
  // False if the stream is of no use any more.
  bool OnFrame(Frame& frame);
  bool OnWelcome(const Frame& welcome);
  void NewSession(const Store& now);
  void LeaveStream();
  void Down(const std::string& reason);
  void PingLater();

  Strand& strand;
  const Options options;
  const Callbacks callbacks;
  std::shared_ptr<StreamEvents> events;
  Backoff backoff;
  Duration patience;  // of an attempt

  UniqueFd socket;  // while greeting
  std::unique_ptr<ClientGreeting> greeting;
  Strand::TimerId timer =
      0;  // of the attempt: its end, or the next one's start
  // All that gRPC still has; the last one is `stream`, if there is one.
  std::map<std::uint64_t, std::shared_ptr<FrameStream>> streams;
  std::shared_ptr<FrameStream> stream;
  bool agreed = false;  // WELCOME came on `stream`
  Strand::TimerId ping = 0;
  Duration quiet_max = Duration::max();

  std::shared_ptr<PeerSession> session;
  std::uint64_t number = 0;  // of the session, 0 if there is none
  std::uint64_t next_number = 1;
  Store store;
  std::string broken = "the connection broke";  // why the last stream ended
  bool ended = false;
};

ControlClient::State::State(Strand& the_strand, Options the_options,
                            Callbacks the_callbacks)
    : strand(the_strand),
      options(std::move(the_options)),
      callbacks(std::move(the_callbacks)),
      events(std::make_shared<StreamEvents>(
          strand, [this](StreamEvent& event) { OnEvent(event); })),
      backoff(BackoffOf(options), RandomBits()),
      patience(options.handshake_timeout) {
  MOBULA_CHECK(!options.self.IsNil() && options.connect != nullptr);
  StartTimer(Duration::zero(), &State::Connect);
}

// In order where there is a connection: the store learns that this is the end.
void ControlClient::State::End() {
  ended = true;
  if (timer != 0) strand.Cancel(timer);
  if (ping != 0) strand.Cancel(ping);
  if (socket.valid()) strand.Unwatch(socket.get());
  if (session != nullptr) session->Retire();
  const auto over = [this] { return streams.empty(); };
  if (stream != nullptr && agreed) {
    Frame close;
    close.set_kind(control::CLOSE);
    close.set_payload("it ended");
    stream->Send(std::move(close));
    stream->EndAfterWriting();
    events->Close();
    events->DrainUntil(over, kFarewell);
  }
  events->Close();
  for (auto& [id, one] : streams) one->Cut();
  events->DrainUntil(over, Duration::max());
}

void ControlClient::State::StartTimer(Duration wait, void (State::*then)()) {
  if (timer != 0) strand.Cancel(timer);
  timer = strand.PostAt(strand.Now() + wait, [this, then] {
    strand.AssertHeld();
    timer = 0;
    (this->*then)();
  });
}

void ControlClient::State::Connect() {
  std::string error;
  socket = options.connect(&error);
  if (!socket.valid()) {
    TryLater();
    return Failed(error);
  }
  StartTimer(patience, &State::OnLate);
  greeting = std::make_unique<ClientGreeting>(socket.get(), options.token);
  Greet();
}

void ControlClient::State::Greet() {
  const ClientGreeting::Step step = greeting->Continue();
  if (step == ClientGreeting::Step::kWrite ||
      step == ClientGreeting::Step::kRead) {
    const bool writes = step == ClientGreeting::Step::kWrite;
    strand.Watch(socket.get(), writes ? Strand::kWritable : Strand::kReadable,
                 [this](std::uint32_t) {
                   strand.AssertHeld();
                   Greet();
                 });
    return;
  }
  strand.Unwatch(socket.get());
  const auto greeted = std::move(greeting);
  if (step == ClientGreeting::Step::kDone) return SayHello();
  TryLater();
  if (!greeted->refused()) return Failed(greeted->error());
  if (callbacks.on_refused) callbacks.on_refused(greeted->error());
}

void ControlClient::State::SayHello() {
  const std::uint64_t id = events->NextStream();
  stream = std::make_shared<FrameStream>(
      strand, id, OpenStream(std::move(socket), id, events));
  streams[id] = stream;
  agreed = false;
  stream->Begin();
  Frame hello;
  hello.set_kind(control::HELLO);
  hello.mutable_from()->set_hi(options.self.hi);
  hello.mutable_from()->set_lo(options.self.lo);
  hello.set_session(number);
  hello.set_next_session(next_number);
  stream->Send(std::move(hello));
}

// Neither admitted nor agreed in time.
void ControlClient::State::OnLate() {
  const bool is_silent = greeting != nullptr;
  if (is_silent) {
    strand.Unwatch(socket.get());
    greeting = nullptr;
  }
  patience =
      std::max(patience, std::min<Duration>(patience * 2, kHandshakeMax));
  LeaveStream();
  Failed(is_silent ? kSilence : "it lets us in, but agrees on no session");
}

void ControlClient::State::Failed(const std::string& reason) const {
  MOBULA_LOG(DEBUG) << "the control store is away: " << reason;
  if (callbacks.on_failed) callbacks.on_failed(reason);
}

void ControlClient::State::TryLater() {
  socket.Reset();
  StartTimer(backoff.Next(), &State::Connect);
}

void ControlClient::State::LeaveStream() {
  if (stream != nullptr) stream->Cut();
  stream = nullptr;
  agreed = false;
  if (ping != 0) strand.Cancel(std::exchange(ping, 0));
  if (session != nullptr) session->Detach();
  TryLater();
}

void ControlClient::State::OnEvent(StreamEvent& event) {
  const auto it = streams.find(event.stream);
  MOBULA_CHECK(it != streams.end());
  const std::shared_ptr<FrameStream> of = it->second;
  switch (event.kind) {
    case Kind::kFrames:
      if (of == stream && !ended) OnFrames(event);
      return;
    case Kind::kWritten:
      of->OnWritten(event.ok);
      if (event.ok) return;
      [[fallthrough]];
    case Kind::kReadEnd:
      of->Cut();
      if (of == stream && !ended) LeaveStream();
      return;
    case Kind::kDone:
      of->OnDone();
      streams.erase(it);
      return;
    default:
      MOBULA_CHECK(false, "an event of a server at a client");
  }
}

void ControlClient::State::OnFrames(const StreamEvent& event) {
  const std::shared_ptr<FrameStream> of = stream;
  const std::size_t bytes = event.frames->ByteSizeLong();
  for (Frame& frame : *event.frames->mutable_frames()) {
    const bool good = OnFrame(frame);
    if (of != stream) return;  // left meanwhile
    if (!good) return LeaveStream();
  }
  of->OnHandled(bytes);
}

bool ControlClient::State::OnFrame(Frame& frame) {
  switch (frame.kind()) {
    case control::WELCOME:
      return !agreed && OnWelcome(frame);
    case control::DATA:
    case control::ACK:
      if (!agreed) return false;
      session->OnFrame(frame);
      return true;
    case control::CLOSE:
      if (agreed) Down("the control store ended it: " + frame.payload());
      return false;
    default:
      return false;
  }
}

bool ControlClient::State::OnWelcome(const Frame& welcome) {
  const Store now{{welcome.cluster().hi(), welcome.cluster().lo()},
                  welcome.epoch(),
                  {welcome.from().hi(), welcome.from().lo()}};
  const bool same = session != nullptr && welcome.session() == number;
  if (now.process.IsNil() || now.epoch == 0) return false;
  if (same ? !(now == store) : welcome.session() != next_number) return false;
  strand.Cancel(std::exchange(timer, 0));
  agreed = true;
  backoff.Reset();
  patience = options.handshake_timeout;
  if (welcome.budget_ns() != 0) {
    quiet_max = Duration(welcome.budget_ns()) / kPingsInSilence;
  }
  PingLater();
  if (same) {
    session->Attach(stream);
    return true;
  }
  Down(now.epoch > store.epoch ? "the control store was started again"
                               : "the control store has no such session");
  NewSession(now);
  return true;
}

void ControlClient::State::NewSession(const Store& now) {
  store = now;
  number = next_number++;
  PeerSession::Callbacks of_session;
  of_session.on_message = [this](ControlMessage message) {
    callbacks.on_message(std::move(message));
  };
  of_session.on_ended = [this](const std::string& reason) {
    strand.Post([self = weak_from_this(), of = number, reason] {
      const auto state = self.lock();
      if (state != nullptr && !state->ended && state->number == of) {
        state->Down(reason);
        if (state->stream != nullptr) state->LeaveStream();
      }
    });
  };
  session = std::make_shared<PeerSession>(
      strand, PeerSession::Ends{now.epoch, options.self, now.process},
      options.queued_bytes_max, std::move(of_session));
  session->Attach(stream);
  callbacks.on_up(now.epoch, now.cluster);
}

void ControlClient::State::Down(const std::string& reason) {
  if (session == nullptr) return;
  session->Retire();
  // It may be the caller.
  strand.Post([gone = std::exchange(session, nullptr)] { (void)gone; });
  number = 0;
  callbacks.on_down(reason);
}

void ControlClient::State::PingLater() {
  if (ping != 0) strand.Cancel(ping);
  ping = strand.PostAt(strand.Now() + quiet_max, [this] {
    strand.AssertHeld();
    Frame frame;
    frame.set_kind(control::PING);
    stream->Send(std::move(frame));
    ping = 0;
    PingLater();
  });
}

ControlClient::ControlClient(Strand& strand, Options options,
                             Callbacks callbacks)
    : state_(std::make_shared<State>(strand, std::move(options),
                                     std::move(callbacks))) {}

ControlClient::~ControlClient() { state_->End(); }

void ControlClient::Send(const ControlMessage& message) {
  if (state_->session != nullptr) state_->session->Send(message);
}

}  // namespace mobula::base

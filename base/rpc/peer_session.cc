#include "base/rpc/peer_session.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "base/control/control_codec.h"
#include "base/log.h"

namespace mobula::base {
namespace {

// A broken connection is repaired within this time of the new one's start.
constexpr Duration kRepeatFirst = std::chrono::milliseconds(50);
constexpr Duration kRepeatMax = std::chrono::milliseconds(200);

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

SessionOptions OptionsFor(const PeerSession::Ends& ends,
                          std::size_t queued_bytes_max) {
  SessionOptions options;
  options.epoch = ends.epoch;
  options.self = ends.self;
  options.peer = ends.peer;
  options.queued_bytes_max = queued_bytes_max;
  options.retransmit_first = kRepeatFirst;
  options.retransmit_max = kRepeatMax;
  // Who is lost is decided by the server, from silence: an unacknowledged
  // message may wait in a server that has paused.
  options.lost_after = Duration::max();
  return options;
}

Failure TooLarge(std::string_view what, std::size_t bytes) {
  return NotRun(FailureCode::kTooLarge,
                std::string(what) + " has " + std::to_string(bytes) +
                    " bytes; at most " +
                    std::to_string(kControlMessageBytesMax) + " can be sent");
}

}  // namespace

ControlMessage AnswerTooLarge(const ControlMessage& answer, std::size_t bytes) {
  ControlAnswer instead;
  instead.request = std::get<ControlAnswer>(answer).request;
  instead.to = std::get<ControlAnswer>(answer).to;
  instead.body = TooLarge("the answer", bytes);
  return instead;
}

PeerSession::PeerSession(Strand& strand, const Ends& ends,
                         std::size_t queued_bytes_max, Callbacks callbacks)
    : strand_(strand),
      session_(OptionsFor(ends, queued_bytes_max)),
      callbacks_(std::move(callbacks)) {}

PeerSession::~PeerSession() { Retire(); }

void PeerSession::Retire() {
  retired_ = true;
  stream_ = nullptr;
  if (timer_ != 0) strand_.Cancel(std::exchange(timer_, 0));
}

void PeerSession::Attach(std::shared_ptr<FrameStream> stream) {
  stream_ = std::move(stream);
  old_upto_ = last_sent_;
  repeated_upto_ = 0;
}

void PeerSession::Detach() { stream_ = nullptr; }

void PeerSession::Send(const ControlMessage& message) {
  if (retired_) return;
  std::string payload = EncodeControl(message);
  if (payload.size() > kControlMessageBytesMax) {
    return OnTooLarge(message, payload.size());
  }
  SessionEffects effects;
  const std::uint64_t seq =
      session_.Send(Bytes::Own(std::move(payload)), BootTime::Never(),
                    strand_.Now(), effects);
  Apply(effects);
  if (seq == 0) End("too much waits to be sent to it");
}

void PeerSession::OnTooLarge(const ControlMessage& message, std::size_t bytes) {
  if (std::holds_alternative<ControlAnswer>(message)) {
    return Send(AnswerTooLarge(message, bytes));
  }
  const auto* const call = std::get_if<ControlCall>(&message);
  if (call == nullptr) {
    MOBULA_LOG(ERROR) << "control: a message of " << bytes
                      << " bytes is not sent; at most "
                      << kControlMessageBytesMax << " can be";
    return;
  }
  ControlAnswer answer;
  answer.request = call->request;
  answer.to = call->from;
  answer.body = TooLarge("the request", bytes);
  strand_.Post([self = weak_from_this(), answer = std::move(answer)] {
    const auto session = self.lock();
    if (session != nullptr && !session->retired_) {
      session->callbacks_.on_message(answer);
    }
  });
}

void PeerSession::OnFrame(mobula::control::Frame& frame) {
  if (retired_) return;
  SessionHeader header;
  header.epoch = session_.options().epoch;
  header.from = session_.options().peer;
  header.to = session_.options().self;
  header.kind = frame.kind() == mobula::control::DATA ? SessionKind::kData
                                                      : SessionKind::kAck;
  header.seq = frame.seq();
  header.ack = frame.ack();
  header.credits = frame.credits();
  if (frame.budget_ns() != 0) {
    header.budget = Duration(frame.budget_ns() - 1);
  }
  SessionEffects effects;
  const FrameVerdict verdict =
      session_.OnFrame(header, Bytes::Own(std::move(*frame.mutable_payload())),
                       strand_.Now(), effects);
  Apply(effects);
  if (verdict == FrameVerdict::kRefused) {
    End("it sent a frame that is out of its window");
  }
}

void PeerSession::Apply(SessionEffects& effects) {
  for (SessionEffect& effect : effects) {
    if (retired_) return;
    std::visit(
        Overloaded{
            [this](const Transmit& transmit) { Transmitted(transmit); },
            [this](const Deliver& deliver) { Delivered(deliver.payload); },
            [this](const SetSessionTimer& timer) { SetTimer(timer.at); },
            [this](const SessionStale&) { End("it is of another life"); },
            [this](const SessionLost& lost) { End(lost.reason); },
        },
        effect);
  }
}

bool PeerSession::IsNewHere(const SessionHeader& header) {
  if (header.kind != SessionKind::kData) return true;
  if (header.seq > last_sent_) {
    last_sent_ = header.seq;
    return true;
  }
  if (header.seq > old_upto_ || header.seq <= repeated_upto_) return false;
  repeated_upto_ = header.seq;
  return true;
}

void PeerSession::Transmitted(const Transmit& transmit) {
  // Without a stream nothing counts as sent over one.
  const SessionHeader& header = transmit.header;
  if (stream_ == nullptr) {
    last_sent_ = std::max(last_sent_, header.seq);
    return;
  }
  if (!IsNewHere(header)) return;
  mobula::control::Frame frame;
  frame.set_kind(header.kind == SessionKind::kData ? mobula::control::DATA
                                                   : mobula::control::ACK);
  frame.set_seq(header.seq);
  frame.set_ack(header.ack);
  frame.set_credits(header.credits);
  if (header.budget != Duration::max()) {
    frame.set_budget_ns(static_cast<std::uint64_t>(header.budget.count()) + 1);
  }
  frame.set_payload(transmit.payload.view().data(), transmit.payload.size());
  stream_->Send(std::move(frame));
}

void PeerSession::Delivered(const Bytes& payload) {
  ControlMessage message;
  std::string error;
  if (!DecodeControl(payload, &message, &error)) {
    return End("it sent what cannot be read: " + error);
  }
  callbacks_.on_message(std::move(message));
}

void PeerSession::SetTimer(BootTime at) {
  if (timer_ != 0) strand_.Cancel(timer_);
  timer_ = strand_.PostAt(at, [this] {
    strand_.AssertHeld();
    timer_ = 0;
    SessionEffects effects;
    session_.OnTimer(strand_.Now(), effects);
    Apply(effects);
  });
}

void PeerSession::End(const std::string& reason) {
  if (retired_) return;
  Retire();
  callbacks_.on_ended(reason);
}

}  // namespace mobula::base

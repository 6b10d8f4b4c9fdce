#include "base/session/session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::base {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif
namespace {

// Frames sent again at once after a silence; the rest follows with the next.
constexpr std::size_t kRetransmitBurst = 64;
constexpr std::uint32_t kWindowMax = 65'535;

Duration Remaining(BootTime deadline, BootTime now) {
  if (deadline.IsNever()) return Duration::max();
  return std::max(deadline - now, Duration::zero());
}

BootTime DeadlineOf(Duration budget, BootTime now) {
  if (budget == Duration::max()) return BootTime::Never();
  return now + std::max(budget, Duration::zero());
}

}  // namespace

SessionHeader RejectStale(const SessionHeader& header) {
  SessionHeader answer;
  answer.epoch = header.epoch;
  answer.from = header.to;
  answer.to = header.from;
  answer.kind = SessionKind::kStale;
  answer.seq = header.seq;
  return answer;
}

Session::Session(SessionOptions options)
    : options_(std::move(options)),
      limit_(options_.window),
      retransmit_after_(options_.retransmit_first) {
  MOBULA_CHECK(options_.window >= 1 && options_.window <= kWindowMax);
  MOBULA_CHECK(options_.retransmit_first > Duration::zero());
  MOBULA_CHECK(options_.retransmit_max >= options_.retransmit_first);
}

std::uint64_t Session::Send(Bytes payload, BootTime deadline, BootTime now,
                            SessionEffects& effects) {
  if (ended_) return 0;
  const std::size_t bytes = payload.size();
  const bool kept = options_.retransmit || last_sent_ == limit_;
  if (kept && bytes > options_.queued_bytes_max - queued_bytes_) return 0;
  Outgoing message{++last_queued_, std::move(payload), deadline, now};
  if (kept) queued_bytes_ += bytes;
  if (last_sent_ == limit_) {
    waiting_.push_back(std::move(message));
  } else {
    MOBULA_CHECK(waiting_.empty(), "messages wait although there are credits");
    SendNow(std::move(message), now, effects);
  }
  ArmTimer(effects);
  return last_queued_;
}

FrameVerdict Session::OnFrame(const SessionHeader& header, Bytes payload,
                              BootTime now, SessionEffects& effects) {
  if (ended_) return FrameVerdict::kEnded;
  if (header.kind == SessionKind::kStale) return OnStale(header, effects);
  if (IsStale(header)) {
    ++counts_.stale;
    if (header.epoch > options_.epoch && header.from == options_.peer &&
        header.to == options_.self) {
      End(SessionStale{}, effects);  // the cluster has moved on without us
      return FrameVerdict::kStale;
    }
    effects.emplace_back(Transmit{RejectStale(header), Bytes()});
    return FrameVerdict::kStale;
  }
  if (!IsPlausible(header)) {
    ++counts_.refused;
    return FrameVerdict::kRefused;
  }
  OnAck(header, now, effects);
  FrameVerdict verdict = FrameVerdict::kAccepted;
  if (header.kind == SessionKind::kData) {
    verdict = OnData(header, std::move(payload), now, effects);
  }
  ArmTimer(effects);
  return verdict;
}

void Session::OnTimer(BootTime now, SessionEffects& effects) {
  if (ended_) return;
  timer_at_ = BootTime::Never();
  if (now >= LostAt()) {
    const auto silence = (now - progress_at_) / std::chrono::milliseconds(1);
    End(SessionLost{"the peer acknowledged nothing for " +
                    std::to_string(silence) + " ms"},
        effects);
    return;
  }
  if (now >= retransmit_at_) Retransmit(now, effects);
  if (now >= ack_at_) TransmitAck(effects);
  ArmTimer(effects);
}

void Session::Resend(BootTime now, SessionEffects& effects) {
  if (ended_ || unacked_.empty()) return;
  for (Outgoing& message : unacked_) {
    TransmitData(message, now, effects);
    message.sent_at = now;
  }
  counts_.retransmitted += unacked_.size();
  retransmit_at_ = now + retransmit_after_;
  ArmTimer(effects);
}

bool Session::IsStale(const SessionHeader& header) const {
#ifdef MOBULA_PLANTS
  if (options_.plant_accept_stale) return false;
#endif
  return header.epoch != options_.epoch || header.from != options_.peer ||
         header.to != options_.self;
}

bool Session::IsPlausible(const SessionHeader& header) const {
  if (header.ack > last_sent_ || header.credits > kWindowMax) return false;
  switch (header.kind) {
    case SessionKind::kData:
      return header.seq >= 1 && (header.seq <= received_ ||
                                 header.seq - received_ <= options_.window);
    case SessionKind::kAck:
      return true;
    case SessionKind::kStale:
      break;
  }
  return false;
}

// It echoes the header of the frame that it rejects, so that only the session
// that sent that frame ends; one that was delayed from an earlier life does
// nothing.
FrameVerdict Session::OnStale(const SessionHeader& header,
                              SessionEffects& effects) {
  if (IsStale(header) || header.seq > last_sent_) {
    ++counts_.refused;
    return FrameVerdict::kRefused;
  }
  End(SessionStale{}, effects);
  return FrameVerdict::kAccepted;
}

FrameVerdict Session::OnData(const SessionHeader& header, Bytes payload,
                             BootTime now, SessionEffects& effects) {
  const BootTime deadline = DeadlineOf(header.budget, now);
  if (header.seq <= received_ || early_.contains(header.seq)) {
    ++counts_.duplicates;
#ifdef MOBULA_PLANTS
    if (options_.plant_no_dedup && header.seq <= received_) {
      effects.emplace_back(Deliver{std::move(payload), deadline});
    }
#endif
    TransmitAck(effects);  // the earlier one may have been lost
    return FrameVerdict::kDuplicate;
  }
  if (header.seq == received_ + 1) {
    ++received_;
    ++unannounced_;
    ++counts_.delivered;
    effects.emplace_back(Deliver{std::move(payload), deadline});
    DeliverEarly(effects);
    OweAck(now, effects);
  } else {
    early_.emplace(header.seq, Early{std::move(payload), deadline});
  }
  return FrameVerdict::kAccepted;
}

void Session::OnAck(const SessionHeader& header, BootTime now,
                    SessionEffects& effects) {
  limit_ = std::max(limit_, header.ack + header.credits);
  if (header.ack > acked_) {
    acked_ = header.ack;
    progress_at_ = now;
    retransmit_after_ = options_.retransmit_first;
    while (!unacked_.empty() && unacked_.front().seq <= acked_) {
      queued_bytes_ -= unacked_.front().payload.size();
      unacked_.pop_front();
    }
    retransmit_at_ = unacked_.empty()
                         ? BootTime::Never()
                         : unacked_.front().sent_at + retransmit_after_;
  }
  SendWaiting(now, effects);
}

void Session::DeliverEarly(SessionEffects& effects) {
  while (!early_.empty() && early_.begin()->first == received_ + 1) {
    Early& next = early_.begin()->second;
    effects.emplace_back(Deliver{std::move(next.payload), next.deadline});
    early_.erase(early_.begin());
    ++received_;
    ++counts_.delivered;
    ++unannounced_;
  }
}

void Session::SendWaiting(BootTime now, SessionEffects& effects) {
  while (!waiting_.empty() && last_sent_ < limit_) {
    Outgoing message = std::move(waiting_.front());
    waiting_.pop_front();
    if (!options_.retransmit) queued_bytes_ -= message.payload.size();
    SendNow(std::move(message), now, effects);
  }
}

void Session::SendNow(Outgoing message, BootTime now, SessionEffects& effects) {
  MOBULA_CHECK(message.seq == last_sent_ + 1 && message.seq <= limit_);
  ++last_sent_;
  ++counts_.sent;
  TransmitData(message, now, effects);
  if (!options_.retransmit) return;
  message.sent_at = now;
  if (unacked_.empty()) {
    progress_at_ = now;
    retransmit_at_ = now + retransmit_after_;
  }
  unacked_.push_back(std::move(message));
}

// Everything that has been silent for long enough, oldest first.
void Session::Retransmit(BootTime now, SessionEffects& effects) {
  const Duration silence = retransmit_after_;
  std::size_t burst = 0;
  for (Outgoing& message : unacked_) {
    if (burst == kRetransmitBurst) break;
    if (message.sent_at + silence > now) continue;
    TransmitData(message, now, effects);
    message.sent_at = now;
    ++burst;
    ++counts_.retransmitted;
  }
  if (burst > 0) {
    retransmit_after_ =
        std::min(retransmit_after_ * 2, options_.retransmit_max);
  }
  retransmit_at_ =
      burst > 0 ? now + retransmit_after_ : unacked_.front().sent_at + silence;
}

void Session::TransmitData(const Outgoing& message, BootTime now,
                           SessionEffects& effects) {
  SessionHeader header = MakeHeader(SessionKind::kData);
  header.seq = message.seq;
  header.budget = Remaining(message.deadline, now);
  effects.emplace_back(Transmit{header, message.payload});
}

void Session::TransmitAck(SessionEffects& effects) {
  effects.emplace_back(Transmit{MakeHeader(SessionKind::kAck), Bytes()});
}

void Session::OweAck(BootTime now, SessionEffects& effects) {
  if (unannounced_ >= (options_.window + 1) / 2) {
    TransmitAck(effects);
  } else if (ack_at_.IsNever()) {
    ack_at_ = now + options_.ack_delay;
  }
}

// Every header carries the watermark, so making one pays what is owed.
SessionHeader Session::MakeHeader(SessionKind kind) {
  unannounced_ = 0;
  ack_at_ = BootTime::Never();
  SessionHeader header;
  header.epoch = options_.epoch;
  header.from = options_.self;
  header.to = options_.peer;
  header.kind = kind;
  header.ack = received_;
  header.credits = options_.window;
  return header;
}

void Session::End(SessionEffect why, SessionEffects& effects) {
  ended_ = true;
  unacked_.clear();
  waiting_.clear();
  early_.clear();
  queued_bytes_ = 0;
  effects.push_back(std::move(why));
}

BootTime Session::LostAt() const {
  if (unacked_.empty()) return BootTime::Never();
  return progress_at_ + options_.lost_after;
}

void Session::ArmTimer(SessionEffects& effects) {
  if (ended_) return;
  const BootTime at = std::min({retransmit_at_, ack_at_, LostAt()});
  if (at >= timer_at_) return;
  timer_at_ = at;
  effects.emplace_back(SetSessionTimer{at});
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::base

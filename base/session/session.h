// Session is one end of an ordered, exactly-once stream of messages between
// two processes, in both directions, over anything that may drop, repeat,
// delay or reorder frames.
//
//   Session a(options, now);
//   a.Send(payload, deadline, now, effects);        // -> Transmit ...
//   b.OnFrame(header, payload, now, effects);       // -> Deliver,
//   Transmit(ack) a.OnTimer(now, effects);                        // when
//   SetTimer's time came
//
// Outgoing messages are numbered from 1; the receiver delivers each once, in
// order, and acknowledges receipt by a watermark that rides on whatever goes
// the other way, or alone after a while. Unacknowledged messages are kept and
// sent again, with backoff, until `lost_after`; on a transport that loses
// nothing `retransmit` is off and nothing is kept. The receiver grants a window
// of credits: beyond it messages wait here, they are not refused. Receipt, not
// completion: see docs/decisions/0002-session-acknowledges-receipt.md.
//
// A session is bound to one epoch and two processes (a reborn process has a new
// id). A frame of an earlier epoch or another process is answered by kStale,
// which ends the session that sent it; one of a later epoch ends this one: the
// zombie learns that it is one.
//
//   Open --Lost | Stale--> Ended (final; every call does nothing)
// Owner: base/frames Link, the simulator, later base/rpc.   Threading: none.
// Invariants: (1) each payload is delivered once, in the order sent, or not at
// all after the end; (2) at most `window` sequence numbers are in flight;
// (3) memory is bounded by queued_bytes_max and the window.
// Failure: a frame that no honest peer sends is kRefused and changes nothing.
#ifndef MOBULA_BASE_SESSION_SESSION_H_
#define MOBULA_BASE_SESSION_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace mobula::base {

// The build with plants (bugs on purpose, for the simulator to find) has names
// of its own, so that one program can hold both.
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

enum class SessionKind : std::uint8_t { kData = 1, kAck, kStale };

// What goes before each payload. On a connection the first three are agreed
// once and not sent again.
struct SessionHeader {
  std::uint64_t epoch = 0;  // of the cluster
  ProcessId from;
  ProcessId to;
  SessionKind kind = SessionKind::kData;
  std::uint64_t seq = 0;      // of kData: 1, 2, ...; echoed by kStale
  std::uint64_t ack = 0;      // everything up to it has been received
  std::uint32_t credits = 0;  // sequence numbers allowed beyond ack
  // What is left of the message's deadline; max: it has none.
  Duration budget = Duration::max();

  friend bool operator==(const SessionHeader&, const SessionHeader&) = default;
};

// The answer to a frame that belongs to no session here (any more).
SessionHeader RejectStale(const SessionHeader& header);

struct SessionOptions {
  std::uint64_t epoch = 0;
  ProcessId self;
  ProcessId peer;
  // Granted to the peer, and granted by it at first: the same at both ends.
  // 1 to 65,535.
  std::uint32_t window = 1024;
  // Of payloads that wait for credits or for their acknowledgement.
  std::size_t queued_bytes_max = std::size_t{1} << 30;
  bool retransmit = true;
  Duration retransmit_first = std::chrono::milliseconds(200);
  Duration retransmit_max = std::chrono::seconds(5);
  // How long the peer may acknowledge nothing of what it was sent.
  Duration lost_after = std::chrono::seconds(30);
  // How long an acknowledgement waits for something to ride on. max: for half
  // a window, which is enough where nothing is lost.
  Duration ack_delay = std::chrono::milliseconds(20);
#ifdef MOBULA_PLANTS
  bool plant_no_dedup = false;      // duplicates are delivered again
  bool plant_accept_stale = false;  // epoch and ids are not looked at
#endif
};

// Put it on the wire.
struct Transmit {
  SessionHeader header;
  Bytes payload;
};
// The peer sent this. `deadline` is Never where it has none.
struct Deliver {
  Bytes payload;
  BootTime deadline;
};
// Replaces the timer: OnTimer at `at` or later.
struct SetSessionTimer {
  BootTime at;
};
// This end is of an earlier epoch, or talks to a process that is no more. The
// session has ended.
struct SessionStale {};
// The peer acknowledged nothing for `lost_after`. The session has ended.
struct SessionLost {
  std::string reason;
};

using SessionEffect =
    std::variant<Transmit, Deliver, SetSessionTimer, SessionStale, SessionLost>;
using SessionEffects = std::vector<SessionEffect>;

// What OnFrame thought of a frame.
enum class FrameVerdict : std::uint8_t {
  kAccepted,   // new, or an acknowledgement
  kDuplicate,  // had been received; acknowledged again
  kStale,      // another epoch or process; answered, or the end of this end
  kRefused,    // outside the window, or acknowledges what was never sent
  kEnded,      // the session has ended
};

struct SessionCounts {
  std::uint64_t sent = 0;           // messages given to the wire, once each
  std::uint64_t retransmitted = 0;  // sent again
  std::uint64_t delivered = 0;
  std::uint64_t duplicates = 0;  // frames received more than once
  std::uint64_t stale = 0;
  std::uint64_t refused = 0;
};

class Session {
 public:
  explicit Session(SessionOptions options);

  // The message's sequence number; 0, and nothing has changed, if the session
  // has ended or the queue is full.
  [[nodiscard]] std::uint64_t Send(Bytes payload, BootTime deadline,
                                   BootTime now, SessionEffects& effects);
  FrameVerdict OnFrame(const SessionHeader& header, Bytes payload, BootTime now,
                       SessionEffects& effects);
  // Too early or for nothing does no harm.
  void OnTimer(BootTime now, SessionEffects& effects);
  // There is a new connection: all that is not acknowledged goes again, at once
  // and in order.
  void Resend(BootTime now, SessionEffects& effects);

  [[nodiscard]] bool ended() const { return ended_; }
  // Of payloads that wait here, for credits or for acknowledgement.
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  // Messages sent and not yet acknowledged; never above the peer's window.
  [[nodiscard]] std::uint64_t in_flight() const { return last_sent_ - acked_; }
  // Of the peer's messages, everything up to it.
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] const SessionCounts& counts() const { return counts_; }
  [[nodiscard]] const SessionOptions& options() const { return options_; }

 private:
  struct Outgoing {
    std::uint64_t seq = 0;
    Bytes payload;
    BootTime deadline;
    BootTime sent_at;
  };
  struct Early {  // arrived before an earlier one
    Bytes payload;
    BootTime deadline;
  };

  [[nodiscard]] bool IsStale(const SessionHeader& header) const;
  [[nodiscard]] bool IsPlausible(const SessionHeader& header) const;
  FrameVerdict OnStale(const SessionHeader& header, SessionEffects& effects);
  FrameVerdict OnData(const SessionHeader& header, Bytes payload, BootTime now,
                      SessionEffects& effects);
  void OnAck(const SessionHeader& header, BootTime now,
             SessionEffects& effects);
  void DeliverEarly(SessionEffects& effects);
  void SendWaiting(BootTime now, SessionEffects& effects);
  void SendNow(Outgoing message, BootTime now, SessionEffects& effects);
  void Retransmit(BootTime now, SessionEffects& effects);
  void TransmitData(const Outgoing& message, BootTime now,
                    SessionEffects& effects);
  void TransmitAck(SessionEffects& effects);
  void OweAck(BootTime now, SessionEffects& effects);
  SessionHeader MakeHeader(SessionKind kind);
  void End(SessionEffect why, SessionEffects& effects);
  // Asks for the timer if it is needed earlier than it was asked for.
  void ArmTimer(SessionEffects& effects);
  [[nodiscard]] BootTime LostAt() const;

  const SessionOptions options_;
  bool ended_ = false;
  SessionCounts counts_;

  // Outgoing: acked_ <= last_sent_ <= limit_; waiting_ follows last_sent_.
  std::uint64_t last_queued_ = 0;
  std::uint64_t last_sent_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t limit_ = 0;       // the highest seq that the peer allows
  std::deque<Outgoing> unacked_;  // kept only where retransmit is on
  std::deque<Outgoing> waiting_;  // for credits
  std::size_t queued_bytes_ = 0;  // of both
  BootTime progress_at_;          // when the peer last acknowledged, or owed
  BootTime retransmit_at_ = BootTime::Never();
  Duration retransmit_after_;

  // Incoming.
  std::uint64_t received_ = 0;  // everything up to it
  std::map<std::uint64_t, Early> early_;
  std::uint32_t unannounced_ = 0;  // received since the last ack went out
  BootTime ack_at_ = BootTime::Never();

  BootTime timer_at_ = BootTime::Never();  // what was asked for
};

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif

}  // namespace mobula::base

#endif  // MOBULA_BASE_SESSION_SESSION_H_

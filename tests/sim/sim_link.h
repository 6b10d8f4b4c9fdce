// SimLink is a link between two simulated processes: two sessions over the
// faulty network, as base/frames has one over a Unix socket.
//
//   link->Open(a); link->Open(b);       // each end is in its process's hands
//   link->Send(a, message);             // b: OnMessage(a, message), once
//   link->Close(a);                     // b: OnLinkClosed(a), last
//
// What arrives at an end that is not open yet waits there, as in a socket that
// is still under way to its process. What a process had sent when it died still
// arrives, as from a socket, and then the end of the link.
// Owner: World and the events under way (shared).   Threading: none.
// Checks: each message arrives once, in order (invariant "session").
#ifndef MOBULA_TESTS_SIM_SIM_LINK_H_
#define MOBULA_TESTS_SIM_SIM_LINK_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/session/session.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/network.h"
#include "tests/sim/plants.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

// A process, as its links see it.
class Party {
 public:
  virtual ~Party() = default;
  [[nodiscard]] virtual base::ProcessId id() const = 0;
  // Runs now, or when the process wakes from its pause; never if it is dead.
  virtual void Turn(std::function<void()> work) = 0;
  virtual void OnMessage(base::ProcessId from,
                         const base::Message& message) = 0;
  virtual void OnLinkClosed(base::ProcessId peer) = 0;
};

class SimLink : public std::enable_shared_from_this<SimLink> {
 public:
  struct Context {
    EventQueue& queue;
    Network& network;
    Verdict& verdict;
    Plants& plants;
    bool encode = false;
  };

  SimLink(const Context& context, Party& a, Party& b);

  void Open(base::ProcessId self);
  void Send(base::ProcessId self, const base::Message& message);
  // This end is gone, with what was not sent yet. The other learns of it when
  // nobody else holds it any more. Twice is once.
  void Close(base::ProcessId self, base::Duration hold = base::Duration(0));
  // Nothing that `self` sends gets through for a while.
  void Cut(base::ProcessId self, base::Duration length);

  [[nodiscard]] bool closed(base::ProcessId self) const;
  // All that the other end, which is gone, had sent was read here, or never
  // will be.
  [[nodiscard]] bool rest_read(base::ProcessId self) const;
  // What this end has sent and the other has not acknowledged.
  [[nodiscard]] std::uint64_t in_flight(base::ProcessId self) const;

 private:
  struct Packet {
    base::SessionHeader header;
    base::Bytes payload;
  };
  struct End {
    End(Party& owner, base::SessionOptions options)
        : party(owner), session(options) {}

    Party& party;
    base::Session session;
    Network::ChannelPtr out = std::make_shared<Network::Channel>();
    bool open = false;         // may be written
    bool reading = false;      // what arrived before was read
    bool closed = false;       // by its own process
    bool data_ended = false;   // all that the other end sent was read
    bool peer_closed = false;  // and its process was told, or will be
    std::vector<Packet> arrived_early;
    std::uint64_t timer = 0;
    std::uint64_t last_delivered = 0;  // numbers of envelopes
    // Sent by the other end and not delivered yet, by session number.
    std::map<std::uint64_t, base::Bytes> under_way;
  };
  struct Envelope;  // a message with its number, behind a Bytes

  End& EndOf(base::ProcessId self);
  [[nodiscard]] const End& EndOf(base::ProcessId self) const;
  End& Other(const End& end);
  void Arrive(End& end, const Packet& packet);
  void Handle(End& end, const Packet& packet);
  void CarryOut(End& end, base::SessionEffects& effects);
  void Transmit(End& end, base::Transmit transmit);
  void DeliverTo(End& end, const base::Bytes& payload);
  void ArmTimer(End& end, base::BootTime at);
  void SendStale(End& end, Packet packet);
  void EndOfData(End& end);
  void EndOfPeer(End& end);
  void ReadEarly(End& end);
  void DeliverRest(End& end);
  static std::uint64_t NumberOf(const base::Bytes& payload);
  base::Bytes Wrap(const base::Message& message);

  const Context context_;
  std::array<End, 2> ends_;
  std::array<std::uint64_t, 2> sent_{};
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_SIM_LINK_H_

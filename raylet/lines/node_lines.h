// NodeLines are the lines between this raylet and those of other nodes: what is
// sent to a node arrives there in order, once, however often the connections
// break, or that node is given up.
//
//   NodeLines lines(strand, options, {on_message, on_lost});
//   lines.Listen(&door, &error);            // `door` goes into the NodeRecord
//   lines.Join(cluster);
//   lines.Knows(record.node, record.raylet, record.door);
//   lines.Send(record.node, base::WantProgram{hash});
//
// Each end dials for what it sends: one connection for parts (bulk), one for
// everything else (control), made when there is something to send. A node is
// lost (on_lost) when nothing gets through for lost_after, when the other end
// has given this one up, and when too much waits for it. Then everything that
// was on its way, in both directions, is gone, and both ends are told so once:
// nothing of before comes after it. It is unknown until Knows is called again,
// also from within on_lost; then it begins anew. Forget is for those that the
// control store says are dead; a dead id never returns.
// Owner: raylet::Server.   Threading: everything on the strand given; callbacks
// run there, never inside a call, and may call anything but the destructor.
// Invariants: (1) of one lane messages come in the order sent, once, or not at
// all after a loss; (2) nothing comes of a node that is not known.
// Failure: to who is not known Send does nothing; the rest is on_lost's reason.
#ifndef MOBULA_RAYLET_LINES_NODE_LINES_H_
#define MOBULA_RAYLET_LINES_NODE_LINES_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/frames/node_message.h"
#include "base/ids.h"
#include "base/session/session.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/tls/tls_context.h"
#include "base/tls/tls_tunnel.h"
#include "raylet/lines/lane_dial.h"
#include "raylet/lines/line.h"
#include "raylet/lines/node_door.h"
#include "raylet/lines/node_hello.h"

namespace mobula::raylet {

class NodeLines {
 public:
  struct Options {
    base::NodeId self;       // by TLS its upper half is in the certificate
    base::ProcessId raylet;  // of it
    // ControlAddress where it waits, unix:PATH or tls:HOST:PORT, "" if nowhere.
    std::string door;
    // The host that others are told in place of that in `door`, where that
    // stands for each address of the machine; "": the same.
    std::string door_host;
    std::string credentials_file;  // for TLS; "" if there is none
    // Of messages that wait for one node, or for its acknowledgement.
    std::size_t queued_bytes_max = std::size_t{1} << 30;
    std::size_t waiting_max = 256;  // connections of nodes not known yet
    base::Duration lost_after = std::chrono::seconds(30);
    base::Duration retry_max = std::chrono::milliseconds(500);
    base::Duration dial_timeout = std::chrono::seconds(5);
    base::Duration hello_timeout = std::chrono::seconds(3);
    // Who is not known yet may just have joined.
    base::Duration known_patience = std::chrono::seconds(2);
    base::Duration credentials_look = std::chrono::seconds(60);
    base::WallClock clock = base::WallNowS;
  };
  struct Callbacks {
    std::function<void(base::NodeId from, base::NodeMessage message)>
        on_message;
    std::function<void(base::NodeId node, std::string why)> on_lost;
  };

  NodeLines(base::Strand& strand, Options options, Callbacks callbacks);
  ~NodeLines();
  NodeLines(const NodeLines&) = delete;
  NodeLines& operator=(const NodeLines&) = delete;

  // Where it waits, with the real port, as others are to be told; "" if
  // nowhere. False, and why.
  [[nodiscard]] bool Listen(std::string* door, std::string* error);
  // Whose nodes it talks to; nothing is accepted or dialled before.
  void Join(base::ClusterId cluster);
  // It lives, and waits there. No effect if it is known so.
  void Knows(base::NodeId node, base::ProcessId raylet, std::string door);
  // It is dead: no callback any more.
  void Forget(base::NodeId node);
  void Send(base::NodeId node, const base::NodeMessage& message);
  // That wait for the node, or for its acknowledgement; 0 if it is not known.
  [[nodiscard]] std::size_t queued_bytes(base::NodeId node) const;
  [[nodiscard]] bool knows(base::NodeId node) const;

 private:
  // Of what is sent.
  struct OutLane {
    std::unique_ptr<base::Session> session;
    std::unique_ptr<LaneDial> dial;
    std::unique_ptr<LaneWire> wire;
    std::uint64_t taken_bytes = 0;  // when it was looked at
    std::uint64_t acked = 0;
  };
  // Of what comes.
  struct InLane {
    std::unique_ptr<base::Session> session;
    std::unique_ptr<LaneWire> wire;
    base::Strand::TimerId ack_timer = 0;
  };
  struct Peer {
    explicit Peer(const Line::Options& options) : line(options) {}

    base::NodeId node;
    base::ProcessId raylet;
    std::string door;
    Line line;
    OutLane out[kLanes];
    InLane in[kLanes];
    base::Strand::TimerId timer = 0;
    base::BootTime timer_at = base::BootTime::Never();
    bool telling = false;      // on_lost is on its way
    bool known_again = false;  // meanwhile
    std::string refused;       // the last reason that was logged
  };
  using PeerPtr = std::shared_ptr<Peer>;
  struct Waiting {
    NodeDoor::Arrival arrival;
    base::Strand::TimerId timer = 0;
  };
  using WaitingList = std::list<Waiting>;

  // node_lines.cc: who is known, and what becomes of them.
  PeerPtr Find(base::NodeId node) const MOBULA_REQUIRES(strand_);
  void Apply(const PeerPtr& peer, const LineEffects& effects)
      MOBULA_REQUIRES(strand_);
  void Tell(const PeerPtr& peer, const std::string& why)
      MOBULA_REQUIRES(strand_);
  void GiveUp(const PeerPtr& peer, const std::string& why)
      MOBULA_REQUIRES(strand_);
  void Drop(Peer& peer) MOBULA_REQUIRES(strand_);
  void SetTimer(const PeerPtr& peer) MOBULA_REQUIRES(strand_);
  void OnTimer(const PeerPtr& peer) MOBULA_REQUIRES(strand_);

  // lanes_out.cc
  void Dial(const PeerPtr& peer, Lane lane) MOBULA_REQUIRES(strand_);
  void OnDialled(const PeerPtr& peer, Lane lane, LaneDial::Outcome outcome)
      MOBULA_REQUIRES(strand_);
  void LogTrouble(Peer& peer, const std::string& why) MOBULA_REQUIRES(strand_);
  void TakeUp(const PeerPtr& peer, Lane lane, LaneDial::Outcome outcome)
      MOBULA_REQUIRES(strand_);
  void OnOutFrame(const PeerPtr& peer, Lane lane, base::SessionHeader header)
      MOBULA_REQUIRES(strand_);
  void Transmit(const Peer& peer, Lane lane,
                const base::SessionEffects& effects) MOBULA_REQUIRES(strand_);
  base::Session& OutSession(Peer& peer, Lane lane) MOBULA_REQUIRES(strand_);

  // lanes_in.cc
  void OnArrival(NodeDoor::Arrival arrival) MOBULA_REQUIRES(strand_);
  // "" if it is to be let in where it is known.
  std::string WhyNot(const NodeDoor::Arrival& arrival) const
      MOBULA_REQUIRES(strand_);
  void Judge(NodeDoor::Arrival arrival) MOBULA_REQUIRES(strand_);
  void Refuse(NodeDoor::Arrival arrival, NodeRefusal refusal,
              const std::string& why) MOBULA_REQUIRES(strand_);
  void LogRefused(base::NodeId node, const std::string& why)
      MOBULA_REQUIRES(strand_);
  void Wait(NodeDoor::Arrival arrival) MOBULA_REQUIRES(strand_);
  void EndWaiting(WaitingList::iterator at) MOBULA_REQUIRES(strand_);
  // Those of `node`, or nil: all, are looked at again.
  void JudgeWaiting(base::NodeId node) MOBULA_REQUIRES(strand_);
  void Attach(const PeerPtr& peer, NodeDoor::Arrival arrival)
      MOBULA_REQUIRES(strand_);
  void OnInFrame(const PeerPtr& peer, Lane lane, base::SessionHeader header,
                 base::Bytes payload) MOBULA_REQUIRES(strand_);
  void SetAckTimer(const PeerPtr& peer, Lane lane, base::BootTime at)
      MOBULA_REQUIRES(strand_);

  base::SessionOptions SessionFor(const Peer& peer, Lane lane,
                                  std::uint64_t life) const
      MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  const Options options_;
  const Callbacks callbacks_;
  base::ClusterId cluster_ MOBULA_GUARDED_BY(strand_);
  std::map<base::NodeId, PeerPtr> peers_ MOBULA_GUARDED_BY(strand_);
  WaitingList waiting_ MOBULA_GUARDED_BY(strand_);
  base::BootTime refused_at_ MOBULA_GUARDED_BY(strand_);  // and logged
  std::unique_ptr<base::TlsTunnel> tunnel_ MOBULA_GUARDED_BY(strand_);
  std::unique_ptr<NodeDoor> door_ MOBULA_GUARDED_BY(strand_);
  // Of the alive: for what was posted.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LINES_NODE_LINES_H_

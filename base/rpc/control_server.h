// ControlServer is the control store's end of all lines: it listens, accepts,
// shakes hands and only then lets gRPC have the connection.
//
//   accepted --uid and token right, within 3 s--> gRPC --session--> on_open
// Who is refused is told why, and so is the log, once a second at most.
// Connections, streams and sizes are capped; while a cap is reached nothing is
// accepted, so that a flood waits in the kernel.
// Owner: gcs::Server.   Threading: on the strand given; callbacks run there.
// gRPC's threads only push into a queue.
// Other machines come by TLS alone (TlsDoor), and prove which node they are;
// their processes' ids are of that node's making, or they are refused.
// Invariants: (1) messages of one peer arrive once, in order; (2) on_open comes
// first and on_lost last, once a session; a single call (CallControl) is a peer
// of its own with one message and one answer.
// Failure: Listen says which address cannot be had, and who holds it.
#ifndef MOBULA_BASE_RPC_CONTROL_SERVER_H_
#define MOBULA_BASE_RPC_CONTROL_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/tls/tls_context.h"
#include "base/tls/tls_door.h"
#include "base/unique_fd.h"

namespace mobula::base {

class ControlServer {
 public:
  struct Options {
    ProcessId self;
    std::uint64_t epoch = 0;
    ClusterId cluster;
    std::string token;  // asked for over TCP
    std::size_t connections_max = 4096;
    Duration handshake_timeout = std::chrono::seconds(3);
    WallClock clock = WallNowS;  // for the ends of certificates
    // Nothing heard from a peer for so long ends its session.
    Duration lost_after = std::chrono::seconds(30);
  };
  // Asked at the door (base/tls/door_message.h).
  struct DoorQuestion {
    std::uint64_t id = 0;
    bool is_local = false;    // by a process of this user, over a Unix socket
    std::uint64_t maker = 0;  // by a node of the cluster; 0: by a stranger
    std::string from;         // its address, for people
    std::string body;
  };
  struct Callbacks {
    std::function<void(ProcessId peer)> on_open;
    std::function<void(ProcessId peer, ControlMessage message)> on_message;
    std::function<void(ProcessId peer, std::string reason)> on_lost;
    // Null: nobody is answered.
    std::function<void(DoorQuestion question)> on_question = nullptr;
    // Who came from another machine, and what became of that.
    std::function<void(const TlsDoor::Verdict& verdict)> on_verdict = nullptr;
  };

  ControlServer(Strand& strand, Options options, Callbacks callbacks);
  ~ControlServer();  // on the strand, or after it has stopped
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // A Unix socket's path is taken over from a listener that is dead; 0600. The
  // address with the port that was chosen, or nothing and why.
  bool Listen(const ControlAddress& address, ControlAddress* bound,
              std::string* error);
  // For other machines; once. UseTls: what it shows from now on.
  bool ListenTls(const ControlAddress& address,
                 std::shared_ptr<const TlsContext> context,
                 ControlAddress* bound, std::string* error);
  void UseTls(std::shared_ptr<const TlsContext> context);
  void Answer(std::uint64_t question, std::string body);
  // Of the node from which the peer speaks: the upper half of all its ids; 0 if
  // it is of this machine.
  [[nodiscard]] std::uint64_t MakerOf(ProcessId peer) const;

  // A connection that was handed over; trusted as over a Unix socket.
  void Adopt(UniqueFd socket);
  // Reads no further messages, or goes on (CommitQueue::Full).
  void Pause(bool paused);

  void Send(ProcessId peer, const ControlMessage& message);
  void Close(ProcessId peer, const std::string& reason);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_CONTROL_SERVER_H_

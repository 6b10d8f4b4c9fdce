// ControlClient is a raylet's line to its control store: sessions, one after
// the other, over gRPC.
//
//   away --connected, agreed--> up --the connection broke--> away, and back:
//       the same session goes on if the store is the same, nothing is lost or
//       repeated (base/session); else on_down, and on_up of a new one
// It connects again by itself, with jitter and at most `reconnect_max` apart;
// connection refused and silence are the same to it. Before HTTP/2 the two
// shake hands (version, token) so that who is refused learns why.
// Owner: raylet::Server.   Threading: on the strand given; callbacks run there.
// gRPC's threads only push into a queue.
// Invariants: (1) messages of one session arrive once, in order; (2) on_up and
// on_down alternate; (3) nothing is queued while away beyond queued_bytes_max.
// Failure: refused for good (another version, wrong token) is told to
// on_refused, each time that it is tried; all else to on_failed.
#ifndef MOBULA_BASE_RPC_CONTROL_CLIENT_H_
#define MOBULA_BASE_RPC_CONTROL_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {

class ControlClient {
 public:
  struct Options {
    ProcessId self;
    // A connected, non-blocking socket, or nothing and why. Called for each
    // attempt (ConnectControl, or one that starts an embedded control store).
    std::function<UniqueFd(std::string* error)> connect;
    std::string token;  // "" over a Unix socket
    Duration reconnect_first = std::chrono::milliseconds(10);
    Duration reconnect_max = std::chrono::milliseconds(500);
    // Of the first attempt; each one that takes longer doubles that of the
    // next, up to 12 s, until a session is agreed.
    Duration handshake_timeout = std::chrono::seconds(3);
    std::size_t queued_bytes_max = std::size_t{64} << 20;
  };
  struct Callbacks {
    std::function<void(std::uint64_t epoch, ClusterId cluster)> on_up;
    std::function<void(ControlMessage message)> on_message;
    std::function<void(std::string reason)> on_down;
    std::function<void(std::string reason)> on_refused;
    // What came of an attempt, where that is not for good; it is tried again.
    std::function<void(std::string reason)> on_failed = nullptr;
  };

  ControlClient(Strand& strand, Options options, Callbacks callbacks);
  ~ControlClient();  // on the strand, or after it has stopped
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // While down it does nothing.
  void Send(const ControlMessage& message);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_CONTROL_CLIENT_H_

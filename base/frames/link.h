// Link carries Messages to and from one peer process over a Unix socket.
//
// It says Hello (version, process id, role) in both directions, then messages
// in order, batched: everything sent in one turn of the strand leaves in one
// system call. A session (base/session) numbers and acknowledges them and
// bounds what is in flight; what is over the window waits here, and
// queued_bytes() shows it. Beneath it stands a FramePipe: a Unix socket, or one
// that goes on in shared-memory rings where both ends have Options::rings.
// Owner: runtime/transport and raylet/server, one Link a peer.
// Threading: everything on the strand given; callbacks run on it and may send,
// but must not destroy the link (post that).
// Failure: end-of-file, a bad frame, another version or a full queue close the
// link; on_closed is called once, last, with the reason.
#ifndef MOBULA_BASE_FRAMES_LINK_H_
#define MOBULA_BASE_FRAMES_LINK_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/frames/message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {

class Link {
 public:
  struct Options {
    ProcessId self;
    Role role = Role::kWorker;
    // Of the other end; nil if its Hello is to tell.
    ProcessId peer;
    std::size_t queued_bytes_max = std::size_t{1} << 30;
    // What is said often may go through shared memory (pipes/ring_pipe.h).
    bool rings = false;
  };
  struct Callbacks {
    // The peer's Hello was right. Before any message.
    std::function<void(ProcessId peer, Role role)> on_open;
    // `fd` is valid only where the peer sent one beside the message and this
    // process had a number left for it.
    std::function<void(Message message, UniqueFd fd)> on_message;
    std::function<void(std::string reason)> on_closed;
  };

  Link(Strand& strand, UniqueFd socket, Options options, Callbacks callbacks);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Queues the message; it is on its way when the strand's turn ends. After the
  // link has closed it does nothing.
  void Send(const Message& message, UniqueFd fd = UniqueFd());
  // Writes what is queued now instead of at the end of the turn.
  void Flush();
  // Delivers in this call what the peer wrote before it ended. For who has
  // learnt of that end from elsewhere, before the socket told of it.
  void Drain();
  [[nodiscard]] std::size_t queued_bytes() const;
  [[nodiscard]] bool closed() const;
  // Whether messages go through shared memory by now, both ways.
  [[nodiscard]] bool has_rings() const;
  [[nodiscard]] ProcessId peer() const;  // nil before on_open

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_LINK_H_

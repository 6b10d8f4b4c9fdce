// Peers holds the links of this process: one to its raylet, one to each process
// of the node that it talks with.
//
//   absent --Connect--> linked --closed--> lost
// Links come from the raylet (Attach carries the socket); none is ever looked
// up by a name. The raylet's own may be connected before its id is known. Two
// processes that say more than a little to one another go on through rings in
// shared memory (base/frames/pipes/ring_pipe.h), unless MOBULA_RINGS is 0 in
// the environment of one of them. The raylet has none, nor has a process of
// another node. Owner: CoreLoop.
// Threading: everything on the strand; callbacks run there too. on_lost never
// runs inside a call to Send or Connect.
// Invariants: (1) messages to and from a peer keep their order; (2) on_lost is
// called once for each Connect, after the last on_message of that link.
// Failure: a link that closes is reported; to send to a process that was never
// linked is a mistake of ours and a CHECK, to one that is lost has no effect.
#ifndef MOBULA_RUNTIME_TRANSPORT_PEERS_H_
#define MOBULA_RUNTIME_TRANSPORT_PEERS_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/frames/link.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"

namespace mobula::runtime {

class Peers {
 public:
  struct Callbacks {
    std::function<void(base::ProcessId peer)> on_open;
    std::function<void(base::ProcessId peer, base::Message message,
                       base::UniqueFd fd)>
        on_message;
    // `peer` is nil where the link closed before its Hello.
    std::function<void(base::ProcessId peer, std::string reason)> on_lost;
  };

  Peers(base::Strand& strand, base::ProcessId self, base::Role role,
        Callbacks callbacks);
  ~Peers();  // on the strand, or after it has stopped
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // `peer` is nil where its Hello is to tell. A second socket to a process that
  // has an open link is closed. `is_afar`: the peer is on another node, and the
  // raylets carry what is written; there are no rings then, whatever its Hello
  // says.
  void Connect(base::UniqueFd socket, base::ProcessId peer,
               bool is_afar = false);
  [[nodiscard]] bool Has(base::ProcessId peer) const;
  // Whether what is said to it, and by it, goes through shared memory by now.
  [[nodiscard]] bool HasRings(base::ProcessId peer) const;
  // `fd`, where there is one, rides beside the message.
  void Send(base::ProcessId peer, const base::Message& message,
            base::UniqueFd fd = base::UniqueFd());
  // Writes what was sent now, not at the end of the turn. False where a peer
  // reads so slowly that some of it is still here.
  bool Flush();
  // Writes what is queued and closes all; nothing is called back after.
  void CloseAll();

 private:
  using Links = std::map<base::ProcessId, std::unique_ptr<base::Link>>;
  // Names a link across its change of key; never reused.
  using LinkNumber = std::uint64_t;

  base::Link::Callbacks CallbacksOf(LinkNumber number);
  void Opened(LinkNumber number, base::ProcessId peer);
  void Closed(LinkNumber number, std::string reason);
  void RememberLost(base::ProcessId peer);

  base::Strand& strand_;
  const base::ProcessId self_;
  const base::Role role_;
  const bool rings_;
  const Callbacks callbacks_;
  Links links_ MOBULA_GUARDED_BY(strand_);
  std::map<LinkNumber, base::ProcessId> peer_of_ MOBULA_GUARDED_BY(strand_);
  LinkNumber numbers_ MOBULA_GUARDED_BY(strand_) = 0;
  // Sent to since a Flush that left nothing.
  std::set<base::ProcessId> unflushed_ MOBULA_GUARDED_BY(strand_);
  // The last ones lost, to tell a late message from a mistake.
  std::set<base::ProcessId> lost_ MOBULA_GUARDED_BY(strand_);
  std::deque<base::ProcessId> lost_order_ MOBULA_GUARDED_BY(strand_);
  // Dies with this; posted closures look at it.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TRANSPORT_PEERS_H_

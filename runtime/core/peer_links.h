// PeerLinks knows to which processes of the node there is a link, and asks the
// raylet for those that are missing, once. The link to the raylet itself is
// there once it has registered this process.
//
//   none --Reach--> asked --Attached--> linked --Ended--> none
//                         --Refused (PeerGone)--> none
// A link is linked until its last message has been read, also where the raylet
// has said already that the peer is gone.
// Owner: runtime::Owner.   Threading: none; pure.
#ifndef MOBULA_RUNTIME_CORE_PEER_LINKS_H_
#define MOBULA_RUNTIME_CORE_PEER_LINKS_H_

#include <set>

#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/produced.h"

namespace mobula::runtime {

class PeerLinks {
 public:
  // What was asked for before is asked now.
  void Joined(base::ProcessId raylet, Produced& out) {
    raylet_ = raylet;
    Attached(raylet);
    for (const base::ProcessId peer : asked_) {
      out.SendTo(raylet_, base::ConnectTo{peer});
    }
  }
  // Whether messages to the peer can be sent now; if not, its Attached or
  // Refused follows.
  bool Reach(base::ProcessId peer, Produced& out) {
    if (linked_.contains(peer)) return true;
    if (asked_.insert(peer).second && !raylet_.IsNil()) {
      out.SendTo(raylet_, base::ConnectTo{peer});
    }
    return false;
  }
  void Attached(base::ProcessId peer) {
    asked_.erase(peer);
    linked_.insert(peer);
  }
  void Refused(base::ProcessId peer) { asked_.erase(peer); }
  void Ended(base::ProcessId peer) {
    asked_.erase(peer);
    linked_.erase(peer);
  }
  [[nodiscard]] bool Has(base::ProcessId peer) const {
    return linked_.contains(peer);
  }

 private:
  base::ProcessId raylet_;
  std::set<base::ProcessId> asked_;
  std::set<base::ProcessId> linked_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_PEER_LINKS_H_

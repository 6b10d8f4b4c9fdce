// CancelRequests asks the owners of borrowed objects to cancel what is to give
// them, and says to the program what they answered.
//
//   Ask --link to the owner, CancelObject--> asked --ObjectCancelled-->
//   CancelReady
//   either --the owner is gone--> CancelReady of kFinished: its tasks end with
//   it
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: each Ask has one CancelReady, while its owner lives as soon as
// that has answered.
#ifndef MOBULA_RUNTIME_REFS_CANCEL_REQUESTS_H_
#define MOBULA_RUNTIME_REFS_CANCEL_REQUESTS_H_

#include <cstddef>
#include <map>

#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"

namespace mobula::runtime {

class CancelRequests {
 public:
  explicit CancelRequests(PeerLinks& links) : links_(links) {}

  void Ask(const Cancel& cancel, Produced& out);
  void Answered(base::ProcessId from, const base::ObjectCancelled& answer,
                Produced& out);
  // PeerLinks has been told of these before.
  void Attached(base::ProcessId peer, Produced& out);
  void Unreachable(base::ProcessId peer, Produced& out);
  void LinkEnded(base::ProcessId peer, Produced& out);
  // The raylet is gone: nobody can be asked.
  void FailAll(Produced& out);

  [[nodiscard]] std::size_t size() const { return requests_.size(); }

 private:
  struct Request {
    Cancel cancel;
    bool sent = false;
  };
  using Requests = std::map<base::RequestId, Request>;

  static void Send(Request& request, Produced& out);
  // There is no such owner (any more); of what was asked over the link its last
  // word may still be under way.
  void GiveUp(base::ProcessId owner, bool sent_too, Produced& out);

  PeerLinks& links_;
  Requests requests_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_CANCEL_REQUESTS_H_

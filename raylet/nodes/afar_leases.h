// AfarLeases knows the requests for leases of this node's processes that other
// nodes are to serve, and the leases that those have granted.
//
//   Add -> waits --Sent--> asked --Granted--> held --Take--> gone
//            ^               '--NotNow-- (another node, or this one again once
//            |                           it has room: Relent)
//            '------------------- the node is lost, before it was granted
// Owner: raylet::Core, which says where each goes.   Threading: none.
// Invariants: (1) a request that waits, or is asked for, is in one place; (2)
// those that wait keep the order in which they came; (3) nothing is left of an
// owner or a node that is gone.
// Failure: what is not known changes nothing.
#ifndef MOBULA_RAYLET_NODES_AFAR_LEASES_H_
#define MOBULA_RAYLET_NODES_AFAR_LEASES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/frames/message.h"
#include "base/ids.h"

namespace mobula::raylet {

class AfarLeases {
 public:
  using LeaseId = base::LeaseId;
  using NodeId = base::NodeId;
  using ProcessId = base::ProcessId;

  struct Lease {
    ProcessId owner;
    base::RequestLease request;
    NodeId node;       // nil: it waits
    ProcessId worker;  // nil: not granted
    std::uint64_t order = 0;
    // Have said that they have no room for it.
    std::set<NodeId> excluded;
  };

  // False if it is known already.
  bool Add(ProcessId owner, base::RequestLease request);
  // CHECKs: it waits.
  void Sent(LeaseId lease, NodeId node);
  // Null unless that node was asked for it.
  const Lease* Granted(LeaseId lease, NodeId node, ProcessId worker);
  // It waits again; false unless that node was asked for it.
  bool NotNow(LeaseId lease, NodeId node);
  // Somebody has room who had none.
  void Relent();
  // Forgets it, whatever it was; CHECKs: it is known.
  Lease Take(LeaseId lease);
  // Forgets what the owner had.
  std::vector<Lease> TakeOfOwner(ProcessId owner);
  std::vector<Lease> TakeOfJob(base::JobId job);
  // What was granted there is forgotten and given; what was asked for waits.
  std::vector<Lease> LoseNode(NodeId node);

  [[nodiscard]] const Lease* Find(LeaseId lease) const;
  // In order.
  [[nodiscard]] std::vector<LeaseId> Waiting() const;
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::size_t size() const { return leases_.size(); }
  [[nodiscard]] std::size_t SizeOfOwner(ProcessId owner) const;
  void CheckInvariants() const;

 private:
  void Wait(LeaseId id, Lease& lease);
  void Unplace(LeaseId id, const Lease& lease);

  std::map<LeaseId, Lease> leases_;
  std::map<std::uint64_t, LeaseId> waiting_;  // by order
  std::map<NodeId, std::set<LeaseId>> of_node_;
  std::map<ProcessId, std::set<LeaseId>> of_owner_;
  std::uint64_t next_order_ = 1;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_NODES_AFAR_LEASES_H_

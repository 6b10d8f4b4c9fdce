// LeaseLedger knows the leases that are granted and what the node has free.
//
//   Grant --SetBlocked(true)--> its cpus are lent out --SetBlocked(false)-->
//   taken back, even if that oversubscribes the node --End--> gone
//
// Owner: raylet::Core.   Threading: none; runs on its owner's strand.
// Invariants: (1) free + held by leases = total, always; (2) an id that has
// ended is not granted again as long as it is remembered (kEndedMax an owner,
// the oldest forgotten first); (3) a worker holds at most one lease.
// Failure: none; what makes no sense is a CHECK.
#ifndef MOBULA_RAYLET_LEASES_LEASE_LEDGER_H_
#define MOBULA_RAYLET_LEASES_LEASE_LEDGER_H_

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/scheduling/resource_vector.h"

namespace mobula::raylet {

struct Lease {
  base::LeaseId lease;
  base::ProcessId owner;
  base::ProcessId worker;
  base::JobId job;
  base::ResourceVector shape;
  bool for_actor = false;
  bool blocked = false;
  std::string function;  // for people
};

class LeaseLedger {
 public:
  static constexpr std::size_t kEndedMax = 4096;

  explicit LeaseLedger(base::ResourceVector total);

  // CHECKs: the id is new, the worker holds none, the shape fits.
  void Grant(Lease lease);
  // What it held is free again. CHECKs: it is granted.
  Lease End(base::LeaseId lease);
  void SetBlocked(base::LeaseId lease, bool blocked);

  [[nodiscard]] const Lease* Find(base::LeaseId lease) const;
  [[nodiscard]] const Lease* FindOfWorker(base::ProcessId worker) const;
  [[nodiscard]] std::vector<base::LeaseId> OwnedBy(base::ProcessId owner) const;
  [[nodiscard]] bool Owns(base::ProcessId owner) const;
  [[nodiscard]] std::size_t size() const { return leases_.size(); }

  // Remembers that a request or lease of this owner has come to its end.
  void RememberEnded(base::ProcessId owner, base::LeaseId lease);
  [[nodiscard]] bool HasEnded(base::ProcessId owner, base::LeaseId lease) const;
  // The owner is gone: nothing of it will be asked again.
  void ForgetOwner(base::ProcessId owner);

  [[nodiscard]] const base::ResourceVector& total() const { return total_; }
  [[nodiscard]] const base::ResourceVector& free() const { return free_; }
  // CHECKs the invariants.
  void CheckInvariants() const;

 private:
  struct Ended {
    std::set<base::LeaseId> ids;
    std::deque<base::LeaseId> order;
  };

  const base::ResourceVector total_;
  base::ResourceVector free_;
  std::map<base::LeaseId, Lease> leases_;
  std::map<base::ProcessId, base::LeaseId> of_worker_;
  std::map<base::ProcessId, std::set<base::LeaseId>> of_owner_;
  std::map<base::ProcessId, Ended> ended_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LEASES_LEASE_LEDGER_H_

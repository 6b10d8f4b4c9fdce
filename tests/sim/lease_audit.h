// LeaseAudit follows the leases of a node from outside: it sees only what the
// raylet's core is told and what it wants done.
//
//   audit.OnEvent(event);  core.Step(...);  audit.OnEffect(effect);
//
// Owner: RayletProcess.   Threading: none.
// Checks: I5 (what is granted fits the node, one lease a worker), that a lease
// is answered once, and that a grant's link was asked for before it.
#ifndef MOBULA_TESTS_SIM_LEASE_AUDIT_H_
#define MOBULA_TESTS_SIM_LEASE_AUDIT_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "raylet/core/events.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

class LeaseAudit {
 public:
  LeaseAudit(base::ResourceVector total, Verdict& verdict)
      : total_(std::move(total)), verdict_(verdict) {}

  void OnEvent(const raylet::Event& event);
  void OnEffect(const raylet::Effect& effect);

  // Granted and not given back.
  [[nodiscard]] std::size_t granted() const { return of_worker_.size(); }
  // Asked for by somebody who still waits.
  [[nodiscard]] std::size_t unanswered() const;
  [[nodiscard]] const std::set<base::ProcessId>& workers() const {
    return workers_;
  }

 private:
  enum class State { kAsked, kGranted, kOver };
  struct Lease {
    State state = State::kAsked;
    base::ProcessId owner;
    base::ProcessId worker;
    base::JobId job;
    base::ResourceVector shape;
    bool blocked = false;
  };

  void OnMessage(base::ProcessId from, const base::Message& message);
  void OnGranted(base::ProcessId to, const base::LeaseGranted& granted);
  void CheckFits(base::LeaseId lease, const base::ResourceVector& shape);
  void End(base::LeaseId lease);
  void EndWhere(const std::function<bool(const Lease&)>& matches);

  const base::ResourceVector total_;
  Verdict& verdict_;
  std::map<base::LeaseId, Lease> leases_;
  std::map<base::ProcessId, base::LeaseId> of_worker_;
  std::set<std::pair<base::ProcessId, base::ProcessId>> links_;
  std::map<base::ProcessId, base::JobId> jobs_;  // by driver
  std::set<base::ProcessId> workers_;            // started and not exited
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_LEASE_AUDIT_H_

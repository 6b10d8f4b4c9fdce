// Oracle is a sequential model of what a node promises: for each operation it
// says which outcomes are right, given what really ran.
//
//   oracle.CheckProcess(process);   // at quiescence, for each that is alive
//
// A value must be what a run returned (the ledger saw to that). A failure must
// have a reason: this file is the table of reasons.
// Owner: World.   Threading: none.
// Checks: I1, I4 (no gap), I11, and that the innocent do not fail.
#ifndef MOBULA_TESTS_SIM_ORACLE_H_
#define MOBULA_TESTS_SIM_ORACLE_H_

#include <cstdint>
#include <string>

#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "tests/ownership/truth.h"
#include "tests/sim/ledger.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

class Oracle {
 public:
  struct Facts {
    bool workers_failed_to_start = false;
    bool raylet_died = false;
    bool worker_cap_reached = false;
    bool has_other_nodes = false;
  };

  Oracle(const Ledger& ledger, const ownership::Truth& truth, Verdict& verdict,
         Facts facts)
      : ledger_(ledger), truth_(truth), verdict_(verdict), facts_(facts) {}

  // All that this process asked for.
  void CheckProcess(base::ProcessId process);

 private:
  void CheckFailure(OpIndex index, const base::Failure& failure);
  // `again`: it may have been run once more than was seen, since its value, or
  // that of what needs it, was lost.
  [[nodiscard]] bool IsJustified(const Operation& operation,
                                 const base::Failure& failure,
                                 bool again = false) const;
  [[nodiscard]] bool IsInherited(const Operation& operation,
                                 const base::Failure& failure,
                                 bool again = false) const;
  [[nodiscard]] bool IsWorkerDeathJustified(const Operation& operation) const;
  [[nodiscard]] bool IsSharedLossJustified(const Operation& operation) const;
  [[nodiscard]] bool IsActorDeathJustified(const Operation& operation) const;
  [[nodiscard]] bool IsExceptionJustified(const Operation& operation) const;
  [[nodiscard]] bool IsLossJustified(const Operation& operation) const;
  // Runs that gave a value, of what was run again for its lost bytes.
  [[nodiscard]] std::int32_t SpentOnLosses(const Operation& operation) const;
  void CheckGap(OpIndex index, const base::Failure& failure);

  // Of a ref that was passed on.
  [[nodiscard]] bool IsPassedOn(const base::ObjectName& passed,
                                const base::Failure& failure) const;

  const Ledger& ledger_;
  const ownership::Truth& truth_;
  Verdict& verdict_;
  const Facts facts_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_ORACLE_H_

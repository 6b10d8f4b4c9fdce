// World is one seed played out: nodes with their raylets, drivers and workers,
// perhaps a control store, and everything that goes wrong.
//
//   Faulty --all programs are over, or time--> Healed --all over--> Resting
//   --all refs are as they must be; drivers drop theirs--> Reviving --every
//   detached actor lives; all of them are ended--> Settling
//   --nothing is leased--> Ending (jobs end) --> Over
//
// In the first phase processes die, links are cut and packets are lost; from
// the second on nothing goes wrong any more and everything must finish within a
// bound (safety, then liveness).
// Owner: RunSeed.   Threading: none.
#ifndef MOBULA_TESTS_SIM_WORLD_H_
#define MOBULA_TESTS_SIM_WORLD_H_

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/ids.h"
#include "tests/ownership/truth.h"
#include "tests/sim/cast.h"
#include "tests/sim/chaos.h"
#include "tests/sim/control_ledger.h"
#include "tests/sim/control_store.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/plants.h"
#include "tests/sim/process.h"
#include "tests/sim/ref_tally.h"
#include "tests/sim/rng.h"
#include "tests/sim/sim_arenas.h"
#include "tests/sim/store_audit.h"
#include "tests/sim/surroundings.h"
#include "tests/sim/swarm_options.h"
#include "tests/sim/trace.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

// What became of a seed.
struct Report {
  std::uint64_t events = 0;
  std::uint64_t tasks = 0;    // tasks, calls and constructors with an outcome
  std::uint64_t runs = 0;     // functions begun
  std::uint64_t asks = 0;     // answers of the control store
  std::uint64_t objects = 0;  // that came to hold a value
  std::uint64_t borrows = 0;  // that an owner came to know of
  std::uint64_t losses = 0;   // values whose bytes were lost
  std::uint64_t remade = 0;   // of those, results that were made anew
  FaultCounts faults;
  std::uint64_t trace_hash = 0;
  std::vector<Violation> violations;
};

class World : public Surroundings {
 public:
  // Prints the trace to `out` where it is not null.
  World(const SwarmOptions& options, Plant plant, std::ostream* out);
  ~World() override;

  Report Run();

  [[nodiscard]] const SwarmOptions& options() const override {
    return options_;
  }
  [[nodiscard]] Records records() override {
    return {queue_,  trace_,   verdict_, ledger_, control_,
            plants_, network_, truth_,   tally_};
  }
  Rng ForkRng() override { return rng_.Fork(); }
  bool DiesHere(const Process& process) override;
  void EndProcess(base::ProcessId process, Death death) override;
  void StartWorker(base::ProcessId raylet, base::ProcessId process,
                   base::JobId job) override;
  void Connect(base::ProcessId a, base::ProcessId b) override;
  ArenaMemoryPtr TakeArena(base::ProcessId process) override;
  bool IsMapped(const ArenaMemory* memory) override;
  void NeedControl() override;
  void NoteRemade() override { ++remade_; }

 private:
  enum class Phase {
    kFaulty,
    kHealed,
    kResting,
    kReviving,
    kSettling,
    kEnding,
    kOver
  };

  // After each event: goes on to the next phase when it is time.
  void Advance();
  void Heal();
  void BeginResting();
  // What is wrong with the refs of all nodes.
  [[nodiscard]] std::vector<std::string> AuditRefs(bool is_end) const;
  bool IsAtRest();
  // Whether the control store knows, as it said last, which objects there are.
  bool DirectoryAgrees();
  void PrintRefs(bool is_end);
  void BeginReviving();
  void BeginSettling();
  void EndDetached();
  void BeginEnding();
  void Enter(Phase phase, base::Duration bound);
  void AskAtLast(base::ControlRequest request,
                 std::function<void(const base::ControlReply&)> answered);
  [[nodiscard]] bool ProgramsOver() const;
  [[nodiscard]] bool IsRevived() const;
  [[nodiscard]] bool IsSettled() const;
  [[nodiscard]] bool IsGone() const;
  [[nodiscard]] base::Duration OwnTime() const;
  // What is wrong when a phase took too long, or is over.
  void Overdue();
  void OverdueHealed();
  void OverdueResting();
  void OverdueReviving();
  void OverdueSettling();
  void CheckOutcomes();
  void CheckKeys();
  void CheckEnd();
  [[nodiscard]] std::string WhatStoreLacks() const;
  [[nodiscard]] std::string WhyNotAlive(base::ActorId actor) const;
  [[nodiscard]] bool NodesAgree() const;

  const SwarmOptions options_;
  Rng rng_;
  EventQueue queue_;
  Trace trace_;
  Verdict verdict_{queue_};
  Plants plants_;
  Ledger ledger_{verdict_};
  ControlLedger control_{verdict_, ledger_};
  StoreAudit audit_{verdict_, ledger_};
  ownership::Truth truth_;
  RefTally tally_;
  FaultCounts counts_;
  Network network_;
  Chaos chaos_;
  ControlStore store_;
  Cast cast_;

  Phase phase_ = Phase::kFaulty;
  base::BootTime deadline_;  // of the phase
  std::uint64_t remade_ = 0;
  int asked_at_last_ = 0;   // of the store, and not answered
  base::BootTime look_at_;  // when the refs are audited next
  std::string directory_wrong_ = "is not asked";
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_WORLD_H_

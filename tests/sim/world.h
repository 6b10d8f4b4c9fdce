// World is one seed played out: a node with its raylet, its drivers and their
// workers, links between them, and everything that goes wrong.
//
//   Faulty --all programs are over, or time--> Healed --all over--> Settling
//   --nothing is leased--> Ending (jobs end) --> Over
//
// In the first phase processes die, links are cut and packets are lost; from
// the second on nothing goes wrong any more and everything must finish within a
// bound (safety, then liveness).
// Owner: RunSeed.   Threading: none.
#ifndef MOBULA_TESTS_SIM_WORLD_H_
#define MOBULA_TESTS_SIM_WORLD_H_

#include <cstdint>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/plants.h"
#include "tests/sim/process.h"
#include "tests/sim/raylet_process.h"
#include "tests/sim/rng.h"
#include "tests/sim/runtime_process.h"
#include "tests/sim/surroundings.h"
#include "tests/sim/swarm_options.h"
#include "tests/sim/trace.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

// What became of a seed.
struct Report {
  std::uint64_t events = 0;
  std::uint64_t tasks = 0;  // tasks, calls and constructors with an outcome
  std::uint64_t runs = 0;   // functions begun
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
    return {queue_, trace_, verdict_, ledger_, plants_};
  }
  Rng ForkRng() override { return rng_.Fork(); }
  bool DiesHere(const Process& process) override;
  void EndProcess(base::ProcessId process, Death death) override;
  void StartWorker(base::ProcessId process, base::JobId job) override;
  void Connect(base::ProcessId a, base::ProcessId b) override;

 private:
  enum class Phase { kFaulty, kHealed, kSettling, kEnding, kOver };

  void StartDrivers();
  void Boot(RuntimeProcess& worker);
  void Reap(base::ProcessId process, Death death);
  void Link(Process& a, Process& b);
  Process* Find(base::ProcessId process);
  RuntimeProcess* DrawProcess(base::Role role);

  void ScheduleKill();
  void ScheduleCut();
  void SchedulePause();
  void KillSomeWorker();
  bool faulty() const { return phase_ == Phase::kFaulty; }

  // After each event: goes on to the next phase when it is time.
  void Advance();
  void Heal();
  void Enter(Phase phase, base::Duration bound);
  [[nodiscard]] bool ProgramsOver() const;
  [[nodiscard]] bool IsSettled() const;
  [[nodiscard]] bool IsGone() const;
  [[nodiscard]] base::Duration OwnTime() const;
  void Overdue();
  void OverdueSettling();
  void CheckOutcomes();
  void CheckEnd();

  const SwarmOptions options_;
  Rng rng_;
  Rng fault_rng_;
  EventQueue queue_;
  Trace trace_;
  Verdict verdict_{queue_};
  Plants plants_;
  Ledger ledger_{verdict_};
  FaultCounts counts_;
  Network network_;
  const SimLink::Context link_context_;

  std::unique_ptr<RayletProcess> raylet_;
  // Dead ones stay: something may be under way to them.
  std::map<base::ProcessId, std::unique_ptr<RuntimeProcess>> processes_;
  std::vector<RuntimeProcess*> drivers_;

  Phase phase_ = Phase::kFaulty;
  base::BootTime deadline_;  // of the phase
  base::BootTime began_;     // the phase
  double effects_until_kill_ = 0;
  std::int64_t effects_until_driver_kill_ = -1;
  std::int64_t effects_until_raylet_kill_ = -1;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_WORLD_H_

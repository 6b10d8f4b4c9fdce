// Surroundings is what a simulated process can reach of its world: the clock,
// the records, the faults and the other processes.
//
// Owner: World implements it.   Threading: none.
#ifndef MOBULA_TESTS_SIM_SURROUNDINGS_H_
#define MOBULA_TESTS_SIM_SURROUNDINGS_H_

#include <string_view>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/ids.h"
#include "tests/ownership/truth.h"
#include "tests/sim/control_ledger.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/plants.h"
#include "tests/sim/process.h"
#include "tests/sim/ref_tally.h"
#include "tests/sim/rng.h"
#include "tests/sim/sim_arenas.h"
#include "tests/sim/swarm_options.h"
#include "tests/sim/trace.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

class Surroundings {
 public:
  struct Records {
    EventQueue& queue;
    Trace& trace;
    Verdict& verdict;
    Ledger& ledger;
    ControlLedger& control;
    Plants& plants;
    Network& network;
    ownership::Truth& truth;
    RefTally& tally;
  };

  virtual ~Surroundings() = default;
  [[nodiscard]] virtual const SwarmOptions& options() const = 0;
  [[nodiscard]] virtual Records records() = 0;
  virtual Rng ForkRng() = 0;
  // Asked before each effect: whether the process dies right here.
  virtual bool DiesHere(const Process& process) = 0;
  // How a process ends: a signal, or 0 and an exit code.
  struct Death {
    std::int32_t signal = 0;
    std::int32_t exit_code = 0;
    base::ActorId charged = {};  // the shared actor by whose doing
  };
  virtual void EndProcess(base::ProcessId process, Death death) = 0;
  // Of the raylet's shell.
  virtual void StartWorker(base::ProcessId raylet, base::ProcessId process,
                           base::JobId job) = 0;
  virtual void Connect(base::ProcessId a, base::ProcessId b) = 0;
  // The descriptor that comes beside a message of its raylet.
  virtual ArenaMemoryPtr TakeArena(base::ProcessId process) = 0;
  // Whether some process that lives maps it.
  virtual bool IsMapped(const ArenaMemory* memory) = 0;
  // The control store is there from now on, if it dies and comes back too.
  virtual void NeedControl() = 0;
  // A result whose bytes were lost is there anew.
  virtual void NoteRemade() = 0;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_SURROUNDINGS_H_

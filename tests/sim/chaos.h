// Chaos is what goes wrong in the first phase of a world: who dies at which
// effect, which links are cut, who pauses, which lines break.
//
//   Chaos chaos(...);  chaos.Begin(victims);  ...  chaos.End();
//
// Owner: World.   Threading: none.
// Invariants: after End nothing goes wrong any more.
#ifndef MOBULA_TESTS_SIM_CHAOS_H_
#define MOBULA_TESTS_SIM_CHAOS_H_

#include <cstdint>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/network.h"
#include "tests/sim/process.h"
#include "tests/sim/raylet_process.h"
#include "tests/sim/rng.h"
#include "tests/sim/store_audit.h"
#include "tests/sim/swarm_options.h"

namespace mobula::sim {

class Chaos {
 public:
  // Who there is to be treated badly; the living only.
  class Victims {
   public:
    virtual ~Victims() = default;
    [[nodiscard]] virtual std::vector<Process*> Living(base::Role role) = 0;
    [[nodiscard]] virtual std::vector<RayletProcess*> Raylets() = 0;
    // Null while it is away.
    [[nodiscard]] virtual Process* Store() = 0;
    virtual void Kill(base::ProcessId process) = 0;
  };
  struct Context {
    EventQueue& queue;
    FaultCounts& counts;
    StoreAudit& audit;
  };

  Chaos(const SwarmOptions& options, Rng rng, const Context& context);

  void Begin(Victims& victims);
  void End() { on_ = false; }
  [[nodiscard]] bool on() const { return on_; }

  // Asked before each effect: whether the process dies right here.
  bool DiesHere(const Process& process);
  // A worker that is started: whether it cannot be, or ends at once.
  bool StartFails();
  bool EndsEarly();
  // How long the links of a dead worker seem open.
  base::Duration DrawHold();
  // How long the control store stays away.
  base::Duration DrawOutage();
  // Whether the janitor of a raylet dies with it.
  bool DiesSilently();

 private:
  bool DriverDies();
  bool RayletDies();
  bool StoreDies();
  bool WorkerDies();
  void ScheduleKill();
  void ScheduleRayletKill();
  void ScheduleStoreKill();
  void KillSomeWorker();
  void ScheduleCut();
  void CutSomeLink();
  void SchedulePause();
  void PauseSomeone();
  void ScheduleLineFault();
  void DisturbLine(RayletProcess& raylet);
  Process* Draw(base::Role role);

  const SwarmOptions& options_;
  Rng rng_;
  const Context context_;
  Victims* victims_ = nullptr;
  bool on_ = true;
  std::uint64_t worker_kills_ = 0;
  int raylet_kills_ = 0;
  int store_kills_ = 0;
  double effects_until_kill_ = 0;
  double effects_until_store_kill_ = 0;
  std::int64_t effects_until_driver_kill_ = -1;
  std::int64_t effects_until_raylet_kill_ = -1;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_CHAOS_H_

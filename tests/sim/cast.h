// Cast is everybody who plays in a world: nodes with their raylets, drivers and
// workers, and the links between those of a node.
//
//   cast.AddNode();  cast.AddDriver(node, operations);   ... they do the rest
//
// What a raylet's shell does (starts workers, makes links, reaps) and what a
// janitor does (ends what is left of a node, and says so) is here.
// Owner: World.   Threading: none.
// Invariants: a dead process stays: something may be under way to it.
#ifndef MOBULA_TESTS_SIM_CAST_H_
#define MOBULA_TESTS_SIM_CAST_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "raylet/core/events.h"
#include "tests/sim/chaos.h"
#include "tests/sim/control_store.h"
#include "tests/sim/network.h"
#include "tests/sim/process.h"
#include "tests/sim/raylet_process.h"
#include "tests/sim/rng.h"
#include "tests/sim/runtime_process.h"
#include "tests/sim/sim_link.h"
#include "tests/sim/surroundings.h"

namespace mobula::sim {

class Cast : public Chaos::Victims {
 public:
  using Death = Surroundings::Death;
  struct Parts {
    Surroundings& world;
    Chaos& chaos;
    ControlStore& store;
    Network& network;
    StoreAudit& audit;
    FaultCounts& counts;
  };

  Cast(const Parts& parts, Rng rng, bool encode);

  // The nodes and drivers that are there from the beginning.
  void Begin();
  RayletProcess& AddNode();
  void AddDriver(RayletProcess& node, int operations);
  // For the raylet of a node.
  void StartWorker(RayletProcess& raylet, base::ProcessId process,
                   base::JobId job);
  void Connect(base::ProcessId a, base::ProcessId b);
  // False if it was dead already.
  bool End(base::ProcessId process, Death death);

  // Null if there never was one.
  [[nodiscard]] Process* Find(base::ProcessId process) const;
  [[nodiscard]] RayletProcess* FindRaylet(base::ProcessId raylet) const;
  [[nodiscard]] const std::vector<RuntimeProcess*>& drivers() const {
    return drivers_;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<RayletProcess>>& raylets()
      const {
    return raylets_;
  }
  // Drivers and workers.
  [[nodiscard]] const std::map<base::ProcessId,
                               std::unique_ptr<RuntimeProcess>>&
  processes() const {
    return processes_;
  }

  // Chaos::Victims.
  [[nodiscard]] std::vector<Process*> Living(base::Role role) override;
  [[nodiscard]] std::vector<RayletProcess*> Raylets() override;
  [[nodiscard]] Process* Store() override { return parts_.store.serving(); }
  void Kill(base::ProcessId process) override;

 private:
  void Boot(RuntimeProcess& worker);
  void Reap(RuntimeProcess& worker, Death death);
  void Bury(RayletProcess& raylet, const raylet::WorkerExited& exited);
  void Link(Process& a, Process& b);
  void EndNode(RayletProcess& raylet);
  void ReportNode(base::NodeId node);
  void Replace();

  const Parts parts_;
  Rng rng_;
  const SimLink::Context link_context_;
  std::vector<std::unique_ptr<RayletProcess>> raylets_;
  std::map<base::ProcessId, std::unique_ptr<RuntimeProcess>> processes_;
  std::vector<RuntimeProcess*> drivers_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_CAST_H_

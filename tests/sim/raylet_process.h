// RayletProcess is a simulated raylet: the very raylet::Core that ships, with
// worker processes, links and a line to the control store made of virtual time.
//
// Owner: World.   Threading: none.
// Checks: the core's own invariants after each event, and LeaseAudit's.
#ifndef MOBULA_TESTS_SIM_RAYLET_PROCESS_H_
#define MOBULA_TESTS_SIM_RAYLET_PROCESS_H_

#include <cstdint>
#include <deque>
#include <string>

#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "raylet/core/core.h"
#include "raylet/core/events.h"
#include "tests/sim/control_line.h"
#include "tests/sim/lease_audit.h"
#include "tests/sim/process.h"
#include "tests/sim/sim_arenas.h"
#include "tests/sim/surroundings.h"

namespace mobula::sim {

class RayletProcess : public Process {
 public:
  struct Options {
    base::ProcessId id;
    std::uint64_t number = 1;  // of the node
  };

  RayletProcess(const Options& options, Surroundings& world, ControlDoor& door);

  // It belongs to a cluster from the beginning.
  void JoinCluster();

  void OnMessage(base::ProcessId from, const base::Message& message) override;
  void OnLinkClosed(base::ProcessId peer) override;
  // Started, StartFailed, Exited.
  void Post(raylet::Event event);

  [[nodiscard]] base::NodeId node() const { return node_; }
  [[nodiscard]] const raylet::Core& core() const { return core_; }
  [[nodiscard]] SimArenas& arenas() { return arenas_; }
  [[nodiscard]] ControlLine& line() { return line_; }
  [[nodiscard]] const ControlLine& line() const { return line_; }
  // Everything that was granted has come back, nobody waits.
  [[nodiscard]] bool quiet() const;
  // Nothing is left of any job.
  [[nodiscard]] bool empty() const;
  // All workers that there may be were there at some moment.
  [[nodiscard]] bool worker_cap_reached() const { return cap_reached_; }
  [[nodiscard]] std::string Describe() const;

 private:
  void Step(const raylet::Event& event);
  // Epochs and its own incarnation never go back.
  void CheckControl(const raylet::Event& event);
  void NoteLost(const raylet::Event& event);
  void CheckRefusal(const base::ArenaLost& lost);
  void CarryOut(const raylet::Effect& effect);
  bool CarryOutStore(const raylet::Effect& effect);
  // Nobody may map what is taken away.
  void CheckUnmapped(base::ArenaId arena);
  void SetTimer(base::BootTime at);
  // The hash of whatever its drivers execute: no other node has it.
  [[nodiscard]] std::string OwnProgram() const;

  Surroundings& world_;
  const base::NodeId node_;
  raylet::Core core_;
  ControlLine line_;
  LeaseAudit audit_;
  SimArenas arenas_;
  std::deque<raylet::Event> events_;
  bool stepping_ = false;
  bool cap_reached_ = false;
  bool keeps_program_ = false;
  std::uint64_t timer_ = 0;
  base::BootTime told_at_;        // of the store's memory, last
  std::uint64_t epoch_ = 0;       // of the last session
  std::int64_t incarnation_ = 0;  // as the control store said
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_RAYLET_PROCESS_H_

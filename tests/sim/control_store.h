// ControlStore is all lives of the simulated control store, over one disk, and
// the keeper that begins the next.
//
//   Away --Start--> Serving --it dies--> Away, for DrawOutage --> Serving ...
//
// Tools (janitors, the world's own questions) ask it again and again until they
// are answered.
// Owner: World.   Threading: none.
// Checks: a tool's call is answered once.
#ifndef MOBULA_TESTS_SIM_CONTROL_STORE_H_
#define MOBULA_TESTS_SIM_CONTROL_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/ids.h"
#include "tests/sim/chaos.h"
#include "tests/sim/control_line.h"
#include "tests/sim/control_process.h"
#include "tests/sim/disk.h"
#include "tests/sim/rng.h"
#include "tests/sim/store_audit.h"
#include "tests/sim/surroundings.h"

namespace mobula::sim {

class ControlStore : public ControlDoor {
 public:
  using Answered = std::function<void(const base::ControlReply&)>;

  // The process ids of its lives; lo is the number of the life.
  static constexpr std::uint64_t kIdMaker = 3;

  struct Parts {
    Surroundings& world;
    Chaos& chaos;
    StoreAudit& audit;
    FaultCounts& counts;
  };

  ControlStore(const Parts& parts, Rng rng);

  // Its first life begins. Twice is once.
  void Start();
  // The life that serves has ended: another begins, some day.
  void OnDeath();
  // Faults are over: it is back soon, if it is away.
  void Heal();
  void Ask(base::ControlRequest request, Answered answered);

  bool Knock(const LineHello& hello, std::shared_ptr<LineConnection> connection,
             Agreed agreed) override;

  // Null while it is away.
  [[nodiscard]] ControlProcess* serving() const;
  [[nodiscard]] ControlProcess* Find(base::ProcessId process) const;
  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] const Disk& disk() const { return disk_; }

 private:
  void Live();
  void Deliver(const std::shared_ptr<struct ToolCall>& call);

  const Parts parts_;
  Rng rng_;
  Disk disk_;
  std::vector<std::unique_ptr<ControlProcess>> lives_;
  base::IdSource requests_;
  bool started_ = false;
  std::uint64_t restarts_ = 0;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_CONTROL_STORE_H_

// OwnerTap stands between a runtime core and its simulated shell. It notes what
// an owner has sent to each worker and not heard of again, from which follows
// who may be charged when that worker dies; and it is where plants of a runtime
// core are put in.
//
//   for (Event& event : tap.OnEvent(event)) core.Step(event, now, effects);
//   if (tap.OnEffect(effect)) CarryOut(effect);
//
// Owner: RuntimeProcess.   Threading: none.
// Invariants: without a plant, events and effects pass unchanged.
#ifndef MOBULA_TESTS_SIM_OWNER_TAP_H_
#define MOBULA_TESTS_SIM_OWNER_TAP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"
#include "runtime/core/events.h"
#include "tests/ownership/truth.h"
#include "tests/sim/ledger.h"
#include "tests/sim/plants.h"

namespace mobula::sim {

class OwnerTap {
 public:
  OwnerTap(base::ProcessId self, Ledger& ledger, ownership::Truth& truth,
           Plants& plants)
      : self_(self), ledger_(ledger), truth_(truth), plants_(plants) {}

  // What the core is to see instead of this event.
  std::vector<runtime::Event> OnEvent(runtime::Event event, base::BootTime now);
  // False: it is not carried out.
  bool OnEffect(runtime::Effect& effect);
  // Events that plants made of effects.
  std::vector<runtime::Event> TakePlanted() {
    return std::exchange(planted_, {});
  }

 private:
  struct Sent {
    base::TaskId task;
    base::ActorId actor;  // nil of a task
    base::ProcessId worker;
    std::int32_t attempt = 0;
    std::int64_t incarnation = 0;
    bool aside = false;  // it stands aside, so it has begun for all we know
  };
  struct Worker {
    std::vector<Sent> unanswered;
    std::set<base::TaskId> charged;  // when it was lost
    // There was one sign of its end, and there is not the other by then.
    base::BootTime overdue = base::BootTime::Never();
  };

  void OnTaskDone(base::ProcessId from, const base::TaskDone& done);
  void OnTaskAside(base::ProcessId from, base::TaskId task);
  void OnWorkerLost(base::ProcessId worker,
                    std::vector<runtime::Event>& events);
  void OnSign(base::ProcessId worker, base::BootTime overdue);
  void OnTimePassed(base::BootTime now);
  void Charge(Worker& worker, const Sent& sent);
  void NoteSent(base::ProcessId to, const base::Message& message);
  void PlantLoss(runtime::Send& send);
  void PlantStaleAnswer(OpIndex index, const Sent& sent);
  // Fifo plant: true if the call is held back.
  bool SwapCalls(base::ProcessId from, base::CallActor& call,
                 std::vector<runtime::Event>& events);
  void DistortReady(runtime::Ready& ready);

  const base::ProcessId self_;
  Ledger& ledger_;
  ownership::Truth& truth_;
  Plants& plants_;
  std::map<base::ProcessId, Worker> workers_;
  std::set<base::ProcessId> lost_;  // of whose end there was a sign
  std::vector<runtime::Event> planted_;
  std::map<base::ProcessId, base::CallActor> held_calls_;
  std::set<base::ObjectId> ready_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_OWNER_TAP_H_

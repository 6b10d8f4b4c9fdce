// DriverProgram is the user's main of a simulated driver: it asks for a random
// mix of tasks, actors and calls, some in flight at once, keeps some refs as
// arguments of later ones, and in the end, when it is told, lets them go.
//
//   Asking --all asked and answered--> Over --LetAll--> (nothing left)
//
// Owner: RuntimeProcess.   Threading: none.
#ifndef MOBULA_TESTS_SIM_DRIVER_PROGRAM_H_
#define MOBULA_TESTS_SIM_DRIVER_PROGRAM_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "base/boot_time.h"
#include "base/ids.h"
#include "tests/sim/ledger.h"
#include "tests/sim/ref_user.h"
#include "tests/sim/rng.h"
#include "tests/sim/swarm_options.h"
#include "tests/sim/user_api.h"

namespace mobula::sim {

class DriverProgram {
 public:
  // Runs the work later, as a turn of the process.
  using AfterFn = std::function<void(base::Duration, std::function<void()>)>;

  struct Parts {
    UserApi& api;
    Ledger& ledger;
    RefUser& refs;
  };

  DriverProgram(const WorkloadOptions& options, int operations,
                const Parts& parts, Rng rng, AfterFn after);

  void Begin();
  void OnSettled(OpIndex index);
  void OnActorChanged(base::ActorId actor, std::int64_t incarnation, bool dead);

  [[nodiscard]] bool over() const { return over_; }
  // Of what is over: every ref and handle is dropped.
  void LetAll();

 private:
  struct Handle {
    std::int64_t incarnation = 0;
    bool dead = false;
  };

  void Pump();
  base::Duration DrawPause();
  void AskOne();
  void AskTask();
  void AskCall();
  void MakeActor();
  void LetGo(OpIndex index);
  void EndIfAnswered();
  void KeepInFlight(OpIndex index);
  void CancelSome();
  Operation DrawWish();
  base::ResourceVector DrawShape(Operation& wish);
  void DrawDependencies(Operation& wish);
  base::ActorId DrawActor();

  const WorkloadOptions options_;
  int left_;
  UserApi& api_;
  Ledger& ledger_;
  RefUser& refs_;
  Rng rng_;
  const AfterFn after_;
  std::set<OpIndex> in_flight_;
  std::deque<OpIndex> kept_;  // settled, for arguments of later ones
  std::map<base::ActorId, Handle> actors_;
  int actors_made_ = 0;
  bool asking_ = false;  // a turn of Pump is under way
  bool had_lull_ = false;
  bool over_ = false;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_DRIVER_PROGRAM_H_

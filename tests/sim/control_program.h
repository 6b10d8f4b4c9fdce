// ControlProgram is what a simulated driver does with names and keys, beside
// its other work: it puts, swaps, gets and deletes keys that others use too,
// makes actors with names, detached or not, finds those of others and calls
// them, and ends some.
//
//   Asking --all asked, all answered--> Over (every handle dropped)
//
// Owner: RuntimeProcess.   Threading: none.
#ifndef MOBULA_TESTS_SIM_CONTROL_PROGRAM_H_
#define MOBULA_TESTS_SIM_CONTROL_PROGRAM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/ids.h"
#include "tests/sim/ledger.h"
#include "tests/sim/rng.h"
#include "tests/sim/swarm_options.h"
#include "tests/sim/user_api.h"

namespace mobula::sim {

class ControlProgram {
 public:
  using AfterFn = std::function<void(base::Duration, std::function<void()>)>;

  struct Place {
    base::ProcessId self;
    base::ProcessId raylet;
    base::NodeId node;
    base::JobId job;
  };

  ControlProgram(const SwarmOptions& options, const Place& place, UserApi& api,
                 Ledger& ledger, Rng rng, AfterFn after);

  void Begin();
  void OnAnswer(base::RequestId request, const base::ControlReply& reply);
  void OnSettled(OpIndex index);
  void OnActorChanged(base::ActorId actor, bool dead);

  [[nodiscard]] bool over() const { return over_; }

 private:
  using Then = std::function<void(const base::ControlReply&)>;
  // An actor of which the program has a handle.
  struct Actor {
    int calls_left = 0;
    bool owned = false;  // by this process
    bool detached = false;
    std::set<OpIndex> in_flight;
  };

  void Pump();
  void AskOne();
  void AskKey();
  void AskPut(const std::string& key);
  void AskDelete(const std::string& key);
  void AskRegister();
  void OnRegistered(base::ActorId actor, const base::ControlReply& reply);
  void AskFind();
  void Meet(const base::ActorRecord& record);
  void CallOne(base::ActorId actor);
  void EndOne(base::ActorId actor);
  void LetGo(base::ActorId actor);
  void Ask(base::ControlRequest request, Then then);
  void EndIfAnswered();
  [[nodiscard]] bool Draw(double chance) { return rng_.Chance(chance); }
  std::string DrawName();

  const SwarmOptions& options_;
  const ControlOptions& control_;
  const Place place_;
  UserApi& api_;
  Ledger& ledger_;
  Rng rng_;
  const AfterFn after_;
  int left_;
  std::uint64_t values_ = 0;
  std::map<base::RequestId, Then> asked_;
  std::map<std::string, std::uint64_t> versions_;  // last seen
  std::map<base::ActorId, Actor> actors_;
  bool over_ = false;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_CONTROL_PROGRAM_H_

// SlotThread runs the functions of one simulated worker, one at a time, in the
// order asked: the executor's slot thread, in virtual time.
//
//   Waiting --Execute--> Running --its time is over--> [deeds with refs]
//   --> [spawns children, waits] --> Executed
//   or the process ends in the midst (Behaviour::crashes)
//
// A function that waits longer than 1 ms lends its cpus (on_blocked), as the
// real one does.
// Owner: RuntimeProcess.   Threading: none.
#ifndef MOBULA_TESTS_SIM_SLOT_THREAD_H_
#define MOBULA_TESTS_SIM_SLOT_THREAD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/shm/room.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "tests/sim/ledger.h"
#include "tests/sim/plants.h"
#include "tests/sim/ref_user.h"
#include "tests/sim/rng.h"
#include "tests/sim/store_port.h"
#include "tests/sim/swarm_options.h"
#include "tests/sim/user_api.h"

namespace mobula::sim {

class SlotThread {
 public:
  struct Callbacks {
    // Runs the work later, as a turn of the process.
    std::function<void(base::Duration, std::function<void()>)> after;
    std::function<void(runtime::Executed)> on_executed;
    std::function<void(bool blocked)> on_blocked;
    // It stands aside before it begins.
    std::function<void(base::TaskId)> on_aside;
    // The value with its bytes, made anew if need be, or a failure.
    std::function<void(const base::Value&, StorePort::MapFn)> fetch;
    // Its bytes are not where they should be.
    std::function<void(const base::Value&)> on_missed;
    std::function<void()> on_crash;
  };

  struct Parts {
    base::ProcessId self;
    Ledger& ledger;
    UserApi& api;
    RefUser& refs;
    StorePort& store;
    const RefOptions& options;
  };

  SlotThread(const Parts& parts, Rng rng, Callbacks callbacks);

  void Execute(runtime::Execute order);
  // What has not begun does not begin; what runs does not heed it.
  void Stop(base::TaskId task);
  // An operation of this process has its outcome.
  void OnSettled(OpIndex index);

  [[nodiscard]] bool busy() const { return running_.has_value(); }
  [[nodiscard]] bool executing_actor() const;

 private:
  using Caller = std::pair<base::ActorId, base::ProcessId>;
  struct Run {
    runtime::Execute order;
    OpIndex operation = 0;
    std::size_t execution = 0;
    base::Duration time{0};
    std::set<OpIndex> awaited;
    std::vector<OpIndex> children;
    std::vector<base::ActorId> handles;
    int deeds_left = 0;
    bool waits = false;
    bool blocked = false;
    bool store_full = false;  // there is no room for its result
    std::uint64_t number = 0;
  };

  void StartNext();
  // Stored arguments are mapped before the function runs. Those of a task that
  // are lost are all said at once; a method is held, with what comes behind it
  // from the same caller; a constructor waits.
  void MapFrom(std::size_t first, runtime::Execute order);
  void Map(const base::Value& stored, const runtime::Execute& order,
           StorePort::MapFn then);
  void Hold(std::size_t place, const base::Value& stored,
            runtime::Execute order);
  void Resume(const Caller& caller, base::TaskId task, std::size_t place,
              const base::Outcome& made);
  // The actor has ended itself.
  void TurnAway(base::ActorId actor);
  void TurnAwayOne(base::TaskId task);
  void BeginMapped(runtime::Execute order);
  void Begin(runtime::Execute order);
  void Refuse(const runtime::Execute& order, base::Failure failure);
  void GoOnWithNext();
  void OnTimeOver();
  void DoDeeds();
  void GoOn();
  // A function that waits longer than 1 ms lends its cpus.
  void BeginWait();
  void EndWait();
  [[nodiscard]] bool IsRunning(std::uint64_t number) const {
    return running_.has_value() && running_->number == number;
  }
  [[nodiscard]] std::uint64_t RankMax() const;
  void SpawnChildren();
  OpIndex SpawnChild(const Behaviour& behaviour);
  OpIndex CallChild(base::ActorId actor, base::Duration run);
  void Finish();
  void FinishIn(const std::optional<base::Room>& room);
  base::Outcome MakeOutcome(const std::optional<base::Room>& room);

  const base::ProcessId self_;
  Ledger& ledger_;
  UserApi& api_;
  RefUser& refs_;
  StorePort& store_;
  const RefOptions& options_;
  Rng rng_;
  const Callbacks callbacks_;
  std::deque<runtime::Execute> waiting_;
  std::map<Caller, std::deque<runtime::Execute>> held_;
  // Of those that were held and wait again.
  std::map<base::TaskId, base::Failure> failed_;
  std::set<base::ActorId> exited_;
  std::set<base::TaskId> stopped_;  // and not begun
  std::optional<Run> running_;
  std::uint64_t runs_ = 0;
  std::uint64_t waits_ = 0;
  bool maps_ = false;                  // the arguments of what begins next
  std::vector<base::LostBytes> lost_;  // of those
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_SLOT_THREAD_H_

// UserApi is what user code of one simulated process holds in its hands: it
// asks for tasks, actors and calls, as api/ does, and writes each wish into the
// ledger before the core hears of it.
//
//   OpIndex task = api.Submit(behaviour, wish);
//   api.Watch(task);  ...  api.Drop(task);
//
// Owner: RuntimeProcess.   Threading: none.
#ifndef MOBULA_TESTS_SIM_USER_API_H_
#define MOBULA_TESTS_SIM_USER_API_H_

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/events.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/ledger.h"
#include "tests/sim/plants.h"

namespace mobula::sim {

class UserApi {
 public:
  using PostFn = std::function<void(runtime::Event)>;

  struct Options {
    base::ProcessId self;
    std::uint64_t id_maker = 0;
    PostFn post;
  };

  UserApi(Options options, Ledger& ledger, Plants& plants,
          const EventQueue& queue);

  // `wish` says retries, timeout, dependencies and behaviour; the rest is
  // filled in.
  OpIndex Submit(Operation wish, const base::ResourceVector& resources);
  OpIndex Call(base::ActorId actor, Operation wish);
  OpIndex Put();
  // The constructor's operation.
  base::ActorId Create(Behaviour constructor, std::int32_t restarts_max,
                       std::int32_t pending_calls_max);
  // A handle came from another process. Twice is once.
  void Adopt(base::ActorId actor, base::ProcessId owner);
  void Kill(base::ActorId actor, bool restart);
  void Watch(OpIndex index);
  void Drop(OpIndex index);
  void DropActor(base::ActorId actor);

  // Actors of which this process holds a handle.
  [[nodiscard]] const std::set<base::ActorId>& handles() const {
    return handles_;
  }

 private:
  std::vector<runtime::Arg> ArgsOf(OpIndex index);
  void Post(runtime::Event event) { options_.post(std::move(event)); }

  const Options options_;
  Ledger& ledger_;
  Plants& plants_;
  const EventQueue& queue_;
  base::IdSource ids_;
  std::set<base::ActorId> handles_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_USER_API_H_

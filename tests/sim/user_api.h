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
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/control/control_request.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "tests/sim/control_ledger.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/ledger.h"
#include "tests/sim/plants.h"
#include "tests/sim/ref_handles.h"

namespace mobula::sim {

class UserApi {
 public:
  using PostFn = std::function<void(runtime::Event)>;

  struct Options {
    base::ProcessId self;
    base::ProcessId raylet;
    std::uint64_t id_maker = 0;
    PostFn post;
  };

  UserApi(Options options, Ledger& ledger, ControlLedger& control,
          Plants& plants, const EventQueue& queue);

  // An actor that the control store is to know.
  struct NamedActor {
    std::string ns;
    std::string name;
    bool detached = false;
    bool get_if_exists = false;
    std::int32_t restarts_max = 0;
    Behaviour constructor;
    base::NodeId node;
    base::JobId job;
  };

  // `wish` says retries, timeout, dependencies and behaviour; the rest is
  // filled in.
  OpIndex Submit(Operation wish, const base::ResourceVector& resources);
  OpIndex Call(base::ActorId actor, Operation wish);
  // A short value of no refs.
  OpIndex Put();
  // Under an id that it made.
  base::ObjectId NewObject() { return ids_.Next<base::ObjectId>(); }
  OpIndex PutValue(base::ObjectId object, base::Value value,
                   const base::Bytes& bytes, std::uint64_t rank);
  // The constructor's operation. `shared`: in a worker with others.
  base::ActorId Create(Operation constructor, std::int32_t restarts_max,
                       std::int32_t pending_calls_max, bool shared = false);
  // What to ask before it is made; then, if it is not detached,
  base::RegisterActor PrepareActor(const NamedActor& wish);
  void StartPrepared(base::ActorId actor);
  // or, if that failed: whether it may have been registered all the same.
  static bool MayBeRegistered(const base::ControlReply& reply);
  [[nodiscard]] bool HasHandle(base::ActorId actor) const {
    return handles_.contains(actor);
  }
  base::RequestId NextRequest() { return ids_.Next<base::RequestId>(); }
  void AskControl(base::RequestId request, base::ControlRequest body,
                  base::Duration timeout);
  // A handle came from another process. Twice is once.
  void Adopt(base::ActorId actor, base::ProcessId owner);
  void Kill(base::ActorId actor, bool restart);
  void Cancel(OpIndex index, bool force, bool recursive);
  // Of which operation that was a cancel; nothing if it has been answered.
  std::optional<OpIndex> TakeCancel(base::RequestId request);
  // Without an answer.
  [[nodiscard]] std::size_t cancels() const { return cancels_.size(); }
  void Watch(OpIndex index);
  void Drop(OpIndex index);
  void DropActor(base::ActorId actor);

  // ---- handles of objects, whoever owns them: see RefUser
  void Take(const base::ObjectName& name) { refs_.Take(name); }
  void Let(base::ObjectId object) { refs_.Let(object); }
  void WatchObject(base::ObjectId object) { Post(runtime::Watch{object}); }
  [[nodiscard]] const RefHandles& refs() const { return refs_; }
  // What the constructors' arguments of its actors refer to, while they may be
  // made again.
  [[nodiscard]] std::vector<base::ObjectName> HeldForActors() const;
  void OnActorDead(base::ActorId actor) { held_.erase(actor); }

  // Actors of which this process holds a handle.
  [[nodiscard]] const std::set<base::ActorId>& handles() const {
    return handles_;
  }

 private:
  void NoteActor(base::ActorId actor, base::ProcessId owner,
                 Operation constructor, std::int32_t restarts_max);
  void NoteHeld(base::ActorId actor, const Operation& constructor);
  void NoteKill(base::ActorId actor, bool restart);
  void PostCreate(base::ActorId actor, bool held);
  std::vector<runtime::Arg> ArgsOf(OpIndex index);
  void Post(runtime::Event event) { options_.post(std::move(event)); }

  const Options options_;
  Ledger& ledger_;
  ControlLedger& control_;
  Plants& plants_;
  const EventQueue& queue_;
  base::IdSource ids_;
  std::set<base::ActorId> handles_;
  RefHandles refs_;
  std::map<base::ActorId, std::vector<base::ObjectName>> held_;
  std::map<base::RequestId, OpIndex> cancels_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_USER_API_H_

// Program is the user's code in one process of the ownership test: it makes
// objects, reads them, nests refs in values and passes them on, as chance will
// have it, and keeps the contract of the API (runtime/core/events.h).
//
// In a worker it runs what it is given (OnExecute), some steps at a time; what
// it keeps beyond a method is the state of its actor.
// Owner: Node, one a process.   Threading: none.
// Invariants: (1) a handle is dropped as often as it was made; (2) an object is
// watched once at a time.
#ifndef MOBULA_TESTS_OWNERSHIP_PROGRAM_H_
#define MOBULA_TESTS_OWNERSHIP_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"

namespace mobula::ownership {

class Node;

class Program {
 public:
  struct Handle {
    base::ProcessId owner;
    int count = 0;
  };

  Program(Node& node, base::ProcessId self)
      : node_(node), self_(self), ids_(self.hi * 1'000'000 + self.lo) {}

  // So many things more, of its own accord: a driver.
  void Allow(int deeds) { deeds_ += deeds; }
  [[nodiscard]] bool HasWork() const;
  void Work();
  // A function that waits goes on without what it waits for.
  bool GiveUpWaiting();
  void DropAll();

  void OnReady(const runtime::Ready& ready);
  void OnExecute(runtime::Execute execute);
  void OnActorChanged(const runtime::ActorChanged& changed);
  // What runs is to stop: it does, or does not heed it.
  void OnStop(base::TaskId task);
  void OnCancelReady(const runtime::CancelReady& ready);

  [[nodiscard]] const std::map<base::ObjectId, Handle>& handles() const {
    return handles_;
  }
  // What the constructors' arguments of its actors refer to, while they may be
  // made again.
  [[nodiscard]] std::vector<base::ObjectName> HeldForActors() const;
  // Asked for and not told.
  [[nodiscard]] std::size_t watches() const { return watches_.size(); }
  // Cancels without an answer.
  [[nodiscard]] std::size_t cancels() const { return cancels_.size(); }
  [[nodiscard]] bool is_running() const { return running_.has_value(); }

 private:
  struct Made {
    std::vector<base::ObjectName> held;
    int handles = 1;
  };

  void DoSomething();
  void Put();
  void Submit();
  void Create();
  void Call();
  void Watch();
  void Drop();
  void Steal();
  void Cancel();
  void EndActor();

  void Take(const base::ObjectName& name);
  void Let(base::ObjectId object);
  void NoteResult(base::ObjectId object) { ++Own(object).count; }
  Handle& Own(base::ObjectId object);
  std::optional<base::ObjectName> SomeHandle();
  std::vector<base::ObjectName> SomeRefs();
  base::Value SomeValue(const base::ObjectName& name);
  std::vector<runtime::Arg> SomeArgs();
  base::Duration SomeTimeout();
  void Finish();
  // False if its bytes are lost: they are reported, or missed by a task.
  bool CanRead(const base::Value& argument);
  base::Outcome SomeOutcome(const runtime::Execute& execute);

  Node& node_;
  const base::ProcessId self_;
  base::IdSource ids_;
  int deeds_ = 0;
  std::map<base::ObjectId, Handle> handles_;
  std::map<base::ActorId, Made> actors_;
  std::set<base::ObjectId> watches_;
  std::set<base::RequestId> cancels_;
  std::optional<runtime::Execute> running_;
  int deeds_left_ = 0;  // of what runs
  // Of its arguments, the bytes of which are lost: it does nothing.
  std::vector<base::LostBytes> missed_;
  base::ObjectId waits_for_;  // nil if for nothing
  bool is_actor_ = false;     // one lives here
  std::uint64_t labels_ = 0;
};

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_PROGRAM_H_

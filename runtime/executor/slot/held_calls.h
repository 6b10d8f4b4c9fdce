// HeldCalls keeps calls to actors that may not begin yet: an argument of the
// first one of their caller is being made again, and what comes behind it from
// the same caller keeps its place. Those of other callers go on meanwhile: what
// makes the argument may be one of them.
//
//   HeldCalls held(remake, slot, [](std::deque<Execute> calls, auto why)
//   {...}); held.Hold(call, argument);               // the first one of a
//   caller if (held.Holds(call)) held.Add(call);    // what comes behind it
// Owner: SlotThread.
// Threading: that of the slot, which also resumes; `remake` may tell on any
// thread, also after this has gone.
// Invariants: calls of one caller come back in the order in which they came;
// once each, but those that were taken.
#ifndef MOBULA_RUNTIME_EXECUTOR_SLOT_HELD_CALLS_H_
#define MOBULA_RUNTIME_EXECUTOR_SLOT_HELD_CALLS_H_

#include <compare>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/threads/executor.h"
#include "base/value.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class HeldCalls {
 public:
  // Tells once what is there instead of the value whose bytes are lost.
  using RemakeFn = std::function<void(const base::Value& lost,
                                      std::function<void(base::Outcome)> told)>;
  // All calls of one caller; the first one cannot begin for that reason.
  using ResumeFn = std::function<void(std::deque<Execute> calls,
                                      std::optional<base::Failure> why)>;

  // `remake` may be null: then nothing is held. `slot` must outlive this.
  HeldCalls(RemakeFn remake, base::Executor& slot, ResumeFn resume);
  ~HeldCalls();
  HeldCalls(const HeldCalls&) = delete;
  HeldCalls& operator=(const HeldCalls&) = delete;

  [[nodiscard]] bool can_hold() const { return remake_ != nullptr; }
  // The bytes of its argument are lost; none of its caller may be held.
  void Hold(Execute call, const base::Value& lost);
  [[nodiscard]] bool Holds(const Execute& call) const;
  void Add(Execute call);
  // All of that actor; they do not come back.
  std::vector<Execute> TakeOf(base::ActorId actor);

 private:
  struct Caller {
    base::ActorId actor;
    base::ProcessId process;
    friend auto operator<=>(const Caller&, const Caller&) = default;
  };
  struct Door;
  struct Remade;
  static Caller CallerOf(const Execute& call) {
    return {call.actor, call.owner};
  }
  void Resume(Remade& remade);

  const RemakeFn remake_;
  base::Executor& slot_;
  const ResumeFn resume_;
  const std::shared_ptr<Door> door_;
  std::list<std::unique_ptr<Remade>> remades_;  // that are not there yet
  std::map<Caller, std::deque<Execute>> held_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SLOT_HELD_CALLS_H_

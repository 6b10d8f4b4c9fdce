#include "runtime/executor/slot/held_calls.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::runtime {
namespace {

// What the call is given in place of what was lost.
void Replace(Execute& call, const base::Value& lost, const base::Value& made) {
  for (base::Value& arg : call.args) {
    if (arg.is_stored() && arg.extent() == lost.extent()) arg = made;
  }
}

}  // namespace

// The way back into the slot, for as long as there is one.
struct HeldCalls::Door {
  void Post(Remade& remade, base::Outcome outcome) MOBULA_EXCLUDES(mutex);

  base::Mutex mutex;
  base::Executor* slot MOBULA_GUARDED_BY(mutex) = nullptr;
};

struct HeldCalls::Remade : base::Work {
  Remade(HeldCalls& calls, Caller whose, base::Value what)
      : of(calls), caller(whose), lost(std::move(what)) {
    run = [](base::Work* work) noexcept {
      auto& self = *static_cast<Remade*>(work);
      self.of.Resume(self);
    };
  }

  HeldCalls& of;
  const Caller caller;
  const base::Value lost;
  std::optional<base::Outcome> outcome;  // set before it is posted
};

void HeldCalls::Door::Post(Remade& remade, base::Outcome outcome) {
  base::MutexLock lock(mutex);
  if (slot == nullptr) return;  // and it is gone
  remade.outcome = std::move(outcome);
  slot->Post(&remade);
}

HeldCalls::HeldCalls(RemakeFn remake, base::Executor& slot, ResumeFn resume)
    : remake_(std::move(remake)),
      slot_(slot),
      resume_(std::move(resume)),
      door_(std::make_shared<Door>()) {
  base::MutexLock lock(door_->mutex);
  door_->slot = &slot_;
}

HeldCalls::~HeldCalls() {
  base::MutexLock lock(door_->mutex);
  door_->slot = nullptr;
}

void HeldCalls::Hold(Execute call, const base::Value& lost) {
  MOBULA_CHECK(can_hold() && !Holds(call));
  auto owned = std::make_unique<Remade>(*this, CallerOf(call), lost);
  Remade& remade = *owned;
  remades_.push_back(std::move(owned));
  Add(std::move(call));
  remake_(lost, [door = door_, &remade](base::Outcome outcome) {
    door->Post(remade, std::move(outcome));
  });
}

bool HeldCalls::Holds(const Execute& call) const {
  return !held_.empty() && held_.contains(CallerOf(call));
}

void HeldCalls::Add(Execute call) {
  held_[CallerOf(call)].push_back(std::move(call));
}

std::vector<Execute> HeldCalls::TakeOf(base::ActorId actor) {
  std::vector<Execute> taken;
  for (auto it = held_.begin(); it != held_.end();) {
    if (it->first.actor != actor) {
      ++it;
      continue;
    }
    for (Execute& call : it->second) taken.push_back(std::move(call));
    it = held_.erase(it);
  }
  return taken;
}

void HeldCalls::Resume(Remade& remade) {
  auto held = held_.extract(remade.caller);
  std::optional<base::Failure> why;
  if (!held.empty()) {
    const base::Outcome& outcome = *remade.outcome;
    if (const auto* failure = std::get_if<base::Failure>(&outcome)) {
      why = *failure;
      why->executed = base::Executed::kNo;
    } else {
      Replace(held.mapped().front(), remade.lost,
              std::get<base::Value>(outcome));
    }
  }
  remades_.remove_if(
      [&remade](const auto& each) { return each.get() == &remade; });
  if (!held.empty()) resume_(std::move(held.mapped()), std::move(why));
}

}  // namespace mobula::runtime

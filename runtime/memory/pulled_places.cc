#include "runtime/memory/pulled_places.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

using base::BootTime;
using base::Extent;
using base::Failure;

PulledPlaces::PulledPlaces(base::IdSource ids, TellFn tell)
    : tell_(std::move(tell)), ids_(ids) {
  MOBULA_CHECK(tell_ != nullptr);
}

PulledPlaces::Key PulledPlaces::KeyOf(const base::ObjectName& object,
                                      const Extent& extent) {
  return {object.object, extent.arena, extent.offset, extent.byte_count,
          extent.generation};
}

PulledPlaces::Found PulledPlaces::Find(const base::ObjectName& object,
                                       const Extent& extent, BootTime deadline,
                                       const LentWait::BlockedFn& blocked) {
  const Key key = KeyOf(object, extent);
  std::shared_ptr<Asked> asked;
  std::optional<base::PullValue> pull;
  {
    base::MutexLock lock(mutex_);
    const auto known = here_.find(key);
    if (known != here_.end()) return Place{known->second, nullptr};
    if (closed_) return *closed_;
    base::RequestId& request = requests_[key];
    if (request.IsNil()) {
      request = ids_.Next<base::RequestId>();
      asked_[request] = std::make_shared<Asked>();
      asked_[request]->key = key;
      pull = base::PullValue{request, object, extent};
    }
    asked = asked_.at(request);
  }
  if (pull) tell_(*std::move(pull));
  LentWait wait(deadline, blocked);
  return WaitFor(*asked, wait);
}

PulledPlaces::Found PulledPlaces::WaitFor(const Asked& asked, LentWait& wait) {
  base::MutexLock lock(mutex_);
  while (true) {
    if (asked.place) return *asked.place;
    if (asked.failure) return *asked.failure;
    if (closed_) return *closed_;
    if (!wait.Sleep(mutex_, changed_)) break;
  }
  return base::MakeFailure(
      base::FailureCode::kTimeout, base::Executed::kMaybe,
      "the value was not brought from its node until the deadline");
}

void PulledPlaces::Forget(const base::ObjectName& object, const Extent& extent,
                          const Extent& here) {
  base::MutexLock lock(mutex_);
  const Key key = KeyOf(object, extent);
  const auto known = here_.find(key);
  // It may have been pulled anew meanwhile.
  if (known == here_.end() || known->second != here) return;
  here_.erase(known);
  const auto of = by_arena_.find(here.arena);
  MOBULA_CHECK(of != by_arena_.end());
  of->second.erase(key);
  if (of->second.empty()) by_arena_.erase(of);
}

std::shared_ptr<PulledPlaces::Asked> PulledPlaces::Take(
    base::RequestId request) {
  const auto found = asked_.find(request);
  if (found == asked_.end()) return nullptr;
  std::shared_ptr<Asked> asked = std::move(found->second);
  asked_.erase(found);
  requests_.erase(asked->key);
  changed_.NotifyAll();
  return asked;
}

void PulledPlaces::Pulled(const base::ValuePulled& pulled, Pin pin) {
  base::MutexLock lock(mutex_);
  const std::shared_ptr<Asked> asked = Take(pulled.request);
  if (asked == nullptr) return;
  asked->place = Place{pulled.here, std::move(pin)};
  here_[asked->key] = pulled.here;
  by_arena_[pulled.here.arena].insert(asked->key);
}

void PulledPlaces::Refused(const base::PullRefused& refused) {
  base::MutexLock lock(mutex_);
  const std::shared_ptr<Asked> asked = Take(refused.request);
  if (asked != nullptr) asked->failure = refused.failure;
}

void PulledPlaces::Unmapped(base::ArenaId arena) {
  base::MutexLock lock(mutex_);
  const auto of = by_arena_.find(arena);
  if (of == by_arena_.end()) return;
  for (const Key& key : of->second) here_.erase(key);
  by_arena_.erase(of);
}

void PulledPlaces::Close(Failure failure) {
  base::MutexLock lock(mutex_);
  if (closed_) return;
  closed_ = std::move(failure);
  here_.clear();
  by_arena_.clear();
  requests_.clear();
  asked_.clear();
  changed_.NotifyAll();
}

std::size_t PulledPlaces::size() {
  base::MutexLock lock(mutex_);
  return here_.size();
}

}  // namespace mobula::runtime

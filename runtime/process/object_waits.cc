#include "runtime/process/object_waits.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/threads/futex.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::ObjectId;

}  // namespace

// Lives on the stack of the thread that waits. Set under the table's lock but
// for `signal`, on which the thread sleeps.
struct ObjectWaits::Waiter {
  Waiter(std::size_t wanted, std::size_t named, BootTime deadline)
      : missing(wanted), looks(deadline <= base::BootNow()) {
    if (looks) missing = named;
  }

  std::atomic<std::uint32_t> signal{0};
  std::size_t missing = 0;  // how many more it needs
  const bool looks;         // content when the strand has seen the question

  // After the lock is free the thread may be gone: nothing of it is touched
  // but the address of the word, for which a stray wake is harmless.
  void Signal() { signal.store(1, std::memory_order_release); }

  void Sleep(BootTime deadline, const BlockedFn& blocked,
             const DriveFn& drive) {
    const std::function<bool()> is_there = [this] {
      return signal.load(std::memory_order_acquire) != 0;
    };
    LentWait wait(looks ? BootTime::Never() : deadline, blocked);
    while (!is_there()) {
      const auto timeout = wait.Next();
      if (!timeout) break;
      if (drive == nullptr || !drive(is_there, base::BootNow() + *timeout)) {
        base::FutexWait(&signal, *timeout);
      }
    }
  }
};

ObjectWaits::ObjectWaits(std::function<void(ObjectId)> watch, DriveFn drive)
    : watch_(std::move(watch)), drive_(std::move(drive)) {
  MOBULA_CHECK(watch_ != nullptr);
}

std::optional<ObjectWaits::Settled> ObjectWaits::Await(
    ObjectId object, BootTime deadline, const BlockedFn& blocked) {
  {
    base::MutexLock lock(mutex_);
    ++lookups_;
    const auto found = entries_.find(object);
    const bool is_known = found != entries_.end();
    if (is_known && found->second.settled) return found->second.settled;
    if (closed_) return Settled{*closed_, 0};
  }
  const std::span objects(&object, 1);
  Entry* entry = nullptr;
  const Entries entries(&entry, 1);
  Waiter waiter(1, 1, deadline);
  const bool joined = WaitFor(objects, entries, &waiter, deadline, blocked);
  base::MutexLock lock(mutex_);
  std::optional<Settled> settled;
  if (joined) settled = entry->settled;
  if (!settled && closed_) settled = Settled{*closed_, 0};
  if (joined) Leave(objects, entries, &waiter);
  return settled;
}

std::vector<bool> ObjectWaits::AwaitSome(std::span<const ObjectId> objects,
                                         std::size_t count, BootTime deadline,
                                         const BlockedFn& blocked) {
  std::vector<Entry*> entries(objects.size());
  Waiter waiter(std::min(count, objects.size()), objects.size(), deadline);
  const bool joined = WaitFor(objects, entries, &waiter, deadline, blocked);
  base::MutexLock lock(mutex_);
  std::vector<bool> settled(objects.size(), closed_.has_value());
  if (!joined) return settled;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (entries[i]->settled) settled[i] = true;
  }
  Leave(objects, entries, &waiter);
  return settled;
}

bool ObjectWaits::WaitFor(std::span<const ObjectId> objects, Entries entries,
                          Waiter* waiter, BootTime deadline,
                          const BlockedFn& blocked) {
  std::vector<ObjectId> to_watch;
  bool enough = false;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return false;
    to_watch = Join(objects, entries, waiter);
    enough = waiter->missing == 0;
  }
  for (const ObjectId object : to_watch) watch_(object);
  if (!enough) waiter->Sleep(deadline, blocked, drive_);
  return true;
}

std::vector<ObjectId> ObjectWaits::Join(std::span<const ObjectId> objects,
                                        Entries entries, Waiter* waiter) {
  std::vector<ObjectId> to_watch;
  lookups_ += objects.size();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto [found, is_new] = entries_.try_emplace(objects[i]);
    if (is_new) to_watch.push_back(objects[i]);
    Entry& entry = found->second;
    entries[i] = &entry;
    ++entry.users;
    if (entry.settled || (waiter->looks && entry.looked)) {
      if (waiter->missing > 0) --waiter->missing;
    } else {
      entry.waiters.push_back(waiter);
    }
  }
  return to_watch;
}

void ObjectWaits::Leave(std::span<const ObjectId> objects, Entries entries,
                        Waiter* waiter) {
  for (std::size_t i = 0; i < objects.size(); ++i) {
    Entry& entry = *entries[i];
    MOBULA_CHECK(entry.users > 0);
    std::erase(entry.waiters, waiter);
    if (--entry.users == 0 && entry.dropped) entries_.erase(objects[i]);
  }
}

void ObjectWaits::Release(Entry* entry, std::vector<Waiter*>* enough) {
  for (Waiter* waiter : entry->waiters) {
    if (waiter->missing == 0 || --waiter->missing > 0) continue;
    waiter->Signal();
    enough->push_back(waiter);
  }
  entry->waiters.clear();
}

void ObjectWaits::Release(Entry* entry, const base::Outcome& outcome,
                          std::vector<base::OutcomeWatch*>* ready) {
  for (base::OutcomeWatch* watch : entry->watches) {
    watch->outcome = outcome;
    watch->state = base::OutcomeWatch::State::kReady;
    ready->push_back(watch);
  }
  entry->users -= entry->watches.size();
  entry->watches.clear();
}

void ObjectWaits::Told::Tell() {
  for (Waiter* waiter : enough) base::FutexWake(&waiter->signal);
  for (base::OutcomeWatch* watch : ready) watch->ready(watch);
}

// ---- watches ----------------------------------------------------------------

bool ObjectWaits::StartWatch(ObjectId object, base::OutcomeWatch* watch,
                             bool join) {
  using State = base::OutcomeWatch::State;
  {
    base::MutexLock lock(mutex_);
    if (watch->state == State::kGivenUp) return true;
    MOBULA_CHECK(watch->state == State::kIdle, "it joins once");
    ++lookups_;
    auto found = entries_.find(object);
    const bool is_known = found != entries_.end();
    if (is_known && found->second.settled) {
      watch->outcome = found->second.settled->outcome;
    } else if (closed_) {
      watch->outcome = *closed_;
    }
    if (watch->outcome) watch->state = State::kReady;
    if (watch->outcome || !join) return watch->outcome.has_value();
    if (!is_known) found = entries_.try_emplace(object).first;
    watch->state = State::kWaiting;
    found->second.watches.push_back(watch);
    ++found->second.users;
    if (is_known) return false;
  }
  // From here on `watch` may be ready, and gone.
  watch_(object);
  return false;
}

base::OutcomeWatch::State ObjectWaits::StopWatch(ObjectId object,
                                                 base::OutcomeWatch* watch) {
  using State = base::OutcomeWatch::State;
  base::MutexLock lock(mutex_);
  const State before = watch->state;
  if (before == State::kReady) return before;
  watch->state = State::kGivenUp;
  if (before != State::kWaiting) return before;
  const auto found = entries_.find(object);
  MOBULA_CHECK(found != entries_.end(), "what is watched stays");
  Entry& entry = found->second;
  MOBULA_CHECK(std::erase(entry.watches, watch) == 1 && entry.users > 0);
  if (--entry.users == 0 && entry.dropped) entries_.erase(found);
  return before;
}

void ObjectWaits::Know(ObjectId object, base::Outcome outcome) {
  base::MutexLock lock(mutex_);
  if (closed_) return;
  const auto [found, is_new] = entries_.try_emplace(object);
  MOBULA_CHECK(is_new, "nobody can wait for it before it is put");
  found->second.looked = true;
  found->second.settled.emplace(Settled{std::move(outcome), 0});
}

void ObjectWaits::Settle(ObjectId object, base::Outcome outcome,
                         std::int64_t incarnation) {
  Told told;
  {
    base::MutexLock lock(mutex_);
    const auto found = entries_.find(object);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    entry.settled.emplace(Settled{std::move(outcome), incarnation});
    Release(&entry, &told.enough);
    Release(&entry, entry.settled->outcome, &told.ready);
    if (entry.users == 0 && entry.dropped) entries_.erase(found);
  }
  told.Tell();
}

void ObjectWaits::Looked(ObjectId object) {
  std::vector<Waiter*> enough;
  {
    base::MutexLock lock(mutex_);
    const auto found = entries_.find(object);
    if (found == entries_.end()) return;
    found->second.looked = true;
    Entry lookers;
    std::vector<Waiter*>& waiters = found->second.waiters;
    const auto stay =
        std::partition(waiters.begin(), waiters.end(),
                       [](const Waiter* waiter) { return !waiter->looks; });
    lookers.waiters.assign(stay, waiters.end());
    waiters.erase(stay, waiters.end());
    Release(&lookers, &enough);
  }
  for (Waiter* waiter : enough) base::FutexWake(&waiter->signal);
}

void ObjectWaits::Drop(ObjectId object) {
  base::MutexLock lock(mutex_);
  const auto found = entries_.find(object);
  if (found == entries_.end()) return;
  if (found->second.users == 0) {
    entries_.erase(found);
  } else {
    found->second.dropped = true;
  }
}

void ObjectWaits::Close(base::Failure failure) {
  Told told;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = std::move(failure);
    // Whatever number they wait for, it is all there now.
    for (auto& [object, entry] : entries_) {
      Release(&entry, &told.enough);
      Release(&entry, *closed_, &told.ready);
    }
  }
  told.Tell();
}

std::uint64_t ObjectWaits::lookups() const {
  base::MutexLock lock(mutex_);
  return lookups_;
}

std::size_t ObjectWaits::size() const {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace mobula::runtime

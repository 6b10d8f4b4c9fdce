#include "runtime/process/object_waits.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Duration;
using base::ObjectId;

void FutexWait(std::atomic<std::uint32_t>* word, Duration timeout) {
  timespec spec{};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  spec.tv_sec = seconds.count();
  spec.tv_nsec = (timeout - seconds).count();
  ::syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0,
            timeout == Duration::max() ? nullptr : &spec, nullptr, 0);
}

void FutexWake(void* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace

// Lives on the stack of the thread that waits. Set under the table's lock but
// for `signal`, on which the thread sleeps.
struct ObjectWaits::Waiter {
  std::atomic<std::uint32_t> signal{0};
  std::size_t missing = 0;  // how many more it needs
  bool looks = false;       // content when the strand has seen the question

  // After the lock is free the thread may be gone: nothing of it is touched
  // but the address of the word, for which a stray wake is harmless.
  void Signal() { signal.store(1, std::memory_order_release); }

  void Sleep(BootTime deadline, const BlockedFn& blocked) {
    LentWait wait(looks ? BootTime::Never() : deadline, blocked);
    while (signal.load(std::memory_order_acquire) == 0) {
      const auto timeout = wait.Next();
      if (!timeout) break;
      FutexWait(&signal, *timeout);
    }
  }
};

ObjectWaits::ObjectWaits(std::function<void(ObjectId)> watch)
    : watch_(std::move(watch)) {
  MOBULA_CHECK(watch_ != nullptr);
}

std::optional<ObjectWaits::Settled> ObjectWaits::Await(
    ObjectId object, BootTime deadline, const BlockedFn& blocked) {
  WaitFor(std::span(&object, 1), 1, deadline, blocked);
  base::MutexLock lock(mutex_);
  const auto found = entries_.find(object);
  if (found != entries_.end() && found->second.settled) {
    return found->second.settled;
  }
  if (closed_) return Settled{*closed_, 0};
  if (found != entries_.end()) return std::nullopt;
  base::Failure failure;
  failure.code = base::FailureCode::kBadArgument;
  failure.message = "the last ref was dropped while a thread waited for it";
  return Settled{std::move(failure), 0};
}

std::vector<bool> ObjectWaits::AwaitSome(std::span<const ObjectId> objects,
                                         std::size_t count, BootTime deadline,
                                         const BlockedFn& blocked) {
  WaitFor(objects, std::min(count, objects.size()), deadline, blocked);
  std::vector<bool> settled(objects.size());
  base::MutexLock lock(mutex_);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto found = entries_.find(objects[i]);
    settled[i] = closed_.has_value() || found == entries_.end() ||
                 found->second.settled.has_value();
  }
  return settled;
}

void ObjectWaits::WaitFor(std::span<const ObjectId> objects, std::size_t count,
                          BootTime deadline, const BlockedFn& blocked) {
  Waiter waiter;
  waiter.looks = deadline <= base::BootNow();
  waiter.missing = waiter.looks ? objects.size() : count;
  std::vector<ObjectId> to_watch;
  bool enough = false;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return;
    to_watch = Join(objects, &waiter);
    enough = waiter.missing == 0;
  }
  for (const ObjectId object : to_watch) watch_(object);
  if (!enough) waiter.Sleep(deadline, blocked);
  base::MutexLock lock(mutex_);
  Leave(objects, &waiter);
}

std::vector<ObjectId> ObjectWaits::Join(std::span<const ObjectId> objects,
                                        Waiter* waiter) {
  std::vector<ObjectId> to_watch;
  for (const ObjectId object : objects) {
    const auto [found, is_new] = entries_.try_emplace(object);
    if (is_new) to_watch.push_back(object);
    Entry& entry = found->second;
    if (entry.settled || (waiter->looks && entry.looked)) {
      if (waiter->missing > 0) --waiter->missing;
    } else {
      entry.waiters.push_back(waiter);
    }
  }
  return to_watch;
}

void ObjectWaits::Leave(std::span<const ObjectId> objects, Waiter* waiter) {
  for (const ObjectId object : objects) {
    const auto found = entries_.find(object);
    if (found != entries_.end()) std::erase(found->second.waiters, waiter);
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

void ObjectWaits::Settle(ObjectId object, base::Outcome outcome,
                         std::int64_t incarnation) {
  std::vector<Waiter*> enough;
  {
    base::MutexLock lock(mutex_);
    const auto found = entries_.find(object);
    if (found == entries_.end() || found->second.settled) return;
    found->second.settled.emplace(Settled{std::move(outcome), incarnation});
    Release(&found->second, &enough);
  }
  for (Waiter* waiter : enough) FutexWake(&waiter->signal);
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
  for (Waiter* waiter : enough) FutexWake(&waiter->signal);
}

void ObjectWaits::Drop(ObjectId object) {
  std::vector<Waiter*> enough;
  {
    base::MutexLock lock(mutex_);
    const auto found = entries_.find(object);
    if (found == entries_.end()) return;
    Release(&found->second, &enough);
    entries_.erase(found);
  }
  for (Waiter* waiter : enough) FutexWake(&waiter->signal);
}

void ObjectWaits::Close(base::Failure failure) {
  std::vector<Waiter*> enough;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = std::move(failure);
    // Whatever number they wait for, it is all there now.
    for (auto& [object, entry] : entries_) Release(&entry, &enough);
  }
  for (Waiter* waiter : enough) FutexWake(&waiter->signal);
}

std::size_t ObjectWaits::size() const {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace mobula::runtime

// ObjectWaits is where the threads of a process wait for outcomes of objects.
//
//   unknown --Await--> watched --Settle--> settled --Drop--> unknown
//   unknown --Know---------------------> settled
//   settled --Settle: its bytes were lost and it was made again--> settled
// The first wait for an object asks the core once (`watch`); what the core
// answers (Settle) is kept until a handle of the object is dropped, so that a
// second Get and a Wait over many need no trip to the strand. Of other handles
// of it that there may be, the next wait asks again. The bytes are shared with
// the core's own table.
// A look (a deadline that has passed) waits only until the strand has dealt
// with the question (Looked), so that it sees all that this thread did before.
// A coroutine waits by an OutcomeWatch, without a thread; it has nothing to
// look at. Owner: Process. Threading: Await, AwaitSome, Drop and Close from any
// thread, but the first two not on the strand; Settle and Looked on the strand.
// Invariants: (1) `watch` once for each object between two drops; (2) nobody
// waits after Settle or Close, and who waits is not disturbed by Drop: it has a
// handle of its own; (3) callbacks run without a lock held; (4) one look-up for
// each object that a call names.
#ifndef MOBULA_RUNTIME_PROCESS_OBJECT_WAITS_H_
#define MOBULA_RUNTIME_PROCESS_OBJECT_WAITS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/outcome_watch.h"
#include "runtime/memory/lent_wait.h"
#include "runtime/process/backend.h"

namespace mobula::runtime {

class ObjectWaits {
 public:
  using Settled = Backend::Settled;
  // Told when a thread has been blocked for a while (true), and when it goes on
  // (false) if it was; may be empty.
  using BlockedFn = LentWait::BlockedFn;

  // Runs the strand on the calling thread until `done` or the deadline; false
  // if it did not, and the thread is to sleep (Strand::Drive).
  using DriveFn = std::function<bool(const std::function<bool()>& done,
                                     base::BootTime deadline)>;

  // `watch` asks the core for one Settle, and after that question for one
  // Looked. `drive` may be empty.
  explicit ObjectWaits(std::function<void(base::ObjectId object)> watch,
                       DriveFn drive = DriveFn());
  ObjectWaits(const ObjectWaits&) = delete;
  ObjectWaits& operator=(const ObjectWaits&) = delete;

  std::optional<Settled> Await(base::ObjectId object, base::BootTime deadline,
                               const BlockedFn& blocked)
      MOBULA_EXCLUDES(mutex_);
  std::vector<bool> AwaitSome(std::span<const base::ObjectId> objects,
                              std::size_t count, base::BootTime deadline,
                              const BlockedFn& blocked) MOBULA_EXCLUDES(mutex_);

  // As of Backend.
  bool StartWatch(base::ObjectId object, base::OutcomeWatch* watch, bool join)
      MOBULA_EXCLUDES(mutex_);
  base::OutcomeWatch::State StopWatch(base::ObjectId object,
                                      base::OutcomeWatch* watch)
      MOBULA_EXCLUDES(mutex_);

  // What was put here has its outcome before the core hears of it; any thread.
  void Know(base::ObjectId object, base::Outcome outcome)
      MOBULA_EXCLUDES(mutex_);
  // The object has its outcome, or another one. No effect if nobody asked.
  void Settle(base::ObjectId object, base::Outcome outcome,
              std::int64_t incarnation) MOBULA_EXCLUDES(mutex_);
  // The core knows of the watch; had the object an outcome, Settle came first.
  void Looked(base::ObjectId object) MOBULA_EXCLUDES(mutex_);
  // One of this process's handles of it is gone.
  void Drop(base::ObjectId object) MOBULA_EXCLUDES(mutex_);
  // Everything that has no outcome, now or later, gets this one.
  void Close(base::Failure failure) MOBULA_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t size() const MOBULA_EXCLUDES(mutex_);
  // Entries that were looked up for those who wait: what their waits cost.
  [[nodiscard]] std::uint64_t lookups() const MOBULA_EXCLUDES(mutex_);

 private:
  struct Waiter;
  struct Entry {
    bool looked = false;
    bool dropped = false;   // to be forgotten when nobody uses it
    std::size_t users = 0;  // between Join and Leave: it stays
    std::optional<Settled> settled;
    std::vector<Waiter*> waiters;
    std::vector<base::OutcomeWatch*> watches;
  };
  // Who is to be told once the lock is free.
  struct Told {
    std::vector<Waiter*> enough;
    std::vector<base::OutcomeWatch*> ready;
    void Tell();
  };
  // Of what a call names, in the same order.
  using Entries = std::span<Entry*>;

  // Waits as AwaitSome does, then the entries say what there is; Leave must
  // follow. False, and nothing of that, if all is closed.
  bool WaitFor(std::span<const base::ObjectId> objects, Entries entries,
               Waiter* waiter, base::BootTime deadline,
               const BlockedFn& blocked) MOBULA_EXCLUDES(mutex_);
  // Makes `waiter` known to the entries; what must be watched.
  std::vector<base::ObjectId> Join(std::span<const base::ObjectId> objects,
                                   Entries entries, Waiter* waiter)
      MOBULA_REQUIRES(mutex_);
  void Leave(std::span<const base::ObjectId> objects, Entries entries,
             Waiter* waiter) MOBULA_REQUIRES(mutex_);
  // Those who watch the entry have their outcome.
  static void Release(Entry* entry, const base::Outcome& outcome,
                      std::vector<base::OutcomeWatch*>* ready);
  // The entry has its outcome: signals those who now have enough; `enough`
  // are to be woken once the lock is free.
  static void Release(Entry* entry, std::vector<Waiter*>* enough);

  const std::function<void(base::ObjectId)> watch_;
  const DriveFn drive_;
  mutable base::Mutex mutex_;
  std::unordered_map<base::ObjectId, Entry> entries_ MOBULA_GUARDED_BY(mutex_);
  std::uint64_t lookups_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::optional<base::Failure> closed_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_OBJECT_WAITS_H_

// SlotUse counts the threads that use a worker's slot, and lends the slot's cpu
// while all of them are blocked.
//
//   const SlotUse::Share share(use);   // this thread runs something of it
//   use.Blocked(true);  ...  use.Blocked(false);
// Owner: SlotThread.   Threading: any thread.
// Invariants: `lend` is told of changes only, in their order, by one thread at
// a time and with no lock held; when nothing uses the slot it is not lent.
#ifndef MOBULA_RUNTIME_EXECUTOR_SLOT_SLOT_USE_H_
#define MOBULA_RUNTIME_EXECUTOR_SLOT_SLOT_USE_H_

#include <functional>
#include <utility>

#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::runtime {

class SlotUse {
 public:
  using LendFn = std::function<void(bool lends)>;

  // While it lives a thread runs something of the slot.
  class Share {
   public:
    explicit Share(SlotUse& use) : use_(use) { use_.Change(1, 0); }
    ~Share() { use_.Change(-1, 0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    SlotUse& use_;
  };

  // `lend` may be null.
  explicit SlotUse(LendFn lend) : lend_(std::move(lend)) {}

  // A thread that has a share is blocked from here on, or goes on.
  void Blocked(bool is_blocked) MOBULA_EXCLUDES(mutex_) {
    Change(0, is_blocked ? 1 : -1);
  }
  [[nodiscard]] bool in_use() const MOBULA_EXCLUDES(mutex_);

 private:
  void Change(int users, int blocked) MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] bool Lends() const MOBULA_REQUIRES(mutex_) {
    return users_ > 0 && blocked_ >= users_;
  }

  const LendFn lend_;
  mutable base::Mutex mutex_;
  int users_ MOBULA_GUARDED_BY(mutex_) = 0;
  int blocked_ MOBULA_GUARDED_BY(mutex_) = 0;
  bool lent_ MOBULA_GUARDED_BY(mutex_) = false;
  bool telling_ MOBULA_GUARDED_BY(mutex_) = false;  // a thread does
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SLOT_SLOT_USE_H_

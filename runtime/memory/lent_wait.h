// LentWait is the sleep of a thread that may hold a slot: it ends with a
// deadline, and a thread that is blocked for longer lends its slot meanwhile.
//
//   LentWait wait(deadline, blocked);
//   base::MutexLock lock(mutex_);
//   while (!ready_ && wait.Sleep(mutex_, changed_)) {}
// Owner: the thread, on its stack, outside the lock.
// Threading: the thread's own.
// Invariants: `blocked` is called without the lock held, with true at most
// once, and then once with false.
#ifndef MOBULA_RUNTIME_MEMORY_LENT_WAIT_H_
#define MOBULA_RUNTIME_MEMORY_LENT_WAIT_H_

#include <functional>
#include <optional>
#include <span>

#include "base/boot_time.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::runtime {

class LentWait {
 public:
  using BlockedFn = std::function<void(bool blocked)>;
  // What a thread may do while it waits, once it has told that it is blocked:
  // tried then, and now and then after, with no lock held.
  class Help {
   public:
    // Whether it did something.
    virtual bool Try() = 0;

   protected:
    ~Help() = default;
  };
  // Of the calling thread, in all its waits; null: none.
  static void SetHelp(Help* help);
  // While it lives the calling thread waits for the outcomes of these, which
  // must stay, and for nothing else.
  class Awaiting {
   public:
    explicit Awaiting(std::span<const base::ObjectId> objects);
    ~Awaiting();
    Awaiting(const Awaiting&) = delete;
    Awaiting& operator=(const Awaiting&) = delete;

   private:
    const std::span<const base::ObjectId> before_;
  };
  // For what the calling thread waits; empty where that is not known.
  [[nodiscard]] static std::span<const base::ObjectId> Awaited();

  // `blocked` may be empty, and must outlive this.
  LentWait(base::BootTime deadline, const BlockedFn& blocked);
  ~LentWait();
  LentWait(const LentWait&) = delete;
  LentWait& operator=(const LentWait&) = delete;

  // False once the deadline is over. Else there may be something to see, or
  // not: always in a loop.
  bool Sleep(base::Mutex& mutex, base::CondVar& changed) MOBULA_REQUIRES(mutex);
  // For who sleeps by other means, with no lock held: how long at most, max()
  // for no end; nothing once the deadline is over.
  std::optional<base::Duration> Next();

 private:
  struct Step {
    bool is_over = false;
    bool lends = false;  // `blocked` is to be told now
    bool helps = false;  // Help is to be tried
    base::Duration timeout = base::Duration::max();
  };
  Step Look();
  void TryHelp();

  const base::BootTime deadline_;
  const base::BootTime begin_;
  const BlockedFn& blocked_;
  bool told_ = false;
  base::BootTime help_at_;
  base::Duration help_pause_{0};
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_LENT_WAIT_H_

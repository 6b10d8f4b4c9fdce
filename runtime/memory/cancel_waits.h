// CancelWaits is where the threads of a process wait for what became of their
// cancels.
//
//   Ask --> asked --Settle--> answered
// Owner: Process.
// Threading: Ask and Close from any thread, Ask not on the strand; Settle on
// the strand.
// Invariants: (1) nobody waits after Settle, Close or the deadline; (2)
// callbacks run without a lock held.
#ifndef MOBULA_RUNTIME_MEMORY_CANCEL_WAITS_H_
#define MOBULA_RUNTIME_MEMORY_CANCEL_WAITS_H_

#include <functional>
#include <map>
#include <optional>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "runtime/core/events.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class CancelWaits {
 public:
  using BlockedFn = LentWait::BlockedFn;

  // `ask` hands a cancel to the core.
  explicit CancelWaits(std::function<void(Cancel cancel)> ask);
  CancelWaits(const CancelWaits&) = delete;
  CancelWaits& operator=(const CancelWaits&) = delete;

  // Nothing if the deadline comes first: it may be cancelled all the same.
  std::optional<base::CancelVerdict> Ask(Cancel cancel, base::BootTime deadline,
                                         const BlockedFn& blocked)
      MOBULA_EXCLUDES(mutex_);
  // No effect if nobody waits.
  void Settle(const CancelReady& ready) MOBULA_EXCLUDES(mutex_);
  // Nothing is there to be cancelled any more.
  void Close() MOBULA_EXCLUDES(mutex_);

 private:
  const std::function<void(Cancel)> ask_;
  base::Mutex mutex_;
  base::CondVar answered_;
  std::map<base::RequestId, std::optional<base::CancelVerdict>> answers_
      MOBULA_GUARDED_BY(mutex_);
  bool closed_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_CANCEL_WAITS_H_

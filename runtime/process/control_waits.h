// ControlWaits is where the threads of a process wait for answers of the
// control store.
//
//   Ask --> asked --Settle--> answered
// The core bounds every wait: it answers each request, at its deadline if
// nobody else does.
// Owner: Process.
// Threading: Ask and Close from any thread, Ask not on the strand; Settle on
// the strand.
// Invariants: (1) nobody waits after Settle or Close; (2) callbacks run without
// a lock held.
#ifndef MOBULA_RUNTIME_PROCESS_CONTROL_WAITS_H_
#define MOBULA_RUNTIME_PROCESS_CONTROL_WAITS_H_

#include <functional>
#include <map>
#include <optional>

#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "runtime/core/events.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class ControlWaits {
 public:
  // As of ObjectWaits; may be empty.
  using BlockedFn = LentWait::BlockedFn;

  // `ask` hands a request to the core.
  explicit ControlWaits(std::function<void(AskControl ask)> ask);
  ControlWaits(const ControlWaits&) = delete;
  ControlWaits& operator=(const ControlWaits&) = delete;

  base::ControlReply Ask(AskControl ask, const BlockedFn& blocked)
      MOBULA_EXCLUDES(mutex_);
  // No effect if nobody waits.
  void Settle(ControlReady ready) MOBULA_EXCLUDES(mutex_);
  // Everything that has no answer, now or later, gets this one.
  void Close(base::Failure failure) MOBULA_EXCLUDES(mutex_);

 private:
  // Nothing until there is an answer.
  using Answer = std::optional<base::ControlReply>;

  const std::function<void(AskControl)> ask_;
  base::Mutex mutex_;
  base::CondVar answered_;
  std::map<base::RequestId, Answer> answers_ MOBULA_GUARDED_BY(mutex_);
  std::optional<base::Failure> closed_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_CONTROL_WAITS_H_

// The locks of this process as the debug mode sees them (lock_order.h).
//
// Threading: any. Nothing is called with its lock held.
#ifndef MOBULA_RUNTIME_DEBUG_LOCK_WATCH_H_
#define MOBULA_RUNTIME_DEBUG_LOCK_WATCH_H_

#include "runtime/debug/lock_order.h"

namespace mobula::runtime {

// One that no other has had in this process.
[[nodiscard]] LockOrder::Flow NewFlow();
// Of the calling thread, where it runs no coroutine.
[[nodiscard]] LockOrder::Flow FlowOfThread();

// Reports what is wrong with that.
void WatchAsk(LockOrder::Flow flow, LockOrder::Lock lock, const Place& place);
void WatchTake(LockOrder::Flow flow, LockOrder::Lock lock, const Place& place);
void WatchRelease(LockOrder::Lock lock);
void WatchForget(LockOrder::Lock lock);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_DEBUG_LOCK_WATCH_H_

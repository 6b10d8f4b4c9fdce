#include "runtime/debug/lock_watch.h"

#include <atomic>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "runtime/debug/debug_reports.h"

namespace mobula::runtime {
namespace {

struct LockWatch {
  base::Mutex mutex;
  LockOrder order MOBULA_GUARDED_BY(mutex);
};

// Never destroyed: what ends late has locks too.
LockWatch& TheWatch() {
  static auto* const watch = new LockWatch;
  return *watch;
}

std::atomic<LockOrder::Flow> last_flow{0};

}  // namespace

LockOrder::Flow NewFlow() { return last_flow.fetch_add(1) + 1; }

LockOrder::Flow FlowOfThread() {
  thread_local const LockOrder::Flow flow = NewFlow();
  return flow;
}

void WatchAsk(LockOrder::Flow flow, LockOrder::Lock lock, const Place& place) {
  std::optional<std::string> wrong;
  {
    LockWatch& watch = TheWatch();
    base::MutexLock guard(watch.mutex);
    wrong = watch.order.Ask(flow, lock, place);
  }
  if (wrong) Report({DebugKind::kLockOrder, *std::move(wrong)});
}

void WatchTake(LockOrder::Flow flow, LockOrder::Lock lock, const Place& place) {
  LockWatch& watch = TheWatch();
  base::MutexLock guard(watch.mutex);
  watch.order.Take(flow, lock, place);
}

void WatchRelease(LockOrder::Lock lock) {
  LockWatch& watch = TheWatch();
  base::MutexLock guard(watch.mutex);
  watch.order.Release(lock);
}

void WatchForget(LockOrder::Lock lock) {
  LockWatch& watch = TheWatch();
  base::MutexLock guard(watch.mutex);
  watch.order.Forget(lock);
}

}  // namespace mobula::runtime

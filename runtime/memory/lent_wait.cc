#include "runtime/memory/lent_wait.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Duration;

constexpr Duration kBlockedAfter = std::chrono::milliseconds(1);
// The wait does not count time spent suspended, so the clock is looked at now
// and then.
constexpr Duration kWaitSlice = std::chrono::seconds(5);

}  // namespace

LentWait::LentWait(BootTime deadline, const BlockedFn& blocked)
    : deadline_(deadline), begin_(base::BootNow()), blocked_(blocked) {}

LentWait::~LentWait() {
  if (told_) blocked_(false);
}

bool LentWait::Sleep(base::Mutex& mutex, base::CondVar& changed) {
  const BootTime now = base::BootNow();
  if (now >= deadline_) return false;
  Duration timeout = std::min(deadline_ - now, kWaitSlice);
  if (blocked_ && !told_) {
    if (now - begin_ >= kBlockedAfter) {
      told_ = true;
      mutex.Unlock();
      blocked_(true);
      mutex.Lock();
      return true;
    }
    timeout = std::min(timeout, kBlockedAfter - (now - begin_));
  }
  changed.WaitFor(mutex, timeout);
  return true;
}

}  // namespace mobula::runtime

#include "runtime/memory/lent_wait.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Duration;

// A thread blocked for longer lends its slot.
constexpr Duration kBlockedAfter = std::chrono::milliseconds(1);
// A wait does not count time spent suspended, so one that has a deadline looks
// at the clock now and then.
constexpr Duration kWaitSlice = std::chrono::seconds(5);

}  // namespace

LentWait::LentWait(BootTime deadline, const BlockedFn& blocked)
    : deadline_(deadline), begin_(base::BootNow()), blocked_(blocked) {}

LentWait::~LentWait() {
  if (told_) blocked_(false);
}

bool LentWait::Sleep(base::Mutex& mutex, base::CondVar& changed) {
  const Step step = Look();
  if (step.is_over) return false;
  if (step.lends) {
    mutex.Unlock();
    blocked_(true);
    mutex.Lock();
  } else if (step.timeout == Duration::max()) {
    changed.Wait(mutex);
  } else {
    changed.WaitFor(mutex, step.timeout);
  }
  return true;
}

std::optional<Duration> LentWait::Next() {
  Step step = Look();
  if (step.lends) {
    blocked_(true);
    step = Look();
  }
  if (step.is_over) return std::nullopt;
  return step.timeout;
}

LentWait::Step LentWait::Look() {
  Step step;
  const BootTime now = base::BootNow();
  step.is_over = now >= deadline_;
  if (step.is_over) return step;
  if (!deadline_.IsNever()) {
    step.timeout = std::min(deadline_ - now, kWaitSlice);
  }
  if (!blocked_ || told_) return step;
  if (now - begin_ < kBlockedAfter) {
    step.timeout = std::min(step.timeout, kBlockedAfter - (now - begin_));
  } else {
    step.lends = told_ = true;
  }
  return step;
}

}  // namespace mobula::runtime

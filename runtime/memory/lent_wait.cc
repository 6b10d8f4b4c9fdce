#include "runtime/memory/lent_wait.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/strand.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Duration;

// A thread blocked for longer lends its slot.
constexpr Duration kBlockedAfter = std::chrono::milliseconds(1);
// A wait does not count time spent suspended, so one that has a deadline looks
// at the clock now and then.
constexpr Duration kWaitSlice = std::chrono::seconds(5);

// Between two tries to help: doubled while there is nothing to do.
constexpr Duration kHelpPauseMin = std::chrono::milliseconds(1);
constexpr Duration kHelpPauseMax = std::chrono::seconds(1);

thread_local LentWait::Help* help_here = nullptr;
thread_local std::span<const base::ObjectId> awaited_here;

}  // namespace

void LentWait::SetHelp(Help* help) { help_here = help; }

LentWait::Awaiting::Awaiting(std::span<const base::ObjectId> objects)
    : before_(std::exchange(awaited_here, objects)) {}

LentWait::Awaiting::~Awaiting() { awaited_here = before_; }

std::span<const base::ObjectId> LentWait::Awaited() { return awaited_here; }

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
  } else if (step.helps) {
    mutex.Unlock();
    TryHelp();
    mutex.Lock();
  } else {
    base::Strand::LetGo();
    if (step.timeout == Duration::max()) {
      changed.Wait(mutex);
    } else {
      changed.WaitFor(mutex, step.timeout);
    }
  }
  return true;
}

std::optional<Duration> LentWait::Next() {
  Step step = Look();
  if (step.lends) {
    blocked_(true);
    step = Look();
  }
  if (step.helps) {
    TryHelp();
    step.timeout = Duration::zero();  // what it waits for may be there
  }
  if (step.is_over) return std::nullopt;
  return step.timeout;
}

void LentWait::TryHelp() {
  const bool did = help_here->Try();
  help_pause_ = did ? kHelpPauseMin
                    : std::clamp(help_pause_ * 2, kHelpPauseMin, kHelpPauseMax);
  help_at_ = base::BootNow() + help_pause_;
}

LentWait::Step LentWait::Look() {
  Step step;
  const BootTime now = base::BootNow();
  step.is_over = now >= deadline_;
  if (step.is_over) return step;
  if (!deadline_.IsNever()) {
    step.timeout = std::min(deadline_ - now, kWaitSlice);
  }
  if (told_ && help_here != nullptr) {
    step.helps = now >= help_at_;
    if (!step.helps) step.timeout = std::min(step.timeout, help_at_ - now);
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

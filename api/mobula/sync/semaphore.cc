#include "api/mobula/sync/semaphore.h"

#include <limits>

#include "api/mobula/error.h"

namespace mobula {
namespace {

std::int64_t Checked(std::int64_t count) {
  if (count < 0) detail::ThrowBadArgument("a number of permits is negative");
  return count;
}

}  // namespace

Semaphore::Semaphore(std::int64_t permits) : permits_(Checked(permits)) {}
Semaphore::~Semaphore() = default;

Semaphore::AcquireWait::AcquireWait(Semaphore& of, std::int64_t count,
                                    Timeout timeout)
    : QueuedWait(of, timeout), count_(Checked(count)) {}

bool Semaphore::TryAcquire(std::int64_t count) {
  Checked(count);
  base::MutexLock lock(mutex_);
  if (!waiting_.empty() || permits_ < count) return false;
  permits_ -= count;
  return true;
}

void Semaphore::Release(std::int64_t count) {
  Checked(count);
  detail::Woken woken;
  base::MutexLock lock(mutex_);
  if (count > std::numeric_limits<std::int64_t>::max() - permits_) {
    detail::ThrowBadArgument(
        "a Semaphore has more permits than can be counted");
  }
  permits_ += count;
  GrantWaiting(woken);
}

std::int64_t Semaphore::available() const {
  base::MutexLock lock(mutex_);
  return permits_;
}

bool Semaphore::Grant(detail::ListedWait& wait, detail::Woken& /*woken*/) {
  // Who needs few does not overtake who needs many.
  if (!waiting_.empty() && waiting_.first() != &wait) return false;
  const std::int64_t count = static_cast<AcquireWait&>(wait).count_;
  if (permits_ < count) return false;
  permits_ -= count;
  return true;
}

}  // namespace mobula

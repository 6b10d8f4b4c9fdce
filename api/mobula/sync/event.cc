#include "api/mobula/sync/event.h"

namespace mobula {

Event::~Event() = default;

void Event::Set() {
  detail::Woken woken;
  base::MutexLock lock(mutex_);
  set_ = true;
  GrantWaiting(woken);
}

void Event::Reset() {
  base::MutexLock lock(mutex_);
  set_ = false;
}

bool Event::IsSet() const {
  base::MutexLock lock(mutex_);
  return set_;
}

bool Event::Grant(detail::ListedWait& /*wait*/, detail::Woken& /*woken*/) {
  return set_;
}

}  // namespace mobula

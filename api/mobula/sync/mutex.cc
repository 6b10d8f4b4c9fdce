#include "api/mobula/sync/mutex.h"

#include "base/check.h"

namespace mobula {

Mutex::~Mutex() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(!locked_, "a Mutex ends while it is locked");
}

std::optional<Mutex::Guard> Mutex::TryLock() {
  base::MutexLock lock(mutex_);
  if (locked_) return std::nullopt;
  locked_ = true;
  return Guard(this);
}

void Mutex::Unlock() {
  detail::Woken woken;
  base::MutexLock lock(mutex_);
  locked_ = false;
  GrantWaiting(woken);  // hands it on to who came first
}

bool Mutex::Grant(detail::ListedWait& /*wait*/, detail::Woken& /*woken*/) {
  if (locked_) return false;
  locked_ = true;
  return true;
}

}  // namespace mobula

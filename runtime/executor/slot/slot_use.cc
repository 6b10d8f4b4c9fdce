#include "runtime/executor/slot/slot_use.h"

#include "base/check.h"

namespace mobula::runtime {

bool SlotUse::in_use() const {
  base::MutexLock lock(mutex_);
  return users_ > 0;
}

void SlotUse::Change(int users, int blocked) {
  mutex_.Lock();
  users_ += users;
  blocked_ += blocked;
  MOBULA_CHECK(users_ >= 0 && blocked_ >= 0);
  if (!telling_ && lend_ != nullptr) {
    telling_ = true;
    while (Lends() != lent_) {
      lent_ = !lent_;
      const bool is_lent = lent_;
      mutex_.Unlock();
      lend_(is_lent);
      mutex_.Lock();
    }
    telling_ = false;
  }
  mutex_.Unlock();
}

}  // namespace mobula::runtime

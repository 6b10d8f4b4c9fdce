#include "api/mobula/coro/detail/wait_queue.h"

#include "base/check.h"

namespace mobula::detail {

// ---- WaitList ---------------------------------------------------------------

void WaitList::Append(ListedWait* wait) {
  MOBULA_CHECK(!wait->listed_, "a wait stands in one list");
  wait->listed_ = true;
  wait->before_ = last_;
  wait->after_ = nullptr;
  (last_ == nullptr ? first_ : last_->after_) = wait;
  last_ = wait;
  ++size_;
}

bool WaitList::Remove(ListedWait* wait) {
  if (!wait->listed_) return false;
  wait->listed_ = false;
  (wait->before_ == nullptr ? first_ : wait->before_->after_) = wait->after_;
  (wait->after_ == nullptr ? last_ : wait->after_->before_) = wait->before_;
  --size_;
  return true;
}

// ---- Woken ------------------------------------------------------------------

void Woken::Add(ListedWait* wait, Wait::End end) {
  MOBULA_CHECK(!wait->listed_ && !wait->is_over());
  wait->EndAs(end);
  wait->after_ = nullptr;
  (last_ == nullptr ? first_ : last_->after_) = wait;
  last_ = wait;
}

Woken::~Woken() {
  while (first_ != nullptr) {
    ListedWait* const wait = first_;
    first_ = wait->after_;
    wait->Wake();
  }
}

// ---- WaitQueue --------------------------------------------------------------

WaitQueue::~WaitQueue() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(waiting_.empty(), "it ends while somebody waits for it");
}

void WaitQueue::GrantWaiting(Woken& woken) {
  while (ListedWait* const wait = waiting_.first()) {
    if (!Grant(*wait, woken)) return;
    waiting_.Remove(wait);
    woken.Add(wait);
  }
}

bool QueuedWait::Enter(bool joins) {
  Woken woken;
  base::MutexLock lock(queue_.mutex_);
  if (is_over()) return true;
  if (queue_.Grant(*this, woken)) {
    EndAs(End::kGranted);
    return true;
  }
  if (joins) queue_.waiting_.Append(this);
  return false;
}

void QueuedWait::Abandon(End end) noexcept {
  Woken woken;
  base::MutexLock lock(queue_.mutex_);
  if (is_over()) return;
  if (!queue_.waiting_.Remove(this)) {
    EndAs(end);  // it has not joined yet, and will not
    return;
  }
  woken.Add(this, end);
  // It may have stood before others who need less.
  queue_.GrantWaiting(woken);
}

}  // namespace mobula::detail

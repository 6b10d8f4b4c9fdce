#include "api/mobula/coro/detail/io_wait.h"

#include <utility>

#include "api/mobula/error.h"
#include "base/mutex.h"
#include "runtime/executor/io_loop.h"

namespace mobula::detail {

IoWait::IoWait(std::shared_ptr<runtime::IoDescriptor> of, Direction direction,
               Timeout timeout, bool can_stop)
    : Wait(timeout, can_stop), of_(std::move(of)), direction_(direction) {
  if (of_ == nullptr) ThrowBadArgument("this is closed, or was moved from");
  watch_.wait = this;
  watch_.attempt = [](base::IoWatch* watch) noexcept {
    IoWait* const wait = static_cast<Watch*>(watch)->wait;
    const Attempt attempt = wait->Try();
    if (attempt == Attempt::kOver) wait->EndAs(End::kGranted);
    return attempt;
  };
  watch_.over = [](base::IoWatch* watch) noexcept {
    static_cast<Watch*>(watch)->wait->Wake();
  };
}

IoWait::~IoWait() = default;

int IoWait::fd() const { return of_->fd(); }

bool IoWait::Enter(bool joins) {
  if (!joins) {
    if (of_->IsOfParent()) {
      ThrowBadArgument(
          "this is of the process that forked: open it anew in the child");
    }
    Begin();
    times_tried_ = of_->times_tried();
    if (Try() == Attempt::kOver) EndAs(End::kGranted);
    return is_over();
  }
  // Once it has joined it may be over and gone, and what it waits for too.
  const std::shared_ptr<runtime::IoDescriptor> kept = of_;
  base::MutexLock lock(kept->mutex());
  if (is_over()) return true;
  // What it is held for may have happened since.
  if (times_tried_ != kept->times_tried() && Try() == Attempt::kOver) {
    EndAs(End::kGranted);
    return true;
  }
  kept->Append(direction_, &watch_);
  return false;
}

void IoWait::Abandon(End end) noexcept {
  bool waited = false;
  {
    base::MutexLock lock(of_->mutex());
    if (is_over()) return;
    waited = of_->Remove(&watch_);
    EndAs(end);
  }
  if (waited) Wake();
}

}  // namespace mobula::detail

#include "api/mobula/sync/barrier.h"

#include "api/mobula/error.h"

namespace mobula {

Barrier::Barrier(std::size_t count) : count_(count) {
  if (count == 0) detail::ThrowBadArgument("a Barrier is for one at least");
}

Barrier::~Barrier() = default;

// Who waits has arrived; so the last one is who makes them complete.
bool Barrier::Grant(detail::ListedWait& wait, detail::Woken& woken) {
  if (waiting_.first() == &wait || waiting_.size() + 1 < count_) return false;
  while (detail::ListedWait* const other = waiting_.first()) {
    waiting_.Remove(other);
    woken.Add(other);
  }
  static_cast<ArriveWait&>(wait).was_last_ = true;
  return true;
}

}  // namespace mobula

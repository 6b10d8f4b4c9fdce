#include "base/threads/item_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::base {

ObjectName ItemStream::NameOf(std::uint64_t index) const {
  if (stream_.object.IsNil()) return {};
  return {ItemId(stream_.object, producer_, attempt_, index), stream_.owner};
}

bool ItemStream::StartWatch(std::uint64_t index, OutcomeWatch* watch,
                            bool join) {
  MutexLock lock(mutex_);
  if (watch->state == OutcomeWatch::State::kGivenUp) return true;
  if (HasLeave(index)) {
    watch->state = OutcomeWatch::State::kReady;
    return true;
  }
  if (!join) return false;
  MOBULA_CHECK(watch_ == nullptr, "a generator waits for one thing at a time");
  watch->state = OutcomeWatch::State::kWaiting;
  watch_ = watch;
  awaited_ = index;
  return false;
}

OutcomeWatch::State ItemStream::StopWatch(OutcomeWatch* watch) {
  MutexLock lock(mutex_);
  const OutcomeWatch::State before = watch->state;
  if (before == OutcomeWatch::State::kReady) return before;
  watch->state = OutcomeWatch::State::kGivenUp;
  if (watch_ == watch) watch_ = nullptr;
  return before;
}

bool ItemStream::IsSkipped(std::uint64_t index) const {
  MutexLock lock(mutex_);
  return index < skip_;
}

bool ItemStream::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

void ItemStream::Yield(std::uint64_t index, Value value) {
  {
    MutexLock lock(mutex_);
    MOBULA_CHECK(HasLeave(index), "an item has leave");
  }
  sink_.Yielded(index, std::move(value));
}

void ItemStream::Grant(const StreamCredit& credit) {
  OutcomeWatch* told = nullptr;
  {
    MutexLock lock(mutex_);
    skip_ = std::max(skip_, credit.skip);
    limit_ = std::max(limit_, credit.limit);
    closed_ = closed_ || credit.closed;
    if (watch_ == nullptr || !HasLeave(awaited_)) return;
    told = std::exchange(watch_, nullptr);
    told->state = OutcomeWatch::State::kReady;
  }
  told->ready(told);
}

}  // namespace mobula::base

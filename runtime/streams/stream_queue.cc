#include "runtime/streams/stream_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::runtime {

StreamQueue::StreamQueue(std::uint32_t window)
    : window_(window), limit_(window) {
  MOBULA_CHECK(window > 0, "a window of 0 lets nothing through");
}

void StreamQueue::Ask(base::ObjectId cell) { cells_.push_back(cell); }

bool StreamQueue::Arrived(std::uint64_t index, base::ObjectId item) {
  if (ended_ || index != received_ || index >= limit_) return false;
  ++received_;
  items_.push_back(item);
  return true;
}

void StreamQueue::End(std::optional<base::Failure> failure) {
  MOBULA_CHECK(!ended_, "a stream ends once");
  ended_ = true;
  failure_ = std::move(failure);
}

void StreamQueue::Taken() {
  if (taken_ < given_) ++taken_;
}

std::optional<StreamQueue::Given> StreamQueue::Give() {
  if (cells_.empty() || (items_.empty() && !ended_)) return std::nullopt;
  Given given;
  given.cell = cells_.front();
  cells_.pop_front();
  if (!items_.empty()) {
    given.item = items_.front();
    items_.pop_front();
    ++given_;
  } else {
    given.failure = std::exchange(failure_, std::nullopt);
  }
  return given;
}

std::uint64_t StreamQueue::TellLimit() {
  const std::uint64_t limit = taken_ + window_;
  MOBULA_CHECK(limit >= limit_ && limit >= received_);
  limit_ = limit;
  return limit;
}

std::optional<std::uint64_t> StreamQueue::NewLimit() {
  const std::uint64_t step = std::max<std::uint64_t>(1, window_ / 2);
  if (ended_ || taken_ + window_ < limit_ + step) return std::nullopt;
  return TellLimit();
}

StreamQueue::Left StreamQueue::Clear() {
  return {std::exchange(items_, {}), std::exchange(cells_, {})};
}

}  // namespace mobula::runtime

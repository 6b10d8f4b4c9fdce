#include "tests/sim/event_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::sim {

bool EventQueue::Later(const Entry& a, const Entry& b) {
  if (a.time != b.time) return a.time > b.time;
  return a.order > b.order;
}

void EventQueue::At(base::BootTime time, Action action) {
  if (time.IsNever()) return;
  heap_.push_back({std::max(time, now_), next_order_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

void EventQueue::After(base::Duration delay, Action action) {
  At(now_ + delay, std::move(action));
}

base::BootTime EventQueue::next() const {
  return heap_.empty() ? base::BootTime::Never() : heap_.front().time;
}

bool EventQueue::RunNext() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  Entry entry = std::move(heap_.back());
  heap_.pop_back();
  MOBULA_CHECK(entry.time >= now_);
  now_ = entry.time;
  ++events_run_;
  entry.action();
  return true;
}

}  // namespace mobula::sim

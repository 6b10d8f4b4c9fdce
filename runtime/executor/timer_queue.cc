#include "runtime/executor/timer_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "runtime/executor/named_thread.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Duration;
using base::Timer;

// Sleep does not count time spent suspended: look at the clock now and then.
constexpr Duration kSleepMax = std::chrono::seconds(5);

}  // namespace

TimerQueue::~TimerQueue() {
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    earlier_.NotifyAll();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void TimerQueue::Add(Timer* timer) {
  MOBULA_CHECK(timer->fire != nullptr && timer->place == Timer::kNowhere,
               "a timer is added once");
  base::MutexLock lock(mutex_);
  if (!thread_.joinable()) {
    thread_ = StartNamedThread("mobula-timers", [this] { Run(); });
  }
  heap_.push_back(timer);
  timer->queue = this;
  timer->place = heap_.size() - 1;
  Rise(timer->place);
  if (timer->place == 0) earlier_.NotifyOne();
}

bool TimerQueue::Remove(Timer* timer) {
  base::MutexLock lock(mutex_);
  if (timer->queue != this) return false;
  if (timer->place != Timer::kNowhere) {
    Take(timer->place);
    return true;
  }
  if (firing_ != timer) return false;
  if (std::this_thread::get_id() == thread_.get_id()) return false;
  ++removers_;
  while (firing_ == timer) fired_.Wait(mutex_);
  --removers_;
  return false;
}

std::size_t TimerQueue::size() const {
  base::MutexLock lock(mutex_);
  return heap_.size();
}

void TimerQueue::Run() {
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    if (heap_.empty()) {
      earlier_.Wait(mutex_);
      continue;
    }
    const BootTime now = base::BootNow();
    if (heap_.front()->at <= now) {
      FireFirst();
    } else {
      earlier_.WaitFor(mutex_, std::min(heap_.front()->at - now, kSleepMax));
    }
  }
}

void TimerQueue::FireFirst() {
  Timer* const timer = heap_.front();
  Take(0);
  firing_ = timer;
  mutex_.Unlock();
  timer->fire(timer);
  mutex_.Lock();
  firing_ = nullptr;
  if (removers_ > 0) fired_.NotifyAll();
}

void TimerQueue::Place(Timer* timer, std::size_t at) {
  heap_[at] = timer;
  timer->place = at;
}

void TimerQueue::Rise(std::size_t at) {
  Timer* const timer = heap_[at];
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (heap_[parent]->at <= timer->at) break;
    Place(heap_[parent], at);
    at = parent;
  }
  Place(timer, at);
}

void TimerQueue::Sink(std::size_t at) {
  Timer* const timer = heap_[at];
  while (true) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->at < heap_[child]->at) {
      ++child;
    }
    if (timer->at <= heap_[child]->at) break;
    Place(heap_[child], at);
    at = child;
  }
  Place(timer, at);
}

void TimerQueue::Take(std::size_t at) {
  MOBULA_CHECK(at < heap_.size());
  heap_[at]->place = Timer::kNowhere;
  Timer* const last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  Place(last, at);
  Rise(at);
  Sink(last->place);
}

}  // namespace mobula::runtime

#include "base/rpc/stream_events.h"

#include <utility>

#include "base/clock.h"

namespace mobula::base {

StreamEvents::StreamEvents(Strand& strand,
                           std::function<void(StreamEvent&)> handle)
    : strand_(strand), handle_(std::move(handle)) {}

bool StreamEvents::Push(StreamEvent& event) {
  bool post = false;
  {
    MutexLock lock(mutex_);
    const bool is_new = event.kind == StreamEvent::Kind::kOpened ||
                        event.kind == StreamEvent::Kind::kAsked;
    if (closed_ && is_new) return false;
    events_.push_back(std::move(event));
    // After Close the strand may be gone; DrainUntil waits for the condition.
    post = !closed_ && !std::exchange(posted_, true);
    if (post) ++posting_;
    pushed_.NotifyOne();
  }
  if (!post) return true;
  strand_.Post([self = shared_from_this()] { self->Drain(); });
  MutexLock lock(mutex_);
  --posting_;
  pushed_.NotifyOne();
  return true;
}

std::uint64_t StreamEvents::NextStream() {
  MutexLock lock(mutex_);
  return ++last_stream_;
}

void StreamEvents::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
}

void StreamEvents::Drain() {
  strand_.AssertHeld();
  {
    MutexLock lock(mutex_);
    if (closed_) return;
  }
  for (StreamEvent& event : TakeAll()) handle_(event);
}

void StreamEvents::DrainUntil(const std::function<bool()>& over,
                              Duration timeout) {
  const BootTime end = BootNow() + timeout;
  for (BootTime now = BootNow(); now < end; now = BootNow()) {
    for (StreamEvent& event : TakeAll()) handle_(event);
    if (over() && !IsPosting()) return;
    WaitForMore(end - now);
  }
}

bool StreamEvents::IsPosting() {
  MutexLock lock(mutex_);
  return posting_ > 0;
}

// An event, or the end of a posting.
void StreamEvents::WaitForMore(Duration timeout) {
  MutexLock lock(mutex_);
  if (events_.empty()) pushed_.WaitFor(mutex_, timeout);
}

std::vector<StreamEvent> StreamEvents::TakeAll() {
  MutexLock lock(mutex_);
  posted_ = false;
  return std::exchange(events_, {});
}

}  // namespace mobula::base

// Inbox is the bounded queue through which the threads of a process hand work
// to its strand.
//
//   Inbox<Event> inbox(65'536, wake);   // wake: posts the drain to the strand
//   inbox.Push(std::move(event));       // any thread; waits while it is full
//   inbox.Take(&batch);                 // the reader: all there is, or nothing
//   inbox.TakeEarly(&batch);            // the same, before its turn
//
// The reader is woken once for each time it went to sleep, not once an item:
// after `wake` it must call Take until Take returns false.
// Threading: Push, PushNow and Close from any thread; Take from one reader.
// Invariants: (1) items of one thread come out in its order; (2) an item that
// was accepted is never lost while the reader takes; (3) `wake` is called
// without a lock held.
// Failure: after Close nothing is accepted, and nobody waits.
#ifndef MOBULA_RUNTIME_PROCESS_INBOX_H_
#define MOBULA_RUNTIME_PROCESS_INBOX_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::runtime {

template <class Item>
class Inbox {
 public:
  Inbox(std::size_t items_max, std::function<void()> wake)
      : items_max_(items_max), wake_(std::move(wake)) {
    MOBULA_CHECK(items_max_ > 0);
  }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // False if closed.
  bool Push(Item item) MOBULA_EXCLUDES(mutex_) {
    return Accept(std::move(item), /*may_wait=*/true);
  }
  // Over the bound if need be: for those who must not wait for the reader.
  bool PushNow(Item item) MOBULA_EXCLUDES(mutex_) {
    return Accept(std::move(item), /*may_wait=*/false);
  }

  // Replaces *batch by what has come; false, and the reader sleeps, if none.
  bool Take(std::vector<Item>* batch) MOBULA_EXCLUDES(mutex_) {
    batch->clear();
    base::MutexLock lock(mutex_);
    if (items_.empty()) {
      awake_ = false;
      return false;
    }
    TakeAll(batch);
    return true;
  }

  // For a reader that is to take its turn all the same: what this thread knows
  // to have been pushed. Without a lock where there is nothing; *batch is left
  // alone then.
  bool TakeEarly(std::vector<Item>* batch) MOBULA_EXCLUDES(mutex_) {
    if (!has_items_.load(std::memory_order_acquire)) return false;
    batch->clear();
    base::MutexLock lock(mutex_);
    TakeAll(batch);
    return true;
  }

  void Close() MOBULA_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    closed_ = true;
    room_.NotifyAll();
  }

 private:
  void TakeAll(std::vector<Item>* batch) MOBULA_REQUIRES(mutex_) {
    items_.swap(*batch);
    has_items_.store(false, std::memory_order_release);
    if (waiting_ > 0) room_.NotifyAll();
  }
  bool Accept(Item item, bool may_wait) MOBULA_EXCLUDES(mutex_) {
    bool wake = false;
    {
      base::MutexLock lock(mutex_);
      while (may_wait && !closed_ && items_.size() >= items_max_) {
        ++waiting_;
        room_.Wait(mutex_);
        --waiting_;
      }
      if (closed_) return false;
      items_.push_back(std::move(item));
      has_items_.store(true, std::memory_order_release);
      wake = !std::exchange(awake_, true);
    }
    if (wake) wake_();
    return true;
  }

  const std::size_t items_max_;
  const std::function<void()> wake_;
  base::Mutex mutex_;
  base::CondVar room_;
  std::vector<Item> items_ MOBULA_GUARDED_BY(mutex_);
  std::atomic<bool> has_items_{false};  // written under mutex_
  std::size_t waiting_ MOBULA_GUARDED_BY(mutex_) = 0;
  bool awake_ MOBULA_GUARDED_BY(mutex_) = false;
  bool closed_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_INBOX_H_

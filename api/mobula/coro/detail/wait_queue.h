// WaitQueue is a lock and those who wait behind it, first come, first served:
// what Event, Mutex, Semaphore, Barrier and TaskGroup are made of. Not for
// users.
//
// A class derives from it, says in Grant when somebody may go on, and calls
// GrantWaiting whenever that may have changed.
// Threading: any. Invariants: (1) who came first is granted first; (2) nobody
// is woken with the lock held; after the wake the queue may be gone, since
// nobody waits.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_WAIT_QUEUE_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_WAIT_QUEUE_H_

#include <cstddef>

#include "api/mobula/coro/detail/wait.h"
#include "api/mobula/timeout.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::detail {

// A Wait that can stand in one WaitList.
class ListedWait : public Wait {
 protected:
  using Wait::Wait;

 private:
  friend class WaitList;
  friend class Woken;
  ListedWait* before_ = nullptr;
  ListedWait* after_ = nullptr;
  bool listed_ = false;
};

class WaitList {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] ListedWait* first() const { return first_; }

  void Append(ListedWait* wait);
  // False if it is not here.
  bool Remove(ListedWait* wait);

 private:
  ListedWait* first_ = nullptr;
  ListedWait* last_ = nullptr;
  std::size_t size_ = 0;
};

// Those who are to be woken once the lock is free: declared before it.
class Woken {
 public:
  Woken() = default;
  ~Woken();
  Woken(const Woken&) = delete;
  Woken& operator=(const Woken&) = delete;

  // Ends it, under its lock; it must be in no list.
  void Add(ListedWait* wait, Wait::End end = Wait::End::kGranted);

 private:
  ListedWait* first_ = nullptr;
  ListedWait* last_ = nullptr;
};

class WaitQueue {
 public:
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

 protected:
  friend class QueuedWait;

  WaitQueue() = default;
  virtual ~WaitQueue();

  // Whether it may go on, and if so what that changes. Others may be taken from
  // the list and woken.
  virtual bool Grant(ListedWait& wait, Woken& woken)
      MOBULA_REQUIRES(mutex_) = 0;
  void GrantWaiting(Woken& woken) MOBULA_REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  WaitList waiting_ MOBULA_GUARDED_BY(mutex_);
};

// One who waits in a WaitQueue.
class QueuedWait : public ListedWait {
 public:
  QueuedWait(WaitQueue& queue, Timeout timeout, bool can_stop = true)
      : ListedWait(timeout, can_stop), queue_(queue) {}
  void await_resume() { Finish(); }

 protected:
  bool Enter(bool joins) final;
  void Abandon(End end) noexcept final;

 private:
  WaitQueue& queue_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_WAIT_QUEUE_H_

// Arrivals tells which of a number of refs are settled, one after the other as
// that happens, each once: what WhenAll, WhenAny, AsCompleted and Stream stand
// on. Not for users.
//
//   WatchedRefs refs(Arrivals::Order::kAsTheyCome);
//   for (const ObjectPtr& object : objects) refs.Add(object);
//   while (auto arrival = BlockOn(TakeWait(refs.arrivals(), timeout))) ...;
//
//   watched --outcome--> arrived --TakeWait--> taken (final)
//   watched --GiveUp--> given up (final)
// Owner: WatchedRefs, on behalf of who waits; a callback that is on its way
// keeps it too.
// Threading: outcomes arrive on any thread; Add and GiveUp are their owner's.
// One who waits at a time is enough, more are served in their order.
// Invariants: (1) an arrival costs the same however many are watched; (2) after
// GiveUp nothing arrives, and no callback touches what it was given; (3) the
// last handle of an object is never dropped in a callback, nor under the lock.
// Failure: a ref that fails arrives as any other.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_ARRIVALS_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_ARRIVALS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "api/mobula/coro/detail/wait_queue.h"
#include "api/mobula/timeout.h"
#include "base/failure.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::detail {

class ObjectHandle;
using ObjectPtr = std::shared_ptr<const ObjectHandle>;

class ArrivalsWait;

class Arrivals final : private WaitQueue,
                       public std::enable_shared_from_this<Arrivals> {
 public:
  enum class Order : std::uint8_t { kAsTheyCome, kAsAdded };

  explicit Arrivals(Order order);
  ~Arrivals() override;

  // Watches one more. Throws BadArgument for an empty Ref, RuntimeClosed.
  void Add(ObjectPtr object) MOBULA_EXCLUDES(mutex_);
  // Waits for callbacks that are on their way, which are short.
  void GiveUp() MOBULA_EXCLUDES(mutex_);

  // Added and not taken.
  [[nodiscard]] std::size_t size() const MOBULA_EXCLUDES(mutex_);
  // Of those that nobody took, in the order in which they were added.
  [[nodiscard]] std::vector<bool> Arrived() const MOBULA_EXCLUDES(mutex_);

 private:
  friend class ArrivalsWait;
  friend class TakeWait;
  friend class CountWait;
  struct Watch;
  using WatchPtr = std::unique_ptr<Watch, void (*)(Watch*)>;

  void Arrive(Watch* watch) noexcept MOBULA_EXCLUDES(mutex_);
  // The next one in the order, out of the list; null if it has not arrived.
  WatchPtr TakeNext() MOBULA_REQUIRES(mutex_);
  bool Grant(ListedWait& wait, Woken& woken) override MOBULA_REQUIRES(mutex_);

  const Order order_;
  // By the order of adding; null where it was taken. The first has `begin_`.
  std::deque<WatchPtr> watches_ MOBULA_GUARDED_BY(mutex_);
  std::size_t begin_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::size_t left_ MOBULA_GUARDED_BY(mutex_) = 0;  // not taken
  // Arrived and not taken, oldest first.
  Watch* first_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  Watch* last_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  std::size_t arrived_ MOBULA_GUARDED_BY(mutex_) = 0;        // ever
  const Watch* failed_ MOBULA_GUARDED_BY(mutex_) = nullptr;  // the first
  // Whose callback has not been heard of yet.
  std::size_t expected_ MOBULA_GUARDED_BY(mutex_) = 0;
  base::CondVar none_expected_;
};

// Who watches them: gives them up at its end.
class WatchedRefs {
 public:
  explicit WatchedRefs(Arrivals::Order order)
      : arrivals_(std::make_shared<Arrivals>(order)) {}
  WatchedRefs(std::span<const ObjectPtr> objects, Arrivals::Order order);
  WatchedRefs(WatchedRefs&&) noexcept = default;
  WatchedRefs& operator=(WatchedRefs&&) = delete;
  ~WatchedRefs() {
    if (arrivals_ != nullptr) arrivals_->GiveUp();
  }

  [[nodiscard]] Arrivals& arrivals() const { return *arrivals_; }

 private:
  std::shared_ptr<Arrivals> arrivals_;
};

class ArrivalsWait : public QueuedWait {
 protected:
  ArrivalsWait(Arrivals& arrivals, Timeout timeout)
      : QueuedWait(arrivals, timeout), arrivals_(arrivals) {}
  // Whether it may go on.
  virtual bool TryGrant(Arrivals& arrivals)
      MOBULA_REQUIRES(arrivals.mutex_) = 0;

  Arrivals& arrivals_;

 private:
  friend class Arrivals;
};

// The next one that arrives, or the next in the order of adding.
class TakeWait : public ArrivalsWait {
 public:
  TakeWait(Arrivals& arrivals, Timeout timeout);
  ~TakeWait() override;

  // Its place in the order of adding, from 0; nothing once all were taken.
  std::optional<std::size_t> await_resume();

 private:
  bool TryGrant(Arrivals& arrivals) override MOBULA_REQUIRES(arrivals.mutex_);

  Arrivals::WatchPtr taken_;
};

// Until so many have arrived or, if it `fails_early`, one of them failed.
class CountWait : public ArrivalsWait {
 public:
  CountWait(Arrivals& arrivals, std::size_t count, Timeout timeout,
            bool fails_early = false)
      : ArrivalsWait(arrivals, timeout),
        count_(count),
        fails_early_(fails_early) {}

  // Throws TimeoutError, Cancelled, and, if it fails early, the failure of the
  // first that failed.
  void FinishAll();
  // False where its time was over first. Throws what the scope throws.
  bool FinishSome() { return FinishInTime(); }

 protected:
  // Of one that has arrived.
  [[nodiscard]] const base::Outcome& outcome(std::size_t index) const;
  [[nodiscard]] const ObjectPtr& object(std::size_t index) const;

 private:
  bool TryGrant(Arrivals& arrivals) override MOBULA_REQUIRES(arrivals.mutex_);

  const std::size_t count_;
  const bool fails_early_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_ARRIVALS_H_

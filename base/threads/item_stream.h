// ItemStream is where a generator that runs for another process hands its items
// on, and where it waits while its caller has enough of them.
//
//   items.Open();
//   if (items.StartWatch(index, &watch, /*join=*/true)) ...  // go on, or wait
//   if (!items.IsSkipped(index)) items.Yield(index, value);
// The first item of a first attempt needs no leave; for all others the caller
// says how many it has room for (Grant), and how many it has of earlier
// attempts, which are not to be yielded again.
// Owner: who runs the generator.
// Threading: Grant from any thread, all else by the generator, one at a time.
// Invariants: (1) what is yielded has leave; (2) no watch is told twice.
#ifndef MOBULA_BASE_THREADS_ITEM_STREAM_H_
#define MOBULA_BASE_THREADS_ITEM_STREAM_H_

#include <cstdint>

#include "base/frames/stream_message.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"

namespace mobula::base {

class ItemStream {
 public:
  // Who takes the items from here to the caller; called by the generator.
  class Sink {
   public:
    virtual void Opened() = 0;
    virtual void Yielded(std::uint64_t index, Value value) = 0;

   protected:
    ~Sink() = default;
  };

  // `stream`: nil where items do not lie in the store; else they lie there
  // under their own names, as made by `producer`.
  ItemStream(Sink& sink, const ObjectName& stream, ProcessId producer,
             std::int32_t attempt)
      : sink_(sink),
        stream_(stream),
        producer_(producer),
        attempt_(attempt),
        limit_(attempt == 1 ? 1 : 0) {}
  ItemStream(const ItemStream&) = delete;
  ItemStream& operator=(const ItemStream&) = delete;

  void Open() { sink_.Opened(); }
  // Of the object that is to hold the item.
  [[nodiscard]] ObjectName NameOf(std::uint64_t index) const;
  // Whether the item may be made. If not, and it is to `join`, the watch is
  // told when it may, unless it is given up.
  bool StartWatch(std::uint64_t index, OutcomeWatch* watch, bool join)
      MOBULA_EXCLUDES(mutex_);
  // As of Backend::StopWatch.
  OutcomeWatch::State StopWatch(OutcomeWatch* watch) MOBULA_EXCLUDES(mutex_);
  // Of an item that may be made: the caller has it already. What is yielded all
  // the same it refuses.
  [[nodiscard]] bool IsSkipped(std::uint64_t index) const
      MOBULA_EXCLUDES(mutex_);
  // Nobody takes items: the caller wants one value.
  [[nodiscard]] bool closed() const MOBULA_EXCLUDES(mutex_);
  void Yield(std::uint64_t index, Value value) MOBULA_EXCLUDES(mutex_);

  // What the caller says: never less than before.
  void Grant(const StreamCredit& credit) MOBULA_EXCLUDES(mutex_);

 private:
  [[nodiscard]] bool HasLeave(std::uint64_t index) const
      MOBULA_REQUIRES(mutex_) {
    return closed_ || index < limit_;
  }

  Sink& sink_;
  const ObjectName stream_;
  const ProcessId producer_;
  const std::int32_t attempt_;
  mutable Mutex mutex_;
  std::uint64_t skip_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::uint64_t limit_ MOBULA_GUARDED_BY(mutex_) = 0;
  bool closed_ MOBULA_GUARDED_BY(mutex_) = false;
  OutcomeWatch* watch_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  std::uint64_t awaited_ MOBULA_GUARDED_BY(mutex_) = 0;  // by `watch_`
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_ITEM_STREAM_H_

// OpenStreams holds the item streams of the generators that run in a slot, so
// that what their callers say finds them.
//
//   run.invocation.items = streams.Open(execute);   // before it begins
//   streams.Grant(credit);                          // from the strand
//   streams.Close(task);                            // it has ended
// Owner: SlotThread.   Threading: Grant from any thread, the rest by who runs
// the generators; the hooks are called there.
// Failure: credit for what does not run (any more) is let pass.
#ifndef MOBULA_RUNTIME_EXECUTOR_OPEN_STREAMS_H_
#define MOBULA_RUNTIME_EXECUTOR_OPEN_STREAMS_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/item_stream.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class OpenStreams {
 public:
  struct Hooks {
    base::ProcessId self;  // that makes the items
    std::function<void(StreamBegun begun)> begun = nullptr;
    std::function<void(Yielded yielded)> yielded = nullptr;
  };

  explicit OpenStreams(Hooks hooks) : hooks_(std::move(hooks)) {}

  // Stays until Close.
  base::ItemStream* Open(const Execute& work) MOBULA_EXCLUDES(mutex_);
  void Close(base::TaskId task) MOBULA_EXCLUDES(mutex_);
  void Grant(const base::StreamCredit& credit) MOBULA_EXCLUDES(mutex_);

 private:
  class Items;

  const Hooks hooks_;
  base::Mutex mutex_;
  std::map<base::TaskId, std::shared_ptr<Items>> open_
      MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_OPEN_STREAMS_H_

// SlotThread runs the functions that a worker was asked to run, one at a time,
// in the order asked, and keeps the actors that live in it.
//
//   SlotThread slot(page, on_done);
//   slot.Push(execute);        // from the strand
//   slot.Run();                // on the worker's main thread, until Stop
//
// Around each function it sets Current(), the worker's page and, before it
// reports, flushes what the function left in the buffers of standard output.
// Owner: Process, in a worker.
// Threading: Push and Stop from any thread; Run on one, which also destroys the
// actors; on_done is called there and must not wait for this slot.
// Invariants: (1) on_done once for each function that started, in their order;
// (2) an actor that called ExitActor is destroyed before that is reported.
// Failure: an unknown function is a Failure of kNoSuchFunction, never run.
#ifndef MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_
#define MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/function_table.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/shm/worker_page.h"
#include "base/thread_annotations.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class SlotThread {
 public:
  using DoneFn = std::function<void(Executed executed)>;

  // `page` may be null; it and `table` must outlive this.
  SlotThread(const base::FunctionTable& table, base::WorkerPage* page,
             DoneFn on_done);
  ~SlotThread();
  SlotThread(const SlotThread&) = delete;
  SlotThread& operator=(const SlotThread&) = delete;

  void Push(Execute work) MOBULA_EXCLUDES(mutex_);
  // Run returns after the current function; what has not started never does.
  void Stop() MOBULA_EXCLUDES(mutex_);
  void Run() MOBULA_EXCLUDES(mutex_);

  // The host's name, for failures; before the first Push.
  void SetNode(std::string name) MOBULA_EXCLUDES(mutex_);

 private:
  // The next one; false when it is time to stop.
  bool Take(Execute* work) MOBULA_EXCLUDES(mutex_);
  // `kept`: what must stay until the answer has been handed on.
  Executed RunOne(const Execute& work, std::shared_ptr<const void>* kept);
  base::Outcome Invoke(const Execute& work, const base::FunctionEntry& entry,
                       base::Invocation* invocation);
  void Annotate(const Execute& work, const std::string& function,
                base::Outcome* outcome);

  const base::FunctionTable& table_;
  base::WorkerPage* const page_;
  const DoneFn on_done_;

  // Of the thread in Run.
  const base::FunctionEntry* shown_ = nullptr;  // on the page
  std::map<base::ActorId, std::shared_ptr<void>> actors_;

  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<Execute> queue_ MOBULA_GUARDED_BY(mutex_);
  bool stopped_ MOBULA_GUARDED_BY(mutex_) = false;
  std::string node_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_

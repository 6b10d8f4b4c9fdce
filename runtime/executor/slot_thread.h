// SlotThread runs the functions that a worker was asked to run, one at a time,
// in the order asked, and keeps the actors that live in it.
//
//   SlotThread slot(page, on_done);
//   slot.Push(execute);        // from the strand
//   slot.Run();                // on the worker's main thread, until Stop
//
// Before each function it maps the arguments that lie in the node's store. A
// task whose arguments' bytes are lost does not run: their names go back, so
// that no slot is held while they are made again. An actor, whose calls keep
// their order, waits for them.
// Around it it sets Current(), the worker's page and, before it
// reports, flushes what the function left in the buffers of standard output.
// Owner: Process, in a worker.
// Threading: Push and Stop from any thread; Run on one, which also destroys the
// actors; on_done is called there and must not wait for this slot.
// Invariants: (1) on_done once for each function that started, in their order;
// (2) an actor that called ExitActor is destroyed before that is reported.
// What was stopped (RunningTasks) before its turn came is not run.
// Failure: what is not there, or not to be run as it is asked for, is a Failure
// of kNoSuchFunction (base/callable.h), an argument that cannot be mapped is
// what the store says of it; neither is ever run.
#ifndef MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_
#define MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/shm/worker_page.h"
#include "base/thread_annotations.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/executor/running_tasks.h"

namespace mobula::runtime {

class SlotThread {
 public:
  using DoneFn = std::function<void(Executed executed)>;
  // A stored value with its bytes; may wait. `remade`: where they are lost, for
  // what is made in their place. Called on the thread in Run.
  using MapFn = std::function<std::variant<base::Value, base::Failure>(
      const base::Value& stored, bool remade)>;

  // `page` may be null, and `running` where nothing is ever stopped; they and
  // `table` must outlive this. `map` may be null where no argument is ever
  // stored.
  SlotThread(const base::FunctionTable& table, base::WorkerPage* page,
             DoneFn on_done, MapFn map = nullptr,
             RunningTasks* running = nullptr);
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
  struct Living {
    // First: the instance's destructor may still ask for it.
    std::shared_ptr<const base::Assigned> assigned;
    const base::FunctionEntry* constructor = nullptr;
    std::shared_ptr<void> instance;
  };

  // The next one; false when it is time to stop.
  bool Take(Execute* work) MOBULA_EXCLUDES(mutex_);
  // `kept`: what must stay until the answer has been handed on.
  Executed RunOne(const Execute& work, std::shared_ptr<const void>* kept);
  // What it asks for; or why that cannot be run.
  std::optional<base::Failure> Find(const Execute& work,
                                    const base::FunctionEntry** entry) const;
  // The arguments with the bytes of those that are stored, none where none is;
  // or why they cannot be had, and which of them are lost.
  std::optional<base::Failure> MapArgs(const Execute& work,
                                       std::vector<base::Value>* args,
                                       std::vector<base::LostBytes>* lost);
  void ShowRunning(const base::FunctionEntry& entry);
  // Maps the arguments and runs the function.
  void Perform(const Execute& work, const base::FunctionEntry& entry,
               base::Invocation* invocation, Executed* executed);
  base::Outcome Invoke(const Execute& work, const base::FunctionEntry& entry,
                       base::Invocation* invocation);
  void Annotate(const Execute& work, const std::string& function,
                base::Outcome* outcome);

  const base::FunctionTable& table_;
  base::WorkerPage* const page_;
  const DoneFn on_done_;
  const MapFn map_;
  RunningTasks* const running_;

  // Of the thread in Run.
  const base::FunctionEntry* shown_ = nullptr;  // on the page
  std::map<base::ActorId, Living> actors_;

  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<Execute> queue_ MOBULA_GUARDED_BY(mutex_);
  bool stopped_ MOBULA_GUARDED_BY(mutex_) = false;
  std::string node_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_

// SharedSlots runs the shared actors of a worker: each in a slot of its own
// (SlotThread), one thing at a time and in the order asked, and all of them on
// the same threads (HostThreads), beside one another.
//
//   SharedSlots slots({.table = ..., .hooks = ..., .ended = ...});
//   slots.Push(execute);       // from the strand
//   slots.End(actor);          // nothing of it runs: `ended` follows
//   slots.Stop();  slots.Join();
// A thread that waits for the outcome of a call to one of them, when no thread
// can be had to run it, runs it itself (Try). A call that nothing can run fails
// with kLimit. While faults are watched for (fault_notes.h) each thread says
// whom it runs.
// Owner: Process, in a worker.
// Threading: Push, End, Stop from the strand; NoteCall and ForgetCall from any
// thread; Join from the main one; hooks are called on the threads and
// must not wait for these slots.
// Invariants: those of SlotThread for each actor; `ended` once for each End, as
// the last of its actor.
#ifndef MOBULA_RUNTIME_EXECUTOR_SHARED_SLOTS_H_
#define MOBULA_RUNTIME_EXECUTOR_SHARED_SLOTS_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/function_table.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/shm/worker_page.h"
#include "base/thread_annotations.h"
#include "base/threads/executor.h"
#include "runtime/core/events.h"
#include "runtime/executor/host_threads.h"
#include "runtime/executor/open_streams.h"
#include "runtime/executor/running_tasks.h"
#include "runtime/executor/slot_thread.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class SharedSlots final : public LentWait::Help {
 public:
  struct Options {
    const base::FunctionTable& table;
    base::WorkerPage* page = nullptr;
    SlotThread::Hooks hooks;  // without `lend` and `wake`
    std::function<void(base::ActorId actor)> ended;
    RunningTasks& running;
    HostThreads::Options threads;
    OpenStreams* streams = nullptr;  // null: no generators run
  };

  explicit SharedSlots(Options options);
  ~SharedSlots();

  void SetNode(std::string name) MOBULA_EXCLUDES(mutex_);
  void Push(Execute work) MOBULA_EXCLUDES(mutex_);
  void End(base::ActorId actor) MOBULA_EXCLUDES(mutex_);
  // All of them, as soon as what runs has ended.
  void Stop() MOBULA_EXCLUDES(mutex_);
  void Join() MOBULA_EXCLUDES(mutex_);

  // Whose call is to give that outcome.
  void NoteCall(base::ObjectId result, base::ActorId actor)
      MOBULA_EXCLUDES(mutex_);
  void ForgetCall(base::ObjectId result) MOBULA_EXCLUDES(mutex_);

  // LentWait::Help, of the threads.
  bool Try() override MOBULA_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t actors() const MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t threads() const { return threads_.threads(); }

 private:
  struct Lane;

  std::shared_ptr<Lane> Find(base::ActorId actor) const MOBULA_EXCLUDES(mutex_);
  std::shared_ptr<Lane> Make(base::ActorId actor) MOBULA_EXCLUDES(mutex_);
  void Schedule(Lane& lane);
  void RunLane(Lane& lane, int turns_max);
  void RefuseIn(Lane& lane);
  void Leave(Lane& lane, bool has_more);
  void Finish(Lane& lane) MOBULA_EXCLUDES(mutex_);

  const Options options_;
  HostThreads threads_;
  // Read without the lock by who makes a call: there is an actor.
  std::atomic<bool> hosts_{false};

  mutable base::Mutex mutex_;
  base::CondVar emptied_;
  std::unordered_map<base::ActorId, std::shared_ptr<Lane>> lanes_
      MOBULA_GUARDED_BY(mutex_);
  std::unordered_map<base::ObjectId, base::ActorId> calls_
      MOBULA_GUARDED_BY(mutex_);
  std::string node_ MOBULA_GUARDED_BY(mutex_);
  bool stopped_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SHARED_SLOTS_H_

// SlotThread runs what a worker was asked to run, on one thread, and keeps the
// actors that live in it.
//
//   SlotThread slot(table, page, {.done = on_done});
//   slot.Push(execute);        // from the strand
//   slot.Run();                // on the worker's main thread, until Stop
//
// or, one of many that share some threads (SharedSlots), by RunReady.
// Functions run one at a time, in the order asked, but for the plain methods of
// an actor that lets several run (Execute::threads): those run on threads of
// their own, beside what runs here. A coroutine runs until it waits
// (Hooks::aside); then the next one may begin, and it goes on here, on the same
// thread, when its wait is over: the slot is its executor. So what runs in one
// slot, and all that any other actor does, has one thread of control, which
// changes hands only where a coroutine awaits something. While all that has
// begun waits, the slot's cpu is lent. A task that is a generator and may block
// (FunctionEntry::holds_slot) begins as a coroutine does, but nothing else runs
// until it has ended. Before each function it maps the arguments that lie in
// the node's store. While one of them does not come it lets go of the others,
// now and then, until that has come, since functions elsewhere may wait for
// their room as it does for theirs; and so it does with all of them where there
// is no room for the result. A task whose arguments' bytes are lost does not
// run: their names go back, so that no slot is held while they are made again.
// A call to an actor is held until they are, and what comes behind it from the
// same caller, which keeps its order, too (HeldCalls); constructors, and
// methods on threads of their own, wait. Around it it sets Current(), the
// worker's page and, before it reports, flushes what the function left in the
// buffers of standard output. Owner: Process, in a worker. Threading: Push,
// Stop, StopRun, Post, Blocked from any thread; Run on one, which also destroys
// the actors; hooks are called there, on threads of methods and in Push, and
// must not wait for this slot. Invariants: (1) `done` once for each function
// that was pushed before Stop; (2) an actor that called ExitActor is destroyed
// before that is reported, and before it all else of it that had begun has been
// stopped, has ended and been reported; (3) Run returns when all that has begun
// has ended. What was stopped before its turn came is not run, nor what comes
// when its actor ends itself (Executed::never_began). Failure: what is not
// there, or not to be run as it is asked for, is a Failure of kNoSuchFunction
// (base/functions/callable.h), an argument that cannot be mapped is what the
// store says of it; neither is ever run.
#ifndef MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_
#define MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/shm/worker_page.h"
#include "base/thread_annotations.h"
#include "base/threads/executor.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/executor/open_streams.h"
#include "runtime/executor/running_tasks.h"
#include "runtime/executor/slot/held_calls.h"
#include "runtime/executor/slot/method_threads.h"
#include "runtime/executor/slot/page_writer.h"
#include "runtime/executor/slot/slot_use.h"
#include "runtime/executor/task_run.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class SlotThread final : public base::Executor {
 public:
  // A stored value with its bytes; may wait, kTimeout after `patience`.
  // `remade`: where they are lost, for what is made in their place. Called on
  // the thread in Run.
  using MapFn = std::function<std::variant<base::Value, base::Failure>(
      const base::Value& stored, bool remade, base::Duration patience)>;
  struct Hooks {
    std::function<void(Executed executed)> done;
    // A coroutine waits; null where none is ever run.
    std::function<void(SetAside aside)> aside = nullptr;
    // Null where no argument is ever stored.
    MapFn map = nullptr;
    // Null: calls to actors wait in `map` for what is made again.
    HeldCalls::RemakeFn remake = nullptr;
    // All that has begun waits, or is blocked (true), or something goes on; may
    // be null. Called on any thread.
    std::function<void(bool blocked)> lend = nullptr;
    // Where no generator is ever run, nothing.
    OpenStreams::Hooks streams = {};
    // There is something to run, or it is to stop: for who calls RunReady. On
    // any thread, perhaps with this slot's lock held: it must not call back.
    std::function<void()> wake = nullptr;
    // Runs the strand on the calling thread until `done` (Strand::Drive), so
    // that what is asked for wakes that one at once; false: it is to sleep.
    // Null where Run only sleeps. `stir` has `done` asked again, on any thread,
    // perhaps with this slot's lock held.
    std::function<bool(const std::function<bool()>& done,
                       base::BootTime deadline, bool takes)>
        drive = nullptr;
    std::function<void()> stir = nullptr;
  };
  enum class Ran : std::uint8_t {
    kAll,   // until `wake`
    kSome,  // there is more
    kOver   // it was stopped, and all has ended
  };

  // `page` may be null; it and `table` must outlive this.
  // `running` too; null: one of its own.
  SlotThread(const base::FunctionTable& table, base::WorkerPage* page,
             Hooks hooks, RunningTasks* running = nullptr,
             OpenStreams* streams = nullptr);
  ~SlotThread();

  void Push(Execute work) MOBULA_EXCLUDES(mutex_);
  // Its stop token says so, and what that coroutine waits for ends; also before
  // its Push.
  void StopRun(base::TaskId task) { running_.Stop(task); }
  // A generator that runs here may give more.
  void Grant(const base::StreamCredit& credit) { streams_.Grant(credit); }
  // It has ended, and nobody stops it any more.
  void ForgetRun(base::TaskId task) { running_.Forget(task); }
  // Run returns after the current function, and when the coroutines that wait,
  // which are stopped, have ended; what has not started never does.
  void Stop() MOBULA_EXCLUDES(mutex_);
  void Run() MOBULA_EXCLUDES(mutex_);
  // In place of Run, for a slot without a thread of its own: runs up to
  // `turns_max` of what there is on the calling thread. One at a time; not
  // after kOver.
  Ran RunReady(int turns_max) MOBULA_EXCLUDES(mutex_);
  // What the first of them is to give; nil if none is there, or a coroutine is
  // to go on first.
  [[nodiscard]] base::ObjectId FirstResult() const MOBULA_EXCLUDES(mutex_);
  // What stands first is not run, but fails; nothing where a coroutine is to go
  // on first. Whether there is more. As of RunReady.
  bool RefuseFirst(base::Failure failure) MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] RunningTasks& running() { return running_; }
  [[nodiscard]] OpenStreams& streams() { return streams_; }

  // Of the coroutines that have begun here.
  void Post(base::Work* work) override MOBULA_EXCLUDES(mutex_);
  void PostLast(base::Work* work) override { Post(work); }

  // Whether the calling thread runs functions of this slot.
  [[nodiscard]] bool IsHere() const;
  // Which is blocked from here on, or goes on.
  void Blocked(bool is_blocked) { use_.Blocked(is_blocked); }
  // The host's name, for failures; before the first Push.
  void SetNode(std::string name) MOBULA_EXCLUDES(mutex_);

 private:
  // Stands in the queue with no `run`.
  struct Asked : base::Work {
    Execute execute;
  };
  // Does not change while it lives.
  struct Living {
    // First: the instance's destructor may still ask for it.
    std::shared_ptr<const base::Assigned> assigned;
    const base::FunctionEntry* constructor = nullptr;
    std::shared_ptr<void> instance;
    // Of its plain methods; null where those run in Run.
    std::shared_ptr<MethodThreads> threads;
  };
  struct Leaving : base::Work {
    SlotThread* slot = nullptr;
    bool is_queued = false;
  };

  void Append(base::Work* work) MOBULA_REQUIRES(mutex_);
  void Wake() const {
    if (hooks_.wake) hooks_.wake();
  }
  void RunOne(base::Work* work);
  // Stopped: all ends.
  void EndAll();
  // It is stopped from here on.
  void DropAsked() MOBULA_EXCLUDES(mutex_);
  // The next one; null when it is time to stop.
  base::Work* Take() MOBULA_EXCLUDES(mutex_);
  enum class Awaited : std::uint8_t { kAny, kPosted, kPostedOrStop };
  [[nodiscard]] bool IsThere(Awaited what) const MOBULA_REQUIRES(mutex_);
  // Sleeps, or drives, until it may be there; `lent` may be null.
  void Await(Awaited what, LentWait* lent) MOBULA_REQUIRES(mutex_);
  // For who waits so.
  void Notify() MOBULA_REQUIRES(mutex_);
  // The next one of a coroutine; waits for it.
  base::Work* TakePosted() MOBULA_EXCLUDES(mutex_);
  // The same, lending the cpu meanwhile; null when it is time to stop.
  base::Work* TakePostedOrStop() MOBULA_EXCLUDES(mutex_);
  // Null if there is none.
  base::Work* FindPosted() MOBULA_REQUIRES(mutex_);
  // What it asks for; or why that cannot be run.
  std::optional<base::Failure> Find(const Execute& work, const Living* living,
                                    const base::FunctionEntry** entry) const;
  [[nodiscard]] const Living* FindLiving(const Execute& work) const;
  // Where that runs; null: in Run.
  std::shared_ptr<MethodThreads> ThreadsFor(const Execute& work)
      MOBULA_EXCLUDES(mutex_);
  // Its actor ends itself.
  void TurnAway(const Execute& work);
  void RefuseThread(const Execute& work);
  void Start(Execute work);
  // To its end; its outcome is there.
  void RunPlain(TaskRun& run, const base::FunctionEntry& entry,
                const Living* living);
  // On a thread of the actor's.
  void RunMethod(const Living& living, Execute work);

  void StartCoroutine(Execute work, const base::FunctionEntry& entry);
  void Fail(Execute work, base::Failure why);
  // It has come to its end, or could not begin: perhaps for now only.
  void FinishOrHold(TaskRun& run);
  // Calls that were held; the first one fails where there is a reason.
  void Resume(std::deque<Execute> calls, std::optional<base::Failure> why)
      MOBULA_EXCLUDES(mutex_);
  // Of a coroutine that does not share the slot.
  void RunToEnd(TaskRun& run);
  // False if it cannot run: its outcome is there.
  bool Prepare(TaskRun& run, const Living* living);
  // Its arguments with the bytes of those that are stored, none where none is;
  // or why they cannot be had, and which of them are lost.
  std::optional<base::Failure> MapArgs(TaskRun& run);
  // The same, beginning at `first`; kTimeout: `missing` did not come while the
  // others were kept for so long.
  std::optional<base::Failure> MapArgsWithin(TaskRun& run, std::size_t first,
                                             base::Duration kept_for,
                                             std::size_t* missing);
  // Where there was no room for it.
  void PlaceResult(TaskRun& run);
  // The object of a method.
  bool FindActor(TaskRun& run, const Living* living);
  // Those that have ended since the last time.
  void FinishEnded();
  void Finish(TaskRun& run);
  void Settle(TaskRun& run);  // an actor whose constructor has ended
  // The last that is done with a run; on whatever thread it ran.
  void Answer(TaskRun& run);
  // A method on a thread of its own has called ExitActor.
  void Leave(std::unique_ptr<TaskRun> run) MOBULA_EXCLUDES(mutex_);
  void TakeLeave() MOBULA_EXCLUDES(mutex_);
  void FinishLeavers() MOBULA_EXCLUDES(mutex_);
  std::unique_ptr<TaskRun> TakeLeaver() MOBULA_EXCLUDES(mutex_);
  // Ends what else runs of the actor, and destroys it.
  void EndActor(TaskRun& run) MOBULA_EXCLUDES(mutex_);
  std::vector<Execute> TakeAsked(base::ActorId actor) MOBULA_EXCLUDES(mutex_);
  void EndMethods(const Living& living) MOBULA_EXCLUDES(mutex_);
  // Stops the coroutines that wait here, and runs them to their ends.
  void Unwind();
  void Annotate(TaskRun& run);

  const base::FunctionTable& table_;
  PageWriter page_;
  const Hooks hooks_;
  SlotUse use_;
  const LentWait::BlockedFn blocked_;
  const std::unique_ptr<RunningTasks> own_running_;
  RunningTasks& running_;
  const std::unique_ptr<OpenStreams> own_streams_;
  OpenStreams& streams_;

  // Of the thread in Run.
  std::map<base::ActorId, Living> actors_;
  std::map<base::TaskId, std::unique_ptr<TaskRun>> coroutines_;
  std::deque<TaskRun*> ended_;  // of them
  HeldCalls held_;
  bool leaves_ = false;  // the actor ends itself
  base::BootTime took_at_;

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  base::Work* first_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  base::Work* last_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ MOBULA_GUARDED_BY(mutex_) = false;
  bool drives_ MOBULA_GUARDED_BY(mutex_) = false;  // in place of sleeping
  std::string node_ MOBULA_GUARDED_BY(mutex_);
  // Of the actors that have some.
  std::map<base::ActorId, std::shared_ptr<MethodThreads>> threads_
      MOBULA_GUARDED_BY(mutex_);
  base::ActorId leaving_ MOBULA_GUARDED_BY(mutex_);  // it ends itself
  std::deque<std::unique_ptr<TaskRun>> leavers_ MOBULA_GUARDED_BY(mutex_);
  Leaving leave_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SLOT_THREAD_H_

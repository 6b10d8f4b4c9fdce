// LocalBackend runs everything in this process, on the thread that asks: for
// debuggers, valgrind and unit tests.
//
// A task runs inside Post(Submit), a constructor inside Post(Create), a method
// inside Post(Call), unless its actor is busy: then right after the call that
// it is busy with, on that thread. So one thread's program is deterministic. An
// actor with concurrency is busy when the call's group has no room: else a call
// that a method makes to its own actor runs inside of that, and calls of
// several threads run there at the same time. A coroutine begins so too, and
// runs until it waits; then it goes on, on the pool, when its wait is over: one
// of an actor when that is not busy, so that an actor has one thread of
// control. Errors, names, incarnations, retries on exceptions and resource
// checks are those of the cluster, but nothing dies by itself: Kill destroys
// the object in place (its destructor runs), a timeout is only noticed when the
// function has returned, and time spent waiting for others does not exist. The
// control store is in memory (LocalStore), so a detached actor ends with this
// process. There is no store of objects: all values lie in this process's own
// memory. Owner: the API's session. Threading: any thread; functions run with
// no lock held. Invariants: (1) an object that is not settled belongs to a call
// of an actor that is busy, or to a coroutine; (2) calls of one actor run one
// at a time, or as many as its groups have room for, in the order posted.
// Failure: a wait that only its own caller could end is answered by a Failure
// at once. Shutdown stops the coroutines that wait, and returns when they have
// ended.
#ifndef MOBULA_RUNTIME_LOCAL_LOCAL_BACKEND_H_
#define MOBULA_RUNTIME_LOCAL_LOCAL_BACKEND_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/scheduling/call_scope.h"
#include "base/scheduling/resource_vector.h"
#include "base/thread_annotations.h"
#include "base/threads/executor.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"
#include "runtime/actors/call_gate.h"
#include "runtime/core/events.h"
#include "runtime/executor/current.h"
#include "runtime/executor/running_tasks.h"
#include "runtime/local/local_objects.h"
#include "runtime/local/local_store.h"
#include "runtime/process/backend.h"
#include "runtime/streams/stream_queue.h"
#include "runtime/tasks/spawned_tasks.h"

namespace mobula::runtime {

class LocalBackend : public Backend {
 public:
  struct Options {
    std::optional<double> cpus;  // absent: as many as there are
    std::optional<std::int64_t> memory_bytes;
    base::ResourceVector resources;
    std::string ns = "default";
    // Where coroutines go on; null where there are none.
    std::function<base::Executor&()> pool;
  };

  // `table` must outlive this.
  LocalBackend(const base::FunctionTable& table, Options options);
  ~LocalBackend() override;

  void Post(Event event) override MOBULA_EXCLUDES(mutex_);
  std::optional<Settled> Await(base::ObjectId object,
                               base::BootTime deadline) override
      MOBULA_EXCLUDES(mutex_);
  std::vector<bool> AwaitSome(std::span<const base::ObjectId> objects,
                              std::size_t count,
                              base::BootTime deadline) override
      MOBULA_EXCLUDES(mutex_);
  // Only a call whose actor is busy, what another thread runs and a coroutine
  // that waits are not finished. local_scopes.cc.
  std::optional<base::CancelVerdict> Cancel(const base::ObjectName& object,
                                            bool force, bool recursive,
                                            base::BootTime deadline) override
      MOBULA_EXCLUDES(mutex_);
  bool StartWatch(base::ObjectId object, base::OutcomeWatch* watch,
                  bool join) override MOBULA_EXCLUDES(mutex_);
  base::OutcomeWatch::State StopWatch(base::ObjectId object,
                                      base::OutcomeWatch* watch) override
      MOBULA_EXCLUDES(mutex_);
  // A detached actor's constructor runs inside.
  base::ControlReply Ask(base::ControlRequest request,
                         base::Duration timeout) override
      MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] ActorView ViewActor(base::ActorId actor) override
      MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] base::ProcessId self() const override { return self_; }
  [[nodiscard]] Node node() const override { return node_; }
  [[nodiscard]] Home home() const override { return home_; }
  [[nodiscard]] base::BootTime Now() const override;
  void Shutdown() override MOBULA_EXCLUDES(mutex_);

 private:
  struct Coroutine;  // one that has begun and not ended
  struct Turns;      // an actor's executor
  struct Pump;       // looks, on the pool, what the actor has to do

  struct Actor {
    Create create;                                     // how to make it again
    std::vector<base::Value> args;                     // of the constructor
    const base::FunctionEntry* constructor = nullptr;  // of the instance
    std::shared_ptr<void> instance;
    std::int64_t incarnation = 0;
    std::int32_t restarts_left = 0;  // -1: no limit
    int handles = 0;
    bool held = false;      // until StartActor
    bool detached = false;  // lives without a handle
    // Something runs, on busy_thread, beside which nothing does: a constructor,
    // and where calls run one at a time each of them.
    bool busy = false;
    std::thread::id busy_thread;
    CallGate gate;
    int running = 0;       // calls that have begun and not ended
    int unfinished = 0;    // calls without an answer
    bool turning = false;  // where calls run at the same time: a coroutine
    std::thread::id turning_thread;  // does, here
    std::optional<base::Failure> death;
    std::deque<Call> waiting;
    std::shared_ptr<Turns> turns;  // null before its first coroutine
    int coroutines = 0;            // that have begun and not ended
  };
  // What a function left behind. What the outcome mentions is kept until it is
  // settled, then let go with no lock held.
  struct Finished {
    base::Outcome outcome;
    bool exit_actor = false;
    std::shared_ptr<const void> kept;
  };
  // One run of one function, with no lock held.
  struct Run {
    base::TaskId task;
    base::ObjectId result;  // nil for a constructor
    base::ActorId actor;
    std::int64_t incarnation = 0;
    std::int32_t attempt = 1;
    bool is_constructor = false;
    base::FunctionId function;
    std::string_view name;    // for failures
    std::string_view called;  // the stable name, "" if by its key
    base::Assigned assigned;
    // What made the actor, null for a task and a constructor.
    const base::FunctionEntry* constructor = nullptr;
    base::Duration timeout = base::Duration::max();
    std::stop_token stop;
    base::CallScope scope;
    base::BootTime deadline = base::BootTime::Never();  // of its scope
  };
  // What a generator yields.
  struct Stream {
    explicit Stream(std::uint32_t window) : queue(window) {}
    StreamQueue queue;
    std::weak_ptr<Coroutine> producer;
  };
  // A task or call that runs.
  struct Running {
    base::TaskId task;
    base::ActorId actor;
    std::size_t group = 0;
    std::thread::id thread;  // of a coroutine: on which it began
    bool is_coroutine = false;
    bool cancelled = false;
  };

  void On(const Submit& submit) MOBULA_EXCLUDES(mutex_);
  void On(Create create) MOBULA_EXCLUDES(mutex_);
  void On(const StartActor& start) MOBULA_EXCLUDES(mutex_);
  void On(Call call) MOBULA_EXCLUDES(mutex_);
  void On(const Kill& kill) MOBULA_EXCLUDES(mutex_);
  void On(const Adopt& adopt) MOBULA_EXCLUDES(mutex_);
  void On(const DropActor& drop) MOBULA_EXCLUDES(mutex_);
  void On(const StreamNext& next) MOBULA_EXCLUDES(mutex_);
  void On(const StreamTaken& taken) MOBULA_EXCLUDES(mutex_);
  void On(const DropStream& drop) MOBULA_EXCLUDES(mutex_);
  void On(const HoldObject& hold) MOBULA_EXCLUDES(mutex_);
  void On(const DropObject& drop) MOBULA_EXCLUDES(mutex_);

  // Scopes and cancelling: local_scopes.cc.
  void On(const StopScope& stop) MOBULA_EXCLUDES(mutex_);
  void On(const EndScope& end) MOBULA_EXCLUDES(mutex_);
  static void SetScope(Run& run, const base::CallerScope& scope);
  // Why what comes under that scope does not run.
  static std::optional<base::Failure> Late(const base::CallerScope& scope,
                                           std::string_view function);
  // The task runs from here on, until EndTask, unless it must not.
  std::optional<base::Failure> Admit(const Submit& submit)
      MOBULA_EXCLUDES(mutex_);
  // `outcome`: another one where it was cancelled.
  void EndTask(const Submit& submit, base::Outcome& outcome)
      MOBULA_REQUIRES(mutex_);
  base::CancelVerdict CancelOne(base::ObjectId result, bool force)
      MOBULA_REQUIRES(mutex_);
  void CancelAll(std::vector<SpawnedTasks::Child> children)
      MOBULA_REQUIRES(mutex_);

  // What came of a run.
  Finished Conclude(const Run& run, base::BootTime start, base::Outcome outcome,
                    base::Invocation& invocation) const;
  [[nodiscard]] static CurrentExecution CurrentOf(
      const Run& run, const base::FunctionEntry& entry,
      base::Invocation& invocation);
  [[nodiscard]] static bool IsRetried(const Submit& submit,
                                      std::int32_t attempt,
                                      const base::Outcome& outcome);
  Finished Execute(const Run& run, std::span<const base::Value> args,
                   std::shared_ptr<void>* instance = nullptr);
  Finished RunTask(const Submit& submit) MOBULA_EXCLUDES(mutex_);
  // The values of the arguments, or the failure of the first that has one.
  std::optional<base::Failure> Resolve(const std::vector<Arg>& args,
                                       std::vector<base::Value>* values)
      MOBULA_EXCLUDES(mutex_);
  // Why such an actor cannot be.
  std::optional<base::Failure> Refusal(const Create& create) const;
  // Why this call cannot run.
  std::optional<base::Failure> Refusal(const Actor& actor,
                                       const Call& call) const;

  // Does what the actor has to do next; false if that is nothing.
  bool Step(base::ActorId id) MOBULA_EXCLUDES(mutex_);
  bool StepTurn(base::ActorId id) MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] static bool IsConcurrent(const Actor& actor) {
    return actor.gate.is_said();
  }
  [[nodiscard]] bool IsCoroutine(const Call& call) const;
  // The first that may begin; its end if there is none.
  std::deque<Call>::iterator NextCall(Actor& actor) MOBULA_REQUIRES(mutex_);
  // It has begun, on this thread.
  void Enter(Actor& actor, const Call& call) MOBULA_REQUIRES(mutex_);
  // Tells those that run to stop.
  void StopCalls(base::ActorId of) MOBULA_REQUIRES(mutex_);
  void Begin(base::ActorId id) MOBULA_EXCLUDES(mutex_);
  void RunCall(base::ActorId id, Call call) MOBULA_EXCLUDES(mutex_);
  void FinishCall(const Call& call, Settled settled, bool exit_actor)
      MOBULA_EXCLUDES(mutex_);
  // What it was occupied with is over, or waits.
  void Leave(base::ActorId id, bool is_coroutine) MOBULA_EXCLUDES(mutex_);

  // Coroutines: local_coroutines.cc.
  void BeginTask(const Submit& submit, const base::FunctionEntry& entry)
      MOBULA_EXCLUDES(mutex_);
  void BeginCall(Run run, Call call, const base::FunctionEntry& entry,
                 std::vector<base::Value> args, std::shared_ptr<void> instance)
      MOBULA_EXCLUDES(mutex_);
  // Runs it, and again if it is to be retried, until it waits or is over.
  void Begin(std::shared_ptr<Coroutine> coroutine) MOBULA_EXCLUDES(mutex_);
  // What comes after it: another attempt, or nothing.
  std::shared_ptr<Coroutine> End(const std::shared_ptr<Coroutine>& coroutine)
      MOBULA_EXCLUDES(mutex_);
  void Ended(Coroutine& coroutine, base::Outcome outcome)
      MOBULA_EXCLUDES(mutex_);
  base::Executor* TurnsOf(base::ActorId id) MOBULA_EXCLUDES(mutex_);
  void PumpSoon(base::ActorId actor);
  base::Work* TakeTurn(Actor& actor) MOBULA_REQUIRES(mutex_);
  void StopCoroutines(base::ActorId of) MOBULA_EXCLUDES(mutex_);
  void StopAllCoroutines() MOBULA_EXCLUDES(mutex_);
  // Streams: local_streams.cc.
  void AddStream(base::ObjectId stream, std::uint32_t window)
      MOBULA_EXCLUDES(mutex_);
  void OpenItems(const std::shared_ptr<Coroutine>& coroutine)
      MOBULA_EXCLUDES(mutex_);
  void TakeItem(const Coroutine& coroutine, std::uint64_t index,
                base::Value value) MOBULA_EXCLUDES(mutex_);
  // No effect on what is no stream.
  void EndStream(base::ObjectId stream, const base::Outcome& outcome)
      MOBULA_REQUIRES(mutex_);
  void GiveItems(Stream& stream) MOBULA_REQUIRES(mutex_);
  // Forgets the actor, which is to be destroyed with no lock held.
  Actor Erase(base::ActorId id) MOBULA_REQUIRES(mutex_);
  base::ControlReply Register(const base::RegisterActor& request)
      MOBULA_EXCLUDES(mutex_);
  base::ControlReply End(const base::EndActor& request) MOBULA_EXCLUDES(mutex_);
  // Begins an actor with so many handles, detached if there is none.
  void Begin(Create create, int handles) MOBULA_EXCLUDES(mutex_);
  void Die(Actor& actor, base::Failure cause) MOBULA_REQUIRES(mutex_);
  Actor* Find(base::ActorId id) MOBULA_REQUIRES(mutex_);
  void Occupy(Actor& actor) const;
  // Tells those who watch it; that only posts their work.
  void TellWatches(base::ObjectId object) MOBULA_REQUIRES(mutex_);
  // What there is of it, nothing while it is pending.
  [[nodiscard]] std::optional<Settled> Look(base::ObjectId object) const
      MOBULA_REQUIRES(mutex_);
  // The call lets its arguments go.
  void Settle(const Call& call, Settled settled) MOBULA_REQUIRES(mutex_);
  [[nodiscard]] bool WaitsForItself(base::ObjectId object) const
      MOBULA_REQUIRES(mutex_);
  [[nodiscard]] bool IsFullOfHere(const Actor& actor, std::size_t group) const
      MOBULA_REQUIRES(mutex_);
  [[nodiscard]] base::Failure WaitsForItselfFailure() const;
  static base::Failure Cancelled(const Call& call, base::Executed executed);
  base::Failure NotRun(base::FailureCode code, std::string_view function,
                       std::string message) const;

  const base::FunctionTable& table_;
  const std::function<base::Executor&()> pool_;
  const base::ProcessId self_;
  Node node_;
  Home home_;

  base::Mutex mutex_;
  base::CondVar changed_;
  bool ended_ MOBULA_GUARDED_BY(mutex_) = false;
  LocalObjects objects_ MOBULA_GUARDED_BY(mutex_);
  std::multimap<base::ObjectId, base::OutcomeWatch*> watches_
      MOBULA_GUARDED_BY(mutex_);
  // Of a call that waits or runs, to its actor.
  std::map<base::ObjectId, base::ActorId> pending_ MOBULA_GUARDED_BY(mutex_);
  std::map<base::ActorId, Actor> actors_ MOBULA_GUARDED_BY(mutex_);
  std::map<base::ObjectId, Running> runs_ MOBULA_GUARDED_BY(mutex_);
  SpawnedTasks spawned_ MOBULA_GUARDED_BY(mutex_);
  std::map<base::ObjectId, Stream> streams_ MOBULA_GUARDED_BY(mutex_);
  LocalStore store_ MOBULA_GUARDED_BY(mutex_);
  RunningTasks running_;
  std::map<base::TaskId, std::shared_ptr<Coroutine>> coroutines_
      MOBULA_GUARDED_BY(mutex_);
  std::atomic<int> pumps_{0};  // posted and not over
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_LOCAL_LOCAL_BACKEND_H_

// What happens to a process's runtime core, and what it wants done.
//
// The same core runs in drivers and workers: it owns the tasks, actors and refs
// that its process made (the owner's half) and runs what other owners push to
// it (the host's half, workers only). The shell (runtime/process, or the
// simulator) turns API calls, messages and finished functions into Events and
// carries Effects out in the order given.
// Threading: values.
#ifndef MOBULA_RUNTIME_CORE_EVENTS_H_
#define MOBULA_RUNTIME_CORE_EVENTS_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/scheduling/concurrency.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/core/stream_events.h"
#include "runtime/core/task_spec.h"

namespace mobula::runtime {

// An argument of a call: an encoded value, or a ref of this process whose value
// takes its place once it is there (and whose failure becomes the call's).
struct Arg {
  base::ObjectId ref;  // nil if inline
  base::Value value;   // empty if ref
};

// ---- events of the API; ids are made by the caller with its IdSource --------

// Spawn: `result` comes to hold the outcome. The caller holds one reference.
struct Submit {
  base::TaskId task;
  base::ObjectId result;
  base::FunctionId function;
  std::string function_name;  // for people
  bool by_name = false;       // it is the stable name by which it is called
  std::string name;           // of this task, where its options gave it one
  std::vector<Arg> args;
  base::ResourceVector resources;
  std::optional<base::Placement> placement;  // nothing: where there is room
  std::int32_t retries_max = 3;   // after worker deaths; -1: no limit
  bool retry_exceptions = false;  // also when the function threw
  bool is_coroutine = false;      // it waits without keeping others from it
  base::Duration timeout = base::Duration::max();  // from now to outcome
  std::int32_t attempt = 1;  // the number of the first one
  base::TaskId parent;       // that runs here and spawned it; nil if none
  base::CallerScope scope;
  // Of a generator, whose items it gives (stream_events.h): so many that were
  // not taken it may be ahead; 0: of what gives one value.
  std::uint32_t items_max = 0;
};

// Create: the actor's constructor runs on a worker of its own. One with a name
// is held, so that who finds it by its name finds it here, while the control
// store registers it (AskControl); StartActor follows, or DropActor.
struct Create {
  base::ActorId actor;
  base::TaskId task;
  base::FunctionId constructor;
  std::string class_name;  // for people
  std::string name;        // of this actor, "" if none
  std::vector<Arg> args;
  base::ResourceVector resources;  // held while it lives
  std::optional<base::Placement> placement = std::nullopt;  // as of Submit
  std::int32_t restarts_max = 0;        // after worker deaths; -1: no limit
  std::int32_t pending_calls_max = -1;  // -1: the core's own bound
  base::Concurrency concurrency;        // of its calls
  bool held = false;                    // until StartActor
  // It lives with others in a worker of their own (docs/decisions/0022).
  bool shared = false;
  base::Duration kill_grace = std::chrono::seconds(2);  // of a shared one
  base::CallerScope
      scope;  // its deadline is that of the first incarnation alone
};

// A held actor has its name.
struct StartActor {
  base::ActorId actor;
};

// Call: begins after all earlier calls of this caller in its group. A handle
// that came from another process names its owner.
struct Call {
  base::ActorId actor;
  base::TaskId task;
  base::ObjectId result;
  base::FunctionId method;
  std::string method_name;  // for people: "Index::Add"
  bool by_name = false;     // it is the stable name by which it is called
  std::string group;        // of the actor's Concurrency; "": none
  std::vector<Arg> args;
  std::int32_t retries_max = 0;        // after actor deaths; -1: no limit
  std::int64_t bound_incarnation = 0;  // 0: any; else kActorRestarted
  base::Duration timeout = base::Duration::max();
  base::TaskId parent;  // as of Submit
  base::CallerScope scope;
  std::uint32_t items_max = 0;  // as of Submit
};

// What was spawned under that scope, and is not done, is cancelled, and what is
// spawned under it from now on. EndScope follows.
struct StopScope {
  base::SpawnScope scope = 0;
};

// Nothing is spawned under it any more; what was belongs to `heir`, the scope
// around it, from here on: 0 if none.
struct EndScope {
  base::SpawnScope scope = 0;
  base::SpawnScope heir = 0;
};

// Put: the object holds this outcome at once. One reference. A stored value is
// named by this object.
struct Put {
  base::ObjectId object;
  base::Outcome outcome;
};

// A handle of an actor owned by `owner` arrived in this process, one more if it
// has some. The owner of a detached actor is, for all who call it, their own
// raylet.
struct Adopt {
  base::ActorId actor;
  base::ProcessId owner;
};

// The API made a handle of a ref that it found in a value, or got by its name.
// Who finds refs in an outcome keeps the handle of its object until it has
// posted this for each of them; who finds them in the arguments of an Execute
// does so before its Executed. Who posts a value with refs inside (Put, Submit,
// Executed, ...) keeps a handle of each until it is posted.
struct HoldObject {
  base::ObjectName object;
};

// A handle is gone: one for each Submit, Call, Put and HoldObject.
struct DropObject {
  base::ObjectId object;
};
// One handle is gone: there is one for Create and one for each Adopt.
struct DropActor {
  base::ActorId actor;
};

// Wants one Ready effect for the object: at once if it has its outcome.
struct Watch {
  base::ObjectId object;
};

// The bytes of a stored value, of an object of which there is a handle or which
// is an argument of what runs here, could not be found there. Wants one Ready
// effect once there is another outcome, which may be at once.
struct ReportLost {
  base::ObjectName object;
  base::Extent extent;
};

// Asks the control store; one ControlReady answers, kControlAway after
// `timeout` where it does not. `request` is how the asker knows the answer; on
// the way it has another one.
struct AskControl {
  base::RequestId request;
  base::ControlRequest body;
  base::Duration timeout = std::chrono::seconds(30);
};

// Cancels the task or call that is to give the object's outcome, whoever owns
// it. Wants one CancelReady effect; none comes before its owner has answered.
struct Cancel {
  base::RequestId request;
  base::ObjectName object;
  bool force = false;     // end the worker of a task that does not stop
  bool recursive = true;  // what it has spawned and called, too
};

// Kill: ends the actor's worker; `restart` lets its restarts_max apply, and
// `graceful` what runs end.
struct Kill {
  base::ActorId actor;
  bool restart = false;
  bool graceful = false;
};

// ---- events of the world ----------------------------------------------------

struct Received {
  base::ProcessId from;
  base::Message message;
};

// The link to a process ended; the raylet's own is reported so too.
struct PeerLost {
  base::ProcessId process;
  // Of the raylet's: with what everything fails, where more is known than that
  // it has ended.
  std::optional<base::Failure> cause = std::nullopt;
};

// The function that an Execute effect asked for has ended. A stored value is
// named {result, owner} of that effect.
struct Executed {
  base::TaskId task;
  base::Outcome outcome;
  std::int64_t run_ns = 0;
  bool exit_actor = false;   // it called ExitActor
  std::uint64_t digest = 0;  // of a stored value (base/shm/value_digest.h)
  // Of a task whose arguments could not be found: it has not run.
  std::vector<base::LostBytes> lost;
  // The outcome is a Failure of the executor's own: there was no thread for it,
  // or its actor was about to end.
  bool never_began = false;
};

// The object of a shared actor that EndActor asked for is gone.
struct ActorEnded {
  base::ActorId actor;
};

// The function that an Execute effect asked for is a coroutine and waits for
// the first time; it goes on beside others. Executed follows.
struct SetAside {
  base::TaskId task;
  std::int64_t run_ns = 0;  // until it waited
};

// Time passed; sent at the moment the last SetTimer asked for, or later.
struct Tick {};

using Event =
    std::variant<Submit, Create, StartActor, Call, Put, Adopt, HoldObject,
                 DropObject, DropActor, Watch, ReportLost, Kill, Cancel,
                 StopScope, EndScope, AskControl, StreamNext, StreamTaken,
                 DropStream, Received, PeerLost, Executed, SetAside, ActorEnded,
                 StreamBegun, Yielded, Tick>;

// ---- effects ----------------------------------------------------------------

struct Send {
  base::ProcessId to;
  base::Message message;
};

// A watched object has its outcome: another than before where its bytes were
// lost since. `incarnation` is that of the actor that
// gave it, 0 for tasks and puts.
struct Ready {
  base::ObjectId object;
  base::Outcome outcome;
  std::int64_t incarnation = 0;
};

// The state of an actor of which this process has a handle changed.
struct ActorChanged {
  base::ActorId actor;
  std::int64_t incarnation = 0;  // 0 before the first one lives
  bool dead = false;
};

// Runs a function on the executor's slot thread, in the order of these effects,
// the next one when the one before has ended (Executed) or waits (SetAside); of
// an actor with `threads` a plain method on one of those, and what is `shared`
// beside that of other actors. Host's half only.
struct Execute {
  base::TaskId task;
  base::ObjectId result;  // that is to hold the outcome; nil: a constructor
  base::ProcessId owner;  // of the result
  base::ActorId actor;    // nil for a task
  std::int64_t incarnation = 0;
  std::int32_t attempt = 1;
  bool is_constructor = false;
  // Of a constructor: how many methods of the actor may run at the same time;
  // 0: one, on the slot's thread, beside coroutines that wait.
  std::int32_t threads = 0;
  base::FunctionId function;
  std::vector<base::Value> args;
  std::string called;  // the stable name by which, "" if by its key
  // Of a constructor, and a task with a name or other resources than one cpu;
  // else null.
  std::shared_ptr<const base::Assigned> assigned;
  bool shared = false;                   // the actor lives here with others
  std::optional<base::CallScope> scope;  // as it came
  base::BootTime deadline = base::BootTime::Never();  // of that
};

// Destroys the object of a shared actor, if it still has one: nothing of it
// runs. Answered by ActorEnded.
struct EndActor {
  base::ActorId actor;
};

// What an Execute before this one runs, or has set aside, is to stop: its stop
// token says so, and the waits of a coroutine end. It is answered by its
// Executed, as ever; what has not started need not.
struct StopExecution {
  base::TaskId task;
};

// What became of a Cancel.
struct CancelReady {
  base::RequestId request;
  base::CancelVerdict verdict = base::CancelVerdict::kFinished;
};

// What AskControl asked for.
struct ControlReady {
  base::RequestId request;
  base::ControlReply reply;
};

// Replaces the timer: Tick at `at`, never if IsNever.
struct SetTimer {
  base::BootTime at;
};

// A worker must end: retired, or its raylet is gone.
struct Exit {
  std::string reason;
};

using Effect =
    std::variant<Send, Ready, ActorChanged, Execute, StopExecution, EndActor,
                 GiveCredit, CancelReady, ControlReady, Remade, SetTimer, Exit>;
using Effects = std::vector<Effect>;

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_EVENTS_H_

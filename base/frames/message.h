// The vocabulary of frames: everything that drivers, workers and the raylet of
// one node say to one another, as plain aggregates.
//
// A Message is encoded by base/codec as [alternative, payload]; a new kind goes
// at the end, and a peer that does not know it closes the link naming the
// versions (base/frames/hello.h). Messages between two processes arrive in
// order, once, or not at all when one of the two is gone (base/session).
// Nothing in a message is a point in time: only budgets travel.
//
//   owner  -> raylet  RequestLease ... ReturnLease     (answered by
//   LeaseGranted,
//                                                       LeaseRefused,
//                                                       LeaseLost)
//   owner  -> worker  RunTask, CreateActor, CallActor  (answered by TaskDone,
//                                                       perhaps TaskAside
//                                                       first)
//   owner  -> worker  CancelTask, StopTask             (TaskDone where it never
//                                                       started; TaskStopping)
//   owner  -> worker  LeaveActor                       (ActorLeft)
//   borrower -> owner CancelObject                     (ObjectCancelled)
//   worker <-> owner  StreamOpened, StreamItem, StreamCredit:
//                                                      stream_message.h
//   caller -> owner   WatchActor, UnwatchActor, KillActor
//                                                      (answered by ActorMoved)
//   owner  -> raylet  ActorReport, ControlCall         (ControlAnswer): relayed
//                                                      to the control store
//   tool   -> raylet  ListLocal                        (LocalListing)
//   tool   -> raylet  ListMemory; raylet -> process  ListRefs: memory_message.h
//   tool   -> raylet  ListTasks; raylet -> process  ListOwnTasks:
//                                                      task_message.h
//   writer -> raylet  LeaseArena ... ReturnArena       (ArenaLeased,
//                                                       ArenaRefused)
//   writer -> raylet  ObjectStored; owner -> raylet  FreeObjects
//                                                      (writer: FreeExtents)
//   reader -> raylet  OpenArena                        (ArenaOpened, ArenaLost)
//   reader -> raylet  PullValue                        (ValuePulled,
//                                                       PullRefused)
//   raylet -> all who map an arena  QuietArena         (ArenaQuiet)
//   borrower -> owner BorrowObjects, WantObjects,      (ObjectsBorrowed,
//                       ReturnObjects                  ObjectIs)
//   borrower, raylet -> owner  ObjectsLost              (ObjectIs)
//   owner  -> raylet  ResultRemade
//   receiver -> sender of refs  ObjectsTaken
//   raylet -> process OwnerGone                        (ClaimObjects)
//   raylet -> worker  Retire                           (Stay, or its end)
//   raylet -> worker  CreateActor                      (TaskDone): detached
//                                                      actors; who calls one
//                                                      watches it at its raylet
// Threading: values.
#ifndef MOBULA_BASE_FRAMES_MESSAGE_H_
#define MOBULA_BASE_FRAMES_MESSAGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/memory_message.h"
#include "base/frames/object_message.h"
#include "base/frames/question_message.h"
#include "base/frames/stream_message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/scheduling/concurrency.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"

namespace mobula::base {

// A tool looks: it has no job and gets no lease.
enum class Role : std::uint8_t { kRaylet = 1, kDriver, kWorker, kTool };

// ---- process -> raylet -----------------------------------------------------

// The first message of a driver or worker. A driver's makes its job exist; one
// that joined a running node sends its executable's descriptor beside it.
struct Register {
  ProcessId process;
  Role role = Role::kWorker;
  JobId job;
  std::int32_t pid = 0;
  std::string program;      // for people: the executable's file name
  std::int32_t weight = 1;  // of the job's share, >= 1 (driver only)
  std::string ns;           // namespace of its actors' names (driver only)
};

// The raylet's answer.
struct Registered {
  ProcessId raylet;
  NodeId node;
  std::string node_name;          // host name
  ResourceVector total;           // of the node
  std::string ns;                 // the job's namespace
  std::uint64_t store_bytes = 0;  // of the node's store; 0: there is none
  // ControlAddress of its control store, "" if others cannot reach that: an
  // embedded head's own.
  std::string address = "";
  // The upper half of the ids of all arenas of its store: others are of other
  // nodes (PullValue). 0: there are none.
  std::uint64_t maker = 0;
};

// Asks for one slot in a worker. Answered, in its own time, by LeaseGranted or
// LeaseRefused under the same id. Said again before that: with another
// priority.
struct RequestLease {
  LeaseId lease;
  JobId job;
  ResourceVector shape;       // held while the lease lasts
  bool for_actor = false;     // the worker is not given to anyone else after
  std::string function;       // for people
  std::int32_t priority = 0;  // within the job: higher goes first
  // Nothing: here, or where there is room.
  std::optional<Placement> placement = std::nullopt;
};

// Takes a request back. If it was granted meanwhile, the lease is returned.
struct CancelLease {
  LeaseId lease;
};

// Gives a slot back. `discard` ends the worker: it holds state (an actor) or
// runs something that nobody wants any more.
struct ReturnLease {
  LeaseId lease;
  bool discard = false;
};

// A worker says that the task it runs waits (true) or goes on (false): its
// lease's cpus are lent to others meanwhile.
struct TaskBlocked {
  bool blocked = false;
};

// Asks for a link to another process, of this node or another one; answered by
// Attach to both, or PeerGone.
struct ConnectTo {
  ProcessId peer;
};

// The answer to a Retire that left the choice.
struct Stay {};

// A driver's job is done: the raylet ends its workers, sends the rest of their
// output and then JobEnded.
struct EndJob {
  JobId job;
};

// ---- raylet -> process -----------------------------------------------------

struct LeaseGranted {
  LeaseId lease;
  ProcessId worker;
  std::int32_t pid = 0;  // of the worker
};

struct LeaseRefused {
  LeaseId lease;
  Failure failure;  // kInfeasible, kWorkerStart, kLimit
};

// The worker of a lease ended. `failure.code` is kWorkerDied; signal, exit code
// and last lines of output are filled in, function and attempt are not.
struct LeaseLost {
  LeaseId lease;
  ProcessId worker;
  Failure failure;
  // Of several that lived there the one that ended it, as far as the worker
  // could say; nil: none of them, or it is not known.
  ActorId charged = {};
};

// A link to `peer` exists from now on; the socket rides beside the message.
// `is_afar`: the peer is on another node, and what is written there goes
// through the raylets: nothing but bytes.
struct Attach {
  ProcessId peer;
  bool is_afar = false;
};

// There is no such process (any more).
struct PeerGone {
  ProcessId peer;
};

// Lines that a worker of the driver's job wrote.
struct WorkerOutput {
  std::int32_t pid = 0;
  std::string function;  // that was running, "" if none
  bool is_stderr = false;
  std::vector<std::string> lines;
  std::uint64_t omitted = 0;  // lines left out before these by the rate limit
  std::string node;           // host name
};

// To an idle worker: end. One that may stay, and owns objects to which others
// refer, answers Stay instead and is idle as before.
struct Retire {
  bool may_stay = false;
};

struct JobEnded {
  JobId job;
};

// ---- owner -> worker -------------------------------------------------------

// What a task or actor has beside its arguments, for who asks inside of it.
struct Assigned {
  std::string name;          // that its options gave it, "" if none
  ResourceVector resources;  // held while it runs, or lives

  friend bool operator==(const Assigned&, const Assigned&) = default;
};

// `result` is the object, of the sender's, that is to hold the outcome: a large
// one is stored under that name.
struct RunTask {
  TaskId task;
  ObjectId result;
  std::int32_t attempt = 1;
  FunctionId function;
  std::vector<Value> args;  // one encoded value for each parameter
  // The stable name (MOBULA_REMOTE) by which it is called, "" if by its key.
  std::string called;
  // Null: no name, one cpu. Shared, since it never changes.
  std::shared_ptr<Assigned> assigned;
  std::optional<CallScope> scope;  // of the call; nothing: all is usual
};

struct CreateActor {
  TaskId task;
  ActorId actor;
  std::int64_t incarnation = 1;
  FunctionId constructor;
  std::vector<Value> args;
  Assigned assigned;
  bool shared = false;             // others live in the worker too
  std::optional<CallScope> scope;  // as of RunTask
  Concurrency concurrency;         // of its calls
};

// A shared actor is to live there no more: what has not started is refused,
// and its object destroyed when what runs has ended; `stop`: which is told to
// stop. Of another incarnation, or one that is not there: answered at once.
struct LeaveActor {
  ActorId actor;
  std::int64_t incarnation = 0;
  bool stop = false;
};

// Calls of one caller begin in the order of `sequence`, those of each group by
// themselves; it grows by one a call and goes on across incarnations.
struct CallActor {
  TaskId task;
  ObjectId result;
  ActorId actor;
  std::int64_t incarnation = 1;
  std::uint64_t sequence = 0;
  std::int32_t attempt = 1;
  FunctionId method;
  std::vector<Value> args;
  std::string called;  // as of RunTask
  std::optional<CallScope> scope;
  std::string group;  // of the actor's Concurrency; "": none
};

// Takes back a task that has not started; one that has is not disturbed.
struct CancelTask {
  TaskId task;
  ActorId actor = {};  // whose call it is; nil for a task
};

// The same for good: one that has started is told to stop, which is said at
// once (TaskStopping), and goes on as it likes; TaskDone tells its end. So is a
// coroutine that waits and has its outcome already.
// `recursive`: what it submitted and called meanwhile is cancelled too.
struct StopTask {
  TaskId task;
  bool recursive = true;
  ActorId actor = {};  // as of CancelTask
};

// ---- worker -> owner or caller ---------------------------------------------

// It has started, and has been told to stop.
struct TaskStopping {
  TaskId task;
};

// Nothing of it is there any more, and nothing more of it is said.
struct ActorLeft {
  ActorId actor;
  std::int64_t incarnation = 0;
};

struct TaskDone {
  TaskId task;
  std::int32_t attempt = 1;
  Outcome outcome;
  std::int64_t incarnation = 0;  // of the actor, 0 for a task
  std::int64_t run_ns = 0;       // how long the function ran
  bool actor_exited = false;     // it called ExitActor: do not restart it
  // Of a stored outcome (base/shm/value_digest.h); 0: not known.
  std::uint64_t digest = 0;
  // Arguments of a task whose bytes are gone: it has not run, nor is charged.
  std::vector<LostBytes> lost;
};

// ---- borrower <-> owner of an object ----------------------------------------

// Cancels the task or call that is to give its outcome. `force`: its worker is
// ended where it does not stop.
struct CancelObject {
  RequestId request;
  ObjectId object;
  bool force = false;
  bool recursive = true;
};

enum class CancelVerdict : std::uint8_t {
  kCancelled = 1,  // its outcome is, or is soon, a Failure of kCancelled
  kFinished,       // it has its outcome, or nobody refers to it
  kNoTask,         // it was put: there is nothing to cancel
  kActorCall       // of an actor, which is not ended by force
};

struct ObjectCancelled {
  RequestId request;
  CancelVerdict verdict = CancelVerdict::kFinished;
};

// It has begun, and what stands behind it may begin too: a coroutine that
// waits, or a call that runs beside others. Sent at most once an attempt,
// before its TaskDone, and before what stands behind it begins.
struct TaskAside {
  TaskId task;
  std::int64_t run_ns = 0;  // of a coroutine, until it waited
  // From here on whatever begins there is set aside before it does: what is not
  // has not begun.
  bool announced = false;
};

// ---- caller <-> owner of an actor ------------------------------------------

struct WatchActor {
  ActorId actor;
};

struct ActorMoved {
  ActorId actor;
  std::int64_t incarnation = 0;
  ProcessId worker;   // nil while it is created or restarted
  bool dead = false;  // for ever
  Failure failure;  // why, where dead; else what ended the last life, if known
};

// The caller's process has no handle of the actor any more.
struct UnwatchActor {
  ActorId actor;
};

// Ends the actor's worker; `restart` lets its restarts_max apply. `graceful`:
// what runs is told to stop and may end, and destructors run.
struct KillActor {
  ActorId actor;
  bool restart = false;
  bool graceful = false;
};

// ---- tool <-> raylet -------------------------------------------------------

// What runs on this node.
struct ListLocal {};
struct LocalListing {
  std::vector<WorkerInfo> workers;
  std::vector<TaskInfo> tasks;
  std::vector<StoreInfo> stores;  // one
};

using Message = std::variant<
    Register, Registered, RequestLease, CancelLease, ReturnLease, TaskBlocked,
    ConnectTo, EndJob, LeaseGranted, LeaseRefused, LeaseLost, Attach, PeerGone,
    WorkerOutput, Retire, JobEnded, RunTask, CreateActor, CallActor, CancelTask,
    TaskDone, WatchActor, ActorMoved, UnwatchActor, KillActor, ControlCall,
    ControlAnswer, ActorReport, ListLocal, LocalListing, LeaseArena,
    CancelArena, ArenaLeased, ArenaRefused, ReturnArena, ObjectStored,
    FreeObjects, FreeExtents, OpenArena, ArenaOpened, ArenaLost, QuietArena,
    ArenaQuiet, BorrowObjects, ObjectsBorrowed, ObjectsTaken, ReturnObjects,
    WantObjects, ObjectIs, OwnerGone, ClaimObjects, Stay, ObjectsLost,
    ResultRemade, ListRefs, RefsAre, ListMemory, MemoryPart, StorePart,
    MemoryListed, QuestionRefused, ListOwnTasks, TasksAre, ListTasks, TaskPart,
    TasksListed, StopTask, TaskStopping, CancelObject, ObjectCancelled,
    TaskAside, LeaveActor, ActorLeft, StreamOpened, StreamItem, StreamCredit,
    PullValue, ValuePulled, PullRefused>;

// An encoded message is at most this long; values ride inline for now.
inline constexpr std::uint64_t kMessageBytesMax = 256ull << 20;

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_MESSAGE_H_

// What a function can ask about itself while it runs, and a program about where
// it is.
//
//   void Shard::Feed() {
//     if (mobula::WasRestarted()) Reload();
//     mobula::TaskContext me = mobula::CurrentTask();
//     std::cout << me.function << " attempt " << me.attempt << "\n";
//   }
//
// A task or call may run more than once, and an actor that has been replaced
// may still be about for a moment. Against the world outside (a database, a
// file store, a payment) there are two means:
//
// - idempotency_key is the same in all attempts of one task or call, also when
// a
//   lost result is made again, and different for any two of them. Hand it to a
//   service that knows a request by it, or write it beside what you write,
//   under a unique index. Where one task does several things, append to it:
//   "/1". That of a constructor is the same in all incarnations.
// - fencing_token grows with each incarnation of an actor (it is the
//   incarnation; docs/calls.md says why that is enough). Let what you write to
//   keep, beside the actor's id, the highest token seen, and refuse a lower
//   one:
//
//     UPDATE shard SET data = :data, token = :token
//      WHERE actor = :actor AND token <= :token     -- 0 rows: we are replaced
//
//   Tokens of two actors are not comparable, also if one had the name of the
//   other before: then take a term of your own, such as the version that KvPut
//   gives a key, which grows across actors.
//
// Threading: CurrentTask, WasRestarted and ExitActor on the thread that runs
// the function, and in the coroutines that it awaits or starts, wherever they
// go on; elsewhere "no task"; the others on any thread. Failure: CurrentJob and
// those after it throw RuntimeClosed where there is no runtime.
#ifndef MOBULA_API_MOBULA_CONTEXT_H_
#define MOBULA_API_MOBULA_CONTEXT_H_

#include <cstdint>
#include <map>
#include <string>

#include "base/ids.h"
#include "base/scheduling/call_scope.h"

namespace mobula {

struct TaskContext {
  base::TaskId task;             // of this attempt; nil outside of a task
  base::ActorId actor;           // nil outside of an actor
  std::int64_t incarnation = 0;  // of the actor, from 1; 0 outside of one
  int attempt = 0;               // 1 for the first; 0 outside of a task
  std::string function;          // "CountWords", "Index::Add"
  int pid = 0;                   // of this process, always

  // TaskOptions::Name, or the actor's ActorOptions::Name; "" if there is none.
  std::string name;
  // Held while the task runs or the actor lives: "cpu", "memory" in bytes, and
  // names of your own. Empty outside of a task.
  std::map<std::string, double> resources;
  // See above; "" outside of a task. 32 hexadecimal digits.
  std::string idempotency_key;
  // See above; 0 outside of an actor.
  std::int64_t fencing_token = 0;

  // Of the scope here (coro/scope.h): that in which the task was called, unless
  // there is another one inside of it. What a task does that was called in
  // none has the task's own id as its trace. Nil and 0 where there is no scope.
  base::TraceId trace;
  int priority = 0;

  // Where it runs: as CurrentNode and so on; nil where there is no runtime.
  base::NodeId node;
  base::JobId job;
  base::ProcessId worker;  // this process, the driver's too
};

// Never throws for being outside of a task: what is of a task is then empty.
[[nodiscard]] TaskContext CurrentTask();

// Whether this actor lives again after its process died: its state is that of
// its constructor. False outside of an actor.
[[nodiscard]] bool WasRestarted();

// Ends this actor when the method that calls it returns; that call still
// answers, its destructor runs, later calls fail with ActorDied, and it is not
// restarted. Coroutine methods that wait meanwhile are stopped first: their
// waits throw Cancelled, and their calls fail with ActorDied. Throws
// BadArgument outside of an actor's method.
void ExitActor();

// The job that this process works for: the driver's. A detached actor, which
// belongs to no driver, has one of its own.
[[nodiscard]] base::JobId CurrentJob();
// The node that this process is on, as `mobula status` shows it; and the host's
// name.
[[nodiscard]] base::NodeId CurrentNode();
[[nodiscard]] std::string CurrentNodeName();
// Where names of actors and keys are looked up: InitOptions::Namespace.
[[nodiscard]] std::string CurrentNamespace();
// Of the cluster, as another program's --mobula-address wants it; "" of an
// embedded head, which serves its own program alone, and in local mode.
[[nodiscard]] std::string CurrentAddress();
// InitOptions::Local: all runs in this process.
[[nodiscard]] bool IsLocalMode();
// Whether this process is a worker; false in the driver and in local mode.
[[nodiscard]] bool IsWorker();

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CONTEXT_H_

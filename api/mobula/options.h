// Options of tasks, actors and calls: classes with chained setters.
//
//   mobula::Spawn<Render>(mobula::TaskOptions().Cpus(2).Retries(0), scene);
//   mobula::Create<Index>(mobula::ActorOptions().MaxRestarts(-1), shard);
//   index.Call<&Index::Add>(mobula::CallOptions().Retries(3), words);
//
// Every setter throws BadArgument for a value that makes no sense.
// Threading: values.
#ifndef MOBULA_API_MOBULA_OPTIONS_H_
#define MOBULA_API_MOBULA_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/mobula/nodes/placement.h"
#include "api/mobula/timeout.h"
#include "base/scheduling/concurrency.h"
#include "base/scheduling/resource_vector.h"

namespace mobula {

class TaskOptions {
 public:
  TaskOptions();

  // Logical processors held while it runs, default 1; 0.5 lets two share one.
  TaskOptions& Cpus(double cpus);
  // Bytes that the node sets aside while it runs, default none.
  TaskOptions& Memory(std::int64_t bytes);
  // Of a resource of your own that nodes offer (InitOptions::Resource).
  TaskOptions& Resource(std::string_view name, double quantity);
  // Where it is to run; default: where its caller is, while there is room.
  TaskOptions& Place(const Placement& placement);
  // New attempts, default 3; -1: no limit: after deaths of workers, and where
  // the bytes of a long result are lost later and somebody wants them. 0: it
  // never runs twice; then lost bytes are ObjectLost.
  TaskOptions& Retries(int retries_max);
  // Also retry when the function threw; default false.
  TaskOptions& RetryExceptions(bool retry = true);
  // From Spawn to the outcome, all attempts together; then TimeoutError, and
  // the worker of what still runs is ended; the deadline of a Scope only tells
  // it to stop. Either travels: CurrentTimeLeft() in the task. Spawn itself
  // waits as long for room in a full store; then ObjectStoreFull.
  TaskOptions& Timeout(mobula::Timeout timeout);
  // Of a generator: so many items may be yielded and not taken, 1 to 65,536,
  // default 16; where they are large, fewer.
  static constexpr int kWindowMax = 65'536;
  TaskOptions& Window(int items_max);
  // Shown in errors and logs instead of the function's own name.
  TaskOptions& Name(std::string name);

  struct Values {
    base::ResourceVector resources;
    std::optional<base::Placement> placement;
    int retries_max = 3;
    bool retry_exceptions = false;
    mobula::Timeout timeout;
    std::uint32_t window = 16;
    std::string name;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

class ActorOptions {
 public:
  ActorOptions();

  // Unique among the living actors of its namespace, known to all programs of
  // the cluster; GetActor finds it. 1 to 256 bytes, no slash. Default none. The
  // name is registered durably before Create returns; if it is taken, Create
  // throws NameTaken.
  ActorOptions& Name(std::string name);
  // Of the name; default: the program's own (InitOptions::Namespace).
  ActorOptions& Namespace(std::string ns);
  // Lives on without a handle and after this program, until Kill or ExitActor;
  // needs a name. In local mode it ends with the process.
  ActorOptions& Detached(bool detached = true);
  // If the name is taken, Create returns a handle of its holder instead of
  // throwing NameTaken; the arguments are then not used.
  ActorOptions& GetIfExists(bool get_if_exists = true);
  // New incarnations after deaths of its process, default 0; -1: no limit.
  ActorOptions& MaxRestarts(int restarts_max);
  // Held while it lives; default 0 cpus, no memory.
  ActorOptions& Cpus(double cpus);
  ActorOptions& Memory(std::int64_t bytes);
  ActorOptions& Resource(std::string_view name, double quantity);
  // Where it is to live; default: where its creator is, while there is room.
  // Not of one that is Shared or Detached.
  ActorOptions& Place(const Placement& placement);
  // Lives with other shared actors of this process in one worker process, which
  // costs far less than one of its own: thousands are fine. They run beside one
  // another, and share its fate: one that crashes ends them all, is charged for
  // it, and the others are restarted too, which MaxRestarts does not count; a
  // class that did it twice gets processes of its own. Holds no resources, and
  // is not Detached; runs one call at a time, so not with MaxConcurrency and
  // ConcurrencyGroup. In local mode like any other.
  ActorOptions& Shared(bool shared = true);
  // How long Kill waits for a shared actor, whose running method is told to
  // stop, before it ends the process and restarts the others elsewhere. Default
  // 2 s, as for a graceful end of any other; at most 1 min.
  ActorOptions& KillGrace(Timeout grace);
  // Calls of the process that creates it without an answer, waiting and running
  // ones; beyond that a call fails with LimitError. Default, and for handles
  // that others got by the actor's name: 1,000,000.
  ActorOptions& MaxPendingCalls(int calls);
  // So many of its methods run at the same time, from the beginning of each to
  // its end, 1 to 1,000: plain ones on threads of their own, so the class must
  // guard its data; coroutines on one thread, one at a time between two
  // co_awaits. Calls of one caller begin in the order made and end in any.
  // Where this is not given, one method runs at a time, and coroutines that
  // wait stand aside, up to 1,000 of them; MaxConcurrency(1) also lets no
  // coroutine begin while another waits.
  ActorOptions& MaxConcurrency(int calls);
  // A group of calls with a number of its own: calls that name it
  // (CallOptions::Group, kConcurrencyGroup) wait for none that do not, and the
  // other way round. The rest is bounded by MaxConcurrency, 1 where that is not
  // given. All groups and the rest together: at most 1,000; at most 64 groups.
  // The name: 1 to 256 bytes; twice is a BadArgument.
  ActorOptions& ConcurrencyGroup(std::string name, int calls);

  struct Values {
    base::ResourceVector resources;
    std::optional<base::Placement> placement;
    int restarts_max = 0;
    int pending_calls_max = -1;
    base::Concurrency concurrency;
    std::string name;
    std::string ns;  // "": the program's own
    bool detached = false;
    bool get_if_exists = false;
    bool shared = false;
    std::chrono::nanoseconds kill_grace = std::chrono::seconds(2);
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  // Throws where it is out of bounds; `what` asked for it.
  void SetConcurrency(const std::string& what, base::Concurrency concurrency);

  Values values_;
};

class CallOptions {
 public:
  CallOptions();

  // New attempts after deaths of the actor's process, default 0: a call runs at
  // most once. -1: no limit. Within one incarnation it never runs twice.
  CallOptions& Retries(int retries_max);
  // Only this incarnation may answer; else ActorRestarted.
  CallOptions& Incarnation(std::int64_t incarnation);
  // From Call to the outcome; then TimeoutError. It travels: waits in the
  // method throw then, too. Call itself waits as long for room in a full store;
  // then ObjectStoreFull.
  CallOptions& Timeout(mobula::Timeout timeout);
  // Of a generator: as of TaskOptions.
  CallOptions& Window(int items_max);
  // The concurrency group in which it runs, in place of its method's; "": none.
  // BadArgument, from Get, where the actor has no such group.
  CallOptions& Group(std::string name);

  struct Values {
    int retries_max = 0;
    std::int64_t incarnation = 0;  // 0: any
    mobula::Timeout timeout;
    std::uint32_t window = 16;
    std::optional<std::string> group;  // absent: its method's
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

class CancelOptions {
 public:
  CancelOptions();

  // Ends the worker process of a task that still runs 100 ms after it was told
  // to stop, and with it what it has spawned. Not of a call of an actor.
  CancelOptions& Force(bool force = true);
  // Also what the task or call has itself spawned and called, and what that
  // has; default true.
  CancelOptions& Recursive(bool recursive = true);

  struct Values {
    bool force = false;
    bool recursive = true;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

class KillOptions {
 public:
  KillOptions();

  // Let MaxRestarts apply instead of ending the actor for good.
  KillOptions& Restart(bool restart = true);
  // What runs is told to stop (its stop token, the waits of its scope); when
  // all of it has ended the destructor runs, and the process ends: after 2 s in
  // any case. Nothing more begins. A shared actor is always ended so, within
  // its KillGrace. Not with Restart, nor of a detached actor.
  KillOptions& Graceful(bool graceful = true);

  struct Values {
    bool restart = false;
    bool graceful = false;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_OPTIONS_H_

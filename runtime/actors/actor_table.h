// ActorTable decides where the actors of this owner live, and whether.
//
//   Waiting(args) --Resolve--> Leasing --Granted--> Creating --Done--> Alive
//   Waiting(args) --Resolve, held--> Held --Start--> Leasing
//   Creating, Alive --its worker died, restarts left--> Backoff --time-->
//       Leasing, as incarnation + 1
//   any --constructor failed | refused | no restarts left | Kill | exit | no
//       handle left--> Dead (final)
// Each actor has a lease of its own, which is returned with `discard`: a worker
// that held an actor is never used again. The first restart comes at once;
// those after crashes in quick succession wait (Backoff).
// Shared actors live in hosts (HostTable; actor_table_shared.cc) and leave them
// by LeaveActor. A host that is lost is the doing of one of them, who is
// charged a restart, or of none; for the others it is a restart that is not
// counted. One that is killed and does not leave in time is ended with its
// host. Owner: runtime::Owner, which carries the news to CallTable. Threading:
// none; pure. Invariants: (1) incarnations only grow, by one a restart; (2) at
// most restarts_max counted restarts; (3) a living actor has one lease or host,
// a dead one none; (4) after the news of its death there is no more news of an
// actor; (5) the raylet hears of each change (ActorReport), and of nothing
// after a death. Failure: the cause of death is a Failure that all later calls
// get.
#ifndef MOBULA_RUNTIME_ACTORS_ACTOR_TABLE_H_
#define MOBULA_RUNTIME_ACTORS_ACTOR_TABLE_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/scheduling/concurrency.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/actors/actor_news.h"
#include "runtime/actors/host_table.h"
#include "runtime/core/backoff.h"
#include "runtime/core/events.h"
#include "runtime/core/produced.h"
#include "runtime/core/task_rows.h"
#include "runtime/core/timer_set.h"
#include "runtime/core/worker_loss.h"

namespace mobula::runtime {

class ActorTable {
 public:
  // An incarnation that lived that long has not crashed at its start.
  static constexpr base::Duration kSoundLife = std::chrono::seconds(1);

  struct Options {
    base::ProcessId self;
    base::JobId job;
    std::uint64_t seed = 1;
  };
  ActorTable(const Options& options, base::IdSource& ids)
      : options_(options), ids_(ids), backoff_(options.seed) {}

  // Of the events that follow.
  void Begin(base::BootTime now) { now_ = now; }

  void Joined(const base::Registered& registered, Produced& out);

  // A new actor, waiting for its constructor's arguments.
  void Add(Create create, Produced& out);
  // By the constructor's task: which actor it is, if it waits for arguments.
  [[nodiscard]] bool Awaits(base::TaskId creation) const;
  void Resolve(base::TaskId creation, std::vector<base::Value> args,
               Produced& out);
  void FailArguments(base::TaskId creation, base::Failure failure,
                     Produced& out);
  // A held actor may begin; it is not reported before.
  void Start(base::ActorId actor, Produced& out);
  // Ends it before it began.
  void Refuse(base::ActorId actor, base::Failure cause, Produced& out);

  // Each says whether the lease, worker or task is one of ours.
  bool Granted(const base::LeaseGranted& granted, Produced& out);
  bool Refused(const base::LeaseRefused& refused, Produced& out);
  bool Lost(const base::LeaseLost& lost, base::BootTime now, Produced& out);
  // Of a worker that is a host.
  void Left(base::ProcessId from, const base::ActorLeft& left, Produced& out);
  bool Done(base::ProcessId from, base::TaskDone& done, base::BootTime now,
            Produced& out);
  void LinkEnded(base::ProcessId worker, base::BootTime now, Produced& out);
  // The actors that the process watched; it does not any more.
  std::vector<base::ActorId> LoseWatcher(base::ProcessId watcher);

  void Exited(base::ActorId actor, Produced& out);
  void Kill(const base::KillActor& kill, base::BootTime now, Produced& out);
  // One handle less here; ForgetIfUnused follows when no call is unfinished.
  void Drop(base::ActorId actor);
  // One handle more, from another process or by its name.
  void Keep(base::ActorId actor);
  // Ends and forgets the actor if no handle is left; whether it did.
  bool ForgetIfUnused(base::ActorId actor, Produced& out);

  // Another process wants to know where the actor lives, from now on.
  void Watch(base::ProcessId watcher, base::ActorId actor, Produced& out);
  // That process has no handle any more.
  void Unwatch(base::ProcessId watcher, base::ActorId actor);

  void Tick(base::BootTime now, Produced& out);
  [[nodiscard]] base::BootTime Next() const {
    return std::min(timers_.Next(), host_timers_.Next());
  }
  void FailAll(const base::Failure& failure, Produced& out);

  [[nodiscard]] bool Has(base::ActorId actor) const {
    return actors_.contains(actor);
  }
  [[nodiscard]] ActorChanged View(base::ActorId actor) const;
  [[nodiscard]] std::size_t size() const { return actors_.size(); }
  [[nodiscard]] std::size_t leases() const {
    return of_lease_.size() + hosts_.size();
  }
  // In order of id; what others know of them is left empty.
  [[nodiscard]] std::vector<base::HeldActor> Held() const;
  // Creations in that state; not those that wait for arguments, which ArgWaits
  // knows.
  void List(base::TaskState state, TaskRows& rows) const;
  // Fills in the row of its task; false if that is no creation, or done.
  bool AddRow(base::TaskRow row, TaskRows& rows) const;
  // After the rows.
  void Count(TaskRows& rows) const;
  // Actors on their way to life.
  [[nodiscard]] std::size_t starting() const { return starting_; }

  // What happened, in order; the owner empties it.
  std::vector<ActorNews>& news() { return news_; }

 private:
  enum class State : std::uint8_t {
    kWaitingArgs,
    kHeld,
    kBackoff,
    kLeasing,
    kCreating,
    kAlive,
    kDead
  };
  struct Actor {
    base::ActorId id;
    base::TaskId creation;
    base::FunctionId constructor;
    std::string class_name;
    std::string name;  // "" if none
    std::vector<base::Value> args;
    base::ResourceVector resources;
    std::optional<base::Placement> placement;
    base::CallerScope scope;  // its deadline counts until it has lived
    base::Concurrency concurrency;
    std::int32_t restarts_max = 0;
    std::int32_t restarts = 0;
    int crashes = 0;  // in quick succession
    State state = State::kWaitingArgs;
    std::int64_t incarnation = 1;  // the one that lives or comes next
    std::int64_t lived = 0;        // the last one that lived, 0 if none
    bool shared = false;
    base::Duration kill_grace{0};  // of a shared one
    base::LeaseId host;            // of a shared one; nil if it has none
    base::LeaseId lease;           // nil if none is asked for, or shared
    base::ProcessId worker;        // while creating or alive
    std::int32_t pid = 0;
    base::BootTime alive_since;
    base::BootTime since;  // it has been in its state
    base::BootTime wake_at = base::BootTime::Never();
    WorkerLoss loss;
    base::Failure cause;                 // if dead
    int handles = 1;                     // in this process
    bool held = false;                   // its name is being registered
    std::set<base::ProcessId> watchers;  // processes with handles
  };

  Actor* Find(base::ActorId actor);
  Actor* OfLease(base::LeaseId lease);
  void SetState(Actor& actor, State state);
  void SetWake(Actor& actor, base::BootTime at);
  void AskLease(Actor& actor, Produced& out);
  // Gives the lease back, or takes the request back; neither if there is none.
  // A worker that is not discarded ends by itself: its destructors run.
  void LeaveLease(Actor& actor, bool discard, Produced& out);
  // Forgets the lease: the raylet has ended it.
  void ForgetLease(Actor& actor);
  // Whether it has not lived in time.
  [[nodiscard]] bool IsLate(const Actor& actor) const {
    return actor.lived == 0 && actor.scope.deadline <= now_;
  }
  void Live(Actor& actor, base::BootTime now, Produced& out);
  void ConstructorFailed(Actor& actor, base::Failure failure,
                         base::BootTime now, Produced& out);
  void DecideLoss(Actor& actor, base::BootTime now, Produced& out);
  // The incarnation is over: the next one, or death. `counted`: it takes one of
  // its restarts.
  void Crash(Actor& actor, base::Failure failure, Unstarted unstarted,
             base::BootTime now, Produced& out, bool counted = true);
  void Construct(Actor& actor, base::ProcessId worker, std::int32_t pid,
                 Produced& out);
  void StartAgain(Actor& actor, base::BootTime now, Produced& out);
  void Die(Actor& actor, base::Failure cause, Unstarted unstarted,
           Produced& out);
  // ---- actor_table_shared.cc
  void AskHost(Actor& actor, Produced& out);
  void LeaveHost(Actor& actor, bool stop, Produced& out);
  bool HostGranted(const base::LeaseGranted& granted, Produced& out);
  bool HostRefused(const base::LeaseRefused& refused, Produced& out);
  bool HostLost(const base::LeaseLost& lost, base::BootTime now, Produced& out);
  void DecideHostLoss(HostTable::Host& host, base::BootTime now, Produced& out);
  // It is over, and with it what lived there: but for who is charged, by no
  // doing of its own.
  void EmptyHost(base::LeaseId lease, const base::Failure& failure,
                 Unstarted unstarted, base::ActorId charged, base::BootTime now,
                 Produced& out);
  // One that is to be restarted and had to leave first.
  void AskAgain(base::ActorId actor, Produced& out);
  void SetHostWake(const HostTable::Host& host);
  void ReturnIfEmpty(HostTable::Host& host, Produced& out);
  void TickHosts(base::BootTime now, Produced& out);

  // `loss`: what ended the life that was last, where that has just been.
  void TellWatchers(const Actor& actor, Produced& out,
                    const base::Failure* loss = nullptr) const;
  // Tells the control store, through the raylet.
  void Report(const Actor& actor, Produced& out) const;
  void Report(const Actor& actor, base::Failure cause, Produced& out) const;
  [[nodiscard]] static base::ActorMoved Where(const Actor& actor);
  [[nodiscard]] static bool IsStarting(const Actor& actor) {
    return actor.state != State::kAlive && actor.state != State::kDead;
  }
  [[nodiscard]] static base::TaskState StateOf(const Actor& actor);
  static void AddRow(const Actor& actor, base::TaskRow row, TaskRows& rows);

  const Options options_;
  base::IdSource& ids_;
  base::BootTime now_;
  base::ProcessId raylet_;  // nil before it is known, and when it is lost
  base::NodeId node_;
  std::string node_name_;
  Backoff backoff_;
  std::map<base::ActorId, Actor> actors_;
  std::unordered_map<base::TaskId, Actor*> of_creation_;
  std::map<base::LeaseId, Actor*> of_lease_;
  std::unordered_map<base::ProcessId, Actor*> of_worker_;
  std::set<std::pair<base::ProcessId, base::ActorId>> watched_;
  TimerSet<base::ActorId> timers_;
  HostTable hosts_;
  TimerSet<base::LeaseId> host_timers_;
  std::map<base::LeaseId, base::BootTime> host_wakes_;
  std::size_t starting_ = 0;
  std::vector<ActorNews> news_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_ACTORS_ACTOR_TABLE_H_

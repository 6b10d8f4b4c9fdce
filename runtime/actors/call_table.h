// CallTable carries each call that this process makes to an actor, its own or
// a borrowed one, from Call to its outcome, in order.
//
//   Waiting(args) --Resolve--> Ready --actor up, turn and window--> InFlight
//   InFlight --Done--> (gone);  InFlight --Aside (what stands behind it may
//   begin there) --Done--> (gone)
//   InFlight --Down: never started, or retries left--> Ready, in the old order
//   Waiting, Ready --Cancel--> (gone) with a Failure
//   InFlight --Cancel: StopTask to the worker--> Cancelled --it never started,
//   or the worker says that it stops it, or is gone--> (gone) with that Failure
//   any --timeout | Dead | Down without retries--> (gone) with a Failure
// Calls to one group of an actor leave in the order made: one that waits for an
// argument holds back those of its group behind it, and what comes back after a
// death goes before all that was not sent. A sequence number is given when a
// call leaves, so within an incarnation there is no gap.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: (1) exactly one outcome a call; (2) answers are taken only from
// the worker and the incarnation in which the actor lives now; (3) in flight to
// a group are at most kWindow calls that are not aside, or one and kWindowBytes
// of arguments, and pending_max to the actor are unfinished; (4) executed = no
// is said only of what was never sent, or stood behind the first unanswered
// call, but for those aside, of a worker whose last word has been read; where
// the worker announces what begins, of all that is not aside.
#ifndef MOBULA_RUNTIME_ACTORS_CALL_TABLE_H_
#define MOBULA_RUNTIME_ACTORS_CALL_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/scheduling/concurrency.h"
#include "base/value.h"
#include "runtime/actors/actor_news.h"
#include "runtime/core/events.h"
#include "runtime/core/produced.h"
#include "runtime/core/task_rows.h"
#include "runtime/core/timer_set.h"

namespace mobula::runtime {

class CallTable {
 public:
  static constexpr std::size_t kWindow = 1'000;
  static constexpr std::size_t kWindowBytes = std::size_t{32} << 20;
  static constexpr std::int32_t kPendingMax = 1'000'000;
  // Of an actor; calls that name further groups go with those that name none.
  static constexpr std::size_t kLanesMax = base::kConcurrencyGroupsMax + 1;

  // Of the events that follow.
  void Begin(base::BootTime now) { now_ = now; }

  // An actor to which calls may be made from now on. -1: kPendingMax.
  void AddActor(base::ActorId actor, std::int32_t pending_max);
  // It must have no unfinished calls.
  void ForgetActor(base::ActorId actor);
  [[nodiscard]] bool HasActor(base::ActorId actor) const {
    return targets_.contains(actor);
  }

  // False if the call was refused and has its outcome.
  bool Add(Call call, base::BootTime now, Produced& out);
  void Resolve(base::TaskId task, std::vector<base::Value> args, Produced& out);
  void Fail(base::TaskId task, base::Failure failure, Produced& out);
  [[nodiscard]] bool Has(base::TaskId task) const {
    return entries_.contains(task);
  }
  // Its outcome becomes a Failure of kCancelled, now or when the worker has
  // answered. One that is not here is let pass.
  void Cancel(base::TaskId task, bool recursive, Produced& out);
  // The worker has told it to stop.
  void Stopping(base::ProcessId from, base::TaskId task, Produced& out);

  void Hear(const ActorNews& news, Produced& out);
  // There are signs that the worker is gone: nothing more is sent there, and
  // what was sent waits for the news of it.
  void Suspend(base::ProcessId worker);
  // The actor that called ExitActor in this answer, if so.
  std::optional<base::ActorId> Done(base::ProcessId from, base::TaskDone& done,
                                    Produced& out);
  void Aside(base::ProcessId from, const base::TaskAside& aside, Produced& out);

  void Tick(base::BootTime now, Produced& out);
  [[nodiscard]] base::BootTime Next() const { return deadlines_.Next(); }

  void SetNode(std::string node_name) { node_name_ = std::move(node_name); }
  [[nodiscard]] std::size_t Unfinished(base::ActorId actor) const;
  // An actor whose last unfinished call has ended since it was last told.
  std::optional<base::ActorId> PopDrained();
  // Those in that state; not those that wait for arguments, which ArgWaits
  // knows.
  void List(base::TaskState state, TaskRows& rows) const;
  // Fills in the row of its task; false if there is no such call.
  bool AddRow(base::TaskRow row, TaskRows& rows) const;
  // After the rows.
  void Count(TaskRows& rows) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t actors() const { return targets_.size(); }

 private:
  enum class State : std::uint8_t { kWaiting, kReady, kInFlight };
  static constexpr std::size_t kStates = 3;
  struct Sent {
    base::TaskId task;
    base::ObjectId result;
    std::size_t bytes = 0;  // of its arguments
    std::uint64_t sequence = 0;
    bool aside = false;
    std::uint32_t lane = 0;
  };
  // Calls to one group.
  struct Lane {
    std::string group;
    std::deque<base::TaskId> queue;  // some may have their outcome
    // In flight and not aside.
    std::size_t sent = 0;
    std::size_t sent_bytes = 0;
  };
  struct Target {
    base::ActorId id;
    bool up = false;
    bool dead = false;
    base::Failure cause;  // if dead
    base::ProcessId worker;
    std::int32_t pid = 0;
    std::int64_t incarnation = 0;
    std::uint64_t next_sequence = 1;
    std::size_t unfinished = 0;
    std::size_t pending_max = 0;
    std::vector<Lane> lanes = std::vector<Lane>(1);  // first: of no group
    // In the order sent; some may have their outcome.
    std::deque<Sent> in_flight;
    base::BootTime head_since;  // when the first one in flight became first
    bool announced = false;     // only what is aside has begun at the worker
    std::unordered_map<base::TaskId, Sent> aside;  // not in in_flight
  };
  struct Entry {
    Target* target = nullptr;
    base::ObjectId result;
    base::FunctionId method;
    std::string method_name;
    bool by_name = false;
    std::uint32_t lane = 0;
    std::string group;
    std::vector<base::Value> args;
    std::unique_ptr<const base::CallerScope> scope;  // null: a usual one
    base::BootTime deadline = base::BootTime::Never();
    std::int64_t bound_incarnation = 0;
    base::BootTime since;  // it has been in its state
    std::int32_t retries_max = 0;
    std::int32_t attempt = 1;
    State state = State::kWaiting;
    bool maybe_ran = false;  // in an earlier attempt
    bool cancelled = false;  // while in flight: the worker is asked
    bool is_scoped = false;  // its deadline is that of its scope
  };
  using Entries = std::unordered_map<base::TaskId, Entry>;

  void SetState(Entry& entry, State state);
  void Up(Target& target, const ActorNews& news, Produced& out);
  void Down(Target& target, const ActorNews& news, Produced& out);
  void Die(Target& target, const ActorNews& news, Produced& out);
  void Pump(Target& target, Produced& out);
  void Pump(Target& target, Lane& lane, Produced& out);
  static std::uint32_t LaneOf(Target& target, const std::string& group);
  void Push(base::TaskId id, Entry& entry, Produced& out);
  // The worker takes no calls for this actor: all go back until the next Up.
  void TakeBack(Target& target, const Sent& refused, Produced& out);
  // Decides about one call that was in flight when its worker was lost; true
  // if it is to be sent again.
  bool Survives(Entries::iterator it, bool may_have_run, const ActorNews& news,
                Produced& out);
  void FailRestarted(Entries::iterator it, Produced& out);
  // Of one whose time is over.
  [[nodiscard]] base::Failure LateFailure(const Entry& entry) const;
  void TimeOut(Entries::iterator it, Produced& out);
  // Of what was cancelled and is not in the worker any more.
  void SettleCancelled(Entries::iterator it, base::Executed executed,
                       Produced& out);
  void Settle(Entries::iterator it, base::Outcome outcome,
              std::int64_t incarnation, Produced& out);
  void Fill(const Entry& entry, base::Failure& failure) const;
  static bool HasRoom(const Lane& lane);
  // It is the first that its worker has not answered, or aside there.
  [[nodiscard]] static bool Runs(const Target& target, base::TaskId task);
  // The first in flight, which may run without being aside.
  [[nodiscard]] static bool IsHead(const Target& target, base::TaskId task);
  // False: there is no room for more.
  bool ListSent(const Target& target, base::TaskState state,
                TaskRows& rows) const;
  bool ListQueued(const Target& target, TaskRows& rows) const;
  // Of what has been answered.
  std::optional<Sent> TakeSent(Target& target, base::TaskId task);
  // In the order sent; nothing is in flight nor aside then.
  std::vector<Sent> TakeInFlight(Target& target);
  // Whether each may have run, in the order sent.
  static std::vector<bool> MayHaveRun(const Target& target,
                                      const ActorNews& news,
                                      const std::vector<Sent>& lost);
  void Leave(Target& target);
  // Whose call that worker speaks of; null if it is none, or not there.
  Target* TargetOf(base::ProcessId worker, base::TaskId task);
  void DropSettled(const Target& target, Lane& lane);

  base::BootTime now_;
  std::string node_name_;
  std::array<std::size_t, kStates> counts_{};  // of the entries, by state
  std::map<base::ActorId, Target> targets_;
  // Several of one worker where the actors are shared.
  std::set<std::pair<base::ProcessId, base::ActorId>> of_worker_;
  Entries entries_;
  // In flight, and with their outcomes: which actor's.
  std::unordered_map<base::TaskId, base::ActorId> abandoned_;
  TimerSet<base::TaskId> deadlines_;
  std::vector<base::ActorId> drained_;
  // Above all sequences of forgotten actors: a handle that comes back must not
  // use one twice.
  std::uint64_t first_sequence_ = 1;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_ACTORS_CALL_TABLE_H_

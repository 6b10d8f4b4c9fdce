// Ledger is the simulator's own record of what was asked for, what ran and what
// was answered: the side effects of user code, which no crash can take back.
//
// Processes tell it each step at the moment it happens; it judges at once what
// can be judged (order, duplicates, incarnations) and keeps the rest for the
// Oracle. It knows nothing that the cores decided.
// Owner: World.   Threading: none.
// Checks: I2, I3, I4, I11 of tests/sim/README.md, and claims of `executed`.
#ifndef MOBULA_TESTS_SIM_LEDGER_H_
#define MOBULA_TESTS_SIM_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

// What a simulated function does when it runs.
struct Behaviour {
  base::Duration run{0};
  bool throws = false;
  bool crashes = false;  // its process ends in the midst
  bool exit_actor = false;
  int children = 0;     // spawned and waited for
  int depth = 0;        // of children's children
  base::ActorId calls;  // an actor that it calls, nil if none
  base::ProcessId calls_owner;
  bool makes_actor = false;  // one of its own, which it calls
  int deeds = 0;             // with objects and refs (RefUser)
};

enum class OpKind : std::uint8_t { kTask, kConstructor, kCall, kPut };

using OpIndex = std::size_t;

// One thing that user code asked for.
struct Operation {
  OpKind kind = OpKind::kTask;
  base::ProcessId owner;  // the process that asked
  base::TaskId task;
  base::ObjectId result;  // nil for a constructor
  base::ActorId actor;
  std::int32_t retries_max = 0;
  bool retry_exceptions = false;
  base::Duration timeout = base::Duration::max();
  std::int64_t bound_incarnation = 0;
  bool infeasible = false;
  std::vector<OpIndex> dependencies;
  // Arguments after those: refs of any owner.
  std::vector<base::ObjectName> passed;
  base::TaskId parent;  // that asked for it, nil if none
  // Refs inside of its first argument.
  std::vector<base::ObjectName> mentioned;
  Behaviour behaviour;
  // What its value may mention has less; so no value comes to be inside of
  // itself, which nobody collects. A put has the most of what is inside of it.
  std::uint64_t rank = 0;

  // Filled in by the ledger.
  base::BootTime asked_at;
  std::uint64_t order = 0;  // among the calls of its owner to its actor
  bool watched = false;
  bool dropped = false;
  std::optional<base::Outcome> outcome;
  std::int64_t outcome_incarnation = 0;
  base::BootTime settled_at;
  std::vector<std::size_t> executions;
  // Times its worker was lost while it was the first unanswered one there.
  std::int32_t losses = 0;
  // Times it was sent to a worker.
  std::int32_t sent = 0;
  bool has_value = false;  // some run returned one, or it was put
  int bytes_lost = 0;  // places of its value where nothing is found any more
  // It was run again since its bytes, or those of what needs it, were lost.
  bool run_again = false;
  int store_full = 0;         // runs, or tries, that found no room in the store
  int cancels = 0;            // asked for by whoever has its ref
  int recursive_cancels = 0;  // of those
  bool cancelled = false;     // it was said to be
  bool answered = false;      // its asker was told that there is a value

  // Its outcome may have changed since it was seen.
  [[nodiscard]] bool may_differ() const { return bytes_lost > 0 || run_again; }
};

// One run of a function in a worker.
struct Execution {
  OpIndex operation = 0;
  base::ProcessId worker;
  std::int32_t attempt = 0;
  std::int64_t incarnation = 0;
  base::BootTime started;
  bool finished = false;
  bool threw = false;
  std::string value;  // where it finished with one
};

struct Incarnation {
  base::ProcessId host;
  bool constructed = false;
  std::size_t calls_run = 0;
  // By caller: the order number of the call that started last.
  std::map<base::ProcessId, std::uint64_t> last_order;
};

struct ActorRecord {
  base::ProcessId owner;  // nil: detached
  bool detached = false;
  bool shared = false;
  OpIndex constructor = 0;
  std::int32_t restarts_max = 0;
  std::int32_t pending_calls_max = -1;
  std::map<std::int64_t, Incarnation> incarnations;
  std::int32_t kills = 0;        // Kill events
  std::int32_t final_kills = 0;  // of those, without restart
  bool exited = false;           // a method called ExitActor and finished
  bool constructor_threw = false;
  bool dropped = false;  // its owner holds no handle any more
  std::int32_t hosts_lost = 0;
  std::int32_t charged = 0;  // of those, by its own doing, where it is shared
};

class Ledger {
 public:
  explicit Ledger(Verdict& verdict) : verdict_(verdict) {}

  OpIndex Ask(Operation operation, base::BootTime now);
  void AskActor(base::ActorId actor, ActorRecord record);

  // A function begins; the number of the execution.
  std::size_t Start(OpIndex index, Execution execution,
                    const std::vector<base::Value>& args);
  // It ends; what it answers is unique to this execution, and says which refs
  // are inside.
  base::Outcome Finish(std::size_t execution,
                       const std::vector<base::ObjectName>& refs = {});
  // The process that asked is told the value of a call, which it may have to
  // wait for, by an incarnation.
  void Answer(OpIndex index, std::int64_t incarnation);
  // It sees the outcome of a watched object.
  void Settle(OpIndex index, const base::Outcome& outcome,
              std::int64_t incarnation, base::BootTime now);
  // Who cancelled it was told that it is.
  void NoteCancelled(OpIndex index);
  // It is run again, under another task's name, since its bytes were lost.
  // False where it is not, or another attempt of that.
  bool NoteRunAgain(base::ObjectId result, base::TaskId task);
  // Its bytes are not, or no more, where they were.
  void NoteBytesLost(base::ObjectId result);
  // It ended, or did not begin, since there was no room in the store.
  void NoteStoreFull(base::ObjectId result, base::TaskId task);
  // Whether somebody wished that.
  [[nodiscard]] bool MayBeCancelled(const Operation& op) const;
  // A process sees the state of an actor.
  void SeeActor(base::ProcessId process, base::ActorId actor,
                std::int64_t incarnation, bool dead);
  // It holds no handle any more, and knows nothing if it gets another.
  void ForgetActor(base::ProcessId process, base::ActorId actor);
  // What its owner says of an actor.
  void SeeReport(const base::ActorReport& report);
  void LoseProcess(base::ProcessId process);
  // Detached actors begin again elsewhere, whatever their restarts_max.
  void LoseNode() { ++nodes_lost_; }
  [[nodiscard]] std::int32_t nodes_lost() const { return nodes_lost_; }

  [[nodiscard]] Operation& operation(OpIndex index) {
    return operations_.at(index);
  }
  [[nodiscard]] const std::vector<Operation>& operations() const {
    return operations_;
  }
  [[nodiscard]] const std::vector<Execution>& executions() const {
    return executions_;
  }
  [[nodiscard]] ActorRecord& actor(base::ActorId actor) {
    return actors_.at(actor);
  }
  [[nodiscard]] const std::map<base::ActorId, ActorRecord>& actors() const {
    return actors_;
  }
  [[nodiscard]] std::optional<OpIndex> FindByResult(
      base::ObjectId result) const;
  [[nodiscard]] std::optional<OpIndex> FindByTask(base::TaskId task) const;
  // 0 for what it does not know.
  [[nodiscard]] std::uint64_t RankOf(base::ObjectId object) const;
  // Objects that came to hold a value.
  [[nodiscard]] std::uint64_t objects() const { return objects_; }
  // Outcomes that some process saw.
  [[nodiscard]] std::uint64_t settled() const { return settled_; }
  [[nodiscard]] std::string Describe(OpIndex index) const;

 private:
  struct Seen {
    std::int64_t answered = 0;   // the incarnation of the last answer
    std::int64_t announced = 0;  // of the last ActorChanged
    bool dead = false;
  };

  void CheckAttempts(OpIndex index, const Execution& execution);
  void CheckHost(OpIndex index, const Execution& execution);
  void CheckCallOrder(OpIndex index, const Execution& execution);
  void CheckArgs(OpIndex index, const std::vector<base::Value>& args);
  void CheckAnswer(OpIndex index, std::string_view value,
                   std::int64_t incarnation);
  void CheckClaim(OpIndex index, const base::Failure& failure);
  void CheckCancelled(OpIndex index);
  [[nodiscard]] bool MayInherit(const Operation& op) const;

  Verdict& verdict_;
  std::vector<Operation> operations_;
  std::vector<Execution> executions_;
  std::map<base::ActorId, ActorRecord> actors_;
  std::map<base::ObjectId, OpIndex> by_result_;
  std::map<base::TaskId, OpIndex> by_task_;
  std::map<std::string, std::size_t, std::less<>> by_value_;
  std::map<std::pair<base::ProcessId, base::ActorId>, std::uint64_t> orders_;
  std::map<std::pair<base::ProcessId, base::ActorId>, Seen> seen_;
  std::uint64_t settled_ = 0;
  std::uint64_t objects_ = 0;
  std::int32_t nodes_lost_ = 0;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_LEDGER_H_

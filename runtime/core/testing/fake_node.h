// FakeNode is a whole node inside a test: a driver's core, a fake raylet, and
// workers that are real cores with pretended functions. The raylet is the owner
// of detached actors too, and answers for the control store, mostly. Messages
// of one link keep their order, everything else happens in an order that the
// seed decides.
//
//   FakeNode node(seed, 2);
//   node.Do(Submit{...});
//   node.KillSomeWorker();
//   while (node.Step()) {}               // until nothing is left to happen
// What really happened (starts, outcomes) is recorded for the test to compare
// with what the cores claim.
// Owner: a test.   Threading: none; time is virtual.
#ifndef MOBULA_RUNTIME_CORE_TESTING_FAKE_NODE_H_
#define MOBULA_RUNTIME_CORE_TESTING_FAKE_NODE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

// What a pretended function does, by the low half of its id.
enum class Deed : std::uint64_t {
  kReturn = 1,
  kThrow,
  kSlow,       // runs for 20 to 200 ms
  kNested,     // submits a task of its own and waits for it
  kCallActor,  // args[0]: low half of the id of the driver's actor; calls it
  kExit,       // a method that calls ExitActor
  kYield,      // args[0]: so many items, "0", "1" and so on
  kYieldThrow  // the same, and then it throws
};

class FakeNode {
 public:
  struct Start {
    base::ProcessId process;
    base::ActorId actor;
    std::int64_t incarnation = 0;
    std::int32_t attempt = 0;
    std::uint64_t order = 0;  // among all starts
  };

  static constexpr base::ProcessId kRaylet{100, 1};
  static constexpr base::ProcessId kDriver{100, 2};

  FakeNode(std::uint64_t seed, std::int64_t cpus);

  void Do(Event event);
  // One thing happens; false if nothing can, ever.
  bool Step();
  void KillSomeWorker();
  void RetireSomeIdleWorker();
  // A detached actor, restarted for ever.
  void Host(base::ActorId actor);
  [[nodiscard]] bool IsDetached(base::ActorId actor) const {
    return detached_.contains(actor);
  }

  static base::FunctionId Function(Deed deed) {
    return {1, static_cast<std::uint64_t>(deed)};
  }
  std::uint64_t Random(std::uint64_t below) { return random_() % below; }

  [[nodiscard]] const Core& driver() const {
    return *processes_.find(kDriver)->second.core;
  }
  [[nodiscard]] std::size_t leases() const { return leases_.size(); }
  [[nodiscard]] std::size_t workers() const { return processes_.size() - 1; }
  // What is left in the cores of the workers, all together.
  [[nodiscard]] std::size_t left_in_workers() const;
  // Who runs and holds what, for a failed test.
  [[nodiscard]] std::string Describe() const;
  [[nodiscard]] std::uint64_t kills() const { return kills_; }
  // That waited, and were stopped while they did.
  [[nodiscard]] std::uint64_t asides() const { return asides_; }
  [[nodiscard]] std::uint64_t stops() const { return stops_; }
  // That began while others of their actor ran.
  [[nodiscard]] std::uint64_t besides() const { return besides_; }
  [[nodiscard]] base::BootTime now() const { return now_; }

  // By task, in order.
  std::map<base::TaskId, std::vector<Start>> starts;
  // Outcomes that the driver was told of, in order.
  std::map<base::ObjectId, std::vector<base::Outcome>> ready;
  std::vector<ActorChanged> changes;  // at the driver
  // What the driver was answered by the control store.
  std::map<base::RequestId, std::vector<base::ControlReply>> control_ready;
  // What became of the driver's cancels.
  std::map<base::RequestId, std::vector<base::CancelVerdict>> cancel_ready;
  // The keys that the control store was asked to put.
  std::set<std::string> keys_heard;
  // How many items have been made of each task, in all its attempts.
  std::map<base::TaskId, std::uint64_t> yielded;
  // What the owners reported, in order.
  std::map<base::ActorId, std::vector<base::ActorReport>> reports;

 private:
  // A coroutine that waits, until its time or until it is stopped; or a method
  // that runs beside others.
  struct Waiting {
    Execute execute;
    base::BootTime finish_at;
    bool never_began = false;
    base::ObjectId awaits = {};  // as of Process
    base::ActorId borrowed = {};
  };
  // A generator that runs or is set aside.
  struct Generator {
    std::uint64_t index = 0;  // of the next item
    std::uint64_t count = 0;
    base::StreamCredit credit;
    bool shares = false;  // is set aside while it waits
    bool stopped = false;
  };
  struct Process {
    base::ProcessId id;
    std::unique_ptr<Core> core;
    base::BootTime timer = base::BootTime::Never();
    std::optional<Execute> running;
    std::map<base::TaskId, Waiting> aside;
    std::map<base::TaskId, Generator> generators;
    std::size_t threads = 0;  // of its actor's methods; 0: one at a time
    bool leaving = false;     // its actor has called ExitActor
    base::BootTime finish_at = base::BootTime::Never();
    base::BootTime started_at;
    base::ObjectId awaits;  // what the function waits for, nil if nothing
    base::ActorId borrowed;
    std::uint64_t next_id = 1;
    bool retiring = false;
    base::BootTime end_at = base::BootTime::Never();  // the raylet's grace
  };
  struct Lease {
    base::ProcessId owner;
    base::ProcessId worker;  // nil while it waits
    std::int64_t cpu_units = 0;
    bool lent = false;
  };
  struct Detached {
    base::ActorId actor;
    base::TaskId creation;
    base::ProcessId worker;
    std::int64_t incarnation = 0;
    bool alive = false;
    bool dead = false;
    std::set<base::ProcessId> watchers;
  };
  using Wire = std::pair<base::ProcessId, base::ProcessId>;
  // Nothing: the sender has ended.
  using Packet = std::optional<base::Message>;

  Process& StartProcess(base::ProcessId id, base::Role role);
  void Feed(Process& process, Event event);
  void CarryOut(base::ProcessId from, Effects effects);
  void Transmit(base::ProcessId from, base::ProcessId to,
                base::Message message);
  void Deliver(Wire wire);
  bool AdvanceTime();
  // Something whose time has come, in a process; false if nothing.
  bool RunDue();

  void Begin(Process& process, const Execute& execute);
  // It heeds that, or does not.
  void StopRunning(Process& process, base::TaskId task);
  void BeginNested(Process& process);
  void BeginCall(Process& process, const Execute& execute);
  [[nodiscard]] static base::BootTime AsideDue(const Process& process);
  void FinishRunning(Process& process);
  // What a function has waited for, and with whom.
  void LetGo(Process& process, base::ObjectId awaited, base::ActorId borrowed);
  void EndWait(Process& process, base::ObjectId object);
  // Now and then a function turns out to be a coroutine; whether this one did.
  bool SetRunningAside(Process& process);
  void FinishAside(Process& process, base::TaskId task);
  // The one whose time has come first.
  [[nodiscard]] base::TaskId DueAside(const Process& process) const;
  // All that runs there.
  void FinishOthers(Process& process);
  // Makes room for one more method of an actor that lets them run beside.
  void MakeRoom(Process& process);
  void BeginGenerator(Process& process, const Execute& execute);
  // Its next item, or its end.
  void StepGenerator(Process& process, base::TaskId task);
  void HearCredit(Process& process, const base::StreamCredit& credit);
  // When what runs or is set aside goes on.
  static base::BootTime& DueOf(Process& process, base::TaskId task);
  void Report(Process& process, const Execute& execute);

  void RayletHears(base::ProcessId from, const base::Message& message);
  // Whether it was a message about a detached actor.
  bool OwnerHears(base::ProcessId from, const base::Message& message);
  void StoreHears(base::ProcessId from, const base::ControlCall& call);
  void AnswerSomeCall();
  void StartDetached(Detached& actor);
  void EndDetached(Detached& actor);
  void TellWatchers(const Detached& actor);
  static base::ActorMoved Where(const Detached& actor);
  void Grant();
  void FreeLease(base::LeaseId lease, bool discard);
  void Link(base::ProcessId a, base::ProcessId b);
  // The process ends: its links too, what it owned, and what it ran.
  void End(base::ProcessId process, bool was_killed);
  void SetLent(base::ProcessId worker, bool lent);

  std::mt19937_64 random_;
  base::BootTime now_;
  std::map<base::ProcessId, Process> processes_;
  std::map<Wire, std::deque<Packet>> wires_;
  std::set<Wire> linked_;                 // both directions
  std::set<base::LeaseId> leases_asked_;  // ever
  std::map<base::LeaseId, Lease> leases_;
  std::deque<base::LeaseId> waiting_;
  std::set<base::ProcessId> idle_;
  std::map<base::ActorId, Detached> detached_;
  // Of each process the requests without an answer, lost ones too.
  std::map<base::ProcessId, std::set<base::RequestId>> unanswered_;
  std::vector<std::pair<base::ProcessId, base::RequestId>> asked_;
  std::int64_t free_units_ = 0;
  std::int64_t cpus_ = 0;
  std::uint64_t next_worker_ = 10;
  std::uint64_t kills_ = 0;
  std::uint64_t asides_ = 0;
  std::uint64_t stops_ = 0;
  std::uint64_t besides_ = 0;
  std::uint64_t starts_ = 0;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_TESTING_FAKE_NODE_H_

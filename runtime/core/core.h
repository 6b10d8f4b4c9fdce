// Core is the runtime of one process, driver or worker, as a pure machine: the
// owner's half (what this process made) and the host's half (what it runs).
//
//   Core core(options, base::IdSource(seed));
//   effects.clear();
//   core.Step(event, now, effects);      // then carry them out, in order
//
// The shell registers the process with its raylet, hands every message from
// then on to the core as Received (those that it does not know it ignores:
// WorkerOutput and JobEnded are the shell's own), tells it of every link that
// ends (PeerLost, after the last message of that link, the raylet's too), and
// sends Tick when the last SetTimer says so. Before an Execute is started, the
// Sends before it must have left the process: that the tasks behind the first
// unanswered one of a dead worker never started rests on it.
// Owner: runtime/process (or the simulator), one a process.
// Threading: none; runs on its owner's strand, never blocks.
// Invariants: each machine's own, and: the same events give the same effects.
// Failure: what the world does wrong becomes an outcome; what the shell does
// wrong (an id used twice, an Executed that nothing asked for) is a CHECK.
#ifndef MOBULA_RUNTIME_CORE_CORE_H_
#define MOBULA_RUNTIME_CORE_CORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "runtime/control/control_calls.h"
#include "runtime/core/events.h"
#include "runtime/core/host_set.h"
#include "runtime/core/owner.h"
#include "runtime/refs/lineage.h"
#include "runtime/refs/object_row.h"

namespace mobula::runtime {

class Core {
 public:
  struct Options {
    base::ProcessId self;
    base::Role role = base::Role::kDriver;  // or kWorker
    base::JobId job;
    std::uint64_t seed = 1;             // of the jitter of retries
    std::size_t tasks_max = 4'000'000;  // unfinished ones of this owner
    Lineage::Limits lineage = {};
  };
  // How much of everything there is, for tests and statistics.
  struct Census {
    std::size_t objects = 0;   // own
    std::size_t borrowed = 0;  // of other owners
    std::size_t lent = 0;      // own, once for each process that borrows one
    std::size_t handed = 0;    // refs of others' that are kept for receivers
    std::size_t tasks = 0;
    std::size_t calls = 0;
    std::size_t streams = 0;  // not forgotten yet
    std::size_t actors = 0;   // own and borrowed, dead ones with handles too
    std::size_t leases = 0;   // granted or asked for
    std::size_t hosted = 0;   // queued here for others
    std::size_t control_calls = 0;  // without an answer, given up ones too
    std::size_t lineage = 0;        // results that can be made again
    std::size_t lineage_bytes = 0;
    std::uint64_t remade = 0;     // results that were, ever
    std::uint64_t differing = 0;  // of those, into something else
  };

  Core(const Options& options, base::IdSource ids);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // By value: a shell that moves its event in saves a copy.
  void Step(Event event, base::BootTime now, Effects& effects);

  [[nodiscard]] Census Count() const;
  // What it refers to: for listings, audits and tests.
  [[nodiscard]] std::vector<ObjectRow> Objects() const {
    return owner_.refs().Rows();
  }
  // The same by what holds each, and actors; the largest objects only.
  [[nodiscard]] base::RefsAre DescribeRefs(std::size_t rows_max) const;
  // Of an own object: how it was made is known, for when it is lost.
  [[nodiscard]] bool Traces(base::ObjectId object) const {
    return owner_.lineage().Has(object);
  }
  // What it has asked for that is not done.
  [[nodiscard]] base::TasksAre DescribeTasks(
      const base::ListOwnTasks& list) const {
    return owner_.DescribeTasks(list);
  }

 private:
  void Take(Event event, Effects& effects);
  // What was told to stop takes with it what it has spawned.
  void CancelStopped();
  // Only the raylet is believed about leases, links and the end. It is also the
  // owner of detached actors.
  void HearRaylet(base::Message& message, Effects& effects);
  void HearPeer(base::ProcessId from, base::Message& message, Effects& effects);
  // What this process sent to itself, since shared actors live here that call
  // one another; nothing of it leaves.
  void HearSelf(std::deque<base::Message> messages, Effects& effects);
  // Between owners and borrowers: from peers, and from the raylet, which
  // speaks for owners that have ended.
  void HearOfObjects(base::ProcessId from, base::Message& message);
  // What was spawned by a task that does not run here any more has no parent.
  void ForgetEndedParent(base::TaskId& parent) const;
  // This process has stored the value, if it is one.
  void TellStored(const base::Outcome& outcome, Effects& effects);
  void LosePeer(const PeerLost& lost, Effects& effects);
  // The raylet wants the process to end, or would not mind.
  void Leave(bool may_stay, Effects& effects);
  void TellRefs(const base::ListRefs& list, Effects& effects) const;
  void TellTasks(const base::ListOwnTasks& list, Effects& effects) const;
  void ExitIfDone(Effects& effects);
  void Arm(Effects& effects);

  const Options options_;
  base::IdSource ids_;
  Owner owner_;
  HostSet host_;
  ControlCalls control_calls_;
  base::BootTime now_;
  base::ProcessId raylet_;  // nil until it has registered this process
  bool retired_ = false;
  bool exited_ = false;
  base::BootTime armed_ = base::BootTime::Never();
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_CORE_H_

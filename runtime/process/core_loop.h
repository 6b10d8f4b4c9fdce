// CoreLoop feeds the core of this process with events and carries its effects
// out, in their order, on the strand.
//
//   created --Connect--> linked --Registered--> serving --SetEnding--> ending
// What concerns links stays here; what concerns threads goes to the Sink.
// Owner: Process, one each.
// Threading: everything on the strand, the Sink's methods too.
// Invariants: (1) one event is run to its last effect before the next begins;
// (2) while ending, nothing but output, JobEnded and the store's reaches
// anyone; (3) a function starts only when every answer before it has left this
// process: its owner relies on it that what stands behind an unanswered task
// never started; (4) what a thread of this process asked for before a message
// was sent is stepped before that message: of two tasks asked for before a slot
// comes free, the one of the higher priority gets it. Failure: the end of the
// raylet's link is told to the Sink, then to the core.
#ifndef MOBULA_RUNTIME_PROCESS_CORE_LOOP_H_
#define MOBULA_RUNTIME_PROCESS_CORE_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/refs/lineage.h"
#include "runtime/transport/peers.h"

namespace mobula::runtime {

class CoreLoop {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    // Steps what threads have asked for so far: a message comes next.
    virtual void StepPosted() = 0;
    virtual void OnRegistered(const base::Registered& registered) = 0;
    virtual void OnReady(Ready ready) = 0;
    virtual void OnActorChanged(const ActorChanged& changed) = 0;
    virtual void OnControlReady(ControlReady ready) = 0;
    virtual void OnExecute(Execute execute) = 0;
    // May come before its OnExecute.
    virtual void OnStopExecution(base::TaskId task) = 0;
    virtual void OnEndActor(base::ActorId actor) = 0;
    virtual void OnGiveCredit(const GiveCredit& give) = 0;
    virtual void OnCancelReady(const CancelReady& ready) = 0;
    virtual void OnExit(const std::string& reason) = 0;
    virtual void OnOutput(const base::WorkerOutput& output) = 0;
    virtual void OnJobEnded() = 0;
    // True if the message is one of the node's store's; `fd` came beside it.
    virtual bool OnStoreMessage(const base::Message& message,
                                const base::UniqueFd& fd) = 0;
    // `reason` is of its link; `failure` is what everything fails with now.
    virtual void OnRayletLost(const std::string& reason,
                              const base::Failure& failure) = 0;
  };

  // `whoami` is what Register says. `sink` must outlive this.
  CoreLoop(base::Strand& strand, base::Register whoami, Sink& sink,
           std::size_t lineage_bytes = Lineage::kBytesMax);
  ~CoreLoop();  // on the strand
  CoreLoop(const CoreLoop&) = delete;
  CoreLoop& operator=(const CoreLoop&) = delete;

  // `raylet` is nil where its Hello is to tell.
  // `program` rides beside Register, where the raylet is to start workers of an
  // executable that it has not.
  void Connect(base::UniqueFd socket, base::ProcessId raylet,
               base::UniqueFd program = base::UniqueFd());
  void Step(Event event);
  void TellRaylet(const base::Message& message);
  void SetEnding();
  // Closes all links; nothing happens after.
  void Close();

 private:
  void Opened(base::ProcessId peer);
  void Lost(base::ProcessId peer, const std::string& reason);
  void LoseRaylet(const std::string& reason);
  void Took(base::ProcessId from, base::Message message, base::UniqueFd fd);
  // Ours to deal with: true if the core need not see it.
  bool TookFromRaylet(const base::Message& message, base::UniqueFd* fd);
  void TookAttach(const base::Attach& attach, base::UniqueFd fd);
  // A lease of a worker to which there is no link, for want of a descriptor: to
  // the core it is one that was lost, and why.
  void LoseUnlinked(const base::LeaseGranted& granted);
  void Apply(Effect effect);
  void SetTimerAt(base::BootTime at);
  // Starts what is held, if nothing that was sent is still here.
  void StartHeld();

  base::Strand& strand_;
  const base::Register whoami_;
  Sink& sink_;
  Peers peers_ MOBULA_GUARDED_BY(strand_);
  base::ProcessId raylet_ MOBULA_GUARDED_BY(strand_);
  base::UniqueFd program_ MOBULA_GUARDED_BY(strand_);
  bool raylet_lost_ MOBULA_GUARDED_BY(strand_) = false;
  bool job_over_ MOBULA_GUARDED_BY(strand_) = false;  // not as it had asked
  bool ending_ MOBULA_GUARDED_BY(strand_) = false;
  Core core_ MOBULA_GUARDED_BY(strand_);
  bool stepping_ MOBULA_GUARDED_BY(strand_) = false;
  std::deque<Event> pending_ MOBULA_GUARDED_BY(strand_);
  Effects effects_ MOBULA_GUARDED_BY(strand_);
  std::deque<Execute> held_ MOBULA_GUARDED_BY(strand_);
  bool held_timer_ MOBULA_GUARDED_BY(strand_) = false;
  std::set<base::ProcessId> unlinked_ MOBULA_GUARDED_BY(strand_);
  base::Strand::TimerId timer_ MOBULA_GUARDED_BY(strand_) = 0;
  base::BootTime timer_at_ MOBULA_GUARDED_BY(strand_) = base::BootTime::Never();
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_CORE_LOOP_H_

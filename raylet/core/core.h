// Core decides what one node does: which worker processes it has, and who
// holds a lease on which of them.
//
//   driver registers -> its job exists, a pool of workers starts
//   RequestLease -> queued -> granted (Connect if needed, LeaseGranted)
//                -> ReturnLease | the owner ends | the worker ends (LeaseLost)
//   EndJob | the driver is lost -> every worker of the job ends -> JobEnded
//
//   HostActor -> a job of its own, a lease, CreateActor -> the store is told
//   WatchActor -> ActorMoved, whenever a detached actor moves
//   ControlCall -> the control store -> ControlAnswer, now or when it is back
//
//   Introduce -> a guest: a process of another node, by its raylet like any
//   RequestLease -> NodeView -> here | AfarLeases -> Pass -> LeaseGranted there
//
// It carries effects between its machines: LeaseQueue (who is next),
// LeaseLedger (who holds what), WorkerTable (which processes there are),
// ControlLine (what the control store is told and asked), ProgramSweep (which
// programs are needed), NodeView (the other nodes), AfarLeases (what those
// serve for processes of this one), HostedActors (the detached actors of this
// node), ActorDirectory (where detached actors live), ObjectStore (large
// values, what is left of owners that have died, and what the control store is
// told of them), NodeQuestions (who refers to what, which tasks). Owner:
// raylet::Server, or the simulator.   Threading: none; runs on its owner's
// strand, never blocks, asks no clock. Invariants: (1) free + leased = total;
// (2) a lease's worker is leased to it alone; (3) Connect precedes the grant
// that needs it, once a pair; (4) every request is answered once unless it is
// cancelled or its owner is gone, and duplicates change nothing; (5) an owner
// that is gone holds nothing; (6) no lease, job or link ends because the
// control store is away. Failure: what makes no sense from outside is refused
// or ignored.
#ifndef MOBULA_RAYLET_CORE_CORE_H_
#define MOBULA_RAYLET_CORE_CORE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/memory_message.h"
#include "base/frames/message.h"
#include "base/frames/node_message.h"
#include "base/frames/question_message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "raylet/actors/actor_directory.h"
#include "raylet/actors/hosted_actors.h"
#include "raylet/control/control_line.h"
#include "raylet/control/program_sweep.h"
#include "raylet/core/events.h"
#include "raylet/leases/lease_ledger.h"
#include "raylet/leases/lease_queue.h"
#include "raylet/nodes/afar_leases.h"
#include "raylet/nodes/node_view.h"
#include "raylet/objects/object_store.h"
#include "raylet/questions/node_questions.h"
#include "raylet/workers/worker_table.h"

namespace mobula::raylet {

class Core {
 public:
  struct Options {
    base::ProcessId self;
    base::NodeId node;
    std::string node_name;  // host name
    base::ResourceVector total;
    WorkerTable::Options workers;
    std::uint32_t passed_over_max = 64;
    // An owner has at most so many requests waiting; more get kLimit.
    std::size_t requests_of_owner_max = 100'000;
    // With all workers that there may be waiting for so long, requests for one
    // more get kLimit: nothing else would ever move.
    base::Duration stuck_after = std::chrono::seconds(1);
    // The same where some of them hold actors, since others may wait for those,
    // and none of these is seen at work.
    base::Duration stuck_with_actors_after = std::chrono::seconds(20);
    // How much memory large values may have; none: there is no store.
    std::uint64_t object_store_bytes = 0;
    // What the control store is told of the node beside the above.
    std::int32_t pid = 0;
    std::string socket;  // where drivers of the machine connect, "" if nowhere
    // Where raylets of other nodes connect (raylet/lines), "" if nowhere, and
    // the upper half of all ids that are made here.
    std::string door;
    std::uint64_t maker = 0;
    bool is_head = false;
    std::map<std::string, std::string> labels;
    // The shell connects to a control store in any case: it is never asked to.
    bool has_control = false;
    std::string address;  // ControlAddress of it, "" if of an embedded head
    // Of one message of a joining (control/control_line.h).
    std::size_t join_bytes_max = ControlLine::Options().join_bytes_max;
    // What to do, said with what the node can never hold; "" if nothing.
    std::string infeasible_advice;
    // What waits here for so long goes where there is room.
    base::Duration spill_after = std::chrono::milliseconds(10);
    // The control store is told at most so often what is free.
    base::Duration load_every = std::chrono::milliseconds(100);
  };

  // Caps by the node's size: workers <= max(4 * cpus, 64), as many as cpus
  // starting at once and kept ready (16 at most).
  static WorkerTable::Options WorkerOptionsFor(double cpus);

  Core(Options options, base::IdSource ids);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void Step(const Event& event, base::BootTime now, Effects& effects);

  // ---- for those who look: shells, the simulator's invariants, tests --------
  [[nodiscard]] const base::ResourceVector& free() const {
    return ledger_.free();
  }
  [[nodiscard]] const base::ResourceVector& total() const {
    return ledger_.total();
  }
  [[nodiscard]] std::size_t leases() const { return ledger_.size(); }
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  [[nodiscard]] std::size_t workers() const { return workers_.size(); }
  [[nodiscard]] std::size_t jobs() const { return jobs_.size(); }
  [[nodiscard]] const ControlLine& line() const { return line_; }
  [[nodiscard]] const HostedActors& hosted() const { return hosted_; }
  [[nodiscard]] const ActorDirectory& directory() const { return directory_; }
  [[nodiscard]] const ObjectStore& store() const { return store_; }
  [[nodiscard]] const NodeView& view() const { return view_; }
  [[nodiscard]] const AfarLeases& afar() const { return afar_; }
  [[nodiscard]] std::size_t guests() const;
  // CHECKs every invariant of the core and its machines.
  void CheckInvariants() const;

 private:
  struct Peer {
    base::Role role = base::Role::kWorker;
    base::JobId job;
    std::int32_t pid = 0;
    std::string program;
    base::NodeId node;  // of which it is a process; nil: of this one
  };
  struct Job {
    base::ProcessId driver;  // nil: it is a detached actor's
    base::ActorId actor;     // that one
    std::string ns;
    std::int32_t weight = 1;
    base::JobId output;  // whose driver sees what its workers write
    // Content hash of its executable, "" as long as nobody needs to know.
    std::string program;
    bool asked_program = false;
    std::vector<base::ControlCall> awaiting_program;
    bool driver_lost = false;
    bool ending = false;
    bool ended = false;  // JobEnded was sent
    // Where its driver is; nil: here, or it has none.
    base::NodeId home;
    // Of one at home here: who has something of it.
    std::set<base::NodeId> hosts;
  };
  // A name that a process wants for a value that the node keeps for it.
  struct Publishing {
    base::ProcessId from;
    base::RequestId request;  // of that process
    base::ObjectId object;    // that is kept
  };
  using ProcessId = base::ProcessId;
  using JobId = base::JobId;
  using LeaseId = base::LeaseId;

  // core.cc: one method an event or message.
  void Dispatch(const Event& event);
  void OnReceived(const Received& received);
  bool OnLeaseMessage(ProcessId from, const base::Message& message);
  bool OnActorMessage(ProcessId from, const base::Message& message);
  void OnRegister(ProcessId from, const base::Register& message);
  void OnRegisterDriver(ProcessId from, const base::Register& message);
  void OnRegisterWorker(ProcessId from, const base::Register& message);
  void OnTaskBlocked(ProcessId from, bool blocked);
  void OnStay(ProcessId from);
  void OnConnectTo(ProcessId from, ProcessId peer);
  void OnTick(const Tick& tick);
  void OnListLocal(ProcessId from);

  // core_jobs.cc
  void OnEndJob(ProcessId from, JobId job);
  void OnPeerLost(ProcessId process);
  void LoseDriver(ProcessId driver, JobId job, const std::string& cause);
  void OnWorkerStartFailed(const WorkerStartFailed& failed);
  void OnWorkerExited(ProcessId process, const base::Failure& failure,
                      base::ActorId charged = base::ActorId());
  // The end of a worker that took too long to start.
  [[nodiscard]] base::Failure LateStart(base::Failure failure) const;

  // core_control.cc
  bool OnControlEvent(const Event& event);
  void OnControlUp();
  void OnControlSaid(const base::ControlMessage& message);
  void OnControlAnswer(const base::ControlAnswer& answer);
  void OnRegistered(const base::ControlCall* call,
                    const base::ActorRecord& actor);
  void OnControlCall(ProcessId from, base::ControlCall call);
  void OnProgramKept(const ProgramKept& kept);
  void OnActorReport(ProcessId from, base::ActorReport report);
  void OnHostActor(const base::ActorRecord& record);
  // It was not started for want of the program that the node should keep.
  void OnProgramLacking(JobId job, base::Failure failure);
  void OnStopActor(const base::StopActor& stop);
  void OnStopJob(const base::StopJob& stop);

  // core_objects.cc
  void TellObjects();
  void TellKept();
  void OnPublish(ProcessId from, base::RequestId request,
                 base::PublishValue publish);
  void OnPublishAnswered(const base::ControlAnswer& answer);
  void OnDropKept(const base::DropKept& drop);
  void OnSelf(const base::Message& message);
  base::RequestId Ask(base::ControlRequest request);

  // core_nodes.cc
  bool OnNodeEvent(const Event& event);
  void OnNodeSaid(base::NodeId node, const base::NodeMessage& message);
  bool OnJobMessage(base::NodeId node, const base::NodeMessage& message);
  void OnIntroduce(base::NodeId node, const base::Introduce& message);
  // False where the job is over.
  bool MeetJob(base::NodeId node, const base::Introduce& message);
  void OnPass(base::NodeId node, const base::Pass& pass);
  void OnPassFromGuest(base::NodeId node, const base::Pass& pass);
  // Forgets a lease that has ended there; false if it is none of that node.
  bool TakeAfar(LeaseId lease, base::NodeId node);
  void OnPassToProcess(base::NodeId node, const base::Pass& pass);
  void OnOpenChannel(base::NodeId node, const base::OpenChannel& open);
  void OnChannelClosed(const ChannelClosed& closed);
  void OnEndJobThere(base::NodeId node, JobId job);
  void LoseGuest(ProcessId guest, bool job_over);
  void LoseGuestsOfJob(JobId job);
  // It is dead, or cannot be reached any more.
  void LoseNode(base::NodeId node, const std::string& name,
                const std::string& why);
  void LoseJobsOf(base::NodeId node);
  void Tell(base::NodeId node, base::NodeMessage message);
  // Where it is known as a guest: it has ended.
  void LeaveNodes(ProcessId process, bool job_over);
  void IntroduceTo(base::NodeId node, ProcessId process);
  void LinkAfar(ProcessId local, ProcessId afar, base::NodeId node);
  // Whose process it is; nil: of this node, or nobody's.
  [[nodiscard]] base::NodeId NodeOf(ProcessId process) const;
  [[nodiscard]] bool IsGuest(ProcessId process) const;
  // Machines do not know who is of another node: what they say to guests since
  // then goes by way of their raylets.
  void PassToGuests(std::size_t begin);
  void Flush(NodeView::Out& out);

  // What processes of ours have freed and lies there.
  void TellFreedAfar();

  // core_placing.cc
  // Whether it is for another node, or refused: all is done for it then.
  bool PlaceElsewhere(ProcessId from, const base::RequestLease& message);
  // A guest's, for which there is no room now.
  bool IsTurnedAway(ProcessId from, const base::RequestLease& message);
  void PlaceAfar();
  void PlaceOne(LeaseId lease);
  void SpillWaiting();
  void SendAfar(LeaseId lease, base::NodeId node);
  void RefuseAfarOf(JobId job, const std::string& why);
  // Whether the program of the job can be named to others; asks for that.
  [[nodiscard]] bool HasProgram(JobId job);
  [[nodiscard]] NodeView::Here Here() const;
  [[nodiscard]] base::Failure NoNodeFor(const base::RequestLease& lease) const;
  void TellLoad();
  // What a guest or a process of ours does with a lease that is elsewhere.
  bool PassLeaseOn(ProcessId from, LeaseId lease, base::Message message);

  // core_questions.cc
  void OnListMemory(ProcessId from, const base::ListMemory& message);
  void OnListTasks(ProcessId from, const base::ListTasks& message);
  void AskProcesses(NodeQuestions::Question question);
  void Flush(NodeQuestions::Out& out);
  void EndListMemory(const NodeQuestions::Ended& ended);
  void EndListTasks(const NodeQuestions::Ended& ended);
  [[nodiscard]] std::vector<base::AskedProcess> Describe(
      const NodeQuestions::Ended& ended) const;
  void TellHeld(ProcessId tool);
  void TellStored(ProcessId tool, std::uint64_t mark,
                  base::MemoryListed& listed);
  [[nodiscard]] base::AskedProcess Describe(ProcessId process) const;
  [[nodiscard]] base::StoreInfo DescribeStore() const;

  // A program that is kept has one user less.
  void ProgramLeft(const std::string& program);
  // What an embedded head keeps goes with its folder.
  [[nodiscard]] bool MaySweep() const {
    return options_.has_control && line_.joined();
  }
  void SweepPrograms();
  void OnProgramsListed(const base::ControlReply& reply);
  void ForgetProcess(ProcessId process, bool job_over);
  void Flush(ControlLine::Out& out);
  void Flush(ActorDirectory::Out& out);
  void Flush(HostedActors::Out& out);

  // core_leases.cc
  void OnRequestLease(ProcessId from, const base::RequestLease& message);
  // To wait here. CHECKs: it is in no queue.
  void Queue(ProcessId owner, const base::RequestLease& request);
  void OnCancelLease(ProcessId from, LeaseId lease);
  void OnReturnLease(ProcessId from, LeaseId lease, bool discard);
  void Refuse(ProcessId owner, LeaseId lease, base::Failure failure);
  [[nodiscard]] base::Failure Infeasible(
      const base::ResourceVector& shape) const;
  void RefuseWaiting(JobId job, const base::Failure& failure);
  // Serves what can be served, starts workers for the rest, fills pools.
  void Pump();
  LeaseQueue::Verdict OfferWorker(const QueuedLease& request,
                                  std::map<JobId, std::size_t>& awaited);
  void GrantTo(const QueuedLease& request, ProcessId worker);
  void MakeRoomFor(JobId job);
  void FillPools();
  [[nodiscard]] bool CanMove(const Worker& worker) const;
  // How long what is there may last until it is a standstill; Duration::max()
  // if something moves.
  [[nodiscard]] base::Duration StuckPatience() const;
  void RefuseStuck();
  [[nodiscard]] bool AnActorWorks() const;
  [[nodiscard]] base::Failure NoWorkerWillBeFree() const;
  // The lease ends, and with it the worker if it must not serve anyone else.
  void EndLease(LeaseId lease, bool discard);

  void StartOne(JobId job);
  // Nodes that may have its program.
  [[nodiscard]] std::vector<base::NodeId> SourcesOf(JobId job) const;
  // `may_stay`: unless others refer to what it owns.
  void RetireWorker(ProcessId process, bool may_stay = false);
  void KillWorkerNow(ProcessId process);
  void ReapIdle();
  void ReleaseOwner(ProcessId owner);
  void Unlink(ProcessId process, ProcessId except);
  void Link(ProcessId a, ProcessId b);
  void EndWorkersOf(JobId job, bool at_once);
  void FinishJobIfEmpty(JobId job);
  void UpdateTimer();
  // To the raylet itself: OnSelf, in this step.
  void SendTo(ProcessId to, base::Message message);
  void SendRegistered(ProcessId to, JobId job);
  [[nodiscard]] bool IsReachable(ProcessId process) const;
  [[nodiscard]] base::BootTime NextDeadline() const;

  const Options options_;
  base::IdSource ids_;
  LeaseQueue queue_;
  LeaseLedger ledger_;
  WorkerTable workers_;
  ControlLine line_;
  ProgramSweep sweep_;
  HostedActors hosted_;
  ActorDirectory directory_;
  ObjectStore store_;
  NodeQuestions questions_;
  NodeView view_;
  AfarLeases afar_;
  std::map<ProcessId, Peer> peers_;  // registered and not lost
  std::map<JobId, Job> jobs_;
  std::map<base::RequestId, Publishing> publishing_;  // by our own request
  std::map<ProcessId, std::set<base::RequestId>> publishing_of_;
  std::map<ProcessId, std::set<ProcessId>> links_;  // both ways
  // Who asked for a link to a process that is being killed: PeerGone follows
  // its end, and with it the news of what it owned.
  std::map<ProcessId, std::set<ProcessId>> awaiting_end_;
  // Where processes of ours are guests, and whether with their program.
  std::map<ProcessId, std::map<base::NodeId, bool>> guest_at_;
  // Of processes of other nodes to which there are links.
  std::map<ProcessId, base::NodeId> afar_nodes_;
  bool placing_due_ = false;
  bool to_pump_ = false;  // something was queued since the last Pump
  base::BootTime spill_at_ = base::BootTime::Never();
  base::BootTime load_at_ = base::BootTime::Never();
  base::BootTime load_told_at_;
  std::optional<base::NodeLoad> load_told_;
  bool load_doubted_ = false;  // who was told that may count otherwise
  base::BootTime stuck_since_ = base::BootTime::Never();
  base::Duration stuck_patience_ = base::Duration::max();
  base::BootTime timer_ = base::BootTime::Never();

  // Of the step that runs.
  base::BootTime now_;
  Effects* effects_ = nullptr;
  const Tick* tick_ = nullptr;  // where that is the event
  std::deque<base::Message> to_self_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_CORE_CORE_H_

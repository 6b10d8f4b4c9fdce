// Owner is the half of a runtime core that owns what its process made: the
// tasks, actors and objects, and the references to those of others. It owns
// their machines and carries what one produces to the next, to the end: an
// outcome settles an object, which resolves the arguments of calls, which may
// produce outcomes at once.
//
// Owner: runtime::Core.   Threading: none; pure.
// Results whose bytes are lost it has made again (owner_lineage.cc): their
// tasks run as any other task. Invariants: nothing produced is left over at the
// end of a method. Failure: after RayletLost everything fails with that
// failure, at once.
#ifndef MOBULA_RUNTIME_CORE_OWNER_H_
#define MOBULA_RUNTIME_CORE_OWNER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "runtime/actors/actor_news.h"
#include "runtime/actors/actor_table.h"
#include "runtime/actors/borrowed_actors.h"
#include "runtime/actors/call_table.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"
#include "runtime/core/task_rows.h"
#include "runtime/refs/arg_holds.h"
#include "runtime/refs/arg_waits.h"
#include "runtime/refs/cancel_requests.h"
#include "runtime/refs/lineage.h"
#include "runtime/refs/lost_results.h"
#include "runtime/refs/references.h"
#include "runtime/streams/stream_table.h"
#include "runtime/tasks/spawned_tasks.h"
#include "runtime/tasks/task_table.h"

namespace mobula::runtime {

class Owner {
 public:
  struct Options {
    base::ProcessId self;
    base::JobId job;
    std::uint64_t seed = 1;
    std::size_t tasks_max = 4'000'000;
    Lineage::Limits lineage = {};
  };

  Owner(Options options, base::IdSource& ids);
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  // Every method is bracketed by these two: effects go to the buffer.
  void Begin(base::BootTime now, Effects& effects);
  void End();

  void On(Submit submit);
  void On(Put put);
  void On(const HoldObject& hold);
  void On(const DropObject& drop);
  void On(const Watch& watch);
  void On(const ReportLost& report);
  void On(Create create);
  void On(const StartActor& start);
  void On(Call call);
  void On(const Adopt& adopt);
  void On(const DropActor& drop);
  void On(const Kill& kill);
  void On(const Cancel& cancel);
  void On(const StopScope& stop);
  void On(const EndScope& end);
  void On(const StreamNext& next);
  void On(const StreamTaken& taken);
  void On(const DropStream& drop);
  void On(const Tick& tick);

  void On(const base::Registered& registered);
  void On(const base::LeaseGranted& granted);
  void On(const base::LeaseRefused& refused);
  void On(const base::LeaseLost& lost);
  void On(const base::Attach& attach);
  void On(const base::PeerGone& gone);
  void On(base::ProcessId from, const base::WatchActor& watch);
  void On(base::ProcessId from, const base::UnwatchActor& unwatch);
  void On(base::ProcessId from, base::ActorMoved moved);
  // Of an actor of this owner, else ignored.
  void On(const base::KillActor& kill);
  void On(const base::OwnerGone& gone);
  void On(base::ProcessId from, const base::ObjectsLost& lost);
  void On(base::ProcessId from, const base::ActorLeft& left);
  void On(base::ProcessId from, const base::TaskStopping& stopping);
  void On(base::ProcessId from, const base::CancelObject& cancel);
  void On(base::ProcessId from, const base::ObjectCancelled& answer);
  void On(base::ProcessId from, const base::StreamOpened& opened);
  void On(base::ProcessId from, base::StreamItem item);
  // What the task, which runs here, has spawned and spawns from now on.
  void CancelSpawned(base::TaskId parent);
  // A task or method that ran here.
  void Ended(base::TaskId task) { spawned_.Ended(task); }
  void Done(base::ProcessId from, base::TaskDone done);
  void Aside(base::ProcessId from, const base::TaskAside& aside);
  void PeerLost(base::ProcessId process);
  void RayletLost(const base::Failure& failure);

  [[nodiscard]] base::BootTime Next() const;
  // Whether it waits for outcomes of its own tasks or calls.
  [[nodiscard]] bool HasPendingWork() const;

  // What this process refers to: Host holds what it runs with.
  [[nodiscard]] References& refs() { return refs_; }
  [[nodiscard]] const References& refs() const { return refs_; }
  // What the arguments of its calls and actors refer to.
  [[nodiscard]] const ArgHolds& arguments() const { return arg_holds_; }
  // Own and borrowed, each in order of id.
  [[nodiscard]] std::vector<base::HeldActor> HeldActors() const;
  // Results of its own that are made again, each held by that.
  [[nodiscard]] const std::set<base::ObjectId>& remaking() const {
    return remaking_;
  }
  // What it has asked for that is not done: a bounded part, or one.
  [[nodiscard]] base::TasksAre DescribeTasks(
      const base::ListOwnTasks& list) const;
  [[nodiscard]] std::size_t tasks() const { return tasks_.size(); }
  [[nodiscard]] std::size_t leases() const {
    return tasks_.leases() + actors_.leases();
  }
  // Of own and borrowed actors.
  [[nodiscard]] std::size_t actors() const { return calls_.actors(); }
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  [[nodiscard]] const Lineage& lineage() const { return lineage_; }
  // Tasks that ran again for their lost results, and how many of those gave
  // something else.
  [[nodiscard]] std::uint64_t remade() const { return remade_; }
  [[nodiscard]] std::uint64_t differing() const { return differing_; }

 private:
  // Gives an answer to the machine that waits for it.
  void Conclude(base::ProcessId from, base::TaskDone& done);
  // The failure with which everything new ends, or null.
  [[nodiscard]] const base::Failure* Refusal() const;
  void Deliver(base::TaskId task, ResolvedArgs resolved);
  // Carries on what the machines produced, until nothing is left.
  void Flush();
  void CarryNews(std::vector<ActorNews>& news);
  void CarryOutcomes();
  void CarryWoken();
  // Tells the node's store what may be freed.
  void FreeUnused();
  // ---- owner_cancel.cc
  base::CancelVerdict CancelOwn(base::ObjectId object, bool force,
                                bool recursive);
  void NoteSpawned(base::TaskId parent, base::SpawnScope scope,
                   base::TaskId child, base::ObjectId result);
  void CancelAll(const std::vector<SpawnedTasks::Child>& children);
  // ---- owner_streams.cc
  void ReleaseGiven();
  // ---- owner_lineage.cc
  void LoseBytes(const base::ObjectName& name, const base::Extent& extent);
  void MakeAgain(base::ObjectId object, bool is_of_actor);
  // Submits the tasks of these, the first of which waits for them.
  void RunAgain(const std::vector<base::ObjectId>& objects);
  void SubmitAgain(base::ObjectId object, std::vector<Arg> args);
  std::vector<Arg> HoldArgsOf(base::ObjectId object);
  void CarryRefetches();
  void NoteLineage(Settled& settled);
  void Report(std::optional<Remade> remade);
  void ForgetLineage();
  void NoteLostAttempt(base::ObjectId result);

  // ---- owner_tasks.cc
  void AddTask(base::TaskId task, const ArgWaits::Awaited& awaited,
               TaskRows& rows) const;

  // The worker stores nothing more.
  void FreeLostResults(base::ProcessId worker);
  void AdoptOwn(base::ActorId actor);
  // There is a link to an owner or worker of borrowed actors.
  void BorrowedAttached(base::ProcessId peer);
  void ForgetIfUnused(base::ActorId actor);

  const Options options_;
  base::BootTime now_;
  Produced out_;
  std::optional<base::Failure> raylet_lost_;
  PeerLinks links_;
  References refs_;
  LostResults lost_results_;
  ArgHolds arg_holds_;
  ArgWaits arg_waits_;
  base::IdSource& ids_;
  Lineage lineage_;
  // Results whose tasks run again: each is held here until it is settled, so
  // that it is not forgotten, and then made a second time, meanwhile.
  std::set<base::ObjectId> remaking_;
  std::uint64_t remade_ = 0;
  std::uint64_t differing_ = 0;
  TaskTable tasks_;
  ActorTable actors_;
  base::ProcessId raylet_;  // nil before it is known
  BorrowedActors borrowed_;
  CallTable calls_;
  SpawnedTasks spawned_;
  CancelRequests cancels_;
  StreamTable streams_;
  // Own actors that had ended when handles of them came back, and how many.
  std::map<base::ActorId, int> ended_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_OWNER_H_

// HostedActors runs the detached actors that the control store has put here.
//
//   Host --> Waiting (for a lease of a worker of its own)
//        --Granted--> Creating (its constructor runs) --Done--> Alive
//   Waiting --its program is not to be had--> gone, reported as kDead
//   Waiting, Creating or Alive --the worker ends, no lease--> gone, reported as
//        kRestarting: the store decides whether there is a next incarnation
//   Creating --the constructor throws--> gone, reported as kDead
//   Alive --it calls ExitActor--> gone, reported as kDead
//   any --Stop | Host of a later incarnation--> gone, not reported
// Each incarnation has a job of its own, which holds its worker and whatever
// the actor makes there, and ends with it.
// Owner: raylet::Core.   Threading: none; runs on its owner's strand.
// Invariants: (1) of one actor at most one incarnation is here, and no earlier
// one comes after it; (2) what is gone is never reported again, and never
// begins again, as long as it is remembered: the last kGoneMax actors. Failure:
// a message of a worker that hosts nothing, or of an earlier incarnation,
// changes nothing.
#ifndef MOBULA_RAYLET_ACTORS_HOSTED_ACTORS_H_
#define MOBULA_RAYLET_ACTORS_HOSTED_ACTORS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"

namespace mobula::raylet {

class HostedActors {
 public:
  enum class Stage : std::uint8_t { kWaiting, kCreating, kAlive };
  struct Actor {
    base::ActorRecord record;  // its arguments go when it has been made
    Stage stage = Stage::kWaiting;
    base::JobId job;
    base::LeaseId lease;
    base::TaskId creation;
    base::ProcessId worker;
    std::int32_t pid = 0;
  };
  // What it is given to begin with.
  struct Ids {
    base::JobId job;
    base::LeaseId lease;
    base::TaskId creation;
  };
  // What is to be done; the methods append.
  struct Out {
    std::vector<base::ActorReport> reports;
    struct JobEnd {
      base::JobId job;
      bool at_once = false;  // kill; else let destructors run
    };
    std::vector<JobEnd> end_jobs;
  };

  static constexpr std::size_t kGoneMax = 10'000;

  explicit HostedActors(base::NodeId node) : node_(node) {}

  // The incarnation that begins, for which a lease is to be asked; null if it
  // is here already, has been, or is of the past. An earlier one here ends.
  const Actor* Host(const base::ActorRecord& record, Ids ids, Out& out);
  void Stop(base::ActorId actor, std::int64_t incarnation, Out& out);

  // The lease asked for was granted: what to say to the worker.
  std::optional<base::CreateActor> Granted(base::LeaseId lease,
                                           base::ProcessId worker,
                                           std::int32_t pid);
  // It was refused, or its worker has ended.
  void Lost(base::LeaseId lease, const base::Failure& failure, Out& out);
  // It never will be, on this node. Nothing once it has been granted.
  void CannotBegin(base::LeaseId lease, const base::Failure& failure, Out& out);
  // A worker's answer to its creation, or that the actor has left.
  void Done(base::ProcessId worker, const base::TaskDone& done, Out& out);

  [[nodiscard]] const Actor* Find(base::ActorId actor) const;
  [[nodiscard]] const Actor* OfLease(base::LeaseId lease) const;
  [[nodiscard]] std::size_t size() const { return actors_.size(); }
  void CheckInvariants() const;

 private:
  [[nodiscard]] base::ActorReport ReportOf(const Actor& actor,
                                           base::ActorState state) const;
  Actor* FindByLease(base::LeaseId lease);
  void End(const Actor& actor, base::ActorState state,
           const base::Failure& failure, Out& out);
  void Forget(const Actor& actor, bool at_once, Out& out);

  const base::NodeId node_;
  std::map<base::ActorId, Actor> actors_;
  std::map<base::LeaseId, base::ActorId> of_lease_;
  std::map<base::ProcessId, base::ActorId> of_worker_;
  // The last incarnation that was here and is gone. HostActor may have been
  // said twice before the store heard of its end.
  std::map<base::ActorId, std::int64_t> gone_;
  std::deque<base::ActorId> gone_order_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_ACTORS_HOSTED_ACTORS_H_

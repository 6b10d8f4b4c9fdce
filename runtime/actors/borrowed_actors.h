// BorrowedActors follows the actors of other owners of which this process has
// handles: it asks each owner where the actor lives, and keeps a link there.
// The owner of a detached actor is the raylet, to which there is always a link.
//
//   Adopt --link to the owner--> Watching --ActorMoved{worker}--> Located
//   Located --link to the worker--> Up
//   Up --the link ended and the owner's word came, or time--> Watching
//   Located --no link, and no word of the owner for a while--> Dead
//   any --ActorMoved{dead} | the owner is gone--> Dead (final)
//   Up --an answer of the actor says that it ended itself--> Dead
// Owner: runtime::Owner, which carries the news to CallTable.
// Threading: none; pure.
// Invariants: (1) only the owner is believed about where its actor lives;
// (2) between two Ups there is a Down; (3) after Dead there is no more news.
// Failure: an owner that cannot be reached is the actor's death, and so is a
// worker that its owner believes alive: it is on another node.
#ifndef MOBULA_RUNTIME_ACTORS_BORROWED_ACTORS_H_
#define MOBULA_RUNTIME_ACTORS_BORROWED_ACTORS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/actors/actor_news.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"
#include "runtime/core/timer_set.h"
#include "runtime/core/worker_loss.h"

namespace mobula::runtime {

class BorrowedActors {
 public:
  // The owner's word that a worker is gone comes sooner.
  static constexpr base::Duration kReachPatience = std::chrono::seconds(5);

  explicit BorrowedActors(PeerLinks& links) : links_(links) {}

  // One handle more. False if the actor is known already.
  bool Adopt(base::ActorId actor, base::ProcessId owner, Produced& out);
  void Moved(base::ProcessId from, base::ActorMoved moved, base::BootTime now,
             Produced& out);
  void Kill(const base::KillActor& kill, Produced& out);
  // An answer says that it was its actor's last: no other call has run since.
  void Exited(base::ActorId actor);

  // PeerLinks has been told before. The actors that may be forgotten now.
  std::vector<base::ActorId> Attached(base::ProcessId peer, Produced& out);
  // No link can be made: there is no such process.
  void Unreachable(base::ProcessId peer, base::BootTime now);
  void LinkEnded(base::ProcessId peer, base::BootTime now, Produced& out);

  // One handle less.
  void Drop(base::ActorId actor);
  // Forgets the actor if no handle is left and its owner has heard everything;
  // whether it did.
  bool ForgetIfUnused(base::ActorId actor, Produced& out);

  void Tick(base::BootTime now, Produced& out);
  [[nodiscard]] base::BootTime Next() const { return timers_.Next(); }
  void FailAll(const base::Failure& failure);

  [[nodiscard]] bool Has(base::ActorId actor) const {
    return actors_.contains(actor);
  }
  [[nodiscard]] ActorChanged View(base::ActorId actor) const;
  [[nodiscard]] std::size_t size() const { return actors_.size(); }
  // In order of id; what others know of them is left empty.
  [[nodiscard]] std::vector<base::HeldActor> Held() const;
  std::vector<ActorNews>& news() { return news_; }

 private:
  struct Actor {
    base::ActorId id;
    base::ProcessId owner;
    bool watching = false;
    bool up = false;
    bool dead = false;
    int handles = 0;         // in this process
    base::ProcessId worker;  // where it is said to live, nil if nowhere
    std::int64_t incarnation = 0;
    std::optional<base::ActorMoved> next;  // heard while still up elsewhere
    WorkerLoss loss;
    base::BootTime wake_at = base::BootTime::Never();
    std::optional<base::KillActor> kill;  // to be sent when watching
  };

  void StartWatching(Actor& actor, Produced& out);
  void Apply(Actor& actor, const base::ActorMoved& moved, Produced& out);
  void Locate(Actor& actor, base::ProcessId worker, Produced& out);
  void GoUp(Actor& actor);
  void DecideLoss(Actor& actor, base::BootTime now, Produced& out);
  void Die(Actor& actor, base::Failure cause, Unstarted unstarted);
  void SetWake(Actor& actor, base::BootTime at);
  // The actors of which that process is the owner or the worker.
  [[nodiscard]] std::vector<base::ActorId> Involving(
      base::ProcessId process) const;

  PeerLinks& links_;
  std::map<base::ActorId, Actor> actors_;
  std::set<std::pair<base::ProcessId, base::ActorId>> owners_;
  std::set<std::pair<base::ProcessId, base::ActorId>> workers_;
  TimerSet<base::ActorId> timers_;
  std::vector<ActorNews> news_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_ACTORS_BORROWED_ACTORS_H_

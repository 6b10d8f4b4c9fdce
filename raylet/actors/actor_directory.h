// ActorDirectory tells the processes of this node where detached actors live.
//
//   Watch --known--> ActorMoved at once      --unknown--> the store is asked
//   the table "actors", what this node hosts, an answer --news--> ActorMoved
//   to all who watch                          dead (final)
// It follows the table from the first watch on. What it hears by several ways
// comes in any order: within an incarnation pending < alive < lost < dead, and
// what is older than what is known is passed over.
// Owner: raylet::Core.   Threading: none; runs on its owner's strand.
// Invariants: (1) a watcher hears of an actor in the order of its lives, each
// change once; (2) after dead nothing is said; (3) every watcher of an actor
// that is not known yet waits for one question to the store.
// Failure: a value of the table that cannot be read is passed over.
#ifndef MOBULA_RAYLET_ACTORS_ACTOR_DIRECTORY_H_
#define MOBULA_RAYLET_ACTORS_ACTOR_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/control/table_follower.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"

namespace mobula::raylet {

class ActorDirectory {
 public:
  // What is to be done; the methods append.
  struct Out {
    std::vector<std::pair<base::ProcessId, base::ActorMoved>> moved;
    std::vector<base::ActorId> ask;         // FindActor, by id
    std::vector<base::FollowTable> follow;  // of the store
  };
  // Where an actor is in one of its lives.
  enum class Stage : std::uint8_t { kPending, kAlive, kLost, kDead };
  struct Place {
    std::int64_t incarnation = 0;
    Stage stage = Stage::kPending;
    base::ProcessId worker;  // while alive
    base::Failure cause;  // if dead, or of its loss where this node hosted it
  };

  void Watch(base::ProcessId process, base::ActorId actor, Out& out);
  void Unwatch(base::ProcessId process, base::ActorId actor);
  void ProcessGone(base::ProcessId process);

  // There is a session with the store (again).
  void Up(Out& out);
  void Down() { up_ = false; }
  // Of the whole table, or, in parts, when the last has come.
  void OnListing(const base::TableListing& part, Out& out);
  void OnChanges(const base::TableChanges& changes, Out& out);
  // What the store answered when it was asked.
  void Learn(const base::ActorRecord& record, Out& out);
  void Missing(base::ActorId actor, base::Failure failure, Out& out);
  // What this node knows of an actor that it hosts.
  void Hosted(base::ActorId actor, const Place& place, Out& out);

  // Null where it is not known.
  [[nodiscard]] const Place* Find(base::ActorId actor) const;
  [[nodiscard]] std::size_t size() const { return actors_.size(); }
  [[nodiscard]] std::size_t watches() const;
  void CheckInvariants() const;

 private:
  struct Actor {
    bool known = false;
    bool asked = false;
    Place place;
    std::set<base::ProcessId> watchers;
  };

  void Follow(Out& out);
  void Apply(base::TableFollower::Out& news, Out& out);
  void Move(base::ActorId actor, const Place& place, Out& out);
  void ForgetIfUseless(base::ActorId actor);

  bool following_ = false;
  bool up_ = false;
  base::TableFollower table_{"actors"};
  std::map<base::ActorId, Actor> actors_;
  std::map<base::ProcessId, std::set<base::ActorId>> watches_of_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_ACTORS_ACTOR_DIRECTORY_H_

// ActorTable knows the actors: those that their owners report, those with a
// name, and the detached, whose life it decides.
//
//   Add | first report --> Pending --> Alive --> Restarting --> Alive ...
//   any --Kill, its report, restarts used up--> Dead (final)
//
// An owned actor is what its owner says of it. A detached one has no owner: it
// is placed (Place) on a node, whose raylet reports; when its worker died, it
// begins a new incarnation if restarts_max allows; when its node died, it
// begins one in any case, for that is not its fault, and waits if there is no
// node for it.
// Owner: gcs::Core, which chooses nodes and tells raylets.   Threading: none.
// Invariants: (1) at most one living actor has a name in a namespace; (2) a
// dead one never lives again, as long as it is remembered: the last dead_max;
// (3) incarnations only grow, and what an earlier one says is ignored; (4) a
// living detached actor has a spec, a dead one has none.
// Failure: reports that fit nothing change nothing; Said tells what to do.
#ifndef MOBULA_GCS_ACTORS_ACTOR_TABLE_H_
#define MOBULA_GCS_ACTORS_ACTOR_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

// The build with plants (bugs on purpose, for the simulator to find) has names
// of its own, so that one program can hold both.
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

class ActorTable {
 public:
  struct Options {
    std::size_t living_max = 1'000'000;
    std::size_t dead_max = 10'000;
#ifdef MOBULA_PLANTS
    bool plant_accept_stale_incarnation = false;
#endif
  };

  // What a report came to, for who carries it on.
  enum class Said : std::uint8_t {
    kIgnored,  // of an earlier incarnation, repeated, or about nothing
    kApplied,
    kMustStop,  // it lives where it must not: StopActor to the reporter
    kMustHost,  // the reporter is behind: HostActor to it
    kRestart,   // its worker died and it may live again: choose a node
  };

  explicit ActorTable(Options options) : options_(options) {}

  // The spec of an actor before the actor. False, and why, if it contradicts
  // another.
  [[nodiscard]] bool RestoreSpec(base::ActorId actor, base::ActorSpec spec,
                                 std::string* error);
  [[nodiscard]] bool Restore(base::ActorRecord actor, std::string* error);
  // After the last: forgets specs whose actors are not there, and the dead
  // beyond the bound.
  void Start(Effects& effects);

  // A new one, pending. CHECKs: neither its id nor its name is in use.
  void Add(base::ActorRecord actor, std::int64_t wall_ms, Effects& effects);
  // `from`: the node whose raylet reports.
  Said Report(const base::ActorReport& report, base::NodeId from,
              std::int64_t wall_ms, Effects& effects);
  // Counts a restart of a detached one, if restarts_max allows one more: then
  // Restart comes next. False: it has used them up.
  bool Charge(base::ActorId actor);
  // What ended the life that was last, until another one ends.
  void Explain(base::ActorId actor, base::Failure cause);
  // A detached one begins its next incarnation, on `node` (nil: it waits).
  void Restart(base::ActorId actor, base::NodeId node, std::int64_t wall_ms,
               Effects& effects);
  // A detached one that waits for a node has one.
  void Place(base::ActorId actor, base::NodeId node, Effects& effects);
  // For good. Nothing if it is dead already.
  void Kill(base::ActorId actor, base::Failure cause, std::int64_t wall_ms,
            Effects& effects);

  // Null if it is not known.
  [[nodiscard]] const base::ActorRecord* Find(base::ActorId actor) const;
  // The living one with the name; null if none.
  [[nodiscard]] const base::ActorRecord* FindNamed(
      const std::string& ns, const std::string& name) const;
  [[nodiscard]] bool IsFull() const { return living() >= options_.living_max; }
  // The living whose owner is on the node, or, detached, that are placed there.
  [[nodiscard]] std::vector<base::ActorId> OfNode(base::NodeId node) const;
  // The living of the job that are not detached.
  [[nodiscard]] std::vector<base::ActorId> OfJob(base::JobId job) const;
  // The living detached without a node.
  [[nodiscard]] std::vector<base::ActorId> Waiting() const;

  [[nodiscard]] const std::map<base::ActorId, base::ActorRecord>& all() const {
    return actors_;
  }
  [[nodiscard]] std::size_t living() const {
    return actors_.size() - dead_.size();
  }
  [[nodiscard]] std::size_t dead() const { return dead_.size(); }
  [[nodiscard]] std::size_t alive() const { return alive_; }

  void CheckInvariants() const;

 private:
  using Name = std::pair<std::string, std::string>;  // namespace and name

  Said ReportOwned(base::ActorRecord& actor, const base::ActorReport& report,
                   base::NodeId from, std::int64_t wall_ms, Effects& effects);
  Said ReportDetached(base::ActorRecord& actor, const base::ActorReport& report,
                      base::NodeId from, std::int64_t wall_ms,
                      Effects& effects);
  Said ReportUnknown(const base::ActorReport& report, base::NodeId from,
                     std::int64_t wall_ms, Effects& effects);
  [[nodiscard]] bool IsStale(const base::ActorRecord& actor,
                             const base::ActorReport& report) const;
  void SetState(base::ActorRecord& actor, base::ActorState state,
                std::int64_t wall_ms);
  void SetNode(base::ActorRecord& actor, base::NodeId node);
  void Index(const base::ActorRecord& actor);
  void Unindex(const base::ActorRecord& actor);
  void ForgetOldest(Effects& effects);
  void Bury(base::ActorRecord& actor, base::Failure cause, std::int64_t wall_ms,
            Effects& effects);

  const Options options_;
  std::map<base::ActorId, base::ActorRecord> actors_;
  std::map<base::ActorId, base::ActorSpec> specs_;  // while restoring
  // Of the living.
  std::map<Name, base::ActorId> names_;
  std::map<base::NodeId, std::set<base::ActorId>> of_node_;  // nil: waiting
  std::map<base::JobId, std::set<base::ActorId>> of_job_;
  std::size_t alive_ = 0;
  std::set<std::pair<std::int64_t, base::ActorId>> dead_;  // by since_ms
};

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_ACTORS_ACTOR_TABLE_H_

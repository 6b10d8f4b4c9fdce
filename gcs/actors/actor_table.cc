#include "gcs/actors/actor_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/codec/codec.h"
#include "base/control/control_codec.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif
namespace {

using base::ActorState;

constexpr std::size_t kClassNameBytesMax = 1'024;
// Without an end is counted no further.
constexpr std::int32_t kRestartsMax = 1 << 30;

void Save(const base::ActorRecord& actor, Effects& effects) {
  base::ActorRecord record = actor;
  record.spec.reset();
  PutRecord(RecordKey(RecordTable::kActor, actor.actor),
            base::EncodeActor(record), effects);
}

// Where the index keeps it.
base::NodeId PlaceOf(const base::ActorRecord& actor) {
  return actor.detached ? actor.node : actor.owner_node;
}

}  // namespace

bool ActorTable::RestoreSpec(base::ActorId actor, base::ActorSpec spec,
                             std::string* error) {
  if (specs_.emplace(actor, std::move(spec)).second) return true;
  *error = "the spec of actor " + actor.ToString() + " is there twice";
  return false;
}

bool ActorTable::Restore(base::ActorRecord actor, std::string* error) {
  const auto fail = [&actor, error](const std::string& what) {
    *error = "actor " + actor.actor.ToString() + " " + what;
    return false;
  };
  if (actors_.contains(actor.actor)) return fail("is there twice");
  if (actor.spec.has_value()) return fail("has its spec within its record");
  const bool lives = actor.state != ActorState::kDead;
  if (actor.detached != actor.owner.IsNil()) {
    return fail("is detached and owned, or neither");
  }
  if (!actor.detached && actor.owner_node.IsNil()) {
    return fail("has an owner on no node");
  }
  if (lives && actor.detached) {
    if (actor.node.IsNil() && actor.state == ActorState::kAlive) {
      return fail("is alive on no node");
    }
    const bool is_charged =
        actor.restarts_max >= 0 && actor.restarts > actor.restarts_max;
    if (is_charged || actor.restarts > kRestartsMax ||
        actor.incarnation > kCountMax) {
      return fail("was restarted more often than can be");
    }
    const auto spec = specs_.find(actor.actor);
    if (spec == specs_.end()) return fail("lives, is detached, has no spec");
    actor.spec = std::move(spec->second);
    specs_.erase(spec);
  }
  if (lives && !actor.name.empty() &&
      FindNamed(actor.ns, actor.name) != nullptr) {
    return fail("has the name of another: " + actor.name);
  }
  const base::ActorRecord& kept =
      actors_.emplace(actor.actor, std::move(actor)).first->second;
  if (lives) {
    Index(kept);
  } else {
    dead_.emplace(kept.since_ms, kept.actor);
  }
  return true;
}

void ActorTable::Start(Effects& effects) {
  for (const auto& [actor, spec] : specs_) {
    EraseRecord(RecordKey(RecordTable::kSpec, actor), effects);
  }
  specs_.clear();
  ForgetOldest(effects);
}

void ActorTable::Add(base::ActorRecord actor, std::int64_t wall_ms,
                     Effects& effects) {
  MOBULA_CHECK(!actors_.contains(actor.actor));
  MOBULA_CHECK(actor.name.empty() ||
               FindNamed(actor.ns, actor.name) == nullptr);
  MOBULA_CHECK(actor.detached == actor.spec.has_value());
  MOBULA_CHECK(actor.detached == actor.owner.IsNil());
  actor.state = ActorState::kPending;
  actor.incarnation = 1;
  actor.restarts = 0;
  actor.worker = base::ProcessId();
  actor.pid = 0;
  actor.cause = base::Failure();
  actor.since_ms = wall_ms;
  actor.class_name.resize(
      std::min(actor.class_name.size(), kClassNameBytesMax));
  if (actor.spec.has_value()) {
    PutRecord(RecordKey(RecordTable::kSpec, actor.actor),
              base::Encode(*actor.spec), effects);
  }
  Save(actor, effects);
  Index(actor);
  actors_.emplace(actor.actor, std::move(actor));
}

bool ActorTable::IsStale(const base::ActorRecord& actor,
                         const base::ActorReport& report) const {
#ifdef MOBULA_PLANTS
  if (options_.plant_accept_stale_incarnation) return false;
#endif
  return report.incarnation < actor.incarnation;
}

ActorTable::Said ActorTable::Report(const base::ActorReport& report,
                                    base::NodeId from, std::int64_t wall_ms,
                                    Effects& effects) {
  MOBULA_CHECK(!from.IsNil());
  const auto known = actors_.find(report.actor);
  if (known == actors_.end()) {
    return ReportUnknown(report, from, wall_ms, effects);
  }
  base::ActorRecord& actor = known->second;
  if (actor.state == ActorState::kDead) {
    return report.state == ActorState::kDead ? Said::kIgnored : Said::kMustStop;
  }
  return actor.detached ? ReportDetached(actor, report, from, wall_ms, effects)
                        : ReportOwned(actor, report, from, wall_ms, effects);
}

ActorTable::Said ActorTable::ReportUnknown(const base::ActorReport& report,
                                           base::NodeId from,
                                           std::int64_t wall_ms,
                                           Effects& effects) {
  if (report.owner.IsNil() || report.job.IsNil()) {
    // A detached one that was never made durable, or is long forgotten.
    return report.state == ActorState::kDead ? Said::kIgnored : Said::kMustStop;
  }
  if (IsFull()) return Said::kIgnored;
  base::ActorRecord actor;
  actor.actor = report.actor;
  actor.job = report.job;
  actor.owner = report.owner;
  actor.owner_node = from;
  actor.class_name = report.class_name.substr(0, kClassNameBytesMax);
  actor.restarts_max = report.restarts_max;
  actor.shared = report.shared;
  actor.since_ms = wall_ms;
  base::ActorRecord& kept = actors_[report.actor] = std::move(actor);
  Index(kept);
  return ReportOwned(kept, report, from, wall_ms, effects);
}

ActorTable::Said ActorTable::ReportOwned(base::ActorRecord& actor,
                                         const base::ActorReport& report,
                                         base::NodeId from,
                                         std::int64_t wall_ms,
                                         Effects& effects) {
  // Only its owner's raylet knows, and an owner does not move.
  if (from != actor.owner_node) return Said::kIgnored;
  if (IsStale(actor, report)) return Said::kIgnored;
  if (report.state == ActorState::kDead) {
    actor.incarnation = report.incarnation;
    actor.restarts = std::max(actor.restarts, report.restarts);
    Bury(actor, report.cause, wall_ms, effects);
    return Said::kApplied;
  }
  // Never nil from now on: so one is known that its owner has spoken of.
  const base::NodeId node = report.node.IsNil() ? from : report.node;
  const bool is_same_worker =
      report.state != ActorState::kAlive || report.worker == actor.worker;
  const bool is_same = report.incarnation == actor.incarnation &&
                       report.state == actor.state && node == actor.node &&
                       report.restarts == actor.restarts &&
                       report.separated == actor.separated && is_same_worker;
  if (is_same) return Said::kIgnored;
  actor.incarnation = report.incarnation;
  actor.restarts = report.restarts;
  actor.shared = report.shared;
  actor.separated = report.separated;
  actor.node = node;
  // Who tells it all again to a new control store may not know it any more.
  if (report.state == ActorState::kRestarting &&
      report.cause != base::Failure()) {
    actor.cause = report.cause;
  }
  SetState(actor, report.state, wall_ms);
  if (report.state == ActorState::kAlive) {
    actor.worker = report.worker;
    actor.pid = report.pid;
  }
  Save(actor, effects);
  return Said::kApplied;
}

ActorTable::Said ActorTable::ReportDetached(base::ActorRecord& actor,
                                            const base::ActorReport& report,
                                            base::NodeId from,
                                            std::int64_t wall_ms,
                                            Effects& effects) {
  if (from != actor.node) {
    return report.state == ActorState::kAlive ||
                   report.state == ActorState::kPending
               ? Said::kMustStop
               : Said::kIgnored;
  }
  if (IsStale(actor, report)) return Said::kMustHost;
  if (report.incarnation > actor.incarnation) return Said::kIgnored;
  switch (report.state) {
    case ActorState::kPending:
      return Said::kIgnored;
    case ActorState::kAlive:
      if (actor.state == ActorState::kAlive && actor.worker == report.worker) {
        return Said::kIgnored;
      }
      SetState(actor, ActorState::kAlive, wall_ms);
      actor.worker = report.worker;
      actor.pid = report.pid;
      Save(actor, effects);
      return Said::kApplied;
    case ActorState::kRestarting:
      if (Charge(actor.actor)) {
        actor.cause = report.cause;
        return Said::kRestart;
      }
      [[fallthrough]];
    case ActorState::kDead:
      Bury(actor, report.cause, wall_ms, effects);
      return Said::kApplied;
  }
  return Said::kIgnored;
}

bool ActorTable::Charge(base::ActorId id) {
  base::ActorRecord& actor = actors_.at(id);
  MOBULA_CHECK(actor.detached && actor.state != ActorState::kDead);
  if (actor.restarts_max >= 0 && actor.restarts >= actor.restarts_max) {
    return false;
  }
  actor.restarts = std::min(actor.restarts + 1, kRestartsMax);
  return true;
}

void ActorTable::Explain(base::ActorId id, base::Failure cause) {
  base::ActorRecord& actor = actors_.at(id);
  MOBULA_CHECK(actor.state != ActorState::kDead);
  actor.cause = std::move(cause);
}

void ActorTable::Restart(base::ActorId id, base::NodeId node,
                         std::int64_t wall_ms, Effects& effects) {
  base::ActorRecord& actor = actors_.at(id);
  MOBULA_CHECK(actor.detached && actor.state != ActorState::kDead);
  ++actor.incarnation;
  SetState(actor, ActorState::kRestarting, wall_ms);
  SetNode(actor, node);
  Save(actor, effects);
}

void ActorTable::Place(base::ActorId id, base::NodeId node, Effects& effects) {
  base::ActorRecord& actor = actors_.at(id);
  MOBULA_CHECK(actor.detached && actor.node.IsNil() && !node.IsNil());
  SetNode(actor, node);
  Save(actor, effects);
}

void ActorTable::Kill(base::ActorId id, base::Failure cause,
                      std::int64_t wall_ms, Effects& effects) {
  base::ActorRecord& actor = actors_.at(id);
  if (actor.state == ActorState::kDead) return;
  Bury(actor, std::move(cause), wall_ms, effects);
}

void ActorTable::SetState(base::ActorRecord& actor, ActorState state,
                          std::int64_t wall_ms) {
  MOBULA_CHECK(actor.state != ActorState::kDead);
  if (actor.state == ActorState::kAlive) --alive_;
  if (state == ActorState::kAlive) ++alive_;
  actor.state = state;
  actor.since_ms = wall_ms;
  actor.worker = base::ProcessId();
  actor.pid = 0;
}

void ActorTable::SetNode(base::ActorRecord& actor, base::NodeId node) {
  Unindex(actor);
  actor.node = node;
  Index(actor);
}

void ActorTable::Index(const base::ActorRecord& actor) {
  MOBULA_CHECK(actor.state != ActorState::kDead);
  if (!actor.name.empty()) names_[Name(actor.ns, actor.name)] = actor.actor;
  of_node_[PlaceOf(actor)].insert(actor.actor);
  if (!actor.detached) of_job_[actor.job].insert(actor.actor);
  if (actor.state == ActorState::kAlive) ++alive_;
}

void ActorTable::Unindex(const base::ActorRecord& actor) {
  MOBULA_CHECK(actor.state != ActorState::kDead);
  if (!actor.name.empty()) names_.erase(Name(actor.ns, actor.name));
  const auto node = of_node_.find(PlaceOf(actor));
  MOBULA_CHECK(node != of_node_.end());
  node->second.erase(actor.actor);
  if (node->second.empty()) of_node_.erase(node);
  if (actor.state == ActorState::kAlive) --alive_;
  if (actor.detached) return;
  const auto job = of_job_.find(actor.job);
  MOBULA_CHECK(job != of_job_.end());
  job->second.erase(actor.actor);
  if (job->second.empty()) of_job_.erase(job);
}

void ActorTable::Bury(base::ActorRecord& actor, base::Failure cause,
                      std::int64_t wall_ms, Effects& effects) {
  Unindex(actor);
  if (actor.spec.has_value()) {
    EraseRecord(RecordKey(RecordTable::kSpec, actor.actor), effects);
    actor.spec.reset();
  }
  actor.state = ActorState::kDead;
  actor.worker = base::ProcessId();
  actor.pid = 0;
  actor.cause = std::move(cause);
  // Whoever calls it learns that the actor is dead; how its last worker died is
  // in the other fields.
  if (actor.cause.code == base::FailureCode::kWorkerDied) {
    actor.cause.code = base::FailureCode::kActorDied;
  }
  actor.since_ms = wall_ms;
  dead_.emplace(wall_ms, actor.actor);
  Save(actor, effects);
  ForgetOldest(effects);
}

void ActorTable::ForgetOldest(Effects& effects) {
  while (dead_.size() > options_.dead_max) {
    const base::ActorId oldest = dead_.begin()->second;
    dead_.erase(dead_.begin());
    actors_.erase(oldest);
    EraseRecord(RecordKey(RecordTable::kActor, oldest), effects);
  }
}

const base::ActorRecord* ActorTable::Find(base::ActorId actor) const {
  const auto known = actors_.find(actor);
  return known == actors_.end() ? nullptr : &known->second;
}

const base::ActorRecord* ActorTable::FindNamed(const std::string& ns,
                                               const std::string& name) const {
  const auto known = names_.find(Name(ns, name));
  return known == names_.end() ? nullptr : Find(known->second);
}

namespace {

template <class AnId>
std::vector<base::ActorId> ListOf(
    const std::map<AnId, std::set<base::ActorId>>& index, AnId id) {
  const auto found = index.find(id);
  if (found == index.end()) return {};
  return {found->second.begin(), found->second.end()};
}

}  // namespace

std::vector<base::ActorId> ActorTable::OfNode(base::NodeId node) const {
  MOBULA_CHECK(!node.IsNil());
  return ListOf(of_node_, node);
}

std::vector<base::ActorId> ActorTable::OfJob(base::JobId job) const {
  return ListOf(of_job_, job);
}

std::vector<base::ActorId> ActorTable::Waiting() const {
  return ListOf(of_node_, base::NodeId());
}

void ActorTable::CheckInvariants() const {
  MOBULA_CHECK(dead_.size() <= options_.dead_max);
  std::size_t named = 0, placed = 0, alive = 0;
  for (const auto& [node, actors] : of_node_) placed += actors.size();
  for (const auto& [id, actor] : actors_) {
    MOBULA_CHECK(actor.actor == id && actor.incarnation >= 1);
    const bool lives = actor.state != ActorState::kDead;
    MOBULA_CHECK(actor.spec.has_value() == (lives && actor.detached));
    MOBULA_CHECK(lives != dead_.contains({actor.since_ms, id}));
    if (!lives) continue;
    if (!actor.name.empty()) {
      ++named;
      MOBULA_CHECK(names_.at(Name(actor.ns, actor.name)) == id);
    }
    MOBULA_CHECK(of_node_.at(PlaceOf(actor)).contains(id));
    MOBULA_CHECK(actor.detached || of_job_.at(actor.job).contains(id));
    MOBULA_CHECK(actor.detached || !actor.owner_node.IsNil());
    MOBULA_CHECK(actor.restarts_max < 0 || !actor.detached ||
                 actor.restarts <= actor.restarts_max);
    if (actor.state == ActorState::kAlive) ++alive;
  }
  MOBULA_CHECK(named == names_.size() && placed == living());
  MOBULA_CHECK(alive == alive_);
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs

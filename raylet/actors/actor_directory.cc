#include "raylet/actors/actor_directory.h"

#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/control/control_codec.h"

namespace mobula::raylet {
namespace {

using base::ActorId;
using base::ActorState;
using base::ProcessId;

ActorDirectory::Place PlaceOf(const base::ActorRecord& record) {
  ActorDirectory::Place place;
  place.incarnation = record.incarnation;
  switch (record.state) {
    case ActorState::kPending:
    case ActorState::kRestarting:
      break;
    case ActorState::kAlive:
      place.stage = ActorDirectory::Stage::kAlive;
      place.worker = record.worker;
      break;
    case ActorState::kDead:
      place.stage = ActorDirectory::Stage::kDead;
      place.cause = record.cause;
      break;
  }
  return place;
}

base::ActorMoved MovedTo(ActorId actor, const ActorDirectory::Place& place) {
  using Stage = ActorDirectory::Stage;
  base::ActorMoved moved;
  moved.actor = actor;
  // Of the life that was last; the next one has not begun while it is pending.
  moved.incarnation =
      place.incarnation - (place.stage == Stage::kPending ? 1 : 0);
  if (place.stage == Stage::kAlive) moved.worker = place.worker;
  moved.dead = place.stage == Stage::kDead;
  if (moved.dead || place.stage == Stage::kLost) moved.failure = place.cause;
  return moved;
}

}  // namespace

void ActorDirectory::Follow(Out& out) {
  following_ = true;
  if (!up_) return;
  base::TableFollower::Out news;
  table_.Up(news);
  Apply(news, out);
}

void ActorDirectory::Up(Out& out) {
  up_ = true;
  if (following_) Follow(out);
}

void ActorDirectory::OnListing(const base::TableListing& part, Out& out) {
  base::TableFollower::Out news;
  table_.OnListing(part, news);
  Apply(news, out);
}

void ActorDirectory::OnChanges(const base::TableChanges& changes, Out& out) {
  base::TableFollower::Out news;
  table_.OnChanges(changes, news);
  Apply(news, out);
}

void ActorDirectory::Apply(base::TableFollower::Out& news, Out& out) {
  for (base::FollowTable& follow : news.follow) {
    out.follow.push_back(std::move(follow));
  }
  for (const base::ApplyChange& change : news.changes) {
    if (!change.value.has_value()) {
      // It is of the dead, whose end was told before; or it went by while
      // we were away.
      const std::optional<ActorId> gone = ActorId::Parse(change.key);
      if (!gone.has_value() || !actors_.contains(*gone)) continue;
      Actor& actor = actors_.at(*gone);
      if (actor.place.stage != Stage::kDead && !actor.asked) {
        actor.asked = true;
        out.ask.push_back(*gone);
      }
      continue;
    }
    base::ActorRecord record;
    std::string error;
    if (!base::DecodeActor(change.value->view(), &record, &error)) continue;
    if (record.detached) Move(record.actor, PlaceOf(record), out);
  }
}

void ActorDirectory::Watch(ProcessId process, ActorId id, Out& out) {
  if (!following_) Follow(out);
  Actor& actor = actors_[id];
  if (actor.known) {
    out.moved.emplace_back(process, MovedTo(id, actor.place));
    if (actor.place.stage == Stage::kDead) {
      ForgetIfUseless(id);
      return;
    }
  }
  // Where it is nowhere the store may know better than what was heard last.
  const bool is_alive = actor.known && actor.place.stage == Stage::kAlive;
  if (!is_alive && !actor.asked) {
    actor.asked = true;
    out.ask.push_back(id);
  }
  actor.watchers.insert(process);
  watches_of_[process].insert(id);
}

void ActorDirectory::Unwatch(ProcessId process, ActorId id) {
  const auto of = watches_of_.find(process);
  if (of == watches_of_.end() || of->second.erase(id) == 0) return;
  if (of->second.empty()) watches_of_.erase(of);
  actors_.at(id).watchers.erase(process);
  ForgetIfUseless(id);
}

void ActorDirectory::ProcessGone(ProcessId process) {
  const auto of = watches_of_.find(process);
  if (of == watches_of_.end()) return;
  const std::set<ActorId> watched = std::move(of->second);
  watches_of_.erase(of);
  for (const ActorId id : watched) {
    actors_.at(id).watchers.erase(process);
    ForgetIfUseless(id);
  }
}

void ActorDirectory::ForgetIfUseless(ActorId id) {
  const Actor& actor = actors_.at(id);
  if (!actor.watchers.empty() || actor.asked) return;
  if (actor.known && actor.place.stage != Stage::kDead) return;
  actors_.erase(id);
}

void ActorDirectory::Learn(const base::ActorRecord& record, Out& out) {
  const auto found = actors_.find(record.actor);
  if (found == actors_.end()) return;
  found->second.asked = false;
  Move(record.actor, PlaceOf(record), out);
}

void ActorDirectory::Missing(ActorId id, base::Failure failure, Out& out) {
  const auto found = actors_.find(id);
  if (found == actors_.end()) return;
  found->second.asked = false;
  Place dead = found->second.place;
  dead.stage = Stage::kDead;
  dead.worker = ProcessId();
  dead.cause = std::move(failure);
  Move(id, dead, out);
}

void ActorDirectory::Hosted(ActorId actor, const Place& place, Out& out) {
  Move(actor, place, out);
}

void ActorDirectory::Move(ActorId id, const Place& place, Out& out) {
  Actor& actor = actors_[id];
  const auto order = [](const Place& of) {
    // Dead is dead, whichever life it is told of.
    return std::make_tuple(of.stage == Stage::kDead, of.incarnation, of.stage);
  };
  const bool is_news = !actor.known || order(place) > order(actor.place);
  if (is_news) {
    const bool was_known = actor.known;
    const base::ActorMoved before = MovedTo(id, actor.place);
    actor.known = true;
    actor.place = place;
    const base::ActorMoved now = MovedTo(id, place);
    const bool changed = !was_known || now.dead ||
                         now.incarnation != before.incarnation ||
                         now.worker != before.worker;
    for (const ProcessId process : actor.watchers) {
      if (changed) out.moved.emplace_back(process, now);
    }
    if (now.dead) {
      const std::set<ProcessId> told = std::move(actor.watchers);
      actor.watchers.clear();
      for (const ProcessId process : told) {
        const auto of = watches_of_.find(process);
        of->second.erase(id);
        if (of->second.empty()) watches_of_.erase(of);
      }
    }
  }
  ForgetIfUseless(id);
}

const ActorDirectory::Place* ActorDirectory::Find(ActorId actor) const {
  const auto found = actors_.find(actor);
  if (found == actors_.end() || !found->second.known) return nullptr;
  return &found->second.place;
}

std::size_t ActorDirectory::watches() const {
  std::size_t count = 0;
  for (const auto& [process, actors] : watches_of_) count += actors.size();
  return count;
}

void ActorDirectory::CheckInvariants() const {
  std::size_t watchers = 0;
  for (const auto& [id, actor] : actors_) {
    watchers += actor.watchers.size();
    MOBULA_CHECK(actor.known || actor.asked);
    const bool is_dead = actor.known && actor.place.stage == Stage::kDead;
    MOBULA_CHECK(!is_dead || actor.watchers.empty());
    for (const ProcessId process : actor.watchers) {
      MOBULA_CHECK(watches_of_.at(process).contains(id));
    }
  }
  MOBULA_CHECK(watchers == watches());
}

}  // namespace mobula::raylet

#include "runtime/refs/borrowed_objects.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "runtime/core/emit.h"
#include "runtime/refs/claim_batches.h"
#include "runtime/refs/inside.h"

namespace mobula::runtime {
namespace {

base::Failure Freed() {
  return base::NotRun(base::FailureCode::kObjectLost,
                      "the object was freed before this process could say "
                      "that it has a ref: whoever sent the ref has ended");
}

base::Failure OwnerDied() {
  return base::NotRun(base::FailureCode::kOwnerDied,
                      "the process that owned the object has ended, or is on "
                      "another node, and nobody here has its value");
}

base::Failure NobodyToAsk() {
  return base::MakeFailure(base::FailureCode::kObjectLost,
                           base::Executed::kMaybe,
                           "the value's bytes are gone, and so is the process "
                           "that owned it and could have had it made again");
}

}  // namespace

// ---- references of this process ---------------------------------------------

base::ProcessId BorrowedObjects::SpeakerFor(base::ProcessId owner) const {
  const auto found = lenders_.find(owner);
  return found != lenders_.end() && found->second.is_raylet ? raylet_ : owner;
}

BorrowedObjects::Objects::iterator BorrowedObjects::Enter(
    const base::ObjectName& name) {
  MOBULA_CHECK(!name.object.IsNil() && !name.owner.IsNil());
  const auto [it, is_new] = objects_.try_emplace(name.object);
  if (is_new) {
    it->second.owner = name.owner;
    ++lenders_[name.owner].objects;
  }
  return it;
}

void BorrowedObjects::Hold(const base::ObjectName& name) {
  const auto it = Enter(name);
  ++it->second.references;
  if (it->second.standing == Standing::kUnasked) NoteDue(it);
}

void BorrowedObjects::Release(base::ObjectId object) {
  const auto it = objects_.find(object);
  MOBULA_CHECK(it != objects_.end()) << "no borrowed object " << object;
  MOBULA_CHECK(it->second.references > 0);
  --it->second.references;
  NoteIfIdle(it);
}

void BorrowedObjects::Drop(base::ObjectId object) {
  const auto it = objects_.find(object);
  if (it != objects_.end() && it->second.references > 0) Release(object);
}

void BorrowedObjects::Watch(base::ObjectId object, Effects& effects) {
  const auto it = objects_.find(object);
  MOBULA_CHECK(it != objects_.end());
  Object& record = it->second;
  if (record.outcome.has_value()) {
    Emit(effects, Ready{object, *record.outcome, record.incarnation});
    return;
  }
  record.watched = true;
  NoteWish(it);
}

void BorrowedObjects::AddDependent(base::ObjectId object, base::TaskId task) {
  const auto it = objects_.find(object);
  MOBULA_CHECK(it != objects_.end() && !it->second.outcome.has_value());
  it->second.dependents.push_back(task);
  NoteWish(it);
}

void BorrowedObjects::LoseBytes(const base::ObjectName& name,
                                const base::Extent& extent, Effects& effects) {
  const auto it = objects_.find(name.object);
  if (it == objects_.end()) return;
  Object& object = it->second;
  if (object.outcome.has_value()) {
    const base::Value* stored = base::StoredIn(*object.outcome);
    // It has been told of another since.
    if (stored == nullptr || stored->extent() != extent) return;
    Unsettle(it);
  } else {
    const auto lost = lost_.find(it->first);
    if (lost != lost_.end() && lost->second == extent) return;
  }
  if (object.standing == Standing::kGone) {
    Settle(it, NobodyToAsk(), 0, effects);
    return;
  }
  lost_[it->first] = extent;
  object.wish = Wish::kNone;
  NoteWish(it);
}

void BorrowedObjects::Unsettle(Objects::iterator it) {
  const auto inside = Inside(it->first, *it->second.outcome);
  released_.insert(released_.end(), inside.begin(), inside.end());
  it->second.outcome.reset();
}

void BorrowedObjects::NoteWish(Objects::iterator it) {
  if (it->second.wish != Wish::kNone) return;
  it->second.wish = Wish::kDue;
  NoteDue(it);
}

void BorrowedObjects::NoteDue(Objects::iterator it) {
  Object& object = it->second;
  if (object.is_due) return;
  object.is_due = true;
  lenders_.at(object.owner).due.push_back(it->first);
  due_.insert(object.owner);
}

void BorrowedObjects::NoteIfIdle(Objects::iterator it) {
  Object& object = it->second;
  if (object.references > 0 || object.watched || object.swept) return;
  object.swept = true;
  idle_.push_back(it->first);
}

// ---- what others say --------------------------------------------------------

void BorrowedObjects::Mentioned(const base::ObjectName& name,
                                base::ProcessId from) {
  const auto it = Enter(name);
  Object& object = it->second;
  NoteIfIdle(it);
  if (from == raylet_) NoteRaylet(object.owner);
  if (from == SpeakerFor(object.owner)) {
    ++object.received;
    if (object.standing == Standing::kUnasked) {
      object.standing = Standing::kKnown;
    }
    TellGivers(it);
    return;
  }
  object.givers.push_back(from);
  if (object.received > 0 || object.standing == Standing::kGone) {
    TellGivers(it);
  } else if (object.standing == Standing::kUnasked) {
    NoteDue(it);
  }
}

// The raylet lends only what it speaks for; that it does may be forgotten here
// while its message is on its way.
void BorrowedObjects::NoteRaylet(base::ProcessId owner) {
  Lender& lender = lenders_.at(owner);
  if (lender.ending || lender.lost || links_.Has(owner)) return;
  SetDeadline(owner, lender, base::BootTime::Never());
  lender.is_raylet = true;
}

void BorrowedObjects::TellGivers(Objects::iterator it) {
  for (const base::ProcessId giver : std::exchange(it->second.givers, {})) {
    outbox_.Taken(giver, it->first);
  }
}

void BorrowedObjects::Borrowed(base::ProcessId from,
                               const base::ObjectsBorrowed& borrowed,
                               Effects& effects) {
  for (const base::ObjectId id : borrowed.objects) {
    const auto it = objects_.find(id);
    if (it == objects_.end() || from != SpeakerFor(it->second.owner)) continue;
    if (it->second.standing != Standing::kAsked) continue;
    it->second.standing = Standing::kKnown;
    ++it->second.received;
    TellGivers(it);
    NoteIfIdle(it);
  }
  for (const base::ObjectId id : borrowed.gone) {
    const auto it = objects_.find(id);
    if (it == objects_.end() || from != SpeakerFor(it->second.owner)) continue;
    if (it->second.standing != Standing::kAsked) continue;
    Lose(it, from == raylet_ ? OwnerDied() : Freed(), effects);
  }
}

void BorrowedObjects::Lose(Objects::iterator it, const base::Failure& failure,
                           Effects& effects) {
  it->second.standing = Standing::kGone;
  it->second.received = 0;
  TellGivers(it);
  if (!it->second.outcome.has_value()) Settle(it, failure, 0, effects);
  NoteIfIdle(it);
}

bool BorrowedObjects::Is(base::ProcessId from, const base::ObjectIs& is,
                         Effects& effects) {
  const auto it = objects_.find(is.object);
  if (it == objects_.end() || from != SpeakerFor(it->second.owner)) {
    return false;
  }
  const base::Value* const stored = base::StoredIn(is.outcome);
  const auto lost = lost_.find(is.object);
  // It was said before its owner heard of the loss, of which it will speak.
  if (stored != nullptr && lost != lost_.end() &&
      lost->second == stored->extent()) {
    return false;
  }
  if (it->second.outcome.has_value()) {
    // Its owner had it made again: others have found its bytes lost.
    const bool was_stored = base::StoredIn(*it->second.outcome) != nullptr;
    if (!was_stored || *it->second.outcome == is.outcome) return false;
    Unsettle(it);
  }
  Settle(it, is.outcome, is.incarnation, effects);
  return true;
}

void BorrowedObjects::Settle(Objects::iterator it, base::Outcome outcome,
                             std::int64_t incarnation, Effects& effects) {
  Object& object = it->second;
  MOBULA_CHECK(!object.outcome.has_value());
  lost_.erase(it->first);
  object.outcome = std::move(outcome);
  object.incarnation = incarnation;
  if (std::exchange(object.watched, false)) {
    Emit(effects, Ready{it->first, *object.outcome, incarnation});
  }
  for (const base::TaskId task : std::exchange(object.dependents, {})) {
    woken_.emplace_back(task, it->first);
  }
  NoteIfIdle(it);
}

void BorrowedObjects::OwnerGone(base::ProcessId owner, base::BootTime now,
                                Produced& out) {
  Lender& lender = lenders_[owner];
  if (lender.ending) return;
  if (!links_.Has(owner)) {
    Claim(owner, out);
    return;
  }
  // Its last messages, and what they mention, are still to come.
  lender.ending = true;
  SetDeadline(owner, lender, now + kLinkPatience);
}

void BorrowedObjects::Attached(base::ProcessId peer) {
  const auto found = lenders_.find(peer);
  if (found == lenders_.end()) return;
  Lender& lender = found->second;
  if (lender.ending || lender.lost || lender.is_raylet) return;
  SetDeadline(peer, lender, base::BootTime::Never());
  if (!lender.due.empty()) due_.insert(peer);
}

void BorrowedObjects::LinkEnded(base::ProcessId peer, base::BootTime now,
                                Produced& out) {
  const auto found = lenders_.find(peer);
  if (found == lenders_.end()) return;
  Lender& lender = found->second;
  if (lender.ending) {
    Claim(peer, out);
  } else if (!lender.is_raylet) {
    lender.lost = true;
    SetDeadline(peer, lender, now + kPatience);
  }
}

void BorrowedObjects::Unreachable(base::ProcessId peer) {
  const auto found = lenders_.find(peer);
  if (found == lenders_.end() || links_.Has(peer)) return;
  Lender& lender = found->second;
  if (lender.ending || lender.lost || lender.is_raylet) return;
  // It ended before this process knew of it: there is nothing to claim, but
  // others may have claimed what is asked for here.
  lender.is_raylet = true;
  SetDeadline(peer, lender, base::BootTime::Never());
  for (const base::ObjectId id : Of(peer)) {
    const auto it = objects_.find(id);
    if (it->second.standing == Standing::kGone) continue;
    it->second.standing = Standing::kUnasked;
    it->second.received = 0;
    if (it->second.wish == Wish::kSent) it->second.wish = Wish::kDue;
    NoteDue(it);
  }
  if (!lender.due.empty()) due_.insert(peer);
}

void BorrowedObjects::SetDeadline(base::ProcessId owner, Lender& lender,
                                  base::BootTime at) {
  timers_.Remove(lender.deadline, owner);
  lender.deadline = at;
  timers_.Add(at, owner);
}

void BorrowedObjects::Tick(base::BootTime now, Produced& out) {
  while (const std::optional<base::ProcessId> owner = timers_.PopDue(now)) {
    Lender& lender = lenders_.at(*owner);
    lender.deadline = base::BootTime::Never();
    if (lender.ending) {
      Claim(*owner, out);
    } else {
      GiveUp(*owner, OwnerDied(), out);
    }
  }
}

std::vector<base::ObjectId> BorrowedObjects::Of(base::ProcessId owner) const {
  std::vector<base::ObjectId> ids;
  for (const auto& [id, object] : objects_) {
    if (object.owner == owner) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

void BorrowedObjects::Claim(base::ProcessId owner, Produced& out) {
  ClaimBatches claims(raylet_, owner, *out.effects);
  for (const base::ObjectId id : Of(owner)) {
    const auto it = objects_.find(id);
    Object& object = it->second;
    object.is_due = false;
    TellGivers(it);
    // The dead take nothing back.
    const bool is_held = object.references > 0 || object.watched;
    if (!is_held || object.standing == Standing::kGone) {
      object.received = 0;
      object.standing = Standing::kGone;
      NoteIfIdle(it);
      continue;
    }
    object.received = 1;
    object.standing = Standing::kKnown;
    object.wish = Wish::kSent;  // it is told, if it is not known here
    claims.Add(id, Find(id));
  }
  claims.Finish();
  Lender& lender = lenders_.at(owner);
  SetDeadline(owner, lender, base::BootTime::Never());
  lender.ending = false;
  lender.lost = false;
  lender.is_raylet = true;
  lender.due.clear();
  ForgetIfUnused(owner);
}

void BorrowedObjects::GiveUp(base::ProcessId owner,
                             const base::Failure& failure, Produced& out) {
  for (const base::ObjectId id : Of(owner)) {
    const auto it = objects_.find(id);
    it->second.is_due = false;
    Lose(it, failure, *out.effects);
  }
  Lender& lender = lenders_.at(owner);
  SetDeadline(owner, lender, base::BootTime::Never());
  lender.lost = false;
  lender.due.clear();
  ForgetIfUnused(owner);
}

void BorrowedObjects::ForgetIfUnused(base::ProcessId owner) {
  const auto found = lenders_.find(owner);
  if (found->second.objects > 0 || found->second.ending) return;
  timers_.Remove(found->second.deadline, owner);
  due_.erase(owner);
  lenders_.erase(found);
}

void BorrowedObjects::FailAll(const base::Failure& failure, Effects& effects) {
  closed_ = failure;
  timers_.Clear();
  for (auto& [owner, lender] : lenders_) {
    lender.deadline = base::BootTime::Never();
  }
  // In one pass, however many lenders there are.
  std::vector<std::pair<base::ProcessId, base::ObjectId>> all;
  all.reserve(objects_.size());
  for (const auto& [id, object] : objects_) all.emplace_back(object.owner, id);
  std::sort(all.begin(), all.end());
  for (const auto& [owner, id] : all) {
    Lose(objects_.find(id), failure, effects);
  }
}

// ---- the end of a step ------------------------------------------------------

void BorrowedObjects::Sweep() {
  for (const base::ObjectId id : std::exchange(idle_, {})) {
    const auto it = objects_.find(id);
    MOBULA_CHECK(it != objects_.end());
    Object& object = it->second;
    object.swept = false;
    if (object.references > 0 || object.watched) continue;
    // What was asked for will be counted there: the answer says so first.
    if (object.standing == Standing::kAsked) continue;
    Forget(it);  // dependents that are left have given up
  }
}

void BorrowedObjects::Forget(Objects::iterator it) {
  const Object& object = it->second;
  const base::ProcessId owner = object.owner;
  Lender& lender = lenders_.at(owner);
  TellGivers(it);
  const bool is_heard = !lender.ending && !lender.lost && !closed_.has_value();
  if (object.received > 0 && is_heard) {
    outbox_.Return(SpeakerFor(owner), {it->first, object.received});
  }
  if (object.outcome.has_value()) {
    const auto inside = Inside(it->first, *object.outcome);
    released_.insert(released_.end(), inside.begin(), inside.end());
  }
  lost_.erase(it->first);
  objects_.erase(it);
  --lender.objects;
  ForgetIfUnused(owner);
}

void BorrowedObjects::Ask(base::BootTime now, Produced& out) {
  for (const base::ProcessId owner : std::exchange(due_, {})) {
    const auto found = lenders_.find(owner);
    if (found != lenders_.end()) AskLender(owner, found->second, now, out);
  }
}

void BorrowedObjects::AskLender(base::ProcessId owner, Lender& lender,
                                base::BootTime now, Produced& out) {
  if (closed_.has_value()) {
    GiveUp(owner, *closed_, out);
    return;
  }
  // Else everything is claimed, or given up, before long.
  if (lender.ending || lender.lost) return;
  const base::ProcessId speaker = SpeakerFor(owner);
  if (!links_.Reach(speaker, out)) {
    if (lender.deadline.IsNever()) {
      SetDeadline(owner, lender, now + kPatience);
    }
    return;
  }
  for (const base::ObjectId id : std::exchange(lender.due, {})) {
    const auto it = objects_.find(id);
    if (it == objects_.end() || !it->second.is_due) continue;
    Object& object = it->second;
    object.is_due = false;
    if (object.standing == Standing::kUnasked) {
      object.standing = Standing::kAsked;
      outbox_.Borrow(speaker, id);
    }
    if (object.wish == Wish::kDue && !object.outcome.has_value()) {
      object.wish = Wish::kSent;
      const auto lost = lost_.find(id);
      if (lost == lost_.end()) {
        outbox_.Want(speaker, id);
      } else {
        outbox_.Lost(speaker, {{id, owner}, lost->second});
      }
    }
  }
}

const base::Outcome* BorrowedObjects::Find(base::ObjectId object) const {
  const auto it = objects_.find(object);
  if (it == objects_.end() || !it->second.outcome.has_value()) return nullptr;
  return &*it->second.outcome;
}

std::vector<ObjectRow> BorrowedObjects::Rows() const {
  std::vector<base::ObjectId> ids;
  ids.reserve(objects_.size());
  for (const auto& [id, object] : objects_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  std::vector<ObjectRow> rows;
  rows.reserve(ids.size());
  for (const base::ObjectId id : ids) rows.push_back(RowOf(id));
  return rows;
}

ObjectRow BorrowedObjects::RowOf(base::ObjectId id) const {
  const Object& object = objects_.at(id);
  ObjectRow row;
  row.name = {id, object.owner};
  row.references = object.references;
  row.received = object.received;
  if (!object.outcome.has_value()) return row;
  row.is_settled = true;
  row.is_failure = std::holds_alternative<base::Failure>(*object.outcome);
  row.inside = Inside(id, *object.outcome);
  return row;
}

void BorrowedObjects::Glance(std::vector<ObjectGlance>& glances) const {
  std::vector<base::ObjectId> ids;
  ids.reserve(objects_.size());
  for (const auto& [id, object] : objects_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const base::ObjectId id : ids) {
    const Object& object = objects_.find(id)->second;
    glances.push_back(
        {{id, object.owner},
         object.references,
         object.outcome.has_value() ? &*object.outcome : nullptr});
  }
}

}  // namespace mobula::runtime

#include "raylet/objects/custody.h"

#include <variant>

#include "base/check.h"

namespace mobula::raylet {
namespace {

using base::Failure;
using base::FailureCode;
using base::ObjectId;
using base::Outcome;
using base::ProcessId;

// Whether it can be given to others: refs inside are counted by who has them.
bool CanBeHandedOn(const Outcome& outcome) {
  const auto* value = std::get_if<base::Value>(&outcome);
  return value == nullptr || value->refs().empty();
}

// "the process that owned the value ended: killed by signal 9"
std::string OwnersEnd(const std::string& death) {
  std::string text = "the process that owned the value ended";
  if (!death.empty()) text += " (" + death + ")";
  return text;
}

Failure OwnerDiedFailure(const std::string& death) {
  return base::MakeFailure(FailureCode::kOwnerDied, base::Executed::kMaybe,
                           OwnersEnd(death) + ", and nobody had the value");
}

Failure LostFailure(const std::string& death) {
  return base::MakeFailure(
      FailureCode::kObjectLost, base::Executed::kMaybe,
      "the value's bytes are gone and it is not made again: " +
          OwnersEnd(death) + ", and with it how the value was made");
}

Failure JobOverFailure() {
  return base::MakeFailure(
      FailureCode::kOwnerDied, base::Executed::kMaybe,
      "the job that the value belonged to is over; what is "
      "to be kept longer (by a detached actor, say) is to "
      "be given as a value, or by its name: Publish it, "
      "and Lookup");
}

}  // namespace

void Custody::OwnerDied(ProcessId owner, base::JobId job, bool job_over,
                        const std::set<ProcessId>& others, Out& out) {
  if (rounds_.contains(owner)) return;
  ending_.erase(owner);
  Round& round = rounds_[owner];
  round = {job, job_over, others, ""};
  if (death_.first == owner) round.death = std::move(death_.second);
  death_ = {};
  for (auto& [id, object] : objects_) {
    if (object.owner == owner) object.job = job;
  }
  for (const ProcessId other : others) {
    out.send.emplace_back(other, base::OwnerGone{owner});
  }
  EndRounds(out);
}

void Custody::Claim(ProcessId from, const base::ClaimObjects& claim, Out& out) {
  const auto round = rounds_.find(claim.owner);
  const bool is_owner = from == claim.owner;
  if (is_owner) {
    ending_.insert(from);
  } else if (round == rounds_.end() || !round->second.awaited.contains(from)) {
    return;
  }
  for (const base::ClaimedObject& claimed : claim.objects) {
    TakeClaim(from, claim.owner, claimed);
  }
  if (is_owner || !claim.is_last) return;
  round->second.awaited.erase(from);
  EndRounds(out);
}

void Custody::TakeClaim(ProcessId from, ProcessId owner,
                        const base::ClaimedObject& claimed) {
  Object& object = objects_[claimed.object];
  object.owner = owner;
  const auto round = rounds_.find(owner);
  if (round != rounds_.end()) object.job = round->second.job;
  if (from != owner) ++object.lent[from];
  if (!claimed.is_settled) {
    if (from != owner) object.untold.insert(from);
  } else if (!object.outcome.has_value() && !claimed.has_refs &&
             CanBeHandedOn(claimed.outcome)) {
    object.outcome = claimed.outcome;
  }
}

void Custody::EndRounds(Out& out) {
  for (auto it = rounds_.begin(); it != rounds_.end();) {
    if (!it->second.awaited.empty()) {
      ++it;
      continue;
    }
    const ProcessId owner = it->first;
    const Round round = std::move(it->second);
    it = rounds_.erase(it);
    EndRound(owner, round, out);
  }
  if (!rounds_.empty()) return;
  // Nobody can claim any more what was borrowed before it was known.
  EndRound(ProcessId(), Round(), out);
}

void Custody::EndRound(ProcessId owner, const Round& round, Out& out) {
  for (auto it = objects_.begin(); it != objects_.end();) {
    Object& object = it->second;
    if (object.owner != owner) {
      ++it;
      continue;
    }
    if (object.lent.empty()) {
      it = Free(it, out);
      continue;
    }
    if (round.job_over) {
      object.doomed = true;
      object.outcome = JobOverFailure();
    }
    if (object.death.empty()) object.death = round.death;
    if (!object.settled) Settle(it->first, object, out);
    ++it;
  }
  if (!owner.IsNil()) out.ended.push_back(owner);
}

void Custody::Settle(ObjectId id, Object& object, Out& out) {
  object.settled = true;
  if (!object.outcome.has_value())
    object.outcome = OwnerDiedFailure(object.death);
  for (const ProcessId to : std::exchange(object.untold, {})) {
    Tell(id, object, to, out);
  }
}

void Custody::Tell(ObjectId id, Object& object, ProcessId to, Out& out) {
  // A stored value names the object.
  if (base::StoredIn(*object.outcome) != nullptr) ++object.lent[to];
  out.send.emplace_back(to, base::ObjectIs{id, *object.outcome, 0});
}

void Custody::Borrow(ProcessId from, const base::BorrowObjects& borrow,
                     Out& out) {
  base::ObjectsBorrowed answer;
  std::vector<ObjectId> settled;
  for (const ObjectId id : borrow.objects) {
    auto found = objects_.find(id);
    if (found == objects_.end()) {
      if (rounds_.empty()) {
        answer.gone.push_back(id);
        continue;
      }
      found = objects_.emplace(id, Object()).first;
    }
    ++found->second.lent[from];
    answer.objects.push_back(id);
    if (found->second.settled) {
      settled.push_back(id);
    } else {
      found->second.untold.insert(from);
    }
  }
  out.send.emplace_back(from, std::move(answer));
  for (const ObjectId id : settled) Tell(id, objects_.at(id), from, out);
}

void Custody::Return(ProcessId from, const base::ReturnObjects& returned,
                     Out& out) {
  for (const base::ReturnedObject& one : returned.objects) {
    if (one.lent_count > 0) TakeBack(from, one.object, one.lent_count, out);
  }
}

void Custody::Taken(ProcessId from, const base::ObjectsTaken& taken, Out& out) {
  for (const ObjectId object : taken.objects) TakeBack(from, object, 1, out);
}

void Custody::TakeBack(ProcessId from, ObjectId id, std::int64_t count,
                       Out& out) {
  const auto found = objects_.find(id);
  if (found == objects_.end()) return;
  Object& object = found->second;
  const auto lent = object.lent.find(from);
  if (lent == object.lent.end()) return;
  if (lent->second > count) {
    lent->second -= count;  // more is on its way there
    return;
  }
  object.lent.erase(lent);
  object.untold.erase(from);
  if (MayGo(object)) Free(found, out);
}

void Custody::Want(ProcessId from, const base::WantObjects& want, Out& out) {
  for (const ObjectId id : want.objects) {
    const auto found = objects_.find(id);
    if (found == objects_.end() || !found->second.lent.contains(from)) continue;
    if (found->second.settled) {
      Tell(id, found->second, from, out);
    } else {
      found->second.untold.insert(from);
    }
  }
}

void Custody::Lost(ProcessId from, const base::LostBytes& lost, Out& out) {
  LoseBytes(lost, out);
  const ObjectId id = lost.object.object;
  const auto found = objects_.find(id);
  if (found == objects_.end() || !found->second.lent.contains(from)) {
    // Whoever waits must not wait for ever.
    out.send.emplace_back(from, base::ObjectIs{id, LostFailure(""), 0});
  } else if (found->second.settled) {
    Tell(id, found->second, from, out);
  } else {
    found->second.untold.insert(from);
  }
}

void Custody::LoseBytes(const base::LostBytes& lost, Out& out) {
  const auto found = objects_.find(lost.object.object);
  if (found == objects_.end() || !found->second.outcome.has_value()) return;
  Object& object = found->second;
  const base::Value* stored = base::StoredIn(*object.outcome);
  if (stored == nullptr || stored->extent() != lost.extent) return;
  object.outcome = LostFailure(object.death);
  out.freed.push_back(found->first);
}

void Custody::ProcessGone(ProcessId process, Out& out) {
  for (auto it = objects_.begin(); it != objects_.end();) {
    it->second.untold.erase(process);
    const bool had = it->second.lent.erase(process) > 0;
    it = had && MayGo(it->second) ? Free(it, out) : std::next(it);
  }
  for (auto& [owner, round] : rounds_) round.awaited.erase(process);
  EndRounds(out);
}

void Custody::JobGone(base::JobId job, Out& out) {
  for (auto& [owner, round] : rounds_) {
    if (round.job == job) round.job_over = true;
  }
  for (auto& [id, object] : objects_) {
    if (object.job != job || IsOpen(object)) continue;
    object.doomed = true;
    object.outcome = JobOverFailure();
    out.freed.push_back(id);
  }
}

// More may be heard of it yet.
bool Custody::IsOpen(const Object& object) const {
  if (object.owner.IsNil()) return !object.settled && !rounds_.empty();
  return rounds_.contains(object.owner) || ending_.contains(object.owner);
}

bool Custody::MayGo(const Object& object) const {
  return object.lent.empty() && !IsOpen(object);
}

Custody::Objects::iterator Custody::Free(Objects::iterator object, Out& out) {
  out.freed.push_back(object->first);
  return objects_.erase(object);
}

bool Custody::Keeps(ProcessId owner, ObjectId object) const {
  const auto round = rounds_.find(owner);
  if (round != rounds_.end()) return !round->second.job_over;
  const auto found = objects_.find(object);
  return found != objects_.end() && !found->second.doomed;
}

base::JobId Custody::JobOf(ProcessId owner, ObjectId object) const {
  const auto found = objects_.find(object);
  if (found != objects_.end()) return found->second.job;
  const auto round = rounds_.find(owner);
  return round == rounds_.end() ? base::JobId() : round->second.job;
}

std::vector<base::HeldObject> Custody::Held() const {
  std::vector<base::HeldObject> held;
  for (const auto& [id, object] : objects_) {
    base::HeldObject& row = held.emplace_back();
    row.name = {id, object.owner};
    row.is_settled = object.outcome.has_value();
    if (row.is_settled) {
      const auto* value = std::get_if<base::Value>(&*object.outcome);
      row.is_failure = value == nullptr;
      row.is_stored = value != nullptr && value->is_stored();
      if (value != nullptr) row.byte_count = value->size();
    }
    for (const auto& [process, count] : object.lent) {
      row.lent.push_back({process, count});
    }
  }
  return held;
}

void Custody::CheckInvariants() const {
  for (const auto& [owner, round] : rounds_) {
    MOBULA_CHECK(!round.awaited.empty());
  }
  for (const auto& [id, object] : objects_) {
    MOBULA_CHECK(object.settled == !IsOpen(object));
    MOBULA_CHECK(!object.settled || object.outcome.has_value());
    MOBULA_CHECK(!object.settled || object.untold.empty());
    MOBULA_CHECK(!MayGo(object));
    for (const auto& [process, count] : object.lent) MOBULA_CHECK(count > 0);
  }
}

}  // namespace mobula::raylet

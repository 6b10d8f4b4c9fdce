#include "raylet/objects/kept_values.h"

#include <iterator>

#include "base/check.h"
#include "base/failure.h"

namespace mobula::raylet {

using base::Extent;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;

void KeptValues::Begin(const ObjectName& name, base::JobId job,
                       const Extent& extent, std::string label) {
  MOBULA_CHECK(!extent.arena.IsNil() && !name.owner.IsNil());
  const auto [object, is_new] = objects_.try_emplace(name.object);
  MOBULA_CHECK(is_new, "an id is never used again");
  object->second.owner = name.owner;
  object->second.job = job;
  object->second.extent = extent;
  object->second.label = std::move(label);
  by_place_[{extent.arena, extent.offset}].insert(name.object);
}

void KeptValues::Confirm(ObjectId object) {
  const auto found = objects_.find(object);
  if (found == objects_.end() || found->second.state != State::kAsked) return;
  found->second.state = State::kNamed;
}

void KeptValues::LetGo(ObjectId object, Out& out) {
  const auto found = objects_.find(object);
  if (found == objects_.end()) return;
  found->second.state = State::kLent;
  EndIfUnused(found, out);
}

void KeptValues::ProcessGone(ProcessId process, Out& out) {
  for (auto it = objects_.begin(); it != objects_.end();) {
    const bool had = it->second.lent.erase(process) > 0;
    it = had ? EndIfUnused(it, out) : std::next(it);
  }
}

void KeptValues::Borrow(ProcessId from, const base::BorrowObjects& borrow,
                        base::BorrowObjects* rest, Out& out) {
  base::ObjectsBorrowed answer;
  for (const ObjectId object : borrow.objects) {
    (Has(object) ? answer.objects : rest->objects).push_back(object);
  }
  if (answer.objects.empty()) return;
  out.send.emplace_back(from, answer);
  for (const ObjectId object : answer.objects) {
    const auto found = objects_.find(object);
    ++found->second.lent[from];
    Tell(from, found, out);
  }
}

// A stored value names its object: that is one more that is lent.
void KeptValues::Tell(ProcessId to, Objects::iterator object, Out& out) {
  Object& kept = object->second;
  ++kept.lent[to];
  const ObjectName name{object->first, kept.owner};
  out.send.emplace_back(
      to,
      base::ObjectIs{object->first, base::Value::Stored(name, kept.extent), 0});
}

void KeptValues::Return(ProcessId from, const base::ReturnObjects& returned,
                        base::ReturnObjects* rest, Out& out) {
  for (const base::ReturnedObject& one : returned.objects) {
    if (!Has(one.object)) {
      rest->objects.push_back(one);
    } else if (one.lent_count > 0) {
      TakeBack(from, one.object, one.lent_count, out);
    }
  }
}

void KeptValues::Want(ProcessId from, const base::WantObjects& want,
                      base::WantObjects* rest, Out& out) {
  for (const ObjectId object : want.objects) {
    const auto found = objects_.find(object);
    if (found == objects_.end()) {
      rest->objects.push_back(object);
    } else if (found->second.lent.contains(from)) {
      Tell(from, found, out);
    }
  }
}

void KeptValues::Lost(ProcessId from, const base::ObjectsLost& lost,
                      base::ObjectsLost* rest, Out& out) {
  for (const base::LostBytes& one : lost.objects) {
    const ObjectId object = one.object.object;
    if (!Has(object)) {
      rest->objects.push_back(one);
      continue;
    }
    out.send.emplace_back(
        from, base::ObjectIs{
                  object,
                  base::MakeFailure(
                      base::FailureCode::kObjectLost, base::Executed::kMaybe,
                      "the published value's bytes are gone; publish it again, "
                      "or as Durable() where it is short enough"),
                  0});
  }
}

void KeptValues::Taken(ProcessId from, const base::ObjectsTaken& taken,
                       base::ObjectsTaken* rest, Out& out) {
  for (const ObjectId object : taken.objects) {
    if (Has(object)) {
      TakeBack(from, object, 1, out);
    } else {
      rest->objects.push_back(object);
    }
  }
}

void KeptValues::TakeBack(ProcessId from, ObjectId object, std::int64_t count,
                          Out& out) {
  const auto found = objects_.find(object);
  const auto lent = found->second.lent.find(from);
  if (lent == found->second.lent.end()) return;
  if (lent->second > count) {
    lent->second -= count;  // more is on its way there
    return;
  }
  found->second.lent.erase(lent);
  EndIfUnused(found, out);
}

KeptValues::Objects::iterator KeptValues::EndIfUnused(Objects::iterator object,
                                                      Out& out) {
  Object& kept = object->second;
  if (kept.state != State::kLent || !kept.lent.empty()) {
    return std::next(object);
  }
  const auto place = by_place_.find({kept.extent.arena, kept.extent.offset});
  MOBULA_CHECK(place != by_place_.end());
  place->second.erase(object->first);
  if (place->second.empty()) by_place_.erase(place);
  out.gone.push_back(object->first);
  return objects_.erase(object);
}

bool KeptValues::IsAsked(ObjectId object) const {
  const auto found = objects_.find(object);
  return found != objects_.end() && found->second.state == State::kAsked;
}

ObjectName KeptValues::HeirOf(const Extent& extent) const {
  const auto place = by_place_.find({extent.arena, extent.offset});
  if (place == by_place_.end()) return {};
  for (const ObjectId object : place->second) {
    const Object& kept = objects_.at(object);
    if (kept.extent == extent) return {object, kept.owner};
  }
  return {};
}

std::vector<ObjectId> KeptValues::NamedOver(const Extent& extent) const {
  std::vector<ObjectId> named;
  const auto place = by_place_.find({extent.arena, extent.offset});
  if (place == by_place_.end()) return named;
  for (const ObjectId id : place->second) {
    const Object& kept = objects_.at(id);
    if (kept.extent == extent && kept.state != State::kLent) {
      named.push_back(id);
    }
  }
  return named;
}

base::JobId KeptValues::JobOf(ObjectId object) const {
  const auto found = objects_.find(object);
  return found == objects_.end() ? base::JobId() : found->second.job;
}

Extent KeptValues::ExtentOf(ObjectId object) const {
  const auto found = objects_.find(object);
  return found == objects_.end() ? Extent() : found->second.extent;
}

std::vector<ObjectId> KeptValues::Named() const {
  std::vector<ObjectId> named;
  for (const auto& [id, object] : objects_) {
    if (object.state != State::kLent) named.push_back(id);
  }
  return named;
}

std::vector<base::KeptName> KeptValues::Over(const Extent& extent) const {
  std::vector<base::KeptName> over;
  const auto place = by_place_.find({extent.arena, extent.offset});
  if (place == by_place_.end()) return over;
  for (const ObjectId id : place->second) {
    const Object& kept = objects_.at(id);
    if (kept.extent != extent) continue;
    const bool is_named = kept.state == State::kNamed;
    over.push_back({id, is_named ? kept.label : ""});
  }
  return over;
}

std::vector<base::HeldObject> KeptValues::Held() const {
  std::vector<base::HeldObject> held;
  for (const auto& [id, kept] : objects_) {
    base::HeldObject& row = held.emplace_back();
    row.name = {id, kept.owner};
    row.is_settled = true;
    row.is_stored = true;
    row.byte_count = kept.extent.byte_count;
    for (const auto& [process, count] : kept.lent) {
      row.lent.push_back({process, count});
    }
  }
  return held;
}

void KeptValues::CheckInvariants() const {
  std::size_t placed = 0;
  for (const auto& [place, objects] : by_place_) {
    MOBULA_CHECK(!objects.empty());
    for (const ObjectId id : objects) {
      const Extent& extent = objects_.at(id).extent;
      MOBULA_CHECK(place == Place(extent.arena, extent.offset));
    }
    placed += objects.size();
  }
  MOBULA_CHECK(placed == objects_.size());
  for (const auto& [id, object] : objects_) {
    MOBULA_CHECK(object.state != State::kLent || !object.lent.empty());
    for (const auto& [process, count] : object.lent) MOBULA_CHECK(count > 0);
  }
}

}  // namespace mobula::raylet

#include "runtime/refs/object_table.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/value.h"
#include "runtime/core/emit.h"

namespace mobula::runtime {

void ObjectTable::Add(base::ObjectId object) {
  MOBULA_CHECK(!object.IsNil());
  const auto [it, is_new] = objects_.try_emplace(object);
  MOBULA_CHECK(is_new) << "object " << object << " exists";
  it->second.references = 1;
}

void ObjectTable::Put(base::ObjectId object, base::Outcome outcome) {
  Add(object);
  objects_.find(object)->second.outcome = std::move(outcome);
}

bool ObjectTable::Hold(base::ObjectId object) {
  const auto it = objects_.find(object);
  if (it == objects_.end()) return false;
  ++it->second.references;
  return true;
}

void ObjectTable::Release(base::ObjectId object) {
  const auto it = objects_.find(object);
  MOBULA_CHECK(it != objects_.end()) << "no object " << object;
  Object& record = it->second;
  MOBULA_CHECK(record.references > 0);
  if (--record.references > 0 || record.watched) return;
  MOBULA_CHECK(record.dependents.empty(),
               "a dependent holds a reference while it waits");
  Forget(it);
}

void ObjectTable::Forget(Objects::iterator it) {
  const Object& record = it->second;
  if (record.outcome.has_value()) Free(it->first, *record.outcome);
  if (record.lost_attempt) unused_.push_back({it->first, base::Extent()});
  objects_.erase(it);
}

void ObjectTable::Free(base::ObjectId object, const base::Outcome& outcome) {
  const base::Value* stored = base::StoredIn(outcome);
  if (stored != nullptr) unused_.push_back({object, stored->extent()});
}

void ObjectTable::NoteLostAttempt(base::ObjectId object) {
  const auto it = objects_.find(object);
  if (it == objects_.end()) {
    unused_.push_back({object, base::Extent()});
  } else {
    it->second.lost_attempt = true;
  }
}

void ObjectTable::Drop(base::ObjectId object) {
  if (Has(object)) Release(object);
}

void ObjectTable::Settle(base::ObjectId object, base::Outcome outcome,
                         std::int64_t incarnation, Effects& effects,
                         std::vector<base::TaskId>& woken) {
  const auto it = objects_.find(object);
  if (it == objects_.end()) {
    Free(object, outcome);
    return;
  }
  Object& record = it->second;
  MOBULA_CHECK(!record.outcome.has_value())
      << "object " << object << " has its outcome already";
  if (record.watched) {
    record.watched = false;
    Emit(effects, Ready{object, outcome, incarnation});
    if (record.references == 0) {
      Free(object, outcome);
      Forget(it);
      return;
    }
  }
  record.outcome = std::move(outcome);
  record.incarnation = incarnation;
  woken.insert(woken.end(), record.dependents.begin(), record.dependents.end());
  record.dependents = {};
}

void ObjectTable::Watch(base::ObjectId object, Effects& effects) {
  const auto it = objects_.find(object);
  if (it == objects_.end()) {
    base::Failure failure =
        base::NotRun(base::FailureCode::kBadArgument,
                     "the last reference to this object is gone");
    Emit(effects, Ready{object, std::move(failure), 0});
    return;
  }
  Object& record = it->second;
  if (record.outcome.has_value()) {
    Emit(effects, Ready{object, *record.outcome, record.incarnation});
  } else {
    record.watched = true;
  }
}

void ObjectTable::AddDependent(base::ObjectId object, base::TaskId task) {
  const auto it = objects_.find(object);
  MOBULA_CHECK(it != objects_.end() && !it->second.outcome.has_value());
  it->second.dependents.push_back(task);
}

const base::Outcome* ObjectTable::Find(base::ObjectId object) const {
  const auto it = objects_.find(object);
  if (it == objects_.end() || !it->second.outcome.has_value()) return nullptr;
  return &*it->second.outcome;
}

bool ObjectTable::Has(base::ObjectId object) const {
  return objects_.contains(object);
}

std::vector<base::ObjectId> ObjectTable::Pending() const {
  std::vector<base::ObjectId> pending;
  for (const auto& [id, record] : objects_) {
    if (!record.outcome.has_value()) pending.push_back(id);
  }
  std::sort(pending.begin(), pending.end());
  return pending;
}

}  // namespace mobula::runtime

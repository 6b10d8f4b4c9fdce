#include "runtime/refs/object_table.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "runtime/core/emit.h"
#include "runtime/refs/inside.h"

namespace mobula::runtime {

void ObjectTable::Add(base::ObjectId object, const ObjectMaker& maker) {
  MOBULA_CHECK(!object.IsNil());
  const auto [it, is_new] = objects_.try_emplace(object);
  MOBULA_CHECK(is_new) << "object " << object << " exists";
  it->second.references = 1;
  it->second.maker = maker;
}

const ObjectMaker* ObjectTable::MakerOf(base::ObjectId object) const {
  const auto it = objects_.find(object);
  return it == objects_.end() ? nullptr : &it->second.maker;
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
  MOBULA_CHECK(it->second.references > 0);
  --it->second.references;
  NoteIfIdle(it);
}

void ObjectTable::NoteIfIdle(Objects::iterator it) {
  if (!IsIdle(it->second) || it->second.swept) return;
  it->second.swept = true;
  idle_.push_back(it->first);
}

void ObjectTable::Sweep() {
  // Forgetting one may give others to release, but adds nothing here.
  for (const base::ObjectId object : std::exchange(idle_, {})) {
    const auto it = objects_.find(object);
    MOBULA_CHECK(it != objects_.end());
    it->second.swept = false;
    // Dependents that are left have given up: they would hold it.
    if (IsIdle(it->second)) Forget(it);
  }
}

void ObjectTable::Forget(Objects::iterator it) {
  const Object& record = it->second;
  if (record.outcome.has_value()) {
    Free(it->first, *record.outcome);
    const auto inside = Inside(it->first, *record.outcome);
    released_.insert(released_.end(), inside.begin(), inside.end());
  }
  if (record.traced) {
    forgotten_.push_back({it->first, record.lost_attempt});
  } else if (record.lost_attempt) {
    unused_.push_back({it->first, base::Extent()});
  }
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
  const auto it = objects_.find(object);
  if (it != objects_.end() && it->second.references > 0) Release(object);
}

bool ObjectTable::Settle(base::ObjectId object, base::Outcome outcome,
                         std::int64_t incarnation, Effects& effects,
                         std::vector<base::TaskId>& woken) {
  const auto it = objects_.find(object);
  if (it == objects_.end()) {
    Free(object, outcome);
    return false;
  }
  Object& record = it->second;
  MOBULA_CHECK(!record.outcome.has_value())
      << "object " << object << " has its outcome already";
  record.outcome = std::move(outcome);
  record.incarnation = incarnation;
  if (std::exchange(record.watched, false)) {
    Emit(effects, Ready{object, *record.outcome, incarnation});
  }
  woken.insert(woken.end(), record.dependents.begin(), record.dependents.end());
  record.dependents = {};
  for (const base::ProcessId borrower : record.borrowers) {
    Loan& loan = *FindLoan(borrower, object);
    if (!IsTold(record) && !loan.wanted) continue;
    loan.told = true;
    tellings_.push_back({object, borrower});
  }
  NoteIfIdle(it);
  return true;
}

bool ObjectTable::Unsettle(base::ObjectId object, const base::Extent& extent) {
  const auto it = objects_.find(object);
  if (it == objects_.end()) return false;
  Object& record = it->second;
  if (!record.outcome.has_value()) return false;
  const base::Value* stored = base::StoredIn(*record.outcome);
  if (stored == nullptr || stored->extent() != extent) return false;
  // Bytes of another object are that one's to make again.
  if (stored->name().object != object) return false;
  Free(object, *record.outcome);
  const auto inside = Inside(object, *record.outcome);
  released_.insert(released_.end(), inside.begin(), inside.end());
  record.outcome.reset();
  for (const base::ProcessId borrower : record.borrowers) {
    Loan& loan = *FindLoan(borrower, object);
    loan.wanted = loan.wanted || loan.told;
    loan.told = false;
  }
  return true;
}

void ObjectTable::MarkTraced(base::ObjectId object) {
  const auto it = objects_.find(object);
  if (it != objects_.end()) it->second.traced = true;
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

bool ObjectTable::IsTold(const Object& object) const {
  return object.outcome.has_value() &&
         (tells_all_ || !HasRefs(*object.outcome));
}

ObjectTable::Loan* ObjectTable::FindLoan(base::ProcessId borrower,
                                         base::ObjectId object) {
  const auto loans = loans_.find(borrower);
  if (loans == loans_.end()) return nullptr;
  const auto loan = loans->second.find(object);
  return loan == loans->second.end() ? nullptr : &loan->second;
}

void ObjectTable::Lend(base::ObjectId object, base::ProcessId to, bool as_ref) {
  const auto it = objects_.find(object);
  if (it == objects_.end()) return;
  Object& record = it->second;
  Loan& loan = loans_[to][object];
  if (loan.count++ == 0) {
    ++loan_count_;
    const auto place =
        std::lower_bound(record.borrowers.begin(), record.borrowers.end(), to);
    record.borrowers.insert(place, to);
  }
  if (!as_ref || loan.told || !IsTold(record)) return;
  loan.told = true;
  tellings_.push_back({object, to});
}

void ObjectTable::Return(base::ProcessId from, base::ObjectId object,
                         std::int64_t count) {
  Loan* loan = FindLoan(from, object);
  if (loan == nullptr || count <= 0) return;
  if (loan->count > count) {
    // More is on its way there, where nothing is known of the object now.
    loan->count -= count;
    loan->told = false;
    loan->wanted = false;
    return;
  }
  EndLoan(from, object);
}

void ObjectTable::EndLoan(base::ProcessId borrower, base::ObjectId object) {
  const auto loans = loans_.find(borrower);
  MOBULA_CHECK(loans->second.erase(object) == 1);
  if (loans->second.empty()) loans_.erase(loans);
  --loan_count_;
  const auto it = objects_.find(object);
  MOBULA_CHECK(it != objects_.end(), "what is lent is not forgotten");
  std::erase(it->second.borrowers, borrower);
  NoteIfIdle(it);
}

bool ObjectTable::Want(base::ProcessId from, base::ObjectId object) {
  Loan* loan = FindLoan(from, object);
  if (loan == nullptr) return false;
  if (Find(object) == nullptr) {
    loan->wanted = true;
    return true;
  }
  loan->told = true;
  tellings_.push_back({object, from});
  return true;
}

void ObjectTable::LoseBorrower(base::ProcessId borrower) {
  const auto loans = loans_.find(borrower);
  if (loans == loans_.end()) return;
  std::vector<base::ObjectId> objects;
  for (const auto& [object, loan] : loans->second) objects.push_back(object);
  std::sort(objects.begin(), objects.end());
  for (const base::ObjectId object : objects) EndLoan(borrower, object);
}

void ObjectTable::TellAll() {
  tells_all_ = true;
  for (const base::ObjectId object : Lent()) {
    const Object& record = objects_.find(object)->second;
    if (!IsTold(record)) continue;
    for (const base::ProcessId borrower : record.borrowers) {
      Loan& loan = *FindLoan(borrower, object);
      if (loan.told) continue;
      loan.told = true;
      tellings_.push_back({object, borrower});
    }
  }
}

const base::Outcome* ObjectTable::Find(base::ObjectId object) const {
  const auto it = objects_.find(object);
  if (it == objects_.end() || !it->second.outcome.has_value()) return nullptr;
  return &*it->second.outcome;
}

std::int64_t ObjectTable::IncarnationOf(base::ObjectId object) const {
  return objects_.at(object).incarnation;
}

bool ObjectTable::Has(base::ObjectId object) const {
  return objects_.contains(object);
}

std::vector<base::ObjectId> ObjectTable::Lent() const {
  std::vector<base::ObjectId> lent;
  for (const auto& [id, record] : objects_) {
    if (!record.borrowers.empty()) lent.push_back(id);
  }
  std::sort(lent.begin(), lent.end());
  return lent;
}

std::vector<ObjectRow> ObjectTable::Rows(base::ProcessId self) const {
  std::vector<base::ObjectId> ids;
  ids.reserve(objects_.size());
  for (const auto& [id, record] : objects_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  std::vector<ObjectRow> rows;
  rows.reserve(ids.size());
  for (const base::ObjectId id : ids) rows.push_back(RowOf(id, self));
  return rows;
}

ObjectRow ObjectTable::RowOf(base::ObjectId object,
                             base::ProcessId self) const {
  const Object& record = objects_.at(object);
  ObjectRow row;
  row.name = {object, self};
  row.references = record.references;
  if (record.outcome.has_value()) {
    row.is_settled = true;
    row.is_failure = std::holds_alternative<base::Failure>(*record.outcome);
    row.inside = Inside(object, *record.outcome);
  }
  for (const base::ProcessId borrower : record.borrowers) {
    const Loan& loan = loans_.at(borrower).at(object);
    row.lent.emplace_back(borrower, loan.count);
  }
  return row;
}

void ObjectTable::Glance(base::ProcessId self,
                         std::vector<ObjectGlance>& glances) const {
  std::vector<base::ObjectId> ids;
  ids.reserve(objects_.size());
  for (const auto& [id, record] : objects_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const base::ObjectId id : ids) {
    const Object& record = objects_.find(id)->second;
    glances.push_back(
        {{id, self},
         record.references,
         record.outcome.has_value() ? &*record.outcome : nullptr});
  }
}

}  // namespace mobula::runtime

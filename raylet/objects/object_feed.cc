#include "raylet/objects/object_feed.h"

#include "base/check.h"

namespace mobula::raylet {

using base::BootTime;
using base::ObjectId;

void ObjectFeed::Up(BootTime now, bool is_used) {
  MOBULA_CHECK(!up_ && told_.empty(), "a second session beside the first");
  up_ = true;
  lists_ = is_used || ever_told_;
  list_at_ = ObjectId();
  count_ = 0;
  bytes_ = 0;
  due_ = lists_ ? now + options_.every : BootTime::Never();
}

void ObjectFeed::Down() {
  up_ = false;
  lists_ = false;
  told_.clear();
  gone_.clear();
  dirty_.clear();
  due_ = BootTime::Never();
}

void ObjectFeed::Changed(ObjectId object, bool is_there, BootTime now) {
  if (!up_) return;
  if (due_.IsNever()) due_ = now + options_.every;
  if (lists_ && object > list_at_) return;  // the list comes to it yet
  if (is_there) {
    gone_.erase(object);
    dirty_.insert(object);
    return;
  }
  dirty_.erase(object);
  if (told_.contains(object)) gone_.insert(object);
}

std::optional<ObjectFeed::Batch> ObjectFeed::Take(BootTime now,
                                                  const StoredObjects& stored) {
  if (now < due_) return std::nullopt;
  MOBULA_CHECK(up_);
  Batch batch;
  // Changes, however many, do not hold the list up.
  TakeChanges(lists_ ? options_.batch_max / 2 : options_.batch_max, batch);
  if (lists_) {
    const std::size_t taken = batch.there.size() + batch.gone.size();
    TakeListed(stored, options_.batch_max - taken, batch);
  }
  const bool is_more = lists_ || !gone_.empty() || !dirty_.empty();
  due_ = is_more ? now + options_.every : BootTime::Never();
  const bool says_nothing =
      batch.there.empty() && batch.gone.empty() && !batch.begins && !batch.ends;
  if (says_nothing && count_ == stored.size() && bytes_ == stored.bytes()) {
    return std::nullopt;
  }
  count_ = stored.size();
  bytes_ = stored.bytes();
  ever_told_ = true;
  return batch;
}

// What went first: there is no more of that than was told.
void ObjectFeed::TakeChanges(std::size_t count_max, Batch& batch) {
  while (!gone_.empty() && batch.gone.size() < count_max) {
    const ObjectId object = *gone_.begin();
    gone_.erase(gone_.begin());
    told_.erase(object);
    batch.gone.push_back(object);
  }
  while (!dirty_.empty() &&
         batch.gone.size() + batch.there.size() < count_max) {
    const ObjectId object = *dirty_.begin();
    dirty_.erase(dirty_.begin());
    if (Tell(object)) batch.there.push_back(object);
  }
}

void ObjectFeed::TakeListed(const StoredObjects& stored, std::size_t count_max,
                            Batch& batch) {
  batch.begins = list_at_.IsNil();
  const std::vector<ObjectId> ids = stored.IdsAfter(list_at_, count_max);
  for (const ObjectId object : ids) {
    list_at_ = object;
    if (Tell(object)) batch.there.push_back(object);
  }
  if (ids.size() == count_max && told_.size() < options_.told_max) return;
  lists_ = false;
  batch.ends = true;
}

bool ObjectFeed::Tell(ObjectId object) {
  if (told_.contains(object)) return true;
  if (told_.size() >= options_.told_max) return false;
  told_.insert(object);
  return true;
}

void ObjectFeed::CheckInvariants() const {
  MOBULA_CHECK(told_.size() <= options_.told_max);
  MOBULA_CHECK(up_ || (told_.empty() && dirty_.empty() && due_.IsNever()));
  for (const ObjectId object : gone_) {
    MOBULA_CHECK(told_.contains(object) && !dirty_.contains(object));
  }
  const bool has_news = lists_ || !gone_.empty() || !dirty_.empty();
  MOBULA_CHECK(!has_news || !due_.IsNever());
}

}  // namespace mobula::raylet

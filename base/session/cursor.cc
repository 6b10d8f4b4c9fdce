#include "base/session/cursor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::base {

Publication::Publication(std::uint64_t life, std::size_t history_max)
    : history_max_(history_max), cursor_{life, 0} {
  MOBULA_CHECK(life != 0);
}

void Publication::Put(std::string key, Bytes value) {
  Record(Change{0, std::move(key), std::move(value)});
}

void Publication::Remove(const std::string& key) {
  if (table_.contains(key)) Record(Change{0, key, std::nullopt});
}

void Publication::Record(Change change) {
  change.revision = ++cursor_.revision;
  if (change.value.has_value()) {
    table_.insert_or_assign(change.key, change);
  } else {
    table_.erase(change.key);
  }
  history_.push_back(std::move(change));
  if (history_.size() > history_max_) history_.pop_front();
}

Listing Publication::List() const {
  Listing listing;
  listing.cursor = cursor_;
  listing.items.reserve(table_.size());
  for (const auto& [key, change] : table_) listing.items.push_back(change);
  return listing;
}

bool Publication::Read(Cursor after, std::size_t count_max,
                       std::vector<Change>* changes) const {
  changes->clear();
  if (after.life != cursor_.life || after.revision > cursor_.revision) {
    return false;
  }
  const std::uint64_t behind = cursor_.revision - after.revision;
  if (behind > history_.size()) return false;
  const auto first = history_.end() - static_cast<std::ptrdiff_t>(behind);
  const auto count = std::min<std::uint64_t>(behind, count_max);
  changes->assign(first, first + static_cast<std::ptrdiff_t>(count));
  MOBULA_CHECK(changes->empty() ||
               changes->front().revision == after.revision + 1);
  return true;
}

void Subscription::Start(SubscriptionEffects& effects) {
  if (cursor_.life == 0) return Ask(effects);
  phase_ = Phase::kWatching;
  effects.emplace_back(AskWatch{cursor_});
}

void Subscription::OnListing(const Listing& listing,
                             SubscriptionEffects& effects) {
  if (phase_ != Phase::kListing) return;  // late
  const bool is_same_life = listing.cursor.life == cursor_.life;
  std::map<std::string, std::uint64_t> listed;
  for (const Change& item : listing.items) {
    listed.emplace(item.key, item.revision);
    const auto known = known_.find(item.key);
    if (is_same_life && known != known_.end() &&
        known->second == item.revision) {
      continue;
    }
    effects.emplace_back(ApplyChange{item.key, item.value});
  }
  for (const auto& [key, revision] : known_) {
    if (!listed.contains(key)) {
      effects.emplace_back(ApplyChange{key, std::nullopt});
    }
  }
  known_ = std::move(listed);
  cursor_ = listing.cursor;
  phase_ = Phase::kWatching;
  effects.emplace_back(AskWatch{cursor_});
}

void Subscription::OnChanges(std::uint64_t life,
                             const std::vector<Change>& changes,
                             SubscriptionEffects& effects) {
  if (phase_ != Phase::kWatching || life != cursor_.life) return;  // late
  for (const Change& change : changes) {
    if (change.revision <= cursor_.revision) continue;  // repeated
    if (change.revision != cursor_.revision + 1) {
      effects.emplace_back(AskWatch{cursor_});  // something is missing
      return;
    }
    cursor_.revision = change.revision;
    if (change.value.has_value()) {
      known_.insert_or_assign(change.key, change.revision);
    } else {
      known_.erase(change.key);
    }
    effects.emplace_back(ApplyChange{change.key, change.value});
  }
}

void Subscription::OnListAgain(SubscriptionEffects& effects) {
  if (phase_ == Phase::kWatching) Ask(effects);
}

void Subscription::Ask(SubscriptionEffects& effects) {
  phase_ = Phase::kListing;
  effects.emplace_back(AskList{});
}

}  // namespace mobula::base

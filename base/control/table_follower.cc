#include "base/control/table_follower.h"

#include <variant>

namespace mobula::base {

void TableFollower::Up(Out& out) {
  listed_.clear();
  SubscriptionEffects effects;
  subscription_.Start(effects);
  Take(effects, out);
}

void TableFollower::OnListing(const TableListing& part, Out& out) {
  listed_.insert(listed_.end(), part.listing.items.begin(),
                 part.listing.items.end());
  if (part.more) return;
  Listing listing;
  listing.cursor = part.listing.cursor;
  listing.items = std::exchange(listed_, {});
  SubscriptionEffects effects;
  // The store lists again by itself where our cursor is of no use to it.
  subscription_.OnListAgain(effects);
  effects.clear();
  subscription_.OnListing(listing, effects);
  // After a listing the changes come by themselves.
  std::erase_if(effects, [](const SubscriptionEffect& effect) {
    return std::holds_alternative<AskWatch>(effect);
  });
  Take(effects, out);
}

void TableFollower::OnChanges(const TableChanges& changes, Out& out) {
  SubscriptionEffects effects;
  subscription_.OnChanges(changes.life, changes.changes, effects);
  Take(effects, out);
}

void TableFollower::Take(SubscriptionEffects& effects, Out& out) const {
  for (SubscriptionEffect& effect : effects) {
    if (std::holds_alternative<AskList>(effect)) {
      out.follow.push_back({table_, Cursor()});
    } else if (const auto* watch = std::get_if<AskWatch>(&effect)) {
      out.follow.push_back({table_, watch->after});
    } else {
      out.changes.push_back(std::get<ApplyChange>(std::move(effect)));
    }
  }
}

}  // namespace mobula::base

#include "gcs/core/table_feed.h"

#include <utility>
#include <vector>

#include "base/control/control_message.h"

namespace mobula::gcs {

void TableFeed::Follow(base::ProcessId peer, base::Cursor after,
                       Effects& effects) {
  base::Cursor& cursor = followers_[peer] = after;
  Bring(peer, cursor, effects);
}

void TableFeed::Flush(Effects& effects) {
  for (auto& [peer, cursor] : followers_) Bring(peer, cursor, effects);
}

void TableFeed::Bring(base::ProcessId peer, base::Cursor& cursor,
                      Effects& effects) {
  std::vector<base::Change> changes;
  while (cursor != publication_.cursor()) {
    if (!publication_.Read(cursor, kChangesMax, &changes)) {
      cursor = publication_.cursor();
      return SendListing(peer, effects);
    }
    cursor.revision = changes.back().revision;
    effects.emplace_back(
        Send{peer, base::TableChanges{table_, cursor.life, changes}});
  }
}

void TableFeed::SendListing(base::ProcessId peer, Effects& effects) const {
  base::Listing listing = publication_.List();
  base::TableListing part;
  part.table = table_;
  part.listing.cursor = listing.cursor;
  std::size_t bytes = 0;
  for (base::Change& item : listing.items) {
    if (bytes >= kPartBytes) {
      part.more = true;
      effects.emplace_back(Send{peer, part});
      part.listing.items.clear();
      bytes = 0;
    }
    bytes += item.key.size() + item.value->size();
    part.listing.items.push_back(std::move(item));
  }
  part.more = false;
  effects.emplace_back(Send{peer, std::move(part)});
}

}  // namespace mobula::gcs

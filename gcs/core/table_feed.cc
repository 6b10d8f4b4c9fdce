#include "gcs/core/table_feed.h"

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
      effects.emplace_back(
          Send{peer, base::TableListing{table_, publication_.List()}});
      return;
    }
    cursor.revision = changes.back().revision;
    effects.emplace_back(
        Send{peer, base::TableChanges{table_, cursor.life, changes}});
  }
}

}  // namespace mobula::gcs

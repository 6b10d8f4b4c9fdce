// TableFeed publishes one table to the raylets that follow it: its listing, or
// what changed since where they stand, and then each change.
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) a follower is sent each revision once and in order, or the
// listing; (2) one message has at most kChangesMax changes, or items of about
// kPartBytes.
// Failure: none; who falls out of the history is listed the table again.
#ifndef MOBULA_GCS_CORE_TABLE_FEED_H_
#define MOBULA_GCS_CORE_TABLE_FEED_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/session/cursor.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class TableFeed {
 public:
  static constexpr std::size_t kChangesMax = 1'000;
  static constexpr std::size_t kPartBytes = std::size_t{4} << 20;

  // `life` as in Publication.
  TableFeed(std::string table, std::uint64_t life, std::size_t history_max)
      : table_(std::move(table)), publication_(life, history_max) {}

  void Put(std::string key, base::Bytes value) {
    publication_.Put(std::move(key), std::move(value));
  }
  void Remove(const std::string& key) { publication_.Remove(key); }

  void Follow(base::ProcessId peer, base::Cursor after, Effects& effects);
  void Drop(base::ProcessId peer) { followers_.erase(peer); }
  // Sends all followers what they have not been sent.
  void Flush(Effects& effects);

 private:
  void SendListing(base::ProcessId peer, Effects& effects) const;
  void Bring(base::ProcessId peer, base::Cursor& cursor, Effects& effects);

  const std::string table_;
  base::Publication publication_;
  std::map<base::ProcessId, base::Cursor> followers_;  // what each was sent
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_TABLE_FEED_H_

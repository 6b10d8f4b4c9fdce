// TableFollower follows one table of the control store: it asks for the table,
// puts listings together that come in parts, and gives each change once.
//
//   TableFollower nodes("nodes");
//   nodes.Up(out);                      // there is a session: FollowTable
//   nodes.OnListing(part, out); nodes.OnChanges(changes, out);   // out.changes
// Owner: what holds the table.   Threading: none; pure.
// Invariants: those of Subscription (base/session/cursor.h).
#ifndef MOBULA_BASE_CONTROL_TABLE_FOLLOWER_H_
#define MOBULA_BASE_CONTROL_TABLE_FOLLOWER_H_

#include <string>
#include <utility>
#include <vector>

#include "base/control/control_message.h"
#include "base/session/cursor.h"

namespace mobula::base {

class TableFollower {
 public:
  // What is to be done; the methods append.
  struct Out {
    std::vector<FollowTable> follow;  // of the store
    std::vector<ApplyChange> changes;
  };

  explicit TableFollower(std::string table) : table_(std::move(table)) {}

  // There is a session with the store (again).
  void Up(Out& out);
  // Of this table; nothing before the last part.
  void OnListing(const TableListing& part, Out& out);
  void OnChanges(const TableChanges& changes, Out& out);

  [[nodiscard]] const std::string& table() const { return table_; }

 private:
  void Take(SubscriptionEffects& effects, Out& out) const;

  const std::string table_;
  Subscription subscription_;
  std::vector<Change> listed_;  // earlier parts of a listing
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_TABLE_FOLLOWER_H_

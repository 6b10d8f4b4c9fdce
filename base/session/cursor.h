// Publication and Subscription: the two ends of a stream of changes to a table
// of keys and values, which a subscriber lists once and then follows, and
// resumes where it stood after a lost connection.
//
//   subscriber                          publisher
//   Start        -> AskList         ->  List
//   OnListing    <- Listing, cursor <-
//                -> AskWatch cursor ->  Read(cursor), and again as things
//                change
//   OnChanges    <- changes         <-
//   (lost, and back: Start asks to watch from where it stood)
//   OnListAgain  <- its cursor is older than the history kept, or of an earlier
//                   life of the publisher: it lists again and learns what is
//                   gone
//
// A cursor is a life (it differs each time the publisher starts) and a
// revision, which grows by one a change.
// Owner: each table of the control store, each process that follows one.
// Threading: none.
// Invariants: (1) a subscriber at rest holds exactly the publisher's table;
// (2) it applies each revision at most once, in order; (3) the history is
// bounded.
// Failure: late, repeated or missing changes are noticed by their revisions.
#ifndef MOBULA_BASE_SESSION_CURSOR_H_
#define MOBULA_BASE_SESSION_CURSOR_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace mobula::base {

struct Cursor {
  std::uint64_t life = 0;      // 0: stands nowhere
  std::uint64_t revision = 0;  // the last change seen

  friend auto operator<=>(const Cursor&, const Cursor&) = default;
};

struct Change {
  std::uint64_t revision = 0;
  std::string key;
  std::optional<Bytes> value;  // nothing: the key is gone

  friend bool operator==(const Change&, const Change&) = default;
};

// The whole table; each item with the revision that made it.
struct Listing {
  Cursor cursor;
  std::vector<Change> items;
};

class Publication {
 public:
  // `life` is not 0 and differs from every earlier one.
  Publication(std::uint64_t life, std::size_t history_max);

  void Put(std::string key, Bytes value);
  void Remove(const std::string& key);  // no change if it is not there

  [[nodiscard]] Listing List() const;
  // Up to `count_max` changes after the cursor, oldest first; none if there are
  // none yet. False: list again.
  [[nodiscard]] bool Read(Cursor after, std::size_t count_max,
                          std::vector<Change>* changes) const;
  [[nodiscard]] Cursor cursor() const { return cursor_; }

 private:
  void Record(Change change);

  const std::size_t history_max_;
  Cursor cursor_;
  std::map<std::string, Change> table_;
  std::deque<Change> history_;  // revisions up to cursor_, without a gap
};

// Asks the publisher for the whole table.
struct AskList {};
// Asks it for changes after the cursor, as they come.
struct AskWatch {
  Cursor after;
};
// A key has a new value, or is gone.
struct ApplyChange {
  std::string key;
  std::optional<Bytes> value;
};
using SubscriptionEffect = std::variant<AskList, AskWatch, ApplyChange>;
using SubscriptionEffects = std::vector<SubscriptionEffect>;

class Subscription {
 public:
  // There is a connection (again).
  void Start(SubscriptionEffects& effects);
  void OnListing(const Listing& listing, SubscriptionEffects& effects);
  // `life` is the publisher's.
  void OnChanges(std::uint64_t life, const std::vector<Change>& changes,
                 SubscriptionEffects& effects);
  void OnListAgain(SubscriptionEffects& effects);

  [[nodiscard]] Cursor cursor() const { return cursor_; }

 private:
  enum class Phase : std::uint8_t { kIdle, kListing, kWatching };

  void Ask(SubscriptionEffects& effects);

  Phase phase_ = Phase::kIdle;
  Cursor cursor_;
  // Revisions of what was applied: what a listing lacks is gone.
  std::map<std::string, std::uint64_t> known_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SESSION_CURSOR_H_

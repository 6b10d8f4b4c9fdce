// ObjectFeed decides when the control store is told which objects of the node's
// store came, changed or went.
//
//   Up -> (a list of all, if there is or was anything) -> changes -> Down
//   Changed ... Changed -> `every` later one Batch: an object that came and
//   went in between is in none
// While it is down, and as long as the store is not used, it keeps nothing and
// has nothing to say.
// Owner: ObjectStore.   Threading: none; runs on its owner's strand.
// Invariants: (1) at most one batch in `every`, of at most batch_max entries;
// (2) no more than told_max objects are told by name, the others are counted
// only, until they change and there is room; (3) what it keeps is no more than
// what was told and what is there.
// Failure: none.
#ifndef MOBULA_RAYLET_OBJECTS_OBJECT_FEED_H_
#define MOBULA_RAYLET_OBJECTS_OBJECT_FEED_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"
#include "raylet/objects/stored_objects.h"

namespace mobula::raylet {

class ObjectFeed {
 public:
  struct Options {
    base::Duration every = std::chrono::milliseconds(100);
    std::size_t batch_max = 1'000;
    std::size_t told_max = 100'000;
  };
  struct Batch {
    bool begins = false;  // a list of all
    bool ends = false;
    std::vector<base::ObjectId> there;
    std::vector<base::ObjectId> gone;
  };

  explicit ObjectFeed(Options options) : options_(options) {}

  // `is_used`: something is in the store.
  void Up(base::BootTime now, bool is_used);
  void Down();
  void Changed(base::ObjectId object, bool is_there, base::BootTime now);
  // What is to be told now.
  std::optional<Batch> Take(base::BootTime now, const StoredObjects& stored);

  [[nodiscard]] base::BootTime NextDeadline() const { return due_; }
  [[nodiscard]] bool up() const { return up_; }
  // By name, and not taken back.
  [[nodiscard]] std::size_t told() const { return told_.size(); }
  void CheckInvariants() const;

 private:
  void TakeChanges(std::size_t count_max, Batch& batch);
  void TakeListed(const StoredObjects& stored, std::size_t count_max,
                  Batch& batch);
  // Whether it may be told by name.
  bool Tell(base::ObjectId object);

  const Options options_;
  bool up_ = false;
  bool ever_told_ = false;  // in any session
  bool lists_ = false;      // the list has not ended
  base::ObjectId list_at_;  // the last that was looked at; nil: none
  std::set<base::ObjectId> told_;
  std::set<base::ObjectId> gone_;   // of those
  std::set<base::ObjectId> dirty_;  // there, and new or changed
  std::uint64_t count_ = 0;         // as told last
  std::uint64_t bytes_ = 0;
  base::BootTime due_ = base::BootTime::Never();
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_OBJECT_FEED_H_

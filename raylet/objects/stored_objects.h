// StoredObjects knows which objects lie in the node's store: where, whose, and
// what was freed before it was known to be there.
//
//   Add (ObjectStored) -> live -> Free (its owner's FreeObjects) -> gone
//   Free -> remembered -> Add: free at once
// An object may have several extents: each run of its task filled one. While it
// is watched it notes which objects changed.
// Owner: ObjectStore.   Threading: none; runs on its owner's strand.
// Invariants: (1) live extents of an arena do not overlap; (2) only the owner
// of an object frees it; (3) what is remembered is of arenas that somebody
// still writes: one free for each place.
// Failure: what makes no sense is refused and changes nothing.
#ifndef MOBULA_RAYLET_OBJECTS_STORED_OBJECTS_H_
#define MOBULA_RAYLET_OBJECTS_STORED_OBJECTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/value.h"

namespace mobula::raylet {

// For listings.
struct StoredObject {
  base::ObjectName name;
  base::Extent extent;
};

class StoredObjects {
 public:
  enum class Added {
    kLive,
    kFreed,    // its owner has freed it already: the place is free
    kRefused,  // it overlaps others or is there already
  };

  Added Add(const base::ObjectName& name, const base::Extent& extent);
  // One extent, or all where its arena is nil; appends what became free.
  // `may_come` says whether somebody still writes in the extent's arena, so
  // that the free is remembered where the extent is not known.
  void Free(base::ProcessId owner, base::ObjectId object,
            const base::Extent& extent, bool may_come,
            std::vector<base::Extent>& freed);
  // Whoever owns it.
  void FreeAll(base::ObjectId object, std::vector<base::Extent>& freed);
  // Its bytes could not be restored.
  void Lose(const base::Extent& extent);
  // What lies there was spilled or restored.
  void Moved(base::ArenaId arena);
  // There is news of the object that lies there, if one does.
  void NoteNews(const base::Extent& extent);
  // Nobody writes in the arena any more: what did not come never will.
  void ForgetRemembered(base::ArenaId arena);

  [[nodiscard]] bool Contains(base::ObjectId object) const {
    return objects_.contains(object);
  }
  [[nodiscard]] std::vector<base::ObjectId> OwnedBy(
      base::ProcessId owner) const;
  // Nil if there is none.
  [[nodiscard]] base::ProcessId OwnerOf(base::ObjectId object) const;
  [[nodiscard]] std::vector<base::Extent> ExtentsOf(
      base::ObjectId object) const;
  // Whose bytes are there; nil: nobody's.
  [[nodiscard]] base::ObjectName NameAt(const base::Extent& extent) const;
  // Whether some object's bytes are there.
  [[nodiscard]] bool IsPlaced(const base::Extent& extent) const {
    return FindPlace(extent) != nullptr;
  }
  // In order, beginning after `after`; at most so many.
  [[nodiscard]] std::vector<base::ObjectId> IdsAfter(
      base::ObjectId after, std::size_t count_max) const;
  // In the order of their offsets.
  [[nodiscard]] std::vector<base::Extent> In(base::ArenaId arena) const;
  [[nodiscard]] std::size_t CountIn(base::ArenaId arena) const;
  // Of the pages on which they and their headers lie.
  [[nodiscard]] std::uint64_t PageBytesIn(base::ArenaId arena) const;

  void Watch(bool watched);
  // Since they were taken last; some may be there twice, or gone.
  std::vector<base::ObjectId> TakeChanged() {
    return std::exchange(changed_, {});
  }

  // At most so many, in the order of their ids.
  [[nodiscard]] std::vector<StoredObject> List(std::size_t count_max) const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  [[nodiscard]] std::size_t remembered() const;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // Grows with each object that comes.
  [[nodiscard]] std::uint64_t arrivals() const { return arrivals_; }
  // Whether it came when there had been so many.
  [[nodiscard]] bool CameAfter(base::ObjectId object,
                               std::uint64_t arrivals) const;
  // At most so many, the largest first.
  [[nodiscard]] std::vector<base::ObjectId> Largest(
      std::size_t count_max) const;
  void CheckInvariants() const;

 private:
  struct Object {
    base::ProcessId owner;
    std::vector<base::Extent> extents;
    std::uint64_t arrival = 0;
  };
  struct Place {
    base::Extent extent;
    base::ObjectId object;
  };
  struct Remembered {
    base::ProcessId owner;
    base::ObjectId object;
    std::uint32_t generation = 0;
  };
  using Places = std::map<std::uint64_t, Place>;  // by offset

  [[nodiscard]] bool Overlaps(const base::Extent& extent) const;
  bool TakeRemembered(const base::ObjectName& name, const base::Extent& extent);
  [[nodiscard]] const Place* FindPlace(const base::Extent& extent) const;
  void Erase(base::ObjectId object, const base::Extent& extent);

  std::map<base::ObjectId, Object> objects_;
  std::map<base::ProcessId, std::set<base::ObjectId>> owned_;
  std::map<base::ArenaId, Places> places_;
  std::map<base::ArenaId, std::map<std::uint64_t, Remembered>> remembered_;
  std::uint64_t bytes_ = 0;
  std::uint64_t arrivals_ = 0;
  bool watched_ = false;
  std::vector<base::ObjectId> changed_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_STORED_OBJECTS_H_

// KeptValues are the published values that this node keeps: objects of which
// the raylet is the owner, each over an extent that was somebody else's.
//
//   Begin -> asked --Confirm--> named --LetGo--> lent --last return--> gone
//                  '--LetGo (refused)--> ...          '--nothing lent--> gone
// The extent belongs to the object that was published until its owner frees it;
// then ObjectStore registers it anew for one of those that are kept over it
// (HeirOf), and for the next when that one goes. So nothing is copied, and an
// extent is registered for one object at a time.
// It speaks the protocol of owners with borrowers
// (docs/decisions/0010-owners-count-what-they-lend.md); the outcome is there
// from the beginning, and nothing is inside.
// Owner: ObjectStore.   Threading: none; runs on its owner's strand.
// Invariants: (1) what is neither asked for, named nor lent is not here;
// (2) counts are above nought.   Failure: what makes no sense is ignored.
#ifndef MOBULA_RAYLET_OBJECTS_KEPT_VALUES_H_
#define MOBULA_RAYLET_OBJECTS_KEPT_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/frames/memory_message.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::raylet {

class KeptValues {
 public:
  using ObjectId = base::ObjectId;
  using ProcessId = base::ProcessId;
  // What is to be done; the methods append.
  struct Out {
    std::vector<std::pair<ProcessId, base::Message>> send;
    std::vector<ObjectId> gone;  // what is registered for them is free
  };

  // `name` is new, of this raylet; `label` is for people.
  void Begin(const base::ObjectName& name, base::JobId job,
             const base::Extent& extent, std::string label = "");
  // It has its name.
  void Confirm(ObjectId object);
  // It has no name, or none any more.
  void LetGo(ObjectId object, Out& out);
  void ProcessGone(ProcessId process, Out& out);

  // Each leaves what is not of objects that are kept here in `rest`.
  void Borrow(ProcessId from, const base::BorrowObjects& borrow,
              base::BorrowObjects* rest, Out& out);
  void Return(ProcessId from, const base::ReturnObjects& returned,
              base::ReturnObjects* rest, Out& out);
  void Want(ProcessId from, const base::WantObjects& want,
            base::WantObjects* rest, Out& out);
  // Its bytes were not found: what is told of one that is kept here.
  void Lost(ProcessId from, const base::ObjectsLost& lost,
            base::ObjectsLost* rest, Out& out);
  void Taken(ProcessId from, const base::ObjectsTaken& taken,
             base::ObjectsTaken* rest, Out& out);

  [[nodiscard]] bool Has(ObjectId object) const {
    return objects_.contains(object);
  }
  // Whether its name is asked for, and not yet confirmed.
  [[nodiscard]] bool IsAsked(ObjectId object) const;
  // For whom an extent is to be registered that its owner frees; nil: nobody.
  [[nodiscard]] base::ObjectName HeirOf(const base::Extent& extent) const;
  // Those over that extent that have a name or ask for one.
  [[nodiscard]] std::vector<ObjectId> NamedOver(
      const base::Extent& extent) const;
  // Nil if it is not kept.
  [[nodiscard]] base::JobId JobOf(ObjectId object) const;
  // Nowhere if it is not kept.
  [[nodiscard]] base::Extent ExtentOf(ObjectId object) const;
  // Those that have a name or ask for one.
  [[nodiscard]] std::vector<ObjectId> Named() const;
  // All over that extent, with their names.
  [[nodiscard]] std::vector<base::KeptName> Over(
      const base::Extent& extent) const;
  // As their owner says of them; in order of id.
  [[nodiscard]] std::vector<base::HeldObject> Held() const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  void CheckInvariants() const;

 private:
  enum class State : std::uint8_t { kAsked, kNamed, kLent };
  struct Object {
    ProcessId owner;
    base::JobId job;
    base::Extent extent;
    std::string label;
    State state = State::kAsked;
    std::map<ProcessId, std::int64_t> lent;
  };
  using Objects = std::map<ObjectId, Object>;
  using Place = std::pair<base::ArenaId, std::uint64_t>;

  void Tell(ProcessId to, Objects::iterator object, Out& out);
  void TakeBack(ProcessId from, ObjectId object, std::int64_t count, Out& out);
  // Gives the next one.
  Objects::iterator EndIfUnused(Objects::iterator object, Out& out);

  Objects objects_;
  std::map<Place, std::set<ObjectId>> by_place_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_KEPT_VALUES_H_

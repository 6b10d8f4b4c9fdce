// ObjectTable holds the objects of this process: what each ref came to.
//
//   (absent) --Add--> Pending --Settle--> Settled     (Put: Settled at once)
//   either --last Release--> (absent)
// References: one for the API's handle, one for each call that has the object
// as an argument. An object that is pending when its last reference goes is
// forgotten (its call goes on), unless someone watches it. The bytes of stored
// values are not here: whoever forgets one must say so to the node's store.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: (1) an outcome never changes; (2) a settled object has no
// watchers and no dependents; (3) nothing is kept that nobody refers to; (4)
// each object whose value was, or may have been, stored is in `unused` once it
// is forgotten. Failure: watching an unknown object is answered with a Failure,
// never with silence; Settle of a forgotten object does nothing.
#ifndef MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_
#define MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/failure.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class ObjectTable {
 public:
  // A pending object with one reference. The id must be new.
  void Add(base::ObjectId object);
  // A settled object with one reference. The id must be new.
  void Put(base::ObjectId object, base::Outcome outcome);

  // One more reference; false if there is no such object.
  bool Hold(base::ObjectId object);
  // One reference less; the object must exist.
  void Release(base::ObjectId object);
  // The same for the API's own reference: unknown ones are let pass.
  void Drop(base::ObjectId object);

  // The outcome is there: wakes the watchers (Ready) and appends the dependents
  // to `woken`, in the order in which they came.
  void Settle(base::ObjectId object, base::Outcome outcome,
              std::int64_t incarnation, Effects& effects,
              std::vector<base::TaskId>& woken);

  // A worker ended that may have stored a value for the object and told nobody.
  void NoteLostAttempt(base::ObjectId object);

  // One Ready, now or when it is settled.
  void Watch(base::ObjectId object, Effects& effects);
  // The task is to be woken when the object, which must be pending, settles.
  void AddDependent(base::ObjectId object, base::TaskId task);

  // Null while it is pending, or if there is no such object.
  [[nodiscard]] const base::Outcome* Find(base::ObjectId object) const;
  [[nodiscard]] bool Has(base::ObjectId object) const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  // What is still pending, in order of id.
  [[nodiscard]] std::vector<base::ObjectId> Pending() const;
  // What may be freed in the node's store; its owner empties it.
  std::vector<base::FreedObject>& unused() { return unused_; }

 private:
  struct Object {
    std::optional<base::Outcome> outcome;
    std::int64_t incarnation = 0;
    std::int32_t references = 0;
    bool watched = false;
    bool lost_attempt = false;
    std::vector<base::TaskId> dependents;
  };
  using Objects = std::unordered_map<base::ObjectId, Object>;

  void Forget(Objects::iterator it);
  void Free(base::ObjectId object, const base::Outcome& outcome);

  Objects objects_;  // never iterated for an effect's order
  std::vector<base::FreedObject> unused_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_

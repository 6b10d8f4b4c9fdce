// ObjectTable holds the objects of this process: what each ref came to.
//
//   (absent) --Add--> Pending --Settle--> Settled     (Put: Settled at once)
//   either --last Release--> (absent)
// References: one for the API's handle, one for each call that has the object
// as an argument. An object that is pending when its last reference goes is
// forgotten (its call goes on), unless someone watches it.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: (1) an outcome never changes; (2) a settled object has no
// watchers and no dependents; (3) nothing is kept that nobody refers to.
// Failure: watching an unknown object is answered with a Failure, never with
// silence; Settle of a forgotten object does nothing.
#ifndef MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_
#define MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/failure.h"
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

 private:
  struct Object {
    std::optional<base::Outcome> outcome;
    std::int64_t incarnation = 0;
    std::int32_t references = 0;
    bool watched = false;
    std::vector<base::TaskId> dependents;
  };

  std::unordered_map<base::ObjectId, Object> objects_;  // never iterated for
                                                        // an effect's order
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_

// LocalObjects holds the objects of the local mode: what each ref came to, and
// how many references there are to it.
//
//   (absent) --Expect--> pending --Settle--> settled        (Add: settled)
//   either --last Release--> (absent)
// References: one for each handle of the API, one for each call that has the
// object as an argument, and one for each time that the value of an object
// mentions it.
// Owner: LocalBackend, under its lock.   Threading: none.
// Invariants: (1) an outcome never changes; (2) what a value mentions stays as
// long as its object; (3) a chain of objects of any length is freed without
// recursion.   Failure: what is not known is let pass.
#ifndef MOBULA_RUNTIME_LOCAL_LOCAL_OBJECTS_H_
#define MOBULA_RUNTIME_LOCAL_LOCAL_OBJECTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::runtime {

class LocalObjects {
 public:
  using Settled = Backend::Settled;

  // A new object with one reference, without and with its outcome.
  void Expect(base::ObjectId object);
  void Add(base::ObjectId object, Settled settled);
  // The same of what no call gives.
  void Put(base::ObjectId object, Settled settled);

  // One reference more; false if there is no such object.
  bool Hold(base::ObjectId object);
  void Release(base::ObjectId object);
  // No effect if nobody refers to it any more.
  void Settle(base::ObjectId object, Settled settled);

  // What the arguments of a call are, and what they mention.
  void HoldArgs(const std::vector<Arg>& args);
  void ReleaseArgs(const std::vector<Arg>& args);

  // Null while it is pending, or if there is no such object.
  [[nodiscard]] const Settled* Find(base::ObjectId object) const;
  [[nodiscard]] bool IsPending(base::ObjectId object) const;
  [[nodiscard]] bool WasPut(base::ObjectId object) const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }

 private:
  struct Object {
    std::optional<Settled> settled;
    std::int64_t references = 0;
    bool put = false;
  };

  // Of the references that a value or a call has.
  void ReleaseAll(std::vector<base::ObjectId> objects);

  std::unordered_map<base::ObjectId, Object> objects_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_LOCAL_LOCAL_OBJECTS_H_

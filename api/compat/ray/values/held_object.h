// HeldObject is what the copies of one ObjectRef share: a handle of the
// runtime's object, and its id as Ray's programs see it, a string of bytes. Not
// for users.
// Owner: shared pointers in ObjectRefs.   Threading: any thread.
// Failure: an id that names nothing, or an object of a runtime that has ended,
// stays an id; what is asked of it throws RayException.
#ifndef MOBULA_API_COMPAT_RAY_VALUES_HELD_OBJECT_H_
#define MOBULA_API_COMPAT_RAY_VALUES_HELD_OBJECT_H_

#include <memory>
#include <mutex>
#include <string>

#include "api/mobula/detail/calls.h"

namespace ray::internal {

class HeldObject {
 public:
  explicit HeldObject(mobula::detail::ObjectPtr object);
  // One more handle of the object with that id, if a runtime knows it.
  explicit HeldObject(std::string id);
  HeldObject(const HeldObject&) = delete;
  HeldObject& operator=(const HeldObject&) = delete;

  // Null where there is none.
  [[nodiscard]] const mobula::detail::ObjectPtr& object() const {
    return object_;
  }
  // 32 bytes: the object's id and its owner's.
  [[nodiscard]] const std::string& id() const;

 private:
  mobula::detail::ObjectPtr object_;
  mutable std::once_flag is_named_;
  mutable std::string id_;
};

using HeldPtr = std::shared_ptr<const HeldObject>;

// Of a ref that refers to nothing: "".
const std::string& IdOf(const HeldPtr& held);
bool IsSame(const HeldPtr& a, const HeldPtr& b);

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_VALUES_HELD_OBJECT_H_

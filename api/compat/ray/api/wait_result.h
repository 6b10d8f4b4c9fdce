// WaitResult is what ray::Wait found.
// Threading: a value.
#ifndef MOBULA_API_COMPAT_RAY_API_WAIT_RESULT_H_
#define MOBULA_API_COMPAT_RAY_API_WAIT_RESULT_H_

#include <list>
#include <utility>

#include "api/compat/ray/api/object_ref.h"

namespace ray {

// Both in the order in which the refs were given. A ref is ready when Get would
// not wait, be it for a value or an exception.
template <typename T>
class WaitResult {
 public:
  WaitResult() = default;
  WaitResult(std::list<ObjectRef<T>>&& ready_objects,
             std::list<ObjectRef<T>>&& unready_objects)
      : ready(std::move(ready_objects)), unready(std::move(unready_objects)) {}

  std::list<ObjectRef<T>> ready;
  std::list<ObjectRef<T>> unready;
};

}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_WAIT_RESULT_H_

// Settled<T> is one of several refs that has its value or its error: what
// WhenAny, AsCompleted and Stream give.
//
//   for (const mobula::Settled<int>& done : mobula::AsCompleted(refs)) {
//     if (auto result = done.TryGet(); result.ok()) Use(done.index, *result);
//   }
//
// Get does not wait for the value, which is there; a long one that is not yet
// in this process's memory is brought in. Threading: a value. Errors: Get
// throws as Ref::Get.
#ifndef MOBULA_API_MOBULA_VERBS_SETTLED_H_
#define MOBULA_API_MOBULA_VERBS_SETTLED_H_

#include <cstddef>

#include "api/mobula/ref.h"
#include "api/mobula/result.h"

namespace mobula {

template <class T>
struct Settled {
  std::size_t index = 0;  // among those that were given, from 0
  Ref<T> ref;

  T Get() const { return ref.Get(); }
  [[nodiscard]] Result<T> TryGet() const { return ref.TryGet(); }
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_SETTLED_H_

// Writable is a value of any type as code without types sees it: where it lies
// and how it is written. Not for users.
//
//   Writable scene = WritableOf(value);      // borrows it
//   scene.write(out, scene.value);
//
// Threading: a value; who uses it must not outlive what it points to.
#ifndef MOBULA_API_MOBULA_VALUES_WRITABLE_H_
#define MOBULA_API_MOBULA_VALUES_WRITABLE_H_

#include "base/codec/codec.h"

namespace mobula::detail {

struct Writable {
  const void* value = nullptr;
  void (*write)(base::Writer& out, const void* value) = nullptr;
};

template <class T>
Writable WritableOf(const T& value) {
  return {&value, [](base::Writer& out, const void* what) {
            base::WriteValue(out, *static_cast<const T*>(what));
          }};
}

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VALUES_WRITABLE_H_

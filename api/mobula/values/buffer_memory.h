// BufferMemory is what a Buffer stands on: a place for a value of which the
// user writes the elements. Not for users.
//
//   made --Seal--> empty
// Owner: Buffer.   Threading: none.
// Failure: throws ObjectStoreFull, ValueTooLarge, RuntimeClosed.
#ifndef MOBULA_API_MOBULA_VALUES_BUFFER_MEMORY_H_
#define MOBULA_API_MOBULA_VALUES_BUFFER_MEMORY_H_

#include <cstddef>
#include <memory>
#include <span>

#include "api/mobula/detail/calls.h"
#include "api/mobula/timeout.h"
#include "api/mobula/values/place.h"

namespace mobula::detail {

class Session;

class BufferMemory {
 public:
  BufferMemory() = default;
  // Waits while the store is full.
  BufferMemory(std::size_t byte_count, Timeout timeout);

  [[nodiscard]] std::span<char> bytes() const { return place_.bytes(); }
  // The object that has the bytes as its encoded value from now on.
  ObjectPtr Seal();

 private:
  std::shared_ptr<Session> session_;
  Place place_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VALUES_BUFFER_MEMORY_H_

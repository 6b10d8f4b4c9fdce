// Ids as strings of bytes, which is how Ray's programs see them. Not for users.
// Threading: pure.
#ifndef MOBULA_API_COMPAT_RAY_VALUES_ID_BYTES_H_
#define MOBULA_API_COMPAT_RAY_VALUES_ID_BYTES_H_

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace ray::internal {

inline constexpr std::size_t kIdBytes = 16;

template <class AnId>
void AppendId(const AnId& id, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&id.hi), sizeof(id.hi));
  bytes->append(reinterpret_cast<const char*>(&id.lo), sizeof(id.lo));
}

// There must be kIdBytes from `offset` on.
template <class AnId>
AnId ReadId(std::string_view bytes, std::size_t offset) {
  AnId id;
  std::memcpy(&id.hi, bytes.data() + offset, sizeof(id.hi));
  std::memcpy(&id.lo, bytes.data() + offset + sizeof(id.hi), sizeof(id.lo));
  return id;
}

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_VALUES_ID_BYTES_H_

// Numbers as little-endian bytes, on any machine.
// Threading: pure functions.
#ifndef MOBULA_BASE_FRAMES_LITTLE_ENDIAN_H_
#define MOBULA_BASE_FRAMES_LITTLE_ENDIAN_H_

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>

namespace mobula::base {

static_assert(std::endian::native == std::endian::little,
              "big-endian machines need a swap here");

// The caller has seen to it that the bytes are there.
template <std::unsigned_integral T>
void PutLittleEndian(T value, char* out) {
  std::memcpy(out, &value, sizeof value);
}

template <std::unsigned_integral T>
T GetLittleEndian(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_LITTLE_ENDIAN_H_

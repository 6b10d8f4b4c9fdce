// What values take of the node's store: the numbers that writers, readers and
// the raylet's accounts must agree on.
// Threading: pure.
#ifndef MOBULA_BASE_SHM_EXTENT_SIZE_H_
#define MOBULA_BASE_SHM_EXTENT_SIZE_H_

#include <cstdint>

namespace mobula::base {

// Offsets of extents are multiples of it, and the sizes of their places.
inline constexpr std::uint64_t kExtentAlignment = 64;
// What precedes the bytes of each extent (base/shm/extent_header.h).
inline constexpr std::uint64_t kExtentHeaderBytes = 64;

inline constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t WholePages(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_EXTENT_SIZE_H_

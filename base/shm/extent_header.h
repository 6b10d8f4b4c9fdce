// ExtentHeader lies before each extent of an arena and says which one it is, so
// that who reads by a stale Extent gets an error and never another value.
//
//   | header, 64 bytes | the value's bytes | ... up to 64 |
//                      ^ Extent::offset
// Offsets are multiples of 64. A file of spilled extents holds header and bytes
// together: PlaceOf says from where to where they go.
// Threading: written by the arena's writer, read by all; a reader that was told
// of the extent by a message sees what was written before.
#ifndef MOBULA_BASE_SHM_EXTENT_HEADER_H_
#define MOBULA_BASE_SHM_EXTENT_HEADER_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/shm/extent_size.h"
#include "base/value.h"

namespace mobula::base {

struct ExtentHeader {
  std::atomic<std::uint64_t> magic;
  std::atomic<std::uint64_t> byte_count;
  std::atomic<std::uint32_t> generation;  // 0: free
  std::uint8_t unused[44];
};
static_assert(sizeof(ExtentHeader) == kExtentHeaderBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// "mobulaEX", read as a number.
inline constexpr std::uint64_t kExtentMagic = 0x5845616c75626f6dULL;

// What an extent takes of its arena, header and rounding included.
struct ExtentPlace {
  std::uint64_t begin = 0;
  std::uint64_t byte_count = 0;
};
// Nothing where no such extent can be in an arena of `arena_bytes`.
std::optional<ExtentPlace> PlaceOf(const Extent& extent,
                                   std::uint64_t arena_bytes);
// The same of any value of so many bytes. 0 where it is longer than can be.
std::uint64_t PlaceBytes(std::uint64_t value_bytes);

// Whether these bytes, as many as a header has, are that of the extent.
bool IsHeaderOf(std::string_view header, const Extent& extent);
// What to put before the bytes of an extent that nobody reads yet.
std::string HeaderOf(const Extent& extent);

// The value's bytes within the mapped arena, nothing where they are not there
// (any more).
std::optional<std::string_view> FindExtent(std::string_view arena,
                                           const Extent& extent);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_EXTENT_HEADER_H_

#include "base/shm/extent_header.h"

#include <cstddef>
#include <cstring>
#include <limits>

namespace mobula::base {

std::uint64_t PlaceBytes(std::uint64_t value_bytes) {
  if (value_bytes > std::numeric_limits<std::uint64_t>::max() / 2) return 0;
  return sizeof(ExtentHeader) + (value_bytes + kExtentAlignment - 1) /
                                    kExtentAlignment * kExtentAlignment;
}

std::optional<ExtentPlace> PlaceOf(const Extent& extent,
                                   std::uint64_t arena_bytes) {
  const std::uint64_t needed = PlaceBytes(extent.byte_count);
  if (needed == 0 || extent.offset % kExtentAlignment != 0 ||
      extent.offset < sizeof(ExtentHeader)) {
    return std::nullopt;
  }
  const std::uint64_t begin = extent.offset - sizeof(ExtentHeader);
  if (begin > arena_bytes || needed > arena_bytes - begin) return std::nullopt;
  return ExtentPlace{begin, needed};
}

bool IsHeaderOf(std::string_view header, const Extent& extent) {
  if (header.size() != sizeof(ExtentHeader)) return false;
  // Behind that is what was there before.
  constexpr std::size_t kSaid = offsetof(ExtentHeader, unused);
  const std::string is_it = HeaderOf(extent);
  return extent.generation != 0 &&
         header.substr(0, kSaid) == std::string_view(is_it).substr(0, kSaid);
}

std::string HeaderOf(const Extent& extent) {
  std::string header(sizeof(ExtentHeader), '\0');
  const auto put = [&header](std::size_t at, const auto& number) {
    std::memcpy(header.data() + at, &number, sizeof(number));
  };
  put(offsetof(ExtentHeader, magic), kExtentMagic);
  put(offsetof(ExtentHeader, byte_count), extent.byte_count);
  put(offsetof(ExtentHeader, generation), extent.generation);
  return header;
}

std::optional<std::string_view> FindExtent(std::string_view arena,
                                           const Extent& extent) {
  const auto place = PlaceOf(extent, arena.size());
  if (!place || extent.generation == 0) return std::nullopt;
  const auto* header =
      reinterpret_cast<const ExtentHeader*>(arena.data() + place->begin);
  const bool is_it =
      header->magic.load(std::memory_order_relaxed) == kExtentMagic &&
      header->byte_count.load(std::memory_order_relaxed) == extent.byte_count &&
      header->generation.load(std::memory_order_acquire) == extent.generation;
  if (!is_it) return std::nullopt;
  return arena.substr(extent.offset, extent.byte_count);
}

}  // namespace mobula::base

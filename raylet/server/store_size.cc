#include "raylet/server/store_size.h"

#include <algorithm>

namespace mobula::raylet {
namespace {

// Less holds no arena.
constexpr std::uint64_t kStoreBytesMin = std::uint64_t{1} << 20;
constexpr std::uint64_t kDefaultBytesMin = std::uint64_t{16} << 20;
constexpr std::uint64_t kDefaultPercent = 30;

}  // namespace

std::optional<std::uint64_t> StoreBytes(
    const std::optional<base::ByteAmount>& asked, const MemoryRoom& room,
    std::string* error) {
  const std::uint64_t left = std::min(room.free_bytes, room.offered_bytes);
  if (!asked) {
    const std::uint64_t usual = left / 100 * kDefaultPercent;
    const std::uint64_t least = std::min(kDefaultBytesMin, left / 2);
    return std::max({usual, least, kStoreBytesMin});
  }
  if (asked->is_zero()) return 0;
  if (asked->is_share()) return std::max(asked->Of(left), kStoreBytesMin);
  const std::uint64_t bytes = asked->Of(0);
  if (bytes < kStoreBytesMin) {
    *error = std::to_string(bytes) +
             " bytes hold no values: 1MiB is the least, or 0 for no store";
    return std::nullopt;
  }
  if (bytes > room.all_bytes) {
    *error = std::to_string(bytes) + " bytes are more than the " +
             std::to_string(room.all_bytes) + " that there are here";
    return std::nullopt;
  }
  return bytes;
}

}  // namespace mobula::raylet

#include "base/shm/extent_heap.h"

#include <iterator>
#include <limits>
#include <new>

#include "base/check.h"
#include "base/shm/extent_header.h"

namespace mobula::base {

ExtentHeap::ExtentHeap(ArenaId arena, std::span<char> memory)
    : arena_(arena),
      memory_(
          memory.first(memory.size() / kExtentAlignment * kExtentAlignment)) {
  MOBULA_CHECK(!arena.IsNil());
  MOBULA_CHECK(
      reinterpret_cast<std::uintptr_t>(memory.data()) % kExtentAlignment == 0);
  if (!memory_.empty()) AddGap(0, memory_.size());
}

std::optional<Room> ExtentHeap::Allocate(std::uint64_t byte_count) {
  const std::uint64_t needed = PlaceBytes(byte_count);
  if (needed == 0) return std::nullopt;
  const auto fit = by_size_.lower_bound({needed, 0});
  // A heap that has used up its generations gives nothing more.
  if (fit == by_size_.end() ||
      generation_ == std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  const auto [size, begin] = *fit;
  RemoveGap(begin, size);
  if (size > needed) AddGap(begin + needed, size - needed);
  const std::uint32_t generation = ++generation_;
  const bool is_new = live_.emplace(begin, Live{needed, generation}).second;
  MOBULA_CHECK(is_new, "extents never overlap") << begin;
  auto* header = new (memory_.data() + begin) ExtentHeader;
  header->magic.store(kExtentMagic, std::memory_order_relaxed);
  header->byte_count.store(byte_count, std::memory_order_relaxed);
  header->generation.store(generation, std::memory_order_release);
  const std::uint64_t offset = begin + sizeof(ExtentHeader);
  return Room{Extent{arena_, offset, byte_count, generation},
              memory_.subspan(offset, byte_count)};
}

bool ExtentHeap::Lives(const Extent& extent) const {
  if (extent.arena != arena_ || extent.offset < sizeof(ExtentHeader)) {
    return false;
  }
  const auto found = live_.find(extent.offset - sizeof(ExtentHeader));
  return found != live_.end() && found->second.generation == extent.generation;
}

bool ExtentHeap::Free(const Extent& extent) {
  if (!Lives(extent)) return false;
  const auto found = live_.find(extent.offset - sizeof(ExtentHeader));
  std::uint64_t begin = found->first;
  std::uint64_t size = found->second.place_bytes;
  live_.erase(found);
  reinterpret_cast<ExtentHeader*>(memory_.data() + begin)
      ->generation.store(0, std::memory_order_release);
  const auto after = gaps_.lower_bound(begin);
  if (after != gaps_.begin()) {
    const auto [left, left_size] = *std::prev(after);
    MOBULA_CHECK(left + left_size <= begin, "a gap reaches into an extent");
    if (left + left_size == begin) {
      RemoveGap(left, left_size);
      begin = left;
      size += left_size;
    }
  }
  const auto right = gaps_.find(begin + size);
  if (right != gaps_.end()) {
    const std::uint64_t right_size = right->second;
    RemoveGap(right->first, right_size);
    size += right_size;
  }
  AddGap(begin, size);
  return true;
}

void ExtentHeap::AddGap(std::uint64_t begin, std::uint64_t size) {
  MOBULA_CHECK(size > 0 && begin + size <= memory_.size());
  gaps_.emplace(begin, size);
  by_size_.emplace(size, begin);
  free_bytes_ += size;
}

void ExtentHeap::RemoveGap(std::uint64_t begin, std::uint64_t size) {
  const bool was_there =
      gaps_.erase(begin) == 1 && by_size_.erase({size, begin}) == 1;
  MOBULA_CHECK(was_there) << begin << " " << size;
  free_bytes_ -= size;
}

}  // namespace mobula::base

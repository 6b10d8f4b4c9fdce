// ExtentHeap divides a leased arena into extents, for its one writer.
//
//   ExtentHeap heap(arena, map->writable());
//   auto room = heap.Allocate(size);   // fill room->bytes, send room->extent
//   heap.Free(extent);                 // once its owner has said so
// What it knows lies in the writer's own memory; in the arena are the headers
// alone, which readers check. What was freed last at the lowest place is warm
// and is used again first: the smallest gap that fits, the lowest of those.
// Owner: runtime/memory, one for each leased arena.   Threading: none.
// Invariants: (1) extents never overlap; (2) gaps never touch one another;
// (3) no two extents of a heap have one generation.
// Failure: what is no living extent is not freed; a full heap gives nothing.
#ifndef MOBULA_BASE_SHM_EXTENT_HEAP_H_
#define MOBULA_BASE_SHM_EXTENT_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/ids.h"
#include "base/shm/room.h"
#include "base/value.h"

namespace mobula::base {

class ExtentHeap {
 public:
  // `memory` must outlive this and be aligned to 64.
  ExtentHeap(ArenaId arena, std::span<char> memory);
  ExtentHeap(const ExtentHeap&) = delete;
  ExtentHeap& operator=(const ExtentHeap&) = delete;

  [[nodiscard]] std::optional<Room> Allocate(std::uint64_t byte_count);
  // False where it does not live here (any more): nothing changes.
  bool Free(const Extent& extent);

  [[nodiscard]] bool Lives(const Extent& extent) const;
  [[nodiscard]] bool empty() const { return live_.empty(); }
  [[nodiscard]] std::size_t size() const { return live_.size(); }
  [[nodiscard]] std::uint64_t free_bytes() const { return free_bytes_; }
  [[nodiscard]] std::uint64_t byte_count() const { return memory_.size(); }

 private:
  struct Live {
    std::uint64_t place_bytes = 0;
    std::uint32_t generation = 0;
  };

  void AddGap(std::uint64_t begin, std::uint64_t size);
  void RemoveGap(std::uint64_t begin, std::uint64_t size);

  const ArenaId arena_;
  const std::span<char> memory_;
  std::uint32_t generation_ = 0;
  std::uint64_t free_bytes_ = 0;
  std::map<std::uint64_t, Live> live_;           // by where its header is
  std::map<std::uint64_t, std::uint64_t> gaps_;  // by where they begin
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_size_;  // and begin
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_EXTENT_HEAP_H_

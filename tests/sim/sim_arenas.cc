#include "tests/sim/sim_arenas.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <variant>

#include "base/check.h"
#include "base/failure.h"
#include "base/shm/extent_header.h"

namespace mobula::sim {

using std::chrono::microseconds;

namespace {

constexpr std::uint64_t kAlignment = 64;
// Of a value no more than this has meaning (StorePort).
constexpr std::uint64_t kWrittenMax = 8192;

base::Failure DiskFailure() {
  return base::MakeFailure(base::FailureCode::kObjectLost,
                           base::Executed::kMaybe, "the disk failed");
}

}  // namespace

ArenaMemory::ArenaMemory(std::uint64_t byte_count)
    : block_(std::calloc(1, byte_count + kAlignment)) {
  MOBULA_CHECK(block_ != nullptr);
  void* begin = block_;
  std::size_t room = byte_count + kAlignment;
  MOBULA_CHECK(std::align(kAlignment, byte_count, begin, room) != nullptr);
  bytes_ = std::span(static_cast<char*>(begin), byte_count);
}

SimArenas::SimArenas(const RefOptions& options, Rng rng, Plants& plants,
                     TellFn tell)
    : options_(options), rng_(rng), plants_(plants), tell_(std::move(tell)) {}

void SimArenas::Tell(raylet::Event event) {
  tell_(rng_.LogNormal(microseconds(200), 1), std::move(event));
}

bool SimArenas::Do(const raylet::Effect& effect) {
  if (const auto* make = std::get_if<raylet::MakeArena>(&effect)) {
    Arena& arena = arenas_[make->arena];
    arena.byte_count = make->byte_count;
    arena.memory = std::make_shared<ArenaMemory>(make->byte_count);
    Tell(raylet::ArenaMade{make->arena});
  } else if (const auto* rename = std::get_if<raylet::RenameArena>(&effect)) {
    auto arena = arenas_.extract(rename->arena);
    MOBULA_CHECK(!arena.empty(), "an arena is renamed that is not there");
    arena.key() = rename->as;
    arenas_.insert(std::move(arena));
  } else if (const auto* spill = std::get_if<raylet::SpillArena>(&effect)) {
    Spill(*spill);
  } else if (const auto* restore = std::get_if<raylet::RestoreArena>(&effect)) {
    Restore(*restore);
  } else if (const auto* drop = std::get_if<raylet::DropArena>(&effect)) {
    MOBULA_CHECK(arenas_.erase(drop->arena) == 1);
  } else if (const auto* free = std::get_if<raylet::FreeOnDisk>(&effect)) {
    Free(*free);
  } else if (std::holds_alternative<raylet::LookAtDisks>(effect)) {
    raylet::SpillDisks disks;
    disks.room_bytes = std::numeric_limits<std::uint64_t>::max();
    Tell(disks);
  } else {
    return false;
  }
  return true;
}

void SimArenas::Spill(const raylet::SpillArena& spill) {
  Arena& arena = arenas_.at(spill.arena);
  MOBULA_CHECK(arena.memory != nullptr);
  if (!healed_ && rng_.Chance(options_.spill_fails)) {
    Tell(raylet::SpillFailed{spill.arena, DiskFailure()});
    return;
  }
  arena.file.clear();
  for (const base::Extent& extent : spill.extents) {
    const auto place = base::PlaceOf(extent, arena.byte_count);
    MOBULA_CHECK(place.has_value());
    const std::uint64_t length = std::min(place->byte_count, kWrittenMax);
    arena.file.emplace_back(
        place->begin,
        std::string(arena.memory->view().substr(place->begin, length)));
  }
  arena.memory.reset();
  Tell(raylet::Spilled{spill.arena});
}

void SimArenas::Restore(const raylet::RestoreArena& restore) {
  Arena& arena = arenas_.at(restore.arena);
  MOBULA_CHECK(arena.memory == nullptr);
  // Now and then a disk does not answer at all, and does another time.
  if (!healed_ && rng_.Chance(options_.restore_fails / 4)) {
    Tell(raylet::RestoreFailed{restore.arena, DiskFailure()});
    return;
  }
  raylet::Restored restored{restore.arena, {}};
  for (const base::Extent& extent : restore.extents) {
    if (healed_ || !rng_.Chance(options_.restore_fails)) continue;
    if (plants_.Strikes(Plant::kUncheckedBytes, 2)) {
      Damage(arena, extent);
      continue;
    }
    restored.lost.push_back(extent);
    Erase(arena, extent);
  }
  arena.memory = std::make_shared<ArenaMemory>(arena.byte_count);
  for (const auto& [begin, bytes] : arena.file) {
    std::memcpy(arena.memory->bytes().data() + begin, bytes.data(),
                bytes.size());
  }
  Tell(std::move(restored));
}

void SimArenas::Free(const raylet::FreeOnDisk& free) {
  Arena& arena = arenas_.at(free.arena);
  for (const base::Extent& extent : free.extents) Erase(arena, extent);
}

// The bytes, but not the header before them.
void SimArenas::Damage(Arena& arena, const base::Extent& extent) {
  const auto place = base::PlaceOf(extent, arena.byte_count);
  MOBULA_CHECK(place.has_value());
  const std::uint64_t header = extent.offset - place->begin;
  for (auto& [begin, bytes] : arena.file) {
    if (begin == place->begin && bytes.size() > header) bytes[header] = 'x';
  }
}

void SimArenas::Erase(Arena& arena, const base::Extent& extent) {
  const auto place = base::PlaceOf(extent, arena.byte_count);
  MOBULA_CHECK(place.has_value());
  std::erase_if(arena.file, [&place](const auto& piece) {
    return piece.first == place->begin;
  });
}

void SimArenas::HandOver(base::ProcessId to, base::ArenaId arena) {
  const ArenaMemoryPtr& memory = arenas_.at(arena).memory;
  MOBULA_CHECK(memory != nullptr, "what is not in memory is handed over");
  under_way_[to].push_back(memory);
}

ArenaMemoryPtr SimArenas::Take(base::ProcessId to) {
  std::deque<ArenaMemoryPtr>& way = under_way_[to];
  MOBULA_CHECK(!way.empty(), "a message comes without its descriptor");
  ArenaMemoryPtr memory = std::move(way.front());
  way.pop_front();
  return memory;
}

const ArenaMemory* SimArenas::Find(base::ArenaId arena) const {
  const auto found = arenas_.find(arena);
  return found == arenas_.end() ? nullptr : found->second.memory.get();
}

}  // namespace mobula::sim

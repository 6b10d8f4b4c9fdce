#include "runtime/memory/store_memory.h"

#include <utility>

namespace mobula::runtime {

using base::BootTime;
using base::Bytes;
using base::Failure;

namespace {

// Of one Map, where each copy has gone before it was mapped.
constexpr int kPullsMax = 16;

}  // namespace

StoreMemory::StoreMemory(base::IdSource ids, const TellFn& tell)
    : tell_(tell), writes_(ids, tell), reads_(tell), pulled_(ids, tell) {}

std::variant<StoreMemory::Room, Failure> StoreMemory::Allocate(
    std::uint64_t byte_count, BootTime deadline, const BlockedFn& blocked) {
  return writes_.Allocate(byte_count, deadline, blocked);
}

void StoreMemory::Seal(const base::Extent& extent) { writes_.Seal(extent); }

void StoreMemory::Discard(const base::Extent& extent) {
  writes_.Discard(extent);
}

std::variant<Bytes, Failure> StoreMemory::Map(const base::Value& stored,
                                              BootTime deadline,
                                              const BlockedFn& blocked) {
  if (IsAfar(stored.extent())) return MapCopy(stored, deadline, blocked);
  return reads_.Map(stored.extent(), deadline, blocked);
}

bool StoreMemory::IsAfar(const base::Extent& extent) const {
  const std::uint64_t maker = maker_.load();
  return maker != 0 && extent.arena.hi != maker;
}

StoreMemory::Mapped StoreMemory::MapCopy(const base::Value& stored,
                                         BootTime deadline,
                                         const BlockedFn& blocked) {
  for (int round = 0; round < kPullsMax; ++round) {
    auto found =
        pulled_.Find(stored.name(), stored.extent(), deadline, blocked);
    if (auto* failure = std::get_if<Failure>(&found)) {
      return std::move(*failure);
    }
    const auto& place = std::get<PulledPlaces::Place>(found);
    Mapped mapped = reads_.Map(place.here, deadline, blocked);
    const auto* failure = std::get_if<Failure>(&mapped);
    const bool is_gone =
        failure != nullptr && failure->code == base::FailureCode::kObjectLost;
    if (!is_gone) return mapped;
    // The copy: the value itself may be where it was.
    pulled_.Forget(stored.name(), stored.extent(), place.here);
  }
  return base::MakeFailure(
      base::FailureCode::kObjectStoreFull, base::Executed::kMaybe,
      "the copy of the value, which lies on another node, has gone from this "
      "one's store before it could be read, time and again");
}

bool StoreMemory::Take(const base::Message& message, const base::UniqueFd& fd) {
  if (const auto* m = std::get_if<base::ArenaLeased>(&message)) {
    writes_.Leased(*m, fd);
  } else if (const auto* m = std::get_if<base::ArenaRefused>(&message)) {
    writes_.Refused(*m);
  } else if (const auto* m = std::get_if<base::FreeExtents>(&message)) {
    writes_.Free(m->extents);
  } else if (const auto* m = std::get_if<base::ArenaOpened>(&message)) {
    reads_.Opened(*m, fd);
  } else if (const auto* m = std::get_if<base::ArenaLost>(&message)) {
    reads_.Lost(*m);
  } else if (const auto* m = std::get_if<base::ValuePulled>(&message)) {
    // When the raylet asks whether it is in use, it is, until who waits has it.
    pulled_.Pulled(*m, reads_.Ask(m->here.arena));
  } else if (const auto* m = std::get_if<base::PullRefused>(&message)) {
    pulled_.Refused(*m);
  } else if (const auto* m = std::get_if<base::QuietArena>(&message)) {
    tell_(base::ArenaQuiet{m->arena, Quiet(m->arena)});
  } else {
    return false;
  }
  return true;
}

// The writer's half last: it gives the lease up.
bool StoreMemory::Quiet(base::ArenaId arena) {
  const bool is_quiet =
      !writes_.IsBusy(arena) && reads_.Quiet(arena) && writes_.Quiet(arena);
  if (is_quiet) pulled_.Unmapped(arena);
  return is_quiet;
}

void StoreMemory::Finished(const base::Extent& extent) {
  writes_.Finished(extent);
}

void StoreMemory::Close(const Failure& failure) {
  writes_.Close(failure);
  reads_.Close(failure);
  pulled_.Close(failure);
}

}  // namespace mobula::runtime

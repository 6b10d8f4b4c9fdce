#include "runtime/memory/store_memory.h"

namespace mobula::runtime {

using base::BootTime;
using base::Bytes;
using base::Failure;

StoreMemory::StoreMemory(base::IdSource ids, const TellFn& tell)
    : tell_(tell), writes_(ids, tell), reads_(tell) {}

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
  return reads_.Map(stored.extent(), deadline, blocked);
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
  } else if (const auto* m = std::get_if<base::QuietArena>(&message)) {
    tell_(base::ArenaQuiet{m->arena, Quiet(m->arena)});
  } else {
    return false;
  }
  return true;
}

// The writer's half last: it gives the lease up.
bool StoreMemory::Quiet(base::ArenaId arena) {
  return !writes_.IsBusy(arena) && reads_.Quiet(arena) && writes_.Quiet(arena);
}

void StoreMemory::Finished(const base::Extent& extent) {
  writes_.Finished(extent);
}

void StoreMemory::Close(const Failure& failure) {
  writes_.Close(failure);
  reads_.Close(failure);
}

}  // namespace mobula::runtime

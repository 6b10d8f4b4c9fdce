#include "runtime/memory/read_arenas.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "base/shm/extent_header.h"

namespace mobula::runtime {
namespace {

using base::ArenaId;
using base::ArenaMap;
using base::BootTime;
using base::Bytes;
using base::Failure;
using base::FailureCode;

Failure Lost(std::string why) {
  return base::MakeFailure(FailureCode::kObjectLost, base::Executed::kMaybe,
                           std::move(why));
}

}  // namespace

ReadArenas::ReadArenas(TellFn tell) : tell_(std::move(tell)) {
  MOBULA_CHECK(tell_ != nullptr);
}

ReadArenas::~ReadArenas() = default;

std::variant<Bytes, Failure> ReadArenas::Map(
    const base::Extent& extent, BootTime deadline,
    const LentWait::BlockedFn& blocked) {
  MOBULA_CHECK(!extent.arena.IsNil(), "the value is not in the store");
  Found found = Find(extent.arena, deadline, blocked);
  if (auto* failure = std::get_if<Failure>(&found)) return std::move(*failure);
  SharedMap map = std::get<SharedMap>(std::move(found));
  const auto bytes = base::FindExtent(map->view(), extent);
  if (!bytes) {
    return runtime::Lost(
        "the value's place in the node's store holds another value by now");
  }
  return Bytes::Share(std::move(map), *bytes);
}

ReadArenas::Found ReadArenas::Find(ArenaId arena, BootTime deadline,
                                   const LentWait::BlockedFn& blocked) {
  std::shared_ptr<Opening> opening;
  bool is_first = false;
  {
    base::MutexLock lock(mutex_);
    const auto mapped = maps_.find(arena);
    if (mapped != maps_.end()) return mapped->second;
    if (closed_) return *closed_;
    std::shared_ptr<Opening>& known = openings_[arena];
    is_first = known == nullptr;
    if (is_first) known = std::make_shared<Opening>();
    opening = known;
  }
  if (is_first) tell_(base::OpenArena{arena});
  LentWait wait(deadline, blocked);
  return WaitFor(*opening, wait);
}

ReadArenas::Found ReadArenas::WaitFor(const Opening& opening, LentWait& wait) {
  base::MutexLock lock(mutex_);
  while (true) {
    if (opening.map != nullptr) return opening.map;
    if (opening.failure) return *opening.failure;
    if (closed_) return *closed_;
    if (!wait.Sleep(mutex_, changed_)) break;
  }
  return base::MakeFailure(
      FailureCode::kTimeout, base::Executed::kMaybe,
      "the value was not brought into the node's memory until the deadline");
}

std::shared_ptr<const void> ReadArenas::Ask(ArenaId arena) {
  std::shared_ptr<Opening> opening;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return nullptr;
    const auto mapped = maps_.find(arena);
    if (mapped != maps_.end()) return mapped->second;
    std::shared_ptr<Opening>& known = openings_[arena];
    if (known != nullptr) return known;
    known = std::make_shared<Opening>();
    opening = known;
  }
  tell_(base::OpenArena{arena});
  return opening;
}

void ReadArenas::Opened(const base::ArenaOpened& opened,
                        const base::UniqueFd& fd) {
  std::string error;
  SharedMap map =
      ArenaMap::Open(fd, opened.byte_count, ArenaMap::Access::kRead, &error);
  base::MutexLock lock(mutex_);
  const auto found = openings_.find(opened.arena);
  if (found == openings_.end()) return;  // nobody asked
  Opening& opening = *found->second;
  if (map != nullptr) {
    opening.map = map;
    // Who asked while it was mapped reads what is mapped.
    maps_.emplace(opened.arena, std::move(map));
  } else {
    opening.failure =
        base::MakeFailure(FailureCode::kLimit, base::Executed::kMaybe, error);
  }
  openings_.erase(found);
  changed_.NotifyAll();
}

void ReadArenas::Lost(const base::ArenaLost& lost) {
  base::MutexLock lock(mutex_);
  const auto found = openings_.find(lost.arena);
  if (found == openings_.end()) return;
  found->second->failure = lost.failure;
  openings_.erase(found);
  changed_.NotifyAll();
}

bool ReadArenas::Quiet(ArenaId arena) {
  base::MutexLock lock(mutex_);
  if (openings_.contains(arena)) return false;
  const auto found = maps_.find(arena);
  if (found == maps_.end()) return true;
  // If ours was the last one, it is unmapped here; else another thread may
  // unmap it before we can take it back.
  const std::weak_ptr<const ArenaMap> used = found->second;
  found->second.reset();
  found->second = used.lock();
  if (found->second != nullptr) return false;
  maps_.erase(found);
  return true;
}

void ReadArenas::Close(Failure failure) {
  base::MutexLock lock(mutex_);
  if (closed_) return;
  closed_ = std::move(failure);
  maps_.clear();
  openings_.clear();
  changed_.NotifyAll();
}

std::size_t ReadArenas::size() {
  base::MutexLock lock(mutex_);
  return maps_.size();
}

}  // namespace mobula::runtime

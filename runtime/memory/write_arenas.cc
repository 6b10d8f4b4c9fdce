#include "runtime/memory/write_arenas.h"

#include <iterator>
#include <string>

#include "base/check.h"

namespace mobula::runtime {
namespace {

using base::ArenaId;
using base::ArenaMap;
using base::BootTime;
using base::Extent;
using base::Failure;
using base::FailureCode;

// In an arena of the smallest size there is room for others beside it.
constexpr std::uint64_t kSharedBytesMax = 512 << 10;

Failure NoRoom(std::uint64_t byte_count) {
  return base::MakeFailure(
      FailureCode::kObjectStoreFull, base::Executed::kMaybe,
      "the node's store had no room for " + std::to_string(byte_count) +
          " bytes until the deadline; let go of refs and views, or give the "
          "node more with --object-store-memory");
}

}  // namespace

WriteArenas::Arena::Arena(ArenaId id, std::unique_ptr<ArenaMap> its_map)
    : map(std::move(its_map)), heap(id, map->writable()) {}

bool WriteArenas::Arena::Free(const Extent& extent) {
  if (!heap.Lives(extent)) return false;
  // Where the system refuses, the place serves nobody any more.
  if (sealed.contains(extent.offset) &&
      !map->SetWritable(extent.offset, extent.byte_count, true)) {
    return false;
  }
  sealed.erase(extent.offset);
  MOBULA_CHECK(heap.Free(extent));
  unfinished.erase({extent.offset, extent.generation});
  return true;
}

WriteArenas::WriteArenas(base::IdSource ids, TellFn tell)
    : tell_(std::move(tell)), ids_(ids) {
  MOBULA_CHECK(tell_ != nullptr);
}

WriteArenas::~WriteArenas() = default;

// ---- room -------------------------------------------------------------------

WriteArenas::Answer WriteArenas::Allocate(std::uint64_t byte_count,
                                          BootTime deadline,
                                          const LentWait::BlockedFn& blocked) {
  LentWait wait(deadline, blocked);
  while (true) {
    std::shared_ptr<Request> request;
    bool is_maker = false;
    {
      base::MutexLock lock(mutex_);
      if (closed_) return *closed_;
      if (auto room = Find(byte_count)) return *room;
      request = Join(byte_count, &is_maker);
    }
    if (is_maker) tell_(base::LeaseArena{request->id, byte_count});
    if (auto answer = WaitFor(*request, is_maker, byte_count, wait)) {
      return *std::move(answer);
    }
  }
}

std::optional<WriteArenas::Room> WriteArenas::Find(std::uint64_t byte_count) {
  const auto last = arenas_.find(last_);
  if (last != arenas_.end()) {
    if (auto room = FindIn(*last->second, byte_count)) return room;
  }
  for (const auto& [id, arena] : arenas_) {
    if (auto room = FindIn(*arena, byte_count)) {
      last_ = id;
      return room;
    }
  }
  return std::nullopt;
}

std::optional<WriteArenas::Room> WriteArenas::FindIn(Arena& arena,
                                                     std::uint64_t byte_count) {
  auto room = arena.heap.Allocate(byte_count);
  if (room) {
    arena.unfinished.emplace(room->extent.offset, room->extent.generation);
  }
  return room;
}

std::shared_ptr<WriteArenas::Request> WriteArenas::Join(
    std::uint64_t byte_count, bool* is_maker) {
  for (const auto& [id, request] : requests_) {
    if (request->byte_count < byte_count ||
        request->byte_count > kSharedBytesMax) {
      continue;
    }
    ++request->waiters;
    *is_maker = false;
    return request;
  }
  auto request = std::make_shared<Request>();
  request->id = ids_.Next<base::RequestId>();
  request->byte_count = byte_count;
  request->waiters = 1;
  requests_.emplace(request->id, request);
  *is_maker = true;
  return request;
}

std::optional<WriteArenas::Answer> WriteArenas::WaitFor(
    Request& request, bool is_maker, std::uint64_t byte_count, LentWait& wait) {
  std::optional<Answer> answer;
  bool cancels = false;
  {
    base::MutexLock lock(mutex_);
    while (!request.is_answered && !closed_) {
      if (auto room = Find(byte_count)) {
        answer = *room;
        break;
      }
      if (!wait.Sleep(mutex_, changed_)) {
        answer = NoRoom(byte_count);
        break;
      }
    }
    if (is_maker) request.maker_waits = false;
    if (!answer && is_maker && request.room) {
      answer = *request.room;
    } else if (!answer && closed_) {
      answer = *closed_;
    } else if (!answer && request.refusal &&
               // What is too large for one may be right for another.
               (byte_count == request.byte_count ||
                request.refusal->code != FailureCode::kTooLarge)) {
      answer = *request.refusal;
    }
    --request.waiters;
    cancels = request.waiters == 0 && !request.is_answered && !closed_;
    if (cancels) requests_.erase(request.id);
  }
  if (cancels) tell_(base::CancelArena{request.id});
  return answer;
}

void WriteArenas::Seal(const Extent& extent) {
  if (extent.byte_count < kSealedBytesMin) return;
  base::MutexLock lock(mutex_);
  const auto found = arenas_.find(extent.arena);
  if (found == arenas_.end()) return;
  Arena& arena = *found->second;
  if (!arena.unfinished.contains({extent.offset, extent.generation})) return;
  if (!arena.map->SetWritable(extent.offset, extent.byte_count, false)) return;
  arena.sealed.insert(extent.offset);
}

void WriteArenas::Discard(const Extent& extent) {
  base::MutexLock lock(mutex_);
  const auto found = arenas_.find(extent.arena);
  if (found == arenas_.end()) return;
  const bool is_unfinished =
      found->second->unfinished.contains({extent.offset, extent.generation});
  if (!is_unfinished) return;
  found->second->Free(extent);
  changed_.NotifyAll();
}

void WriteArenas::Finished(const Extent& extent) {
  base::MutexLock lock(mutex_);
  const auto found = arenas_.find(extent.arena);
  if (found == arenas_.end()) return;
  found->second->unfinished.erase({extent.offset, extent.generation});
}

// ---- what the raylet says ---------------------------------------------------

void WriteArenas::Leased(const base::ArenaLeased& leased,
                         const base::UniqueFd& fd) {
  std::string error;
  auto map =
      ArenaMap::Open(fd, leased.byte_count, ArenaMap::Access::kWrite, &error);
  const bool is_mapped = map != nullptr;
  {
    base::MutexLock lock(mutex_);
    const auto found = requests_.find(leased.request);
    // The raylet takes back what it leased to a request that was taken back.
    if (found == requests_.end()) return;
    Request& request = *found->second;
    if (is_mapped) {
      auto arena = std::make_unique<Arena>(leased.arena, std::move(map));
      if (request.maker_waits) {
        request.room = FindIn(*arena, request.byte_count);
      }
      last_ = leased.arena;
      const bool is_new =
          arenas_.emplace(leased.arena, std::move(arena)).second;
      MOBULA_CHECK(is_new, "an arena is leased once");
    } else {
      request.refusal =
          base::MakeFailure(FailureCode::kLimit, base::Executed::kMaybe, error);
    }
    Answered(request);
  }
  if (!is_mapped) tell_(base::ReturnArena{leased.arena});
}

void WriteArenas::Refused(const base::ArenaRefused& refused) {
  base::MutexLock lock(mutex_);
  const auto found = requests_.find(refused.request);
  if (found == requests_.end()) return;
  found->second->refusal = refused.failure;
  Answered(*found->second);
}

void WriteArenas::Answered(Request& request) {
  request.is_answered = true;
  changed_.NotifyAll();
  requests_.erase(request.id);  // who waits for it has it too
}

void WriteArenas::Free(std::span<const Extent> extents) {
  std::vector<Arenas::node_type> empty;
  {
    base::MutexLock lock(mutex_);
    for (const Extent& extent : extents) {
      const auto found = arenas_.find(extent.arena);
      if (found != arenas_.end()) found->second->Free(extent);
    }
    empty = TakeEmpty();
    changed_.NotifyAll();
  }
  GiveBack(std::move(empty));
}

std::vector<WriteArenas::Arenas::node_type> WriteArenas::TakeEmpty() {
  std::vector<Arenas::node_type> taken;
  bool has_warm = false;
  for (auto it = arenas_.begin(); it != arenas_.end();) {
    const base::ExtentHeap& heap = it->second->heap;
    const auto next = std::next(it);
    if (heap.empty()) {
      if (!closed_ && !has_warm && heap.byte_count() <= kWarmBytesMax) {
        has_warm = true;
      } else {
        taken.push_back(arenas_.extract(it));
      }
    }
    it = next;
  }
  return taken;
}

void WriteArenas::GiveBack(std::vector<Arenas::node_type> arenas) {
  for (Arenas::node_type& arena : arenas) {
    arena.mapped().reset();
    tell_(base::ReturnArena{arena.key()});
  }
}

// ---- the end of an arena ----------------------------------------------------

bool WriteArenas::IsBusy(ArenaId arena) {
  base::MutexLock lock(mutex_);
  const auto found = arenas_.find(arena);
  return found != arenas_.end() && !found->second->unfinished.empty();
}

bool WriteArenas::Quiet(ArenaId arena) {
  Arenas::node_type taken;  // unmapped after the lock
  base::MutexLock lock(mutex_);
  const auto found = arenas_.find(arena);
  if (found == arenas_.end()) return true;
  if (!found->second->unfinished.empty()) return false;
  taken = arenas_.extract(found);
  return true;
}

void WriteArenas::Close(Failure failure) {
  std::vector<Arenas::node_type> taken;  // unmapped after the lock
  base::MutexLock lock(mutex_);
  if (closed_) return;
  closed_ = std::move(failure);
  // Into an unfinished one a thread may be writing right now.
  for (auto it = arenas_.begin(); it != arenas_.end();) {
    const auto next = std::next(it);
    if (it->second->unfinished.empty()) taken.push_back(arenas_.extract(it));
    it = next;
  }
  changed_.NotifyAll();
}

std::size_t WriteArenas::size() {
  base::MutexLock lock(mutex_);
  return arenas_.size();
}

}  // namespace mobula::runtime

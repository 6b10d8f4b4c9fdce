#include "tests/sim/store_port.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <variant>

#include "base/bytes.h"
#include "base/check.h"
#include "base/shm/extent_header.h"

namespace mobula::sim {
namespace {

// Who waits for room goes on without after that.
constexpr base::Duration kRoomPatience = std::chrono::seconds(2);

base::Failure Gone() {
  return base::MakeFailure(base::FailureCode::kRayletDied,
                           base::Executed::kMaybe, "the node's agent is gone");
}

base::Failure Lost() {
  return base::MakeFailure(base::FailureCode::kObjectLost,
                           base::Executed::kMaybe,
                           "the place holds another value by now");
}

}  // namespace

// ---- writing ----------------------------------------------------------------

std::optional<base::Room> StorePort::Find(std::uint64_t byte_count) {
  for (auto& [id, arena] : written_) {
    std::optional<base::Room> room = arena.heap->Allocate(byte_count);
    if (!room.has_value()) continue;
    arena.unfinished.emplace(room->extent.offset, room->extent.generation);
    return room;
  }
  return std::nullopt;
}

void StorePort::WithRoom(std::uint64_t byte_count, RoomFn then) {
  if (closed_) return then(std::nullopt);
  if (const auto room = Find(byte_count)) return then(room);
  const auto id = ids_.Next<base::RequestId>();
  requests_.emplace(id, Request{byte_count, std::move(then)});
  world_.tell(base::LeaseArena{id, byte_count});
  world_.after(kRoomPatience, [this, id] {
    if (!requests_.contains(id)) return;
    world_.tell(base::CancelArena{id});
    Answer(id, std::nullopt);
  });
}

void StorePort::Answer(base::RequestId request,
                       std::optional<base::Room> room) {
  const RoomFn then = std::move(requests_.at(request).then);
  requests_.erase(request);
  then(room);
}

void StorePort::Write(const base::Room& room, std::string_view text) {
  MOBULA_CHECK(text.size() < room.bytes.size());
  std::memcpy(room.bytes.data(), text.data(), text.size());
  room.bytes[text.size()] = '\0';
}

void StorePort::Finished(const base::Extent& extent) {
  const auto found = written_.find(extent.arena);
  if (found == written_.end()) return;
  found->second.unfinished.erase({extent.offset, extent.generation});
}

void StorePort::Discard(const base::Extent& extent) {
  const auto found = written_.find(extent.arena);
  if (found == written_.end()) return;
  Finished(extent);
  found->second.heap->Free(extent);
}

void StorePort::Leased(const base::ArenaLeased& leased) {
  ArenaMemoryPtr memory = world_.take();
  // The raylet takes back what it leased to a request that was taken back.
  if (!requests_.contains(leased.request)) return;
  Written& arena = written_[leased.arena];
  MOBULA_CHECK(arena.heap == nullptr, "an arena is leased once");
  arena.heap =
      std::make_unique<base::ExtentHeap>(leased.arena, memory->bytes());
  arena.memory = std::move(memory);
  const std::uint64_t wanted = requests_.at(leased.request).byte_count;
  std::optional<base::Room> room = arena.heap->Allocate(wanted);
  MOBULA_CHECK(room.has_value(), "an arena is leased that is too small");
  arena.unfinished.emplace(room->extent.offset, room->extent.generation);
  Answer(leased.request, room);
}

void StorePort::Free(const base::FreeExtents& free) {
  for (const base::Extent& extent : free.extents) {
    const auto found = written_.find(extent.arena);
    if (found != written_.end()) found->second.heap->Free(extent);
  }
  std::vector<base::RequestId> waiting;
  for (const auto& [id, request] : requests_) waiting.push_back(id);
  for (const base::RequestId id : waiting) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) continue;
    const auto room = Find(found->second.byte_count);
    if (!room.has_value()) continue;
    world_.tell(base::CancelArena{id});
    Answer(id, room);
  }
  ReturnEmpty();
}

void StorePort::ReturnEmpty() {
  bool has_warm = false;
  for (auto it = written_.begin(); it != written_.end();) {
    const auto next = std::next(it);
    if (it->second.heap->empty() && std::exchange(has_warm, true)) {
      const base::ArenaId id = it->first;
      written_.erase(it);
      world_.tell(base::ReturnArena{id});
    }
    it = next;
  }
}

// ---- reading ----------------------------------------------------------------

void StorePort::Map(const base::Value& stored, MapFn then) {
  const base::ArenaId arena = stored.extent().arena;
  const Reader read = [stored, then = std::move(then)](
                          const MappingPtr& mapping,
                          const base::Failure& failure) {
    if (mapping == nullptr) return then(failure);
    const auto bytes =
        base::FindExtent(mapping->memory->view(), stored.extent());
    if (!bytes.has_value()) return then(Lost());
    const std::string_view text = bytes->substr(0, bytes->find('\0'));
    then(stored.WithBytes(base::Bytes::Share(mapping, text)));
  };
  const auto mapped = maps_.find(arena);
  if (mapped != maps_.end()) {
    const MappingPtr mapping = mapped->second;
    return read(mapping, {});
  }
  if (closed_) return read(nullptr, Gone());
  std::vector<Reader>& readers = openings_[arena];
  readers.push_back(read);
  if (readers.size() == 1) world_.tell(base::OpenArena{arena});
}

void StorePort::Opened(base::ArenaId arena, const MappingPtr& mapping,
                       const base::Failure& failure) {
  const auto found = openings_.find(arena);
  if (found == openings_.end()) return;
  const std::vector<Reader> readers = std::move(found->second);
  openings_.erase(found);
  if (mapping != nullptr) maps_.emplace(arena, mapping);
  for (const Reader& read : readers) read(mapping, failure);
}

// ---- both -------------------------------------------------------------------

bool StorePort::Take(const base::Message& message) {
  if (const auto* leased = std::get_if<base::ArenaLeased>(&message)) {
    Leased(*leased);
  } else if (const auto* refused = std::get_if<base::ArenaRefused>(&message)) {
    if (requests_.contains(refused->request)) {
      Answer(refused->request, std::nullopt);
    }
  } else if (const auto* free = std::get_if<base::FreeExtents>(&message)) {
    Free(*free);
  } else if (const auto* opened = std::get_if<base::ArenaOpened>(&message)) {
    Opened(opened->arena, std::make_shared<Mapping>(Mapping{world_.take()}),
           {});
  } else if (const auto* lost = std::get_if<base::ArenaLost>(&message)) {
    Opened(lost->arena, nullptr, lost->failure);
  } else if (const auto* quiet = std::get_if<base::QuietArena>(&message)) {
    world_.tell(base::ArenaQuiet{quiet->arena, Quiet(quiet->arena)});
  } else {
    return false;
  }
  return true;
}

bool StorePort::Quiet(base::ArenaId arena) {
  const auto written = written_.find(arena);
  if (written != written_.end() && !written->second.unfinished.empty()) {
    return false;
  }
  if (openings_.contains(arena)) return false;
  const auto mapped = maps_.find(arena);
  if (mapped != maps_.end() && mapped->second.use_count() > 1) return false;
  if (mapped != maps_.end()) maps_.erase(mapped);
  if (written != written_.end()) written_.erase(written);
  return true;
}

void StorePort::Close() {
  closed_ = true;
  while (!requests_.empty()) Answer(requests_.begin()->first, std::nullopt);
  while (!openings_.empty()) Opened(openings_.begin()->first, nullptr, Gone());
}

bool StorePort::Maps(const ArenaMemory* memory) const {
  const auto is = [memory](const auto& item) {
    if constexpr (requires { item.second.memory; }) {
      return item.second.memory.get() == memory;
    } else {
      return item.second->memory.get() == memory;
    }
  };
  return std::any_of(written_.begin(), written_.end(), is) ||
         std::any_of(maps_.begin(), maps_.end(), is);
}

}  // namespace mobula::sim

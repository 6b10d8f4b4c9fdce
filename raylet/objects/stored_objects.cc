#include "raylet/objects/stored_objects.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/shm/extent_size.h"

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::Extent;
using base::kExtentHeaderBytes;
using base::kPageBytes;
using base::ObjectId;
using base::ProcessId;

std::uint64_t BeginOf(const Extent& extent) {
  return extent.offset - kExtentHeaderBytes;
}
std::uint64_t EndOf(const Extent& extent) {
  return extent.offset + extent.byte_count;
}

}  // namespace

StoredObjects::Added StoredObjects::Add(const base::ObjectName& name,
                                        const Extent& extent) {
  MOBULA_CHECK(!extent.arena.IsNil());
  const auto known = objects_.find(name.object);
  const bool is_other =
      known != objects_.end() && known->second.owner != name.owner;
  if (is_other || extent.offset < kExtentHeaderBytes || Overlaps(extent)) {
    return Added::kRefused;
  }
  if (TakeRemembered(name, extent)) return Added::kFreed;
  const auto [it, is_new] = objects_.try_emplace(name.object);
  Object& object = it->second;
  if (is_new) object.arrival = ++arrivals_;
  object.owner = name.owner;
  object.extents.push_back(extent);
  owned_[name.owner].insert(name.object);
  places_[extent.arena][extent.offset] = {extent, name.object};
  bytes_ += extent.byte_count;
  if (watched_) changed_.push_back(name.object);
  return Added::kLive;
}

bool StoredObjects::Overlaps(const Extent& extent) const {
  const auto arena = places_.find(extent.arena);
  if (arena == places_.end()) return false;
  const auto next = arena->second.lower_bound(extent.offset);
  if (next != arena->second.end() &&
      BeginOf(next->second.extent) < EndOf(extent)) {
    return true;
  }
  if (next == arena->second.begin()) return false;
  return EndOf(std::prev(next)->second.extent) > BeginOf(extent);
}

bool StoredObjects::TakeRemembered(const base::ObjectName& name,
                                   const Extent& extent) {
  const auto arena = remembered_.find(extent.arena);
  if (arena == remembered_.end()) return false;
  const auto found = arena->second.find(extent.offset);
  if (found == arena->second.end()) return false;
  const Remembered free = found->second;
  // One of an earlier generation never comes any more.
  arena->second.erase(found);
  if (arena->second.empty()) remembered_.erase(arena);
  return free.generation == extent.generation && free.owner == name.owner &&
         free.object == name.object;
}

const StoredObjects::Place* StoredObjects::FindPlace(
    const Extent& extent) const {
  const auto arena = places_.find(extent.arena);
  if (arena == places_.end()) return nullptr;
  const auto found = arena->second.find(extent.offset);
  if (found == arena->second.end()) return nullptr;
  return found->second.extent == extent ? &found->second : nullptr;
}

void StoredObjects::Free(ProcessId owner, ObjectId object, const Extent& extent,
                         bool may_come, std::vector<Extent>& freed) {
  if (extent.arena.IsNil()) {
    const auto found = objects_.find(object);
    if (found == objects_.end() || found->second.owner != owner) return;
    FreeAll(object, freed);
    return;
  }
  const Place* place = FindPlace(extent);
  if (place == nullptr) {
    if (!may_come) return;
    remembered_[extent.arena][extent.offset] = {owner, object,
                                                extent.generation};
    return;
  }
  if (place->object != object || objects_.at(object).owner != owner) return;
  Erase(object, extent);
  freed.push_back(extent);
}

void StoredObjects::FreeAll(ObjectId object, std::vector<Extent>& freed) {
  const auto found = objects_.find(object);
  if (found == objects_.end()) return;
  const std::vector<Extent> extents = found->second.extents;
  for (const Extent& extent : extents) {
    Erase(object, extent);
    freed.push_back(extent);
  }
}

base::ObjectName StoredObjects::NameAt(const Extent& extent) const {
  const Place* place = FindPlace(extent);
  if (place == nullptr) return {};
  return {place->object, objects_.at(place->object).owner};
}

void StoredObjects::Lose(const Extent& extent) {
  const Place* place = FindPlace(extent);
  if (place != nullptr) Erase(place->object, extent);
}

void StoredObjects::Moved(ArenaId arena) {
  const auto found = places_.find(arena);
  if (!watched_ || found == places_.end()) return;
  for (const auto& [offset, place] : found->second) {
    changed_.push_back(place.object);
  }
}

void StoredObjects::NoteNews(const Extent& extent) {
  const Place* place = watched_ ? FindPlace(extent) : nullptr;
  if (place != nullptr) changed_.push_back(place->object);
}

void StoredObjects::Watch(bool watched) {
  watched_ = watched;
  changed_.clear();
}

// By value: what is erased may be where the argument lies.
void StoredObjects::Erase(ObjectId id, const Extent& given) {
  const Extent extent = given;
  const auto arena = places_.find(extent.arena);
  MOBULA_CHECK(arena != places_.end());
  MOBULA_CHECK(arena->second.erase(extent.offset) == 1);
  if (arena->second.empty()) places_.erase(arena);
  const auto found = objects_.find(id);
  MOBULA_CHECK(found != objects_.end());
  bytes_ -= extent.byte_count;
  if (watched_) changed_.push_back(id);
  std::erase(found->second.extents, extent);
  if (!found->second.extents.empty()) return;
  const auto owned = owned_.find(found->second.owner);
  owned->second.erase(id);
  if (owned->second.empty()) owned_.erase(owned);
  objects_.erase(found);
}

void StoredObjects::ForgetRemembered(ArenaId arena) {
  remembered_.erase(arena);
}

std::vector<ObjectId> StoredObjects::OwnedBy(ProcessId owner) const {
  const auto found = owned_.find(owner);
  if (found == owned_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

ProcessId StoredObjects::OwnerOf(ObjectId object) const {
  const auto found = objects_.find(object);
  return found == objects_.end() ? ProcessId() : found->second.owner;
}

std::vector<Extent> StoredObjects::ExtentsOf(ObjectId object) const {
  const auto found = objects_.find(object);
  if (found == objects_.end()) return {};
  return found->second.extents;
}

std::vector<ObjectId> StoredObjects::IdsAfter(ObjectId after,
                                              std::size_t count_max) const {
  std::vector<ObjectId> ids;
  for (auto at = objects_.upper_bound(after);
       at != objects_.end() && ids.size() < count_max; ++at) {
    ids.push_back(at->first);
  }
  return ids;
}

std::vector<Extent> StoredObjects::In(ArenaId arena) const {
  std::vector<Extent> extents;
  const auto found = places_.find(arena);
  if (found == places_.end()) return extents;
  for (const auto& [offset, place] : found->second) {
    extents.push_back(place.extent);
  }
  return extents;
}

std::size_t StoredObjects::CountIn(ArenaId arena) const {
  const auto found = places_.find(arena);
  return found == places_.end() ? 0 : found->second.size();
}

std::uint64_t StoredObjects::PageBytesIn(ArenaId arena) const {
  std::uint64_t pages = 0;
  std::uint64_t counted = 0;  // all pages before this one
  const auto found = places_.find(arena);
  if (found == places_.end()) return 0;
  for (const auto& [offset, place] : found->second) {
    const std::uint64_t first =
        std::max(BeginOf(place.extent) / kPageBytes, counted);
    const std::uint64_t end =
        (EndOf(place.extent) + kPageBytes - 1) / kPageBytes;
    if (end <= first) continue;
    pages += end - first;
    counted = end;
  }
  return pages * kPageBytes;
}

std::vector<StoredObject> StoredObjects::List(std::size_t count_max) const {
  std::vector<StoredObject> list;
  for (const auto& [id, object] : objects_) {
    for (const Extent& extent : object.extents) {
      if (list.size() == count_max) return list;
      list.push_back({{id, object.owner}, extent});
    }
  }
  return list;
}

bool StoredObjects::CameAfter(ObjectId object, std::uint64_t arrivals) const {
  const auto found = objects_.find(object);
  return found != objects_.end() && found->second.arrival > arrivals;
}

std::vector<ObjectId> StoredObjects::Largest(std::size_t count_max) const {
  std::vector<std::pair<std::uint64_t, ObjectId>> chosen;
  // Those with the most bytes, and of equal ones the lowest ids, come first.
  const auto comes_first = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  for (const auto& [id, object] : objects_) {
    std::uint64_t bytes = 0;
    for (const Extent& extent : object.extents) bytes += extent.byte_count;
    chosen.emplace_back(bytes, id);
    std::push_heap(chosen.begin(), chosen.end(), comes_first);
    if (chosen.size() <= count_max) continue;
    std::pop_heap(chosen.begin(), chosen.end(), comes_first);
    chosen.pop_back();
  }
  std::sort_heap(chosen.begin(), chosen.end(), comes_first);
  std::vector<ObjectId> ids;
  for (const auto& [bytes, id] : chosen) ids.push_back(id);
  return ids;
}

std::size_t StoredObjects::remembered() const {
  std::size_t count = 0;
  for (const auto& [arena, frees] : remembered_) count += frees.size();
  return count;
}

void StoredObjects::CheckInvariants() const {
  std::uint64_t bytes = 0;
  std::size_t placed = 0;
  for (const auto& [arena, places] : places_) {
    std::uint64_t end = 0;
    for (const auto& [offset, place] : places) {
      MOBULA_CHECK(BeginOf(place.extent) >= end);
      end = EndOf(place.extent);
      bytes += place.extent.byte_count;
      ++placed;
    }
  }
  MOBULA_CHECK(bytes == bytes_);
  for (const auto& [id, object] : objects_) {
    MOBULA_CHECK(!object.extents.empty());
    MOBULA_CHECK(owned_.at(object.owner).contains(id));
    for (const Extent& extent : object.extents) {
      const Place* place = FindPlace(extent);
      MOBULA_CHECK(place != nullptr && place->object == id);
      --placed;
    }
  }
  MOBULA_CHECK(placed == 0);
}

}  // namespace mobula::raylet

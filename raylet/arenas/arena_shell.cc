#include "raylet/arenas/arena_shell.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "base/boot_time.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/shm/arena_file.h"
#include "base/shm/arena_map.h"
#include "base/shm/extent_header.h"
#include "base/shm/extent_size.h"
#include "raylet/arenas/folder_turns.h"
#include "raylet/arenas/spill_file.h"
#include "raylet/arenas/spill_folders.h"

namespace mobula::raylet {
namespace {

using base::Extent;
using base::FailureCode;

base::Failure Full(std::string why) {
  return base::NotRun(FailureCode::kObjectStoreFull, std::move(why));
}

template <class... Told>
std::vector<Event> Tell(Told&&... told) {
  std::vector<Event> events;
  (events.emplace_back(std::forward<Told>(told)), ...);
  return events;
}

// Brings an extent back to where it was; kFailed also where there is no memory.
SpillFile::Was ReadInto(base::ArenaFile& memory, const SpillFile& file,
                        const Extent& extent, bool* is_full,
                        std::string* error) {
  const std::uint64_t begin = extent.offset - base::kExtentHeaderBytes;
  return file.Read(
      extent,
      [&memory, begin, is_full, error](std::uint64_t at,
                                       std::string_view slice) {
        *is_full = !memory.Write(begin + at, slice, error);
        return !*is_full;
      },
      error);
}

// Nobody finds it there any more.
bool Wipe(base::ArenaFile& memory, const Extent& extent, std::string* error) {
  const std::string nothing(base::kExtentHeaderBytes, '\0');
  return memory.Write(extent.offset - nothing.size(), nothing, error);
}

}  // namespace

// Its memory: of a thread while there is work for the arena, else of the
// strand.
struct ArenaShell::Arena {
  std::uint64_t byte_count = 0;
  std::optional<base::ArenaFile> memory;
  std::optional<SpillFile> file;
  std::uint64_t counted_bytes = 0;  // of the file
};

// Folders for files, used in turn.
class ArenaShell::Disk {
 public:
  explicit Disk(std::vector<std::string> folders) : turns_(folders.size()) {
    for (std::string& folder : folders) folders_.push_back({std::move(folder)});
  }

  // Writes the arena's extents to a file; false, and why.
  bool Write(Arena& arena, const std::vector<Extent>& extents,
             std::string* error) {
    const auto view = MapToRead(*arena.memory, error);
    if (view == nullptr) return false;
    *error = "there is no folder for spilled values";
    const base::BootTime now = base::BootNow();
    for (const std::size_t i : turns_.Order(now)) {
      Folder& folder = folders_[i];
      if (!std::exchange(folder.is_swept, true)) SweepSpillFolder(folder.path);
      if (WriteInto(folder.path, view->view(), arena, extents, error)) {
        turns_.Worked(i);
        return true;
      }
      if (turns_.Failed(i, *error, now)) {
        MOBULA_LOG(ERROR) << *error << "; it is left alone for 30 s at a time";
      }
    }
    return false;
  }

  // The arena's file is new, or smaller, or gone.
  void Count(Arena& arena) {
    file_bytes_ -= arena.counted_bytes;
    arena.counted_bytes = arena.file ? arena.file->DiskBytes() : 0;
    file_bytes_ += arena.counted_bytes;
  }

  [[nodiscard]] SpillDisks Said() const {
    SpillDisks disks;
    disks.file_bytes = file_bytes_;
    disks.wrong = turns_.Wrong();
    for (const Folder& folder : folders_) {
      disks.room_bytes =
          std::max(disks.room_bytes, RoomInSpillFolder(folder.path));
    }
    return disks;
  }

 private:
  struct Folder {
    std::string path;
    bool is_swept = false;
  };

  static std::unique_ptr<base::ArenaMap> MapToRead(base::ArenaFile& memory,
                                                   std::string* error) {
    const base::UniqueFd fd = memory.ReadOnly(error);
    if (!fd.valid()) return nullptr;
    return base::ArenaMap::Open(fd, memory.byte_count(),
                                base::ArenaMap::Access::kRead, error);
  }
  static bool WriteInto(const std::string& folder, std::string_view view,
                        Arena& arena, const std::vector<Extent>& extents,
                        std::string* error) {
    std::optional<SpillFile> file = SpillFile::Make(folder, error);
    if (!file) return false;
    for (const Extent& extent : extents) {
      const auto place = base::PlaceOf(extent, view.size());
      if (!place) continue;  // registered by nonsense: nobody can read it
      const std::size_t size = extent.offset - place->begin + extent.byte_count;
      if (!file->Add(extent, view.substr(place->begin, size), error)) {
        return false;
      }
    }
    arena.file = std::move(file);
    return true;
  }

  std::vector<Folder> folders_;
  FolderTurns turns_;
  std::uint64_t file_bytes_ = 0;
};

ArenaShell::ArenaShell(base::Strand& strand, std::vector<std::string> folders,
                       TellFn tell)
    : strand_(strand),
      tell_(std::move(tell)),
      disk_(std::make_shared<Disk>(std::move(folders))),
      alive_(std::make_shared<const bool>(true)),
      disk_thread_("spill"),
      thread_("arenas") {
  disk_thread_.StartThread();
  thread_.StartThread();
}

ArenaShell::~ArenaShell() {
  alive_.reset();
  thread_.Stop();
  thread_.Join();
  disk_thread_.Stop();
  disk_thread_.Join();
}

bool ArenaShell::Do(const Effect& effect) {
  strand_.AssertHeld();
  if (const auto* make = std::get_if<MakeArena>(&effect)) {
    Make(*make);
  } else if (const auto* spill = std::get_if<SpillArena>(&effect)) {
    Spill(*spill);
  } else if (const auto* restore = std::get_if<RestoreArena>(&effect)) {
    Restore(*restore);
  } else if (const auto* free = std::get_if<FreeOnDisk>(&effect)) {
    Free(*free);
  } else if (std::holds_alternative<LookAtDisks>(effect)) {
    WorkOnDisk([disk = disk_] { return Tell(disk->Said()); });
  } else if (const auto* drop = std::get_if<DropArena>(&effect)) {
    Drop(drop->arena);
  } else if (const auto* rename = std::get_if<RenameArena>(&effect)) {
    Rename(*rename);
  } else if (const auto* write = std::get_if<WriteArena>(&effect)) {
    Write(write->arena, write->offset, write->bytes.view());
  } else if (const auto* finish = std::get_if<FinishExtent>(&effect)) {
    const Extent& extent = finish->extent;
    Write(extent.arena, extent.offset - base::kExtentHeaderBytes,
          base::HeaderOf(extent));
  } else {
    return false;
  }
  return true;
}

void ArenaShell::Work(WorkFn work) {
  thread_.Post([this, alive = std::weak_ptr<const bool>(alive_),
                work = std::move(work)] { TellAll(alive, work()); });
}

void ArenaShell::WorkOnDisk(WorkFn work) {
  thread_.Post([this, alive = std::weak_ptr<const bool>(alive_),
                work = std::move(work)] {
    disk_thread_.Post([this, alive, work] { TellAll(alive, work()); });
  });
}

// The shell joins the threads before it goes: it is still there.
void ArenaShell::TellAll(const std::weak_ptr<const bool>& alive,
                         std::vector<Event> events) {
  if (events.empty()) return;
  auto told = std::make_shared<std::vector<Event>>(std::move(events));
  strand_.Post([this, alive, told] {
    for (Event& event : *told) {
      if (alive.expired()) return;
      strand_.AssertHeld();
      tell_(std::move(event));
    }
  });
}

void ArenaShell::Make(const MakeArena& make) {
  const auto arena = std::make_shared<Arena>();
  arena->byte_count = make.byte_count;
  arenas_[make.arena] = arena;
  Work([arena, id = make.arena] {
    std::string error;
    auto memory = base::ArenaFile::Make(arena->byte_count, &error);
    if (!memory || !memory->Prefault(&error)) {
      MOBULA_LOG(WARNING) << error;
      return Tell(ArenaFailed{id, Full(error)});
    }
    arena->memory = std::move(memory);
    return Tell(ArenaMade{id});
  });
}

void ArenaShell::Spill(const SpillArena& spill) {
  const ArenaPtr arena = arenas_.at(spill.arena);
  WorkOnDisk([arena, disk = disk_, spill] {
    std::string error;
    if (!arena->file.has_value() &&
        !disk->Write(*arena, spill.extents, &error)) {
      return Tell(disk->Said(), SpillFailed{spill.arena, Full(error)});
    }
    disk->Count(*arena);
    arena->memory.reset();
    return Tell(disk->Said(), Spilled{spill.arena});
  });
}

void ArenaShell::Restore(const RestoreArena& restore) {
  const ArenaPtr arena = arenas_.at(restore.arena);
  WorkOnDisk([arena, restore] {
    std::string error;
    Restored restored{restore.arena, {}};
    auto memory = base::ArenaFile::Make(arena->byte_count, &error);
    // What is on disk stays: who asks again may find room.
    FailureCode code = FailureCode::kObjectStoreFull;
    bool is_whole = memory.has_value();
    bool is_full = false;
    for (const Extent& extent : restore.extents) {
      if (!is_whole) break;
      switch (ReadInto(*memory, *arena->file, extent, &is_full, &error)) {
        case SpillFile::Was::kRead:
          break;
        case SpillFile::Was::kWrong:
          MOBULA_LOG(ERROR) << "spilled bytes have changed on disk: a value of "
                            << extent.byte_count << " bytes is lost";
          restored.lost.push_back(extent);
          is_whole = Wipe(*memory, extent, &error);
          break;
        case SpillFile::Was::kFailed:
          if (!is_full) code = FailureCode::kObjectLost;
          is_whole = false;
          break;
      }
    }
    if (!is_whole) {
      MOBULA_LOG(ERROR) << error;
      memory.reset();
      return Tell(RestoreFailed{restore.arena, base::NotRun(code, error)});
    }
    arena->memory = std::move(memory);
    return Tell(std::move(restored));
  });
}

void ArenaShell::Free(const FreeOnDisk& free) {
  const auto found = arenas_.find(free.arena);
  if (found == arenas_.end()) return;
  WorkOnDisk([arena = found->second, disk = disk_, extents = free.extents] {
    if (!arena->file) return std::vector<Event>();
    for (const Extent& extent : extents) arena->file->Free(extent);
    disk->Count(*arena);
    return Tell(disk->Said());
  });
}

void ArenaShell::Drop(base::ArenaId id) {
  const auto found = arenas_.find(id);
  if (found == arenas_.end()) return;
  const ArenaPtr arena = std::move(found->second);
  arenas_.erase(found);
  // To the thread: 13 ms for each 64 MiB.
  Work([arena] {
    arena->memory.reset();
    return std::vector<Event>();
  });
  WorkOnDisk([arena, disk = disk_] {
    if (!arena->file) return std::vector<Event>();
    arena->file.reset();
    disk->Count(*arena);
    return Tell(disk->Said());
  });
}

void ArenaShell::Rename(const RenameArena& rename) {
  auto node = arenas_.extract(rename.arena);
  MOBULA_CHECK(!node.empty());
  node.key() = rename.as;
  arenas_.insert(std::move(node));
}

base::UniqueFd ArenaShell::Open(base::ArenaId id, bool is_writable,
                                std::string* error) {
  strand_.AssertHeld();
  Arena& arena = *arenas_.at(id);
  MOBULA_CHECK(arena.memory.has_value());
  return is_writable ? arena.memory->Writable(error)
                     : arena.memory->ReadOnly(error);
}

// All of its memory is there since it was made: that can not fail, and what is
// only half a value must not be given for one.
void ArenaShell::Write(base::ArenaId id, std::uint64_t offset,
                       std::string_view bytes) {
  std::string error;
  const bool written = arenas_.at(id)->memory->Write(offset, bytes, &error);
  MOBULA_CHECK(written) << error;
}

std::optional<base::Bytes> ArenaShell::ReadPart(
    const SendExtentPart& part) const {
  strand_.AssertHeld();
  const Extent& extent = part.extent;
  const base::ArenaFile& memory = *arenas_.at(extent.arena)->memory;
  if (!base::PlaceOf(extent, memory.byte_count())) return std::nullopt;
  MOBULA_CHECK(part.offset <= extent.byte_count &&
               part.byte_count <= extent.byte_count - part.offset);
  std::string error;
  const auto is_there = [&] {
    const auto header = memory.Read(extent.offset - base::kExtentHeaderBytes,
                                    base::kExtentHeaderBytes, &error);
    return header && base::IsHeaderOf(*header, extent);
  };
  std::optional<std::string> bytes;
  if (is_there()) {
    bytes = memory.Read(extent.offset + part.offset, part.byte_count, &error);
  }
  if (!error.empty()) MOBULA_LOG(ERROR) << error;
  if (!bytes || !is_there()) return std::nullopt;
  return base::Bytes::Own(*std::move(bytes));
}

std::size_t ArenaShell::size() const {
  strand_.AssertHeld();
  return arenas_.size();
}

}  // namespace mobula::raylet

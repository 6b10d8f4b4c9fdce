// ArenaShell carries out what the core wants of the store's memory: makes
// arenas, hands out their descriptors, writes them to disk and reads them back.
//
//   Do(MakeArena) -> ArenaMade | ArenaFailed, in its own time; and so on
//   Do(SpillArena) -> SpillDisks, Spilled | SpillFailed
//   Do(FreeOnDisk | DropArena) -> SpillDisks, if it had a file
//   Open(arena, is_writable, &error) -> a descriptor, now
//   Do(WriteArena | FinishExtent), ReadPart(SendExtentPart) -> at once
// Memory is made and given back on a thread of its own, in the order asked, so
// that what is dropped is gone before more is taken. Files are read and written
// on another one, also in order, by which nobody waits who wants new memory.
// Reading takes a mebibyte beside the arena's memory.
// Owner: Server.   Threading: the strand's thread; `tell` is called there,
// never from within a call.
// Invariants: (1) each piece of work is told once; (2) an arena's memory is
// used by one thread at a time: between work and its telling nothing asks for
// it; its file is the disks' thread's; (3) a folder that fails is left alone
// while others do (FolderTurns). Failure: told; every reason names the folder.
// With the shell what is in memory and on disk is gone.
#ifndef MOBULA_RAYLET_ARENAS_ARENA_SHELL_H_
#define MOBULA_RAYLET_ARENAS_ARENA_SHELL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "raylet/core/events.h"

namespace mobula::raylet {

class ArenaShell {
 public:
  using TellFn = std::function<void(Event event)>;

  ArenaShell(base::Strand& strand, std::vector<std::string> folders,
             TellFn tell);
  ~ArenaShell();
  ArenaShell(const ArenaShell&) = delete;
  ArenaShell& operator=(const ArenaShell&) = delete;

  // False where the effect has nothing to do with the store's memory.
  bool Do(const Effect& effect);
  // Nothing, and why, where the system has no descriptors.
  [[nodiscard]] base::UniqueFd Open(base::ArenaId arena, bool is_writable,
                                    std::string* error);
  // Nothing where the extent is not there (any more): a writer may have used
  // its place anew, also while it was read.
  [[nodiscard]] std::optional<base::Bytes> ReadPart(
      const SendExtentPart& part) const;
  [[nodiscard]] std::size_t size() const;

 private:
  class Disk;
  struct Arena;
  using ArenaPtr = std::shared_ptr<Arena>;

  void Make(const MakeArena& make) MOBULA_REQUIRES(strand_);
  void Spill(const SpillArena& spill) MOBULA_REQUIRES(strand_);
  void Restore(const RestoreArena& restore) MOBULA_REQUIRES(strand_);
  void Free(const FreeOnDisk& free) MOBULA_REQUIRES(strand_);
  void Drop(base::ArenaId arena) MOBULA_REQUIRES(strand_);
  void Rename(const RenameArena& rename) MOBULA_REQUIRES(strand_);
  void Write(base::ArenaId arena, std::uint64_t offset, std::string_view bytes)
      MOBULA_REQUIRES(strand_);
  // Gives what is to be told, in order.
  using WorkFn = std::function<std::vector<Event>()>;
  void Work(WorkFn work);
  // On the disks' thread, after all that was given to Work before.
  void WorkOnDisk(WorkFn work);
  void TellAll(const std::weak_ptr<const bool>& alive,
               std::vector<Event> events);

  base::Strand& strand_;
  const TellFn tell_;
  std::map<base::ArenaId, ArenaPtr> arenas_ MOBULA_GUARDED_BY(strand_);
  const std::shared_ptr<Disk> disk_;  // of its thread
  // What the threads post holds it weakly.
  std::shared_ptr<const bool> alive_;
  base::Strand disk_thread_;
  base::Strand thread_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_ARENAS_ARENA_SHELL_H_

// ReadArenas maps the arenas of the node's store that this process reads.
//
//   arena: unknown --Map--> asked --Opened--> mapped --Quiet, unused--> unknown
//                                 '--Lost--> unknown
// The bytes that Map returns keep the mapping while they are held, beyond this
// too. They keep no object: who lets go of its object while it reads may see
// the place used anew.
// Owner: StoreMemory.
// Threading: Map, which waits, from any thread but the strand; the rest on the
// strand. `tell` is called without a lock, by any.
// Invariants: (1) an arena is mapped at most once; (2) one OpenArena is under
// way for it at a time; (3) Quiet says true only after it is unmapped; (4)
// nobody waits after Close.
// Failure: kObjectLost where the arena or the extent is no more, kTimeout, and
// what the raylet says: kObjectStoreFull where there is no room to bring it
// back.
#ifndef MOBULA_RUNTIME_MEMORY_READ_ARENAS_H_
#define MOBULA_RUNTIME_MEMORY_READ_ARENAS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/shm/arena_map.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "base/value.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class ReadArenas {
 public:
  using TellFn = std::function<void(base::Message)>;

  explicit ReadArenas(TellFn tell);
  ~ReadArenas();
  ReadArenas(const ReadArenas&) = delete;
  ReadArenas& operator=(const ReadArenas&) = delete;

  std::variant<base::Bytes, base::Failure> Map(
      const base::Extent& extent, base::BootTime deadline,
      const LentWait::BlockedFn& blocked) MOBULA_EXCLUDES(mutex_);

  // Somebody will Map it: asks for it, unless that has been done. It is not
  // quiet before there is an answer, nor, if that is a mapping, while what is
  // returned is held.
  std::shared_ptr<const void> Ask(base::ArenaId arena) MOBULA_EXCLUDES(mutex_);
  void Opened(const base::ArenaOpened& opened, const base::UniqueFd& fd)
      MOBULA_EXCLUDES(mutex_);
  void Lost(const base::ArenaLost& lost) MOBULA_EXCLUDES(mutex_);
  // Unmaps it; false where somebody has bytes of it or waits for it.
  bool Quiet(base::ArenaId arena) MOBULA_EXCLUDES(mutex_);

  // Every Map that has nothing yet, now or later, gets this failure.
  void Close(base::Failure failure) MOBULA_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t size() MOBULA_EXCLUDES(mutex_);  // mapped arenas

 private:
  using SharedMap = std::shared_ptr<const base::ArenaMap>;
  // An OpenArena without an answer; who waits has it too.
  struct Opening {
    SharedMap map;
    std::optional<base::Failure> failure;
  };
  using Found = std::variant<SharedMap, base::Failure>;

  Found Find(base::ArenaId arena, base::BootTime deadline,
             const LentWait::BlockedFn& blocked) MOBULA_EXCLUDES(mutex_);
  Found WaitFor(const Opening& opening, LentWait& wait) MOBULA_EXCLUDES(mutex_);

  const TellFn tell_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<base::ArenaId, SharedMap> maps_ MOBULA_GUARDED_BY(mutex_);
  std::map<base::ArenaId, std::shared_ptr<Opening>> openings_
      MOBULA_GUARDED_BY(mutex_);
  std::optional<base::Failure> closed_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_READ_ARENAS_H_

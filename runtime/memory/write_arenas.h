// WriteArenas holds the arenas that the raylet leased to this process, and
// gives room in them for values.
//
//   arena:   asked --Leased--> held --Free: empty | Quiet--> given back
//   extent:  --Allocate--> unfinished --Finished--> stored --Free--> gap
//                                    '--Discard--> gap
// Of a long one that is sealed, whoever kept a pointer can write no whole page.
// Full arenas are no reason to wait while another may be leased: one request
// is under way for all who wait for little, one each for those who wait for
// much, and who asked has the room that it brings. Of arenas that are empty one
// is kept. Owner: StoreMemory. Threading: Allocate, which waits, and Discard
// from any thread but the strand; the rest on the strand. `tell` is called
// without a lock, by any. Invariants: (1) memory is unmapped before the raylet
// is told so; (2) an arena with an unfinished extent is never given back, not
// even by Close; (3) nobody waits after Close. Failure: a stale extent is not
// freed again. What the raylet refuses is the answer to who asked.
#ifndef MOBULA_RUNTIME_MEMORY_WRITE_ARENAS_H_
#define MOBULA_RUNTIME_MEMORY_WRITE_ARENAS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/shm/arena_map.h"
#include "base/shm/extent_heap.h"
#include "base/shm/room.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "base/value.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class WriteArenas {
 public:
  using Room = base::Room;
  using TellFn = std::function<void(base::Message)>;

  // Sealing a shorter value costs more than it is worth.
  static constexpr std::uint64_t kSealedBytesMin = 1 << 20;
  // An empty arena that is longer is not kept.
  static constexpr std::uint64_t kWarmBytesMax = 256ull << 20;

  // `tell` says something to the raylet, in the order of its calls.
  WriteArenas(base::IdSource ids, TellFn tell);
  ~WriteArenas();
  WriteArenas(const WriteArenas&) = delete;
  WriteArenas& operator=(const WriteArenas&) = delete;

  std::variant<Room, base::Failure> Allocate(std::uint64_t byte_count,
                                             base::BootTime deadline,
                                             const LentWait::BlockedFn& blocked)
      MOBULA_EXCLUDES(mutex_);
  // An unfinished extent that is kSealedBytesMin long: nobody writes there from
  // now on, until it is free.
  void Seal(const base::Extent& extent) MOBULA_EXCLUDES(mutex_);
  // Nobody will fill it; no effect once it is finished.
  void Discard(const base::Extent& extent) MOBULA_EXCLUDES(mutex_);
  // The raylet has been told what lies there.
  void Finished(const base::Extent& extent) MOBULA_EXCLUDES(mutex_);

  void Leased(const base::ArenaLeased& leased, const base::UniqueFd& fd)
      MOBULA_EXCLUDES(mutex_);
  void Refused(const base::ArenaRefused& refused) MOBULA_EXCLUDES(mutex_);
  void Free(std::span<const base::Extent> extents) MOBULA_EXCLUDES(mutex_);

  // Whether something unfinished lies there.
  [[nodiscard]] bool IsBusy(base::ArenaId arena) MOBULA_EXCLUDES(mutex_);
  // Unmaps it and gives its lease up; false where it is busy.
  bool Quiet(base::ArenaId arena) MOBULA_EXCLUDES(mutex_);

  // Every Allocate, now or later, gets this failure.
  void Close(base::Failure failure) MOBULA_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t size() MOBULA_EXCLUDES(mutex_);  // arenas

 private:
  struct Arena {
    Arena(base::ArenaId id, std::unique_ptr<base::ArenaMap> map);
    bool Free(const base::Extent& extent);

    std::unique_ptr<base::ArenaMap> map;
    base::ExtentHeap heap;
    // Where they are, and their generation.
    std::set<std::pair<std::uint64_t, std::uint32_t>> unfinished;
    std::set<std::uint64_t> sealed;  // where they are
  };
  using Arenas = std::map<base::ArenaId, std::unique_ptr<Arena>>;
  // A LeaseArena without an answer, of all who wait for it.
  struct Request {
    base::RequestId id;
    std::uint64_t byte_count = 0;
    int waiters = 0;
    bool maker_waits = true;
    bool is_answered = false;
    std::optional<Room> room;  // the maker's
    std::optional<base::Failure> refusal;
  };
  using Answer = std::variant<Room, base::Failure>;

  // Nothing where there is no room now.
  std::optional<Room> Find(std::uint64_t byte_count) MOBULA_REQUIRES(mutex_);
  std::optional<Room> FindIn(Arena& arena, std::uint64_t byte_count)
      MOBULA_REQUIRES(mutex_);
  // One that is under way, or a new one; *is_maker says which.
  std::shared_ptr<Request> Join(std::uint64_t byte_count, bool* is_maker)
      MOBULA_REQUIRES(mutex_);
  // Nothing where it is worth to look again.
  std::optional<Answer> WaitFor(Request& request, bool is_maker,
                                std::uint64_t byte_count, LentWait& wait)
      MOBULA_EXCLUDES(mutex_);
  // The end of a request; who waits is woken.
  void Answered(Request& request) MOBULA_REQUIRES(mutex_);
  // Takes those out that need not be kept. On the strand, as Quiet: or the
  // raylet might hear of one that is gone before it hears that it goes.
  std::vector<Arenas::node_type> TakeEmpty() MOBULA_REQUIRES(mutex_);
  // Unmaps them, then tells.
  void GiveBack(std::vector<Arenas::node_type> arenas);

  const TellFn tell_;
  base::Mutex mutex_;
  base::CondVar changed_;
  base::IdSource ids_ MOBULA_GUARDED_BY(mutex_);
  Arenas arenas_ MOBULA_GUARDED_BY(mutex_);
  base::ArenaId last_ MOBULA_GUARDED_BY(mutex_);  // that gave room
  std::map<base::RequestId, std::shared_ptr<Request>> requests_
      MOBULA_GUARDED_BY(mutex_);
  std::optional<base::Failure> closed_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_WRITE_ARENAS_H_

// SimArenas is the memory of one node's store: what raylet/arenas does with
// memfds and files, in virtual time.
//
//   Do(effect, &later) -> what is to be told to the core, and in which time
//   HandOver(to, arena);  ...  memory = Take(to);   // the descriptor
// Descriptors arrive in the order in which they were sent, each beside its
// message (SimLink keeps the order of those).
// Owner: RayletProcess.   Threading: none.
// Invariants: what was spilled comes back with the same bytes in the same
// places, in new memory, but for those that a bad disk has lost.
#ifndef MOBULA_TESTS_SIM_SIM_ARENAS_H_
#define MOBULA_TESTS_SIM_SIM_ARENAS_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"
#include "base/value.h"
#include "raylet/core/events.h"
#include "tests/sim/plants.h"
#include "tests/sim/rng.h"
#include "tests/sim/swarm_options.h"

namespace mobula::sim {

// Of one arena, nought at first and aligned as a mapping is.
class ArenaMemory {
 public:
  explicit ArenaMemory(std::uint64_t byte_count);
  ~ArenaMemory() { std::free(block_); }
  ArenaMemory(const ArenaMemory&) = delete;
  ArenaMemory& operator=(const ArenaMemory&) = delete;

  [[nodiscard]] std::span<char> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view view() const {
    return {bytes_.data(), bytes_.size()};
  }

 private:
  void* const block_;
  std::span<char> bytes_;
};
using ArenaMemoryPtr = std::shared_ptr<ArenaMemory>;

class SimArenas {
 public:
  // Tells the core after that time; in the order of the calls.
  using TellFn = std::function<void(base::Duration, raylet::Event)>;

  SimArenas(const RefOptions& options, Rng rng, Plants& plants, TellFn tell);

  // False where the effect has nothing to do with the store's memory.
  bool Do(const raylet::Effect& effect);
  // No more failures.
  void Heal() { healed_ = true; }

  void HandOver(base::ProcessId to, base::ArenaId arena);
  ArenaMemoryPtr Take(base::ProcessId to);
  // What was on its way there is gone.
  void Forget(base::ProcessId process) { under_way_.erase(process); }

  // Null where it is not in memory.
  [[nodiscard]] const ArenaMemory* Find(base::ArenaId arena) const;
  // In memory or on disk.
  [[nodiscard]] std::size_t size() const { return arenas_.size(); }

 private:
  struct Arena {
    std::uint64_t byte_count = 0;
    ArenaMemoryPtr memory;
    // While it is on disk: where, and what lies there, headers too.
    std::vector<std::pair<std::uint64_t, std::string>> file;
  };

  void Spill(const raylet::SpillArena& spill);
  void Restore(const raylet::RestoreArena& restore);
  void Free(const raylet::FreeOnDisk& free);
  static void Erase(Arena& arena, const base::Extent& extent);
  static void Damage(Arena& arena, const base::Extent& extent);
  void Tell(raylet::Event event);

  const RefOptions& options_;
  Rng rng_;
  Plants& plants_;
  const TellFn tell_;
  bool healed_ = false;
  std::map<base::ArenaId, Arena> arenas_;
  std::map<base::ProcessId, std::deque<ArenaMemoryPtr>> under_way_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_SIM_ARENAS_H_

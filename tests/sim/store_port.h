// StorePort is one process's part in its node's store, as runtime/memory is,
// in virtual time: the arenas that it writes and those that it reads.
//
//   store.WithRoom(byte_count, [](std::optional<base::Room> room) {...});
//   store.Map(value, [](base::Outcome mapped) {...});   // or a failure
//   store.Finished(extent);    // the raylet has been told what lies there
// Bytes that are mapped are in use while they are held.
// Owner: RuntimeProcess.   Threading: none; what is asked for is answered now
// or later, never after Close.
// Invariants: those of runtime/memory.
#ifndef MOBULA_TESTS_SIM_STORE_PORT_H_
#define MOBULA_TESTS_SIM_STORE_PORT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/shm/extent_heap.h"
#include "base/shm/room.h"
#include "base/value.h"
#include "tests/sim/sim_arenas.h"

namespace mobula::sim {

class StorePort {
 public:
  struct World {
    std::function<void(base::Message)> tell;  // the raylet
    std::function<void(base::Duration, std::function<void()>)> after;
    std::function<ArenaMemoryPtr()> take;  // the descriptor beside a message
  };
  using RoomFn = std::function<void(std::optional<base::Room>)>;
  using MapFn = std::function<void(const base::Outcome&)>;

  StorePort(base::IdSource ids, World world)
      : ids_(ids), world_(std::move(world)) {}

  // Nothing after a while, where the store is full.
  void WithRoom(std::uint64_t byte_count, RoomFn then);
  // The text is all that has meaning of a value's bytes.
  static void Write(const base::Room& room, std::string_view text);
  void Finished(const base::Extent& extent);
  void Discard(const base::Extent& extent);
  // The value with its bytes.
  void Map(const base::Value& stored, MapFn then);

  // If the message is one of the store's.
  bool Take(const base::Message& message);
  // The raylet is gone.
  void Close();

  [[nodiscard]] bool Maps(const ArenaMemory* memory) const;

 private:
  struct Written {
    ArenaMemoryPtr memory;
    std::unique_ptr<base::ExtentHeap> heap;
    std::set<std::pair<std::uint64_t, std::uint32_t>> unfinished;
  };
  struct Mapping {
    ArenaMemoryPtr memory;
  };
  using MappingPtr = std::shared_ptr<const Mapping>;
  struct Request {
    std::uint64_t byte_count = 0;
    RoomFn then;
  };
  using Reader = std::function<void(const MappingPtr&, const base::Failure&)>;

  std::optional<base::Room> Find(std::uint64_t byte_count);
  void Leased(const base::ArenaLeased& leased);
  void Free(const base::FreeExtents& free);
  void Answer(base::RequestId request, std::optional<base::Room> room);
  void ReturnEmpty();
  void Opened(base::ArenaId arena, const MappingPtr& mapping,
              const base::Failure& failure);
  bool Quiet(base::ArenaId arena);

  base::IdSource ids_;
  const World world_;
  bool closed_ = false;
  std::map<base::ArenaId, Written> written_;
  std::map<base::RequestId, Request> requests_;
  std::map<base::ArenaId, MappingPtr> maps_;
  std::map<base::ArenaId, std::vector<Reader>> openings_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_STORE_PORT_H_

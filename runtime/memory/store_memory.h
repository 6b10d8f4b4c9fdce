// StoreMemory is this process's part in the node's store: the arenas that it
// writes, those that it reads, and what its raylet has to say of both.
//
//   serving --Close--> closed (final)
// Owner: Process.
// Threading: Allocate, Seal, Discard and Map from any thread, the first and
// last of which wait and so not on the strand; the rest on the strand.
// `tell` is called without a lock held, by any thread.
// A value of another node is read from a copy in this one's store, for which
// the raylet is asked (PulledPlaces). What cannot be read is lost, or late,
// under its own place all the same. Invariants: (1) a value's place is asked
// back by the raylet or not at all, once Finished; (2) nobody waits after
// Close; bytes that were mapped before stay. Failure: see WriteArenas and
// ReadArenas.
#ifndef MOBULA_RUNTIME_MEMORY_STORE_MEMORY_H_
#define MOBULA_RUNTIME_MEMORY_STORE_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <variant>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "base/value.h"
#include "runtime/memory/lent_wait.h"
#include "runtime/memory/pulled_places.h"
#include "runtime/memory/read_arenas.h"
#include "runtime/memory/write_arenas.h"

namespace mobula::runtime {

class StoreMemory {
 public:
  using Room = WriteArenas::Room;
  using BlockedFn = LentWait::BlockedFn;
  using TellFn = std::function<void(base::Message)>;

  // `tell` says something to the raylet, in the order of its calls.
  StoreMemory(base::IdSource ids, const TellFn& tell);

  // What the raylet has said (Registered): arenas with another upper half are
  // of other nodes. 0, as long as it says nothing: none are.
  void SetMaker(std::uint64_t maker) { maker_.store(maker); }

  // Room that is writable until it is Finished or discarded; waits while the
  // store is full. kObjectStoreFull, kTooLarge.
  std::variant<Room, base::Failure> Allocate(std::uint64_t byte_count,
                                             base::BootTime deadline,
                                             const BlockedFn& blocked = {});
  void Seal(const base::Extent& extent);
  void Discard(const base::Extent& extent);
  // The bytes, mapped while they are held. kObjectLost, kTimeout,
  // kObjectStoreFull.
  std::variant<base::Bytes, base::Failure> Map(const base::Value& stored,
                                               base::BootTime deadline,
                                               const BlockedFn& blocked = {});

  // If the message is one of the store's; `fd` came beside it.
  bool Take(const base::Message& message, const base::UniqueFd& fd);
  // ObjectStored has been sent for it.
  void Finished(const base::Extent& extent);

  void Close(const base::Failure& failure);

 private:
  using Mapped = std::variant<base::Bytes, base::Failure>;

  [[nodiscard]] bool IsAfar(const base::Extent& extent) const;
  Mapped MapCopy(const base::Value& stored, base::BootTime deadline,
                 const BlockedFn& blocked);
  bool Quiet(base::ArenaId arena);

  const TellFn tell_;
  WriteArenas writes_;
  ReadArenas reads_;
  PulledPlaces pulled_;
  std::atomic<std::uint64_t> maker_ = 0;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_STORE_MEMORY_H_

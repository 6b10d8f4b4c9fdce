// ArenaTable accounts for the memory of the node's store: which arenas there
// are, who writes and who reads them, who waits for one, and which of them go
// to disk.
//
//   Lease -> waits -> Making --Made--> Ready (leased, ArenaLeased)
//   Ready --Return--> reserve, for the same job | dropped
//   Ready --round: all quiet--> Spilling --> Spilled --Open--> Restoring
//         --> Ready;   nothing lives in it and nobody maps it --> dropped
// A round asks everybody who maps an arena (QuietArena) and ends with the last
// answer or death; if one says busy, or opens it meanwhile, the arena stays,
// and is left alone for a while. What was used least recently is asked first.
// Of a process that does not answer in time (it is stopped) nothing is expected
// until it does, and others are asked instead. What has a file leaves memory
// without a disk; while the disk is nearly full so much is kept from writers
// that the largest of these can come back.
// A copy of what lies on another node has an arena of its own, whose writer is
// the raylet (kCopies); what is for that comes out like a message to it. It is
// never written to disk: who needs room has it dropped, before anything else.
// Owner: ObjectStore, which calls Pump after each event.   Threading: none.
// Invariants: (1) what is charged is at most bytes_max; (2) a request is
// answered once, unless it is cancelled or its process is gone; (3) nothing is
// spilled or dropped while somebody maps it; (4) the processes that wait get
// arenas in turn, and who needs much is not passed over for ever; (5) what one
// writer wrote is never under the id that another one writes under; (6) who
// opens an arena has an answer in time, if only that there is no room.
// Failure: what makes no sense is ignored; a request that can never be served
// is refused.
#ifndef MOBULA_RAYLET_OBJECTS_ARENA_TABLE_H_
#define MOBULA_RAYLET_OBJECTS_ARENA_TABLE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "raylet/core/events.h"
#include "raylet/objects/stored_objects.h"

namespace mobula::raylet {

class ArenaTable {
 public:
  struct Options {
    std::uint64_t bytes_max = 0;  // 0: there is no store
    std::size_t requests_of_process_max = 10'000;
    std::uint32_t passed_over_max = 16;
    // Who has not answered within that is not waited for.
    base::Duration answer_within = std::chrono::milliseconds(100);
    // After a busy answer an arena is left alone for so long, and each time
    // for twice as long.
    base::Duration busy_for_min = std::chrono::milliseconds(5);
    base::Duration busy_for_max = std::chrono::milliseconds(640);
    // A request that was passed over that often holds others up for so long.
    base::Duration insist_for = std::chrono::milliseconds(500);
    // Who opens what is not in memory is refused after so long, as writers give
    // up by then (kStoreTimeout of the API).
    base::Duration open_wait_max = std::chrono::seconds(30);
    // After a failure to spill nothing is spilled for so long.
    base::Duration spill_again_after = std::chrono::milliseconds(500);
    // Each has a descriptor; beyond that the oldest are dropped, if they can
    // be.
    std::size_t copies_max = 1'000;
  };
  using ArenaId = base::ArenaId;
  using ProcessId = base::ProcessId;

  // The raylet itself, as the writer of copies: no process has such an id.
  static constexpr ProcessId kCopies{0, 1};

  // `stored` says what lives where.
  ArenaTable(Options options, StoredObjects& stored, base::IdSource ids);

  // `who` it is, for people.
  void ProcessCame(ProcessId process, std::string who);
  // ---- what processes say
  void Lease(ProcessId from, base::JobId job, const base::LeaseArena& message,
             Effects& effects);
  void Cancel(ProcessId from, base::RequestId request);
  void Return(ProcessId from, ArenaId arena);
  void Open(ProcessId from, ArenaId arena, base::BootTime now,
            Effects& effects);
  void Quiet(ProcessId from, ArenaId arena, bool quiet, base::BootTime now);
  // ---- copies of what lies elsewhere
  // Asks for an arena with room for one value of that size, from kCopies;
  // answered to it: ArenaLeased, ArenaRefused. ArenaLost comes when it has been
  // dropped, unless that was by DropCopy.
  void LeaseCopy(base::JobId job, const base::LeaseArena& message,
                 Effects& effects);
  // It is whole.
  void FinishCopy(ArenaId arena);
  // That process is told of it, and maps it until it says otherwise.
  void AddReader(ArenaId arena, ProcessId reader);
  void DropCopy(ArenaId arena);
  // ---- what the shell says
  void Made(ArenaId arena, Effects& effects);
  void MakeFailed(ArenaId arena, const base::Failure& failure,
                  Effects& effects);
  void WasSpilled(ArenaId arena);
  void SpillFailed(ArenaId arena, const base::Failure& failure,
                   base::BootTime now, Effects& effects);
  // So many bytes, at most, can be written to disk.
  void DiskHasRoom(std::uint64_t bytes) { disk_room_ = bytes; }
  void WasRestored(ArenaId arena, Effects& effects);
  void RestoreFailed(ArenaId arena, const base::Failure& failure,
                     Effects& effects);
  // ---- what else happens
  // Something was stored there.
  void Touch(ArenaId arena);
  // Something that lived there was freed or lost.
  void Freed(ArenaId arena) { to_look_at_.insert(arena); }
  void ProcessGone(ProcessId process, base::BootTime now);
  void JobGone(base::JobId job, Effects& effects);
  // Does what can be done now: leases, restores, rounds, drops.
  void Pump(base::BootTime now, Effects& effects);
  // When Pump has something to do though nothing happens.
  [[nodiscard]] base::BootTime NextDeadline() const { return retry_at_; }

  // Nil: nobody writes there any more.
  [[nodiscard]] ProcessId WriterOf(ArenaId arena) const;
  [[nodiscard]] bool Holds(const base::Extent& extent) const;
  [[nodiscard]] bool IsSpilled(ArenaId arena) const;
  // Or will have one, if nothing fails.
  [[nodiscard]] bool HasFile(ArenaId arena) const;
  [[nodiscard]] std::uint64_t arena_bytes() const { return arena_bytes_; }
  [[nodiscard]] std::uint64_t charged_bytes() const { return charged_; }
  // Of what is charged: that holds nothing, but did, or lies ready.
  [[nodiscard]] std::uint64_t warm_bytes() const;
  // Of values that are on disk alone.
  [[nodiscard]] std::uint64_t spilled_bytes() const;
  // Of what is charged: copies.
  [[nodiscard]] std::uint64_t copy_bytes() const;
  [[nodiscard]] std::size_t copies() const { return copies_; }
  [[nodiscard]] std::uint64_t bytes_max() const { return options_.bytes_max; }
  [[nodiscard]] std::size_t size() const { return arenas_.size(); }
  [[nodiscard]] std::size_t waiting() const;
  // Arenas about which somebody has been asked and has not answered.
  [[nodiscard]] std::size_t rounds() const;
  void CheckInvariants() const;

 private:
  enum class State { kMaking, kReady, kSpilling, kSpilled, kRestoring };
  struct Opener {
    ProcessId process;
    base::BootTime refuse_at;
  };
  struct Arena {
    State state = State::kMaking;
    std::uint64_t byte_count = 0;
    std::uint64_t charge = 0;  // of the store's memory
    base::JobId job;           // whose bytes were in it; nil: nobody's
    ProcessId writer;
    base::RequestId request;  // under which it was leased
    bool shared = false;      // a reader was given it, so it is sealed
    bool was_used = false;    // its writer has stored something
    bool has_file = false;    // with all that lives in it
    bool is_copy = false;
    bool holds_copy = false;    // until that is dropped
    std::uint64_t used_at = 0;  // grows with each use of any arena
    std::set<ProcessId> readers;
    // Asked and not answered; whether it was given a descriptor after that.
    std::map<ProcessId, bool> asked;
    base::BootTime answer_by;
    bool busy = false;  // of the round: somebody was
    base::Duration busy_for = base::Duration::zero();
    base::BootTime leave_until;
    std::deque<Opener> openers;  // that wait for it to be in memory, in order
  };
  // Who waits may be passed over by who needs less, but not for ever, and then
  // holds the others up, but not for ever: they may have what it waits for.
  struct Patience {
    std::uint32_t passed_over = 0;
    base::BootTime insists_until;
  };
  struct Request {
    base::RequestId request;
    base::JobId job;
    std::uint64_t byte_count = 0;  // of the arena
    bool is_copy = false;
    Patience patience;
  };
  using Arenas = std::map<ArenaId, Arena>;

  [[nodiscard]] std::uint64_t ArenaBytesFor(std::uint64_t value_bytes) const;
  Arena* Find(ArenaId arena);
  [[nodiscard]] const Arena* Find(ArenaId arena) const;
  void Enqueue(ProcessId from, const Request& request,
               std::uint64_t value_bytes, Effects& effects);
  void Charge(Arena& arena, std::uint64_t bytes);
  void Use(ArenaId id, Arena& arena);
  void LetGo(ArenaId id, Arena& arena);  // of its writer
  void EndRoundIfAnswered(ArenaId id, Arena& arena, base::BootTime now);
  // Nothing lives in it and nobody will write there.
  [[nodiscard]] bool IsEmpty(ArenaId id, const Arena& arena) const;
  [[nodiscard]] bool HasNeed() const {
    return !waiting_.empty() || !restores_.empty();
  }
  [[nodiscard]] std::uint64_t NeededBytes() const;
  // That writers leave free.
  [[nodiscard]] std::uint64_t SwapBytes() const;
  void LookAtDisksSoon(base::BootTime now, Effects& effects);
  void PassOver(Patience& patience, base::BootTime now) const;

  // arena_table_pump.cc
  void LookAt(ArenaId id, base::BootTime now, Effects& effects);
  void ServeRestores(Effects& effects);
  void RefuseLateOpeners(base::BootTime now, Effects& effects);
  [[nodiscard]] std::string WhyNotOpened(const Arena& arena) const;
  [[nodiscard]] std::string WhoMapsMost() const;
  void ServeLeases(base::BootTime now, Effects& effects);
  bool ServeNextLease(base::BootTime now, Effects& effects);
  bool Serve(ProcessId process, const Request& request, base::BootTime now,
             Effects& effects);
  // An arena of at most so many bytes.
  bool ServeFromReserve(ProcessId process, const Request& request,
                        std::uint64_t bytes_max, Effects& effects);
  ArenaId TakeReserve(ArenaId id, Effects& effects);
  // Drops reserve until so many bytes are free; whether they are.
  bool MakeRoom(std::uint64_t bytes, Effects& effects);
  void TellLeased(ArenaId id, Arena& arena, Effects& effects);
  void NoteReader(ArenaId id, Arena& arena, ProcessId reader);
  void TellOpened(ArenaId id, Arena& arena, ProcessId reader, Effects& effects);
  void TellOpeners(ArenaId id, Arena& arena, Effects& effects);
  void TellLost(ArenaId id, Arena& arena, const base::Failure& failure,
                Effects& effects);
  void SpillSome(base::BootTime now, Effects& effects);
  // Copies, then the others; in memory, used least recently first.
  [[nodiscard]] std::vector<ArenaId> InOrderOfLeaving() const;
  void TrimCopies(base::BootTime now, Effects& effects);
  void StartRound(ArenaId id, Arena& arena, base::BootTime now,
                  Effects& effects);
  // That have owed an answer for too long.
  [[nodiscard]] std::set<ProcessId> Silent(base::BootTime now) const;
  [[nodiscard]] static bool IsMappedByAny(const Arena& arena,
                                          const std::set<ProcessId>& processes);
  void Spill(ArenaId id, Arena& arena, Effects& effects);
  void LoseCopy(ArenaId id, Arena& arena, Effects& effects);
  [[nodiscard]] bool MayReserve(const Arena& arena) const;
  void AddReserve(ArenaId id, const Arena& arena);
  // Leases it; LetGo is the other way.
  void GiveTo(ProcessId process, const Request& request, Arena& arena);
  void TendReserve(Effects& effects);
  void Drop(ArenaId id, Effects& effects);
  void SetDeadline(base::BootTime now);

  const Options options_;
  StoredObjects& stored_;
  const std::uint64_t arena_bytes_;
  base::IdSource ids_;
  Arenas arenas_;
  std::map<std::uint64_t, ArenaId> by_use_;  // those that are ready
  // Unshared, empty, nobody's: ready or being made.
  std::set<ArenaId> reserve_;
  std::uint64_t reserve_bytes_ = 0;
  std::size_t leased_ = 0;  // arenas that have a writer, but for copies
  std::size_t copies_ = 0;
  bool dropped_copy_ = false;  // since the last leases were served
  std::uint64_t charged_ = 0;
  std::uint64_t uses_ = 0;
  // Never empty queues.
  std::map<ProcessId, std::deque<Request>> waiting_;
  ProcessId served_;              // whose turn was the last
  std::deque<ArenaId> restores_;  // spilled, somebody waits, in order
  Patience restores_patience_;
  std::set<ArenaId> opening_;     // that have openers
  std::set<ArenaId> to_look_at_;  // in the next Pump
  base::BootTime spill_again_at_;
  base::BootTime look_again_at_;
  std::uint64_t disk_room_ = std::numeric_limits<std::uint64_t>::max();
  std::string spill_failure_;  // of the last time; "" if it went well
  std::map<ProcessId, std::string> names_;
  base::BootTime retry_at_ = base::BootTime::Never();
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_ARENA_TABLE_H_

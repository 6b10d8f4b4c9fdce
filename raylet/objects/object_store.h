// ObjectStore is the raylet's part in large values: the memory of the node's
// store, which objects lie there, and what is left of owners that have died.
//
//   writer -> ObjectStored -> live -> FreeObjects of its owner -> FreeExtents
//   process gone -> its arenas, its leases, its objects (Custody)
//   reader -> PullValue of what lies afar -> ValuePulled (PulledValues)
//   node -> WantExtent -> ExtentPart ... (ServedValues)
// It carries what one machine says to the next: ArenaTable (memory, who maps
// it, spilling), StoredObjects (which object lies where), Custody, KeptValues
// (what is published), ObjectFeed (what the control store is told of them),
// PulledValues (copies of what lies on other nodes), ServedValues (what other
// nodes copy).
// Owner: raylet::Core, which tells it of each message, event and process and
// calls Pump at the end of each step.   Threading: none.
// Invariants: those of its machines; a freed object leaves nothing.
// Failure: what makes no sense from outside is ignored or refused.
#ifndef MOBULA_RAYLET_OBJECTS_OBJECT_STORE_H_
#define MOBULA_RAYLET_OBJECTS_OBJECT_STORE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/control/object_records.h"
#include "base/frames/memory_message.h"
#include "base/frames/message.h"
#include "base/frames/node_message.h"
#include "base/ids.h"
#include "raylet/core/events.h"
#include "raylet/objects/arena_table.h"
#include "raylet/objects/custody.h"
#include "raylet/objects/kept_values.h"
#include "raylet/objects/object_feed.h"
#include "raylet/objects/pulled_values.h"
#include "raylet/objects/served_values.h"
#include "raylet/objects/stored_objects.h"

namespace mobula::raylet {

// A row of a listing.
struct ListedObject {
  base::ObjectName name;
  base::JobId job;  // of its owner
  base::Extent extent;
  bool is_spilled = false;
};

// Of an object that its owner, a process of this node, has freed: where its
// bytes may be.
struct FreedAfar {
  base::ProcessId owner;
  // The extent's arena is of that maker; nil: any node where the owner is a
  // guest may have some.
  base::FreedObject freed;
};

class ObjectStore {
 public:
  using ProcessId = base::ProcessId;
  using NodeId = base::NodeId;
  // Which node makes ids with that upper half; nothing if none is known.
  using NodeOfFn = std::function<std::optional<NodeId>(std::uint64_t maker)>;

  ObjectStore(ArenaTable::Options options, base::IdSource ids);

  // `maker` is the upper half of this raylet's ids. Before anything else; if it
  // is never called, or with 0, everything is taken to be here.
  void SetNodes(std::uint64_t maker, NodeOfFn node_of);

  // `who` it is, for people.
  void ProcessCame(ProcessId process, base::JobId job, std::string who);
  // One of another node, which stores and reads nothing here: it owns what
  // others have stored for it.
  void GuestCame(ProcessId process, base::JobId job, std::string who);
  // How one ended that is about to be gone, for people.
  void NoteDeath(ProcessId process, std::string how) {
    custody_.NoteDeath(process, std::move(how));
  }
  // It is dead. `job_over`: nothing of its job is kept.
  void ProcessGone(ProcessId process, bool job_over, base::BootTime now,
                   Effects& effects);
  void JobGone(base::JobId job, base::BootTime now, Effects& effects);
  // Whether it was for the store. `from` came and is not gone.
  bool Received(ProcessId from, const base::Message& message,
                base::BootTime now, Effects& effects);
  // Whether it was for the store.
  bool ReceivedFrom(NodeId from, const base::NodeMessage& message,
                    base::BootTime now, Effects& effects);
  // Nothing will come from there any more, nor go there.
  void NodeGone(NodeId node, base::BootTime now, Effects& effects);
  // What was freed since this was asked last and lies, or may lie, elsewhere.
  std::vector<FreedAfar> TakeAfar() { return std::exchange(afar_, {}); }
  // Whether it was of the store's memory.
  bool Happened(const Event& event, base::BootTime now, Effects& effects);
  void Pump(base::BootTime now, Effects& effects);
  [[nodiscard]] base::BootTime NextDeadline() const {
    return std::min(
        {arenas_.NextDeadline(), feed_.NextDeadline(), pulled_.NextDeadline()});
  }

  // The control store is there, and knows nothing for sure, or is away.
  void ControlUp(base::BootTime now);
  void ControlDown();
  // Keeps the extent as a published value under that name, which is new and of
  // this raylet; false if no such extent is, or can come to be, in the store.
  // Then its name is confirmed, or is refused or taken away (LetGo).
  bool Keep(const base::ObjectName& name, base::JobId job,
            const base::Extent& extent, std::string label = "");
  // False if it has been lost meanwhile.
  bool Confirm(base::ObjectId object);
  void LetGo(base::ObjectId object, Effects& effects);
  // Whether something that was kept was lost since this was asked last.
  bool TakeKeptLost() { return std::exchange(kept_lost_, false); }

  // What it is to be told now, with the node yet to be filled in.
  std::optional<base::NodeObjects> TakeNews(base::BootTime now);

  // The largest, at most so many, largest first.
  [[nodiscard]] std::vector<base::StoredRow> Rows(std::size_t count_max) const;
  // What the raylet owns: as in custody, and published values.
  [[nodiscard]] std::vector<base::HeldObject> Held() const;
  // At most so many.
  [[nodiscard]] std::vector<ListedObject> List(std::size_t count_max) const;
  [[nodiscard]] const ArenaTable& arenas() const { return arenas_; }
  [[nodiscard]] const StoredObjects& stored() const { return stored_; }
  [[nodiscard]] const Custody& custody() const { return custody_; }
  [[nodiscard]] const ObjectFeed& feed() const { return feed_; }
  [[nodiscard]] const PulledValues& pulled() const { return pulled_; }
  [[nodiscard]] const ServedValues& served() const { return served_; }
  [[nodiscard]] const KeptValues& kept() const { return kept_; }
  // As they were last.
  [[nodiscard]] const SpillDisks& disks() const { return disks_; }
  // What owners said of results that were made again (ResultRemade).
  [[nodiscard]] std::uint64_t remade() const { return remade_; }
  [[nodiscard]] std::uint64_t differing() const { return differing_; }
  void CheckInvariants() const;

 private:
  bool OnMemoryMessage(ProcessId from, const base::Message& message,
                       base::BootTime now, Effects& effects);
  bool OnOwnerMessage(ProcessId from, const base::Message& message,
                      Effects& effects);
  void OnPull(ProcessId from, const base::PullValue& pull, Effects& effects);
  // Takes out of what was appended what is for PulledValues and ServedValues,
  // and gives it to them, until there is nothing of that kind; whether there
  // was. Everything that may tell ArenaTable something ends with it.
  bool Carry(std::size_t begin, base::BootTime now, Effects& effects);
  // Whether an arena is of another node.
  [[nodiscard]] bool IsAfar(base::ArenaId arena) const {
    return maker_ != 0 && !arena.IsNil() && arena.hi != maker_;
  }
  void OnStored(ProcessId from, const base::ObjectStored& message,
                Effects& effects);
  void OnFree(ProcessId from, const base::FreeObjects& message,
              Effects& effects);
  bool OnBorrowerMessage(ProcessId from, const base::Message& message,
                         Effects& effects);
  void Flush(const Custody::Out& out, Effects& effects);
  void Flush(const KeptValues::Out& out, Effects& effects);
  void LoseKept(const base::Extent& extent, Effects& effects);
  // They could not be restored: tells the owner, which may have it made again.
  void LoseBytes(const base::Extent& extent, Effects& effects);
  void LoseUnplaced(Effects& effects);
  [[nodiscard]] base::JobId JobOf(const base::ObjectName& name) const;
  [[nodiscard]] base::ObjectAt Describe(base::ObjectId object) const;
  // Tells the writers, which may use the places anew, and the disk.
  void Release(const std::vector<base::Extent>& freed, Effects& effects);

  StoredObjects stored_;
  ArenaTable arenas_;
  Custody custody_;
  KeptValues kept_;
  // Kept, and its writer has not said yet that it filled it.
  std::map<base::ObjectId, base::Extent> unplaced_;
  bool kept_lost_ = false;
  SpillDisks disks_;
  std::uint64_t remade_ = 0;
  std::uint64_t differing_ = 0;
  ObjectFeed feed_{ObjectFeed::Options()};
  PulledValues pulled_;
  ServedValues served_;
  std::uint64_t maker_ = 0;
  NodeOfFn node_of_;
  std::vector<FreedAfar> afar_;
  std::map<ProcessId, base::JobId> processes_;
  std::set<ProcessId> guests_;  // of those
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_OBJECT_STORE_H_

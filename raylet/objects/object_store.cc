#include "raylet/objects/object_store.h"

#include <cstddef>
#include <set>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::raylet {

using base::BootTime;
using base::Extent;
using base::ObjectId;

ObjectStore::ObjectStore(ArenaTable::Options options, base::IdSource ids)
    : arenas_(options, stored_, ids),
      pulled_(PulledValues::Options(), arenas_),
      served_(ServedValues::Options(), arenas_) {
  arenas_.ProcessCame(ServedValues::kReader, "readers on other nodes");
  arenas_.ProcessCame(ArenaTable::kCopies, "values that come from other nodes");
}

void ObjectStore::SetNodes(std::uint64_t maker, NodeOfFn node_of) {
  MOBULA_CHECK(maker == 0 || node_of != nullptr);
  maker_ = maker;
  node_of_ = std::move(node_of);
}

void ObjectStore::ProcessCame(ProcessId process, base::JobId job,
                              std::string who) {
  processes_[process] = job;
  arenas_.ProcessCame(process, std::move(who));
}

void ObjectStore::GuestCame(ProcessId process, base::JobId job,
                            std::string who) {
  ProcessCame(process, job, std::move(who));
  guests_.insert(process);
}

void ObjectStore::ProcessGone(ProcessId process, bool job_over, BootTime now,
                              Effects& effects) {
  const auto found = processes_.find(process);
  if (found == processes_.end()) return;
  const std::size_t begin = effects.size();
  const base::JobId job = found->second;
  processes_.erase(found);
  pulled_.ProcessGone(process, effects);
  arenas_.ProcessGone(process, now);
  std::set<ProcessId> others;
  guests_.erase(process);
  for (const auto& [other, its_job] : processes_) {
    // Its own raylet asks it.
    if (!guests_.contains(other)) others.insert(other);
  }
  Custody::Out out;
  custody_.ProcessGone(process, out);
  custody_.OwnerDied(process, job, job_over, others, out);
  if (job_over) {
    const std::vector<ObjectId> owned = stored_.OwnedBy(process);
    out.freed.insert(out.freed.end(), owned.begin(), owned.end());
  }
  Flush(out, effects);
  KeptValues::Out kept;
  kept_.ProcessGone(process, kept);
  Flush(kept, effects);
  LoseUnplaced(effects);
  Carry(begin, now, effects);
}

void ObjectStore::JobGone(base::JobId job, BootTime now, Effects& effects) {
  const std::size_t begin = effects.size();
  Custody::Out out;
  custody_.JobGone(job, out);
  Flush(out, effects);
  arenas_.JobGone(job, effects);
  pulled_.JobGone(job);
  Carry(begin, now, effects);
}

bool ObjectStore::Received(ProcessId from, const base::Message& message,
                           BootTime now, Effects& effects) {
  MOBULA_CHECK(processes_.contains(from));
  const std::size_t begin = effects.size();
  const bool is_known = OnMemoryMessage(from, message, now, effects) ||
                        OnOwnerMessage(from, message, effects);
  Carry(begin, now, effects);
  return is_known;
}

bool ObjectStore::ReceivedFrom(NodeId from, const base::NodeMessage& message,
                               BootTime now, Effects& effects) {
  const std::size_t begin = effects.size();
  if (const auto* m = std::get_if<base::WantExtent>(&message)) {
    served_.Want(from, *m, effects);
  } else if (const auto* m = std::get_if<base::ExtentTaken>(&message)) {
    served_.Taken(from, *m);
  } else if (const auto* m = std::get_if<base::EndWant>(&message)) {
    served_.End(from, m->want);
  } else if (const auto* m = std::get_if<base::ExtentPart>(&message)) {
    pulled_.Part(from, *m, effects);
  } else if (const auto* m = std::get_if<base::ExtentLost>(&message)) {
    pulled_.Lost(from, *m, effects);
  } else {
    return false;
  }
  Carry(begin, now, effects);
  return true;
}

void ObjectStore::NodeGone(NodeId node, BootTime now, Effects& effects) {
  const std::size_t begin = effects.size();
  pulled_.NodeGone(node, effects);
  served_.NodeGone(node);
  Carry(begin, now, effects);
}

bool ObjectStore::Carry(std::size_t begin, BootTime now, Effects& effects) {
  const auto for_machine = [](const Effect& effect) -> ProcessId {
    ProcessId to;
    if (const auto* send = std::get_if<Send>(&effect)) to = send->to;
    if (const auto* with = std::get_if<SendWithArena>(&effect)) to = with->to;
    const bool is_machine =
        to == ArenaTable::kCopies || to == ServedValues::kReader;
    return is_machine ? to : ProcessId();
  };
  bool carried = false;
  for (std::size_t i = begin; i < effects.size();) {
    const ProcessId to = for_machine(effects[i]);
    if (to.IsNil()) {
      ++i;
      continue;
    }
    const Effect effect = std::move(effects[i]);
    effects.erase(effects.begin() + static_cast<std::ptrdiff_t>(i));
    const auto* send = std::get_if<Send>(&effect);
    const base::Message& message =
        send != nullptr ? send->message
                        : std::get<SendWithArena>(effect).message;
    if (to == ArenaTable::kCopies) {
      pulled_.Hear(message, effects);
    } else {
      served_.Hear(message, now, effects);
    }
    carried = true;
  }
  return carried;
}

bool ObjectStore::OnMemoryMessage(ProcessId from, const base::Message& message,
                                  BootTime now, Effects& effects) {
  if (guests_.contains(from)) return false;
  if (const auto* m = std::get_if<base::LeaseArena>(&message)) {
    arenas_.Lease(from, processes_.at(from), *m, effects);
  } else if (const auto* m = std::get_if<base::CancelArena>(&message)) {
    arenas_.Cancel(from, m->request);
  } else if (const auto* m = std::get_if<base::ReturnArena>(&message)) {
    arenas_.Return(from, m->arena);
  } else if (const auto* m = std::get_if<base::OpenArena>(&message)) {
    arenas_.Open(from, m->arena, now, effects);
  } else if (const auto* m = std::get_if<base::ArenaQuiet>(&message)) {
    arenas_.Quiet(from, m->arena, m->quiet, now);
  } else if (const auto* m = std::get_if<base::PullValue>(&message)) {
    OnPull(from, *m, effects);
  } else {
    return false;
  }
  return true;
}

void ObjectStore::OnPull(ProcessId from, const base::PullValue& pull,
                         Effects& effects) {
  if (!IsAfar(pull.extent.arena)) {
    effects.emplace_back(
        Send{from, base::ValuePulled{pull.request, pull.extent}});
    return;
  }
  pulled_.Ask(from, processes_.at(from), pull, node_of_(pull.extent.arena.hi),
              effects);
}

bool ObjectStore::OnOwnerMessage(ProcessId from, const base::Message& message,
                                 Effects& effects) {
  Custody::Out out;
  if (const auto* m = std::get_if<base::ObjectStored>(&message)) {
    OnStored(from, *m, effects);
  } else if (const auto* m = std::get_if<base::FreeObjects>(&message)) {
    OnFree(from, *m, effects);
  } else if (const auto* m = std::get_if<base::ResultRemade>(&message)) {
    ++remade_;
    if (m->differs) ++differing_;
  } else if (const auto* m = std::get_if<base::ClaimObjects>(&message)) {
    custody_.Claim(from, *m, out);
  } else {
    return OnBorrowerMessage(from, message, effects);
  }
  Flush(out, effects);
  return true;
}

// What is not published is what is left of owners that have died.
bool ObjectStore::OnBorrowerMessage(ProcessId from,
                                    const base::Message& message,
                                    Effects& effects) {
  Custody::Out out;
  KeptValues::Out kept;
  if (const auto* m = std::get_if<base::BorrowObjects>(&message)) {
    base::BorrowObjects rest;
    kept_.Borrow(from, *m, &rest, kept);
    if (!rest.objects.empty()) custody_.Borrow(from, rest, out);
  } else if (const auto* m = std::get_if<base::ReturnObjects>(&message)) {
    base::ReturnObjects rest;
    kept_.Return(from, *m, &rest, kept);
    custody_.Return(from, rest, out);
  } else if (const auto* m = std::get_if<base::WantObjects>(&message)) {
    base::WantObjects rest;
    kept_.Want(from, *m, &rest, kept);
    custody_.Want(from, rest, out);
  } else if (const auto* m = std::get_if<base::ObjectsLost>(&message)) {
    base::ObjectsLost rest;
    kept_.Lost(from, *m, &rest, kept);
    for (const base::LostBytes& lost : rest.objects) {
      custody_.Lost(from, lost, out);
    }
  } else if (const auto* m = std::get_if<base::ObjectsTaken>(&message)) {
    base::ObjectsTaken rest;
    kept_.Taken(from, *m, &rest, kept);
    custody_.Taken(from, rest, out);
  } else {
    return false;
  }
  Flush(kept, effects);
  Flush(out, effects);
  return true;
}

void ObjectStore::OnStored(ProcessId from, const base::ObjectStored& message,
                           Effects& effects) {
  const Extent& extent = message.extent;
  if (extent.arena.IsNil() || arenas_.WriterOf(extent.arena) != from) return;
  if (!arenas_.Holds(extent)) return;
  const ProcessId owner = message.object.owner;
  const bool is_wanted = processes_.contains(owner) ||
                         custody_.Keeps(owner, message.object.object);
  if (!is_wanted) {
    Release({extent}, effects);
    return;
  }
  switch (stored_.Add(message.object, extent)) {
    case StoredObjects::Added::kLive:
      arenas_.Touch(extent.arena);
      break;
    case StoredObjects::Added::kFreed:
      Release({extent}, effects);
      break;
    case StoredObjects::Added::kRefused:
      break;
  }
}

void ObjectStore::OnFree(ProcessId from, const base::FreeObjects& message,
                         Effects& effects) {
  std::vector<Extent> freed;
  const bool is_guest = guests_.contains(from);
  for (const base::FreedObject& object : message.objects) {
    const bool is_afar = IsAfar(object.extent.arena);
    if (is_afar || object.extent.arena.IsNil()) {
      pulled_.Freed(object.object, object.extent);
      // What a guest says its own raylet says to all whom it concerns.
      if (maker_ != 0 && !is_guest) afar_.push_back({from, object});
    }
    if (is_afar) continue;
    const bool may_come = !arenas_.WriterOf(object.extent.arena).IsNil() &&
                          arenas_.Holds(object.extent);
    stored_.Free(from, object.object, object.extent, may_come, freed);
  }
  Release(freed, effects);
}

void ObjectStore::Release(const std::vector<Extent>& freed, Effects& effects) {
  std::map<ProcessId, base::FreeExtents> of_writer;
  std::map<base::ArenaId, FreeOnDisk> on_disk;
  for (const Extent& extent : freed) {
    const base::ObjectName heir = kept_.HeirOf(extent);
    if (!heir.object.IsNil()) {
      const auto added = stored_.Add(heir, extent);
      MOBULA_CHECK(added == StoredObjects::Added::kLive);
      continue;
    }
    arenas_.Freed(extent.arena);
    const ProcessId writer = arenas_.WriterOf(extent.arena);
    if (!writer.IsNil()) of_writer[writer].extents.push_back(extent);
    // With the last of them the file goes.
    if (stored_.CountIn(extent.arena) == 0) continue;
    if (!arenas_.HasFile(extent.arena)) continue;
    FreeOnDisk& free = on_disk[extent.arena];
    free.arena = extent.arena;
    free.extents.push_back(extent);
  }
  for (auto& [arena, free] : on_disk) effects.emplace_back(std::move(free));
  for (auto& [writer, message] : of_writer) {
    effects.emplace_back(Send{writer, std::move(message)});
  }
}

void ObjectStore::Flush(const Custody::Out& out, Effects& effects) {
  for (const auto& [to, message] : out.send) {
    effects.emplace_back(Send{to, message});
  }
  std::vector<Extent> freed;
  for (const ObjectId object : out.freed) stored_.FreeAll(object, freed);
  for (const ProcessId owner : out.ended) {
    for (const ObjectId object : stored_.OwnedBy(owner)) {
      if (!custody_.Keeps(owner, object)) stored_.FreeAll(object, freed);
    }
  }
  Release(freed, effects);
}

void ObjectStore::Flush(const KeptValues::Out& out, Effects& effects) {
  for (const auto& [to, message] : out.send) {
    effects.emplace_back(Send{to, message});
  }
  std::vector<Extent> freed;
  for (const ObjectId object : out.gone) {
    unplaced_.erase(object);
    stored_.FreeAll(object, freed);
  }
  Release(freed, effects);
}

bool ObjectStore::Keep(const base::ObjectName& name, base::JobId job,
                       const Extent& extent, std::string label) {
  if (!arenas_.Holds(extent)) return false;
  if (!stored_.IsPlaced(extent)) {
    if (arenas_.WriterOf(extent.arena).IsNil()) return false;
    unplaced_.emplace(name.object, extent);
  }
  kept_.Begin(name, job, extent, std::move(label));
  stored_.NoteNews(extent);
  return true;
}

bool ObjectStore::Confirm(ObjectId object) {
  if (!kept_.IsAsked(object)) return false;
  kept_.Confirm(object);
  return true;
}

void ObjectStore::LetGo(ObjectId object, Effects& effects) {
  stored_.NoteNews(kept_.ExtentOf(object));
  KeptValues::Out out;
  kept_.LetGo(object, out);
  Flush(out, effects);
}

void ObjectStore::LoseBytes(const Extent& extent, Effects& effects) {
  const base::ObjectName name = stored_.NameAt(extent);
  stored_.Lose(extent);
  LoseKept(extent, effects);
  if (name.object.IsNil()) return;
  const base::LostBytes lost{name, extent};
  if (processes_.contains(name.owner)) {
    effects.emplace_back(Send{name.owner, base::ObjectsLost{{lost}}});
    return;
  }
  Custody::Out out;
  custody_.LoseBytes(lost, out);
  Flush(out, effects);
}

void ObjectStore::LoseKept(const Extent& extent, Effects& effects) {
  for (const ObjectId object : kept_.NamedOver(extent)) {
    LetGo(object, effects);
    kept_lost_ = true;
  }
}

// What a writer that died did not say in time never was.
void ObjectStore::LoseUnplaced(Effects& effects) {
  std::vector<Extent> lost;
  for (auto it = unplaced_.begin(); it != unplaced_.end();) {
    const Extent& extent = it->second;
    const bool is_lost = !stored_.IsPlaced(extent);
    if (is_lost && !arenas_.WriterOf(extent.arena).IsNil()) {
      ++it;
      continue;
    }
    if (is_lost) lost.push_back(extent);
    it = unplaced_.erase(it);
  }
  for (const Extent& extent : lost) LoseKept(extent, effects);
}

bool ObjectStore::Happened(const Event& event, BootTime now, Effects& effects) {
  const std::size_t begin = effects.size();
  if (const auto* made = std::get_if<ArenaMade>(&event)) {
    arenas_.Made(made->arena, effects);
  } else if (const auto* failed = std::get_if<ArenaFailed>(&event)) {
    arenas_.MakeFailed(failed->arena, failed->failure, effects);
  } else if (const auto* spilled = std::get_if<Spilled>(&event)) {
    arenas_.WasSpilled(spilled->arena);
    stored_.Moved(spilled->arena);
  } else if (const auto* failed = std::get_if<SpillFailed>(&event)) {
    arenas_.SpillFailed(failed->arena, failed->failure, now, effects);
  } else if (const auto* disks = std::get_if<SpillDisks>(&event)) {
    disks_ = *disks;
    arenas_.DiskHasRoom(disks->room_bytes);
  } else if (const auto* restored = std::get_if<Restored>(&event)) {
    for (const Extent& extent : restored->lost) LoseBytes(extent, effects);
    arenas_.WasRestored(restored->arena, effects);
    stored_.Moved(restored->arena);
  } else if (const auto* failed = std::get_if<RestoreFailed>(&event)) {
    arenas_.RestoreFailed(failed->arena, failed->failure, effects);
  } else if (const auto* lost = std::get_if<ExtentPartLost>(&event)) {
    served_.PartLost(lost->node, lost->want, effects);
  } else {
    return false;
  }
  Carry(begin, now, effects);
  return true;
}

void ObjectStore::Pump(BootTime now, Effects& effects) {
  const std::size_t begin = effects.size();
  do {
    pulled_.Pump(now, effects);
    served_.Pump(now, effects);
    arenas_.Pump(now, effects);
  } while (Carry(begin, now, effects));
  for (const ObjectId object : stored_.TakeChanged()) {
    feed_.Changed(object, stored_.Contains(object), now);
  }
}

void ObjectStore::ControlUp(BootTime now) {
  stored_.Watch(true);
  feed_.Up(now, stored_.size() > 0);
}

void ObjectStore::ControlDown() {
  stored_.Watch(false);
  feed_.Down();
}

std::optional<base::NodeObjects> ObjectStore::TakeNews(BootTime now) {
  std::optional<ObjectFeed::Batch> batch = feed_.Take(now, stored_);
  if (!batch.has_value()) return std::nullopt;
  base::NodeObjects news;
  news.begins = batch->begins;
  news.ends = batch->ends;
  news.gone = std::move(batch->gone);
  for (const ObjectId object : batch->there) {
    news.there.push_back(Describe(object));
  }
  news.count = stored_.size();
  news.byte_count = stored_.bytes();
  return news;
}

base::JobId ObjectStore::JobOf(const base::ObjectName& name) const {
  const auto owner = processes_.find(name.owner);
  if (owner != processes_.end()) return owner->second;
  if (kept_.Has(name.object)) return kept_.JobOf(name.object);
  return custody_.JobOf(name.owner, name.object);
}

base::ObjectAt ObjectStore::Describe(ObjectId object) const {
  base::ObjectAt at;
  at.object = object;
  at.owner = stored_.OwnerOf(object);
  at.job = JobOf({object, at.owner});
  at.copies.extents = 0;
  for (const Extent& extent : stored_.ExtentsOf(object)) {
    at.copies.byte_count += extent.byte_count;
    ++at.copies.extents;
    if (arenas_.IsSpilled(extent.arena)) ++at.copies.spilled;
    for (const ObjectId kept : kept_.NamedOver(extent)) {
      if (at.kept.size() < base::kKeptToldMax) at.kept.push_back(kept);
    }
  }
  MOBULA_CHECK(at.copies.extents > 0);
  return at;
}

std::vector<base::StoredRow> ObjectStore::Rows(std::size_t count_max) const {
  std::vector<base::StoredRow> rows;
  for (const ObjectId object : stored_.Largest(count_max)) {
    const base::ObjectAt at = Describe(object);
    base::StoredRow& row = rows.emplace_back();
    row.object = {object, at.owner};
    row.job = at.job;
    row.copies = at.copies;
    for (const Extent& extent : stored_.ExtentsOf(object)) {
      for (base::KeptName& kept : kept_.Over(extent)) {
        if (row.kept.size() < base::kKeptToldMax) {
          row.kept.push_back(std::move(kept));
        }
      }
    }
  }
  return rows;
}

std::vector<base::HeldObject> ObjectStore::Held() const {
  std::vector<base::HeldObject> held = custody_.Held();
  const std::vector<base::HeldObject> kept = kept_.Held();
  held.insert(held.end(), kept.begin(), kept.end());
  return held;
}

std::vector<ListedObject> ObjectStore::List(std::size_t count_max) const {
  std::vector<ListedObject> list;
  for (const StoredObject& object : stored_.List(count_max)) {
    ListedObject row;
    row.name = object.name;
    row.job = JobOf(object.name);
    row.extent = object.extent;
    row.is_spilled = arenas_.IsSpilled(object.extent.arena);
    list.push_back(row);
  }
  return list;
}

void ObjectStore::CheckInvariants() const {
  stored_.CheckInvariants();
  arenas_.CheckInvariants();
  custody_.CheckInvariants();
  kept_.CheckInvariants();
  for (const auto& [object, extent] : unplaced_) {
    MOBULA_CHECK(kept_.Has(object));
  }
  feed_.CheckInvariants();
  pulled_.CheckInvariants();
  served_.CheckInvariants();
  MOBULA_CHECK(arenas_.copies() >= pulled_.copies());
}

}  // namespace mobula::raylet

#include "cli/memory/object_join.h"

#include <algorithm>

namespace mobula::cli {

using base::HeldObject;
using base::ObjectId;
using base::ProcessId;
using base::StoredRow;

namespace {

constexpr char kRaylet[] = "raylet";

}  // namespace

ObjectJoin::ObjectJoin(const MemoryReport& report,
                       const std::vector<ProcessEntry>& processes)
    : report_(report), processes_(processes) {
  for (std::size_t i = 0; i < processes.size(); ++i) {
    places_.emplace(processes[i].process, i);
  }
}

void ObjectJoin::Join() {
  for (const StoredRow& row : report_.stored) NoteStored(row);
  for (const base::MemoryPart& part : report_.parts) {
    const std::size_t process = PlaceOf(part.process);
    // It has ended meanwhile, and holds nothing any more.
    if (process == ObjectEntry::kNobody) continue;
    for (const HeldObject& row : part.refs.objects) NoteHeld(process, row);
  }
  for (auto& [id, said] : objects_) Finish(said);
}

std::size_t ObjectJoin::PlaceOf(ProcessId process) const {
  const auto found = places_.find(process);
  return found == places_.end() ? ObjectEntry::kNobody : found->second;
}

ObjectId ObjectJoin::Resolve(ObjectId object) const {
  const auto found = shares_.find(object);
  return found == shares_.end() ? object : found->second;
}

bool ObjectJoin::IsKnown(std::size_t process) const {
  return process != ObjectEntry::kNobody && processes_[process].is_complete &&
         processes_[process].left_out == 0;
}

void ObjectJoin::NoteStored(const StoredRow& row) {
  Said& said = objects_[row.object.object];
  said.stored = &row;
  said.owner = row.object.owner;
  for (const base::KeptName& kept : row.kept) {
    if (kept.object != row.object.object) {
      shares_.emplace(kept.object, row.object.object);
    }
    if (!kept.name.empty()) said.entry.names.push_back(kept.name);
  }
}

void ObjectJoin::NoteHeld(std::size_t process, const HeldObject& row) {
  const ObjectId id = Resolve(row.name.object);
  Said& said = objects_[id];
  said.rows.push_back({process, &row});
  if (id == row.name.object) said.owner = row.name.owner;
  for (const base::ObjectName& mentioned : row.inside) {
    mentions_[{process, Resolve(mentioned.object)}].push_back(id);
  }
}

void ObjectJoin::AddHolders(Said& said, const Row& row) {
  const base::RefCounts& counts = row.held->counts;
  const bool is_actor = !processes_[row.process].actor.IsNil();
  const std::pair<Why, std::int64_t> reasons[] = {
      {is_actor ? Why::kActorState : Why::kHandle, counts.handles},
      {Why::kArgument, counts.arguments},
      {Why::kConstructor, counts.constructors},
      {Why::kRunning, counts.running},
      {Why::kInside, counts.inside},
      {Why::kHanded, counts.handed},
      {Why::kRemaking, counts.remaking}};
  for (const auto& [why, count] : reasons) {
    if (count <= 0) continue;
    Holder& holder = said.entry.holders.emplace_back();
    holder.process = row.process;
    holder.why = why;
    holder.count = count;
    if (why != Why::kInside) continue;
    const auto found =
        mentions_.find({row.process, Resolve(row.held->name.object)});
    if (found == mentions_.end()) continue;
    holder.inside = found->second;
    std::sort(holder.inside.begin(), holder.inside.end());
    holder.inside.erase(std::unique(holder.inside.begin(), holder.inside.end()),
                        holder.inside.end());
  }
}

bool ObjectJoin::HasSaid(const Said& said, std::size_t process) {
  return std::any_of(
      said.rows.begin(), said.rows.end(),
      [process](const Row& one) { return one.process == process; });
}

// Who has it, and has not said so.
void ObjectJoin::AddLent(Said& said, const Row& row) {
  for (const base::LentTo& lent : row.held->lent) {
    const std::size_t to = PlaceOf(lent.process);
    if (to == ObjectEntry::kNobody) continue;
    if (HasSaid(said, to)) continue;
    Holder& holder = said.entry.holders.emplace_back();
    holder.process = to;
    holder.why = Why::kLent;
    holder.count = lent.count;
  }
}

void ObjectJoin::Finish(Said& said) {
  ObjectEntry& entry = said.entry;
  entry.owner = PlaceOf(said.owner);
  for (const Row& row : said.rows) {
    const HeldObject& held = *row.held;
    const bool is_raylet = processes_[row.process].role == kRaylet;
    // What was a dead process's is the raylet's.
    if (is_raylet && entry.owner == ObjectEntry::kNobody) {
      entry.owner = row.process;
      entry.is_heir = true;
    }
    if (held.is_settled) {
      entry.state = held.is_failure ? State::kFailed : State::kReady;
      entry.byte_count = std::max(entry.byte_count, held.byte_count);
      if (!held.is_failure) {
        entry.where = held.is_stored ? Where::kStore : Where::kInline;
      }
    }
    AddHolders(said, row);
    AddLent(said, row);
  }
  if (entry.owner != ObjectEntry::kNobody) {
    entry.job = processes_[entry.owner].job;
    // That it is pending, only its owner can say.
    if (entry.state == State::kPending && !HasSaid(said, entry.owner) &&
        !IsKnown(entry.owner)) {
      entry.state = State::kUnknown;
    }
  }
  if (said.stored != nullptr) {
    const base::ObjectCopies& copies = said.stored->copies;
    entry.stored_bytes = copies.byte_count;
    entry.byte_count = std::max(entry.byte_count, copies.byte_count);
    entry.where =
        copies.spilled == copies.extents ? Where::kSpilled : Where::kStore;
    if (!said.stored->job.IsNil()) entry.job = said.stored->job;
  }
  for (const std::string& name : entry.names) {
    Holder& holder = entry.holders.emplace_back();
    holder.process = 0;
    holder.why = Why::kName;
    holder.count = 1;
    holder.name = name;
  }
  entry.is_unclaimed = IsUnclaimed(said);
}

bool ObjectJoin::IsUnclaimed(const Said& said) const {
  if (said.stored == nullptr || said.stored->is_new) return false;
  const ObjectEntry& entry = said.entry;
  if (!entry.names.empty()) return false;
  const bool is_said =
      std::any_of(said.rows.begin(), said.rows.end(), [&](const Row& row) {
        return row.process == entry.owner ||
               entry.owner == ObjectEntry::kNobody;
      });
  if (is_said) return false;
  // Where the owner has ended, the raylet would know.
  const std::size_t speaker =
      entry.owner == ObjectEntry::kNobody ? 0 : entry.owner;
  return IsKnown(speaker);
}

}  // namespace mobula::cli

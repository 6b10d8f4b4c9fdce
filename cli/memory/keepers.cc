#include "cli/memory/keepers.h"

#include <algorithm>

namespace mobula::cli {

using base::ActorId;
using base::ObjectId;
using Node = RefGraph::Node;

Keepers::Keepers(const MemoryReport& report,
                 const std::vector<ProcessEntry>& processes, ObjectJoin& join)
    : report_(report), processes_(processes), join_(join) {}

std::vector<Cycle> Keepers::FindCycles() {
  for (auto& [id, said] : join_.objects()) objects_[id] = graph_.Add();
  AddActors();
  for (auto& [id, said] : join_.objects()) AddObject(id, said);
  // Somebody must, else it were not there.
  for (Node node = 0; node < graph_.size(); ++node) {
    if (!graph_.IsKept(node)) graph_.Root(node);
  }
  const std::vector<bool> living = graph_.Living();
  for (auto& [id, said] : join_.objects()) {
    said.entry.is_of_cycles = !living[objects_.at(id)];
  }
  const Things things = AllThings();
  std::vector<Cycle> cycles;
  for (const std::vector<Node>& members : graph_.Cycles()) {
    cycles.push_back(Describe(members, things));
    cycles.back().is_held = living[members.front()];
  }
  std::stable_sort(cycles.begin(), cycles.end(),
                   [](const Cycle& a, const Cycle& b) {
                     return a.byte_count > b.byte_count;
                   });
  return cycles;
}

Keepers::ActorSaid& Keepers::NodeOf(ActorId actor) {
  const auto [it, is_new] = actors_.try_emplace(actor);
  if (is_new) it->second.node = graph_.Add();
  return it->second;
}

const Keepers::ActorSaid* Keepers::ActorIn(std::size_t process) {
  const ActorId actor = processes_[process].actor;
  return actor.IsNil() ? nullptr : &NodeOf(actor);
}

void Keepers::AddActors() {
  bool is_sure = true;
  for (const ProcessEntry& process : processes_) {
    is_sure = is_sure && process.is_complete;
    if (process.actor.IsNil()) continue;
    ActorSaid& said = NodeOf(process.actor);
    said.name = process.actor_name.empty() ? process.name : process.actor_name;
  }
  for (const base::MemoryPart& part : report_.parts) {
    const std::size_t process = join_.PlaceOf(part.process);
    if (process == ObjectEntry::kNobody) continue;
    if (part.refs.actors_left_out > 0) is_sure = false;
    const bool runs = part.refs.is_last && part.refs.is_busy;
    if (const ActorSaid* here = ActorIn(process); here != nullptr && runs) {
      graph_.Root(here->node);
    }
    for (const base::HeldActor& held : part.refs.actors) {
      if (!held.is_dead) AddActor(process, held);
    }
  }
  if (is_sure) return;
  for (const auto& [actor, said] : actors_) graph_.Root(said.node);
}

void Keepers::AddActor(std::size_t process, const base::HeldActor& held) {
  ActorSaid& said = NodeOf(held.actor);
  if (said.name.empty()) said.name = held.class_name;
  const Node node = said.node;
  const std::size_t owner = join_.PlaceOf(held.owner);
  const bool is_detached = owner == 0;  // the raylet's
  if (is_detached || owner == ObjectEntry::kNobody || held.calls > 0) {
    graph_.Root(node);
  }
  if (held.handles > 0) {
    const ActorSaid* keeper = ActorIn(process);
    if (keeper == nullptr) {
      graph_.Root(node);
    } else {
      graph_.Keep(keeper->node, node);
    }
  }
  for (const base::ObjectName& argument : held.arguments) {
    const ObjectId object = join_.Resolve(argument.object);
    const auto kept = objects_.find(object);
    if (kept == objects_.end()) continue;
    graph_.Keep(node, kept->second);
    ++constructors_[{process, object}];
  }
}

void Keepers::AddObject(ObjectId id, ObjectJoin::Said& said) {
  const Node node = objects_.at(id);
  if (!said.entry.names.empty() || said.entry.is_unclaimed) graph_.Root(node);
  if (!join_.IsKnown(said.entry.owner)) graph_.Root(node);
  for (const ObjectJoin::Row& row : said.rows) {
    AddRow(node, id, row);
    if (IsLentAway(said, *row.held)) graph_.Root(node);
  }
}

void Keepers::AddRow(Node node, ObjectId id, const ObjectJoin::Row& row) {
  const base::RefCounts& counts = row.held->counts;
  if (counts.arguments > 0 || counts.running > 0 || counts.handed > 0 ||
      counts.remaking > 0) {
    graph_.Root(node);
  }
  if (counts.handles > 0) {
    const ActorSaid* keeper = ActorIn(row.process);
    if (keeper == nullptr) {
      graph_.Root(node);
    } else {
      graph_.Keep(keeper->node, node);
    }
  }
  const std::pair<std::size_t, ObjectId> here{row.process, id};
  const auto constructors = constructors_.find(here);
  const std::int64_t known =
      constructors == constructors_.end() ? 0 : constructors->second;
  if (counts.constructors > known) graph_.Root(node);
  const auto mentions = join_.mentions().find(here);
  const std::size_t inside =
      mentions == join_.mentions().end() ? 0 : mentions->second.size();
  if (counts.inside > static_cast<std::int64_t>(inside)) graph_.Root(node);
  if (inside == 0) return;
  for (const ObjectId by : mentions->second) {
    graph_.Keep(objects_.at(by), node);
  }
}

// To who does not say that it has it.
bool Keepers::IsLentAway(const ObjectJoin::Said& said,
                         const base::HeldObject& held) const {
  if (held.left_out > 0) return true;
  return std::any_of(
      held.lent.begin(), held.lent.end(), [&](const base::LentTo& lent) {
        const std::size_t to = join_.PlaceOf(lent.process);
        return std::none_of(
            said.rows.begin(), said.rows.end(),
            [to](const ObjectJoin::Row& row) { return row.process == to; });
      });
}

Keepers::Things Keepers::AllThings() const {
  Things things(graph_.size());
  for (const auto& [id, node] : objects_) things[node].object = id;
  for (const auto& [id, said] : actors_) {
    things[said.node].actor = id;
    things[said.node].name = said.name;
  }
  return things;
}

Cycle Keepers::Describe(const std::vector<Node>& members,
                        const Things& things) const {
  Cycle cycle;
  for (const Node node : members) {
    cycle.members.push_back(things[node]);
    const auto object = join_.objects().find(things[node].object);
    if (object == join_.objects().end()) continue;
    cycle.byte_count += object->second.entry.byte_count;
  }
  return cycle;
}

}  // namespace mobula::cli

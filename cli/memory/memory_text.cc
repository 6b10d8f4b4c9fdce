#include "cli/memory/memory_text.h"

#include <algorithm>
#include <utility>

#include "cli/tables/amounts.h"
#include "cli/tables/json_text.h"
#include "cli/tables/text_table.h"

namespace mobula::cli {
namespace {

// Of one cycle; a person does not read more.
constexpr std::size_t kMembersMax = 20;

std::string Bytes(std::uint64_t bytes) {
  return ShowBytes(static_cast<std::int64_t>(bytes));
}

std::string Count(std::uint64_t count, const std::string& one,
                  const std::string& many) {
  return ShowCount(count) + " " + (count == 1 ? one : many);
}

// "17 Counter", "12 hello", "11 raylet".
std::string LabelOf(const ProcessEntry& process) {
  std::string label = std::to_string(process.pid) + " ";
  if (process.name.empty()) {
    return label + (process.role == "worker" ? "idle worker" : process.role);
  }
  label += process.name;
  if (!process.actor_name.empty()) label += " \"" + process.actor_name + "\"";
  return label;
}

std::string OwnerOf(const MemoryView& view, const ObjectEntry& entry) {
  if (entry.owner == ObjectEntry::kNobody) return "unknown";
  const std::string label = LabelOf(view.processes[entry.owner]);
  return entry.is_heir ? label + ", as heir" : label;
}

std::string WhyOf(const Holder& holder) {
  const std::string times =
      holder.count == 1 ? "" : ", " + std::to_string(holder.count) + " times";
  switch (holder.why) {
    case Why::kHandle:
      return Count(static_cast<std::uint64_t>(holder.count), "handle",
                   "handles");
    case Why::kInside: {
      if (holder.inside.empty()) return NameOf(holder.why) + times;
      std::string text = "inside " + holder.inside.front().ToString();
      if (holder.inside.size() > 1) {
        text += " and " + std::to_string(holder.inside.size() - 1) + " more";
      }
      return text;
    }
    case Why::kName:
      return "published as " + holder.name;
    case Why::kLent:
      return "lent, and it has not said why";
    default:
      return NameOf(holder.why) + times;
  }
}

std::string NodeOf(const std::vector<MemoryView>& views,
                   const MemoryView& view) {
  return views.size() > 1 ? view.node_name : "";
}

std::string TableOfObjects(const std::vector<MemoryView>& views,
                           const MemoryShown& shown) {
  if (shown.objects.empty()) return "";
  TextTable table(
      {"OBJECT", "SIZE", "WHERE", "STATE", "OWNER", "HELD BY", "WHY", "NODE"});
  for (const auto& [view, entry] : shown.objects) {
    std::vector<std::string> cells = {entry->object.ToString(),
                                      Bytes(entry->byte_count),
                                      NameOf(entry->where),
                                      NameOf(entry->state),
                                      OwnerOf(*view, *entry),
                                      "",
                                      "",
                                      NodeOf(views, *view)};
    if (entry->is_unclaimed) cells[6] = "its owner has it not: a leak?";
    if (entry->holders.empty()) {
      table.Add(cells);
      continue;
    }
    for (const Holder& holder : entry->holders) {
      const bool is_name = holder.why == Why::kName;
      cells[5] = is_name ? "a name" : LabelOf(view->processes[holder.process]);
      cells[6] = WhyOf(holder);
      table.Add(cells);
      for (const std::size_t said : {0, 1, 2, 3, 4, 7}) cells[said].clear();
    }
  }
  return table.Text();
}

std::string TableOfGroups(const MemoryShown& shown) {
  if (shown.groups.empty()) return "";
  TextTable table({"GROUP", "OBJECTS", "SIZE", "IN THE STORE"});
  for (const ShownGroup& group : shown.groups) {
    table.Add({group.name, ShowCount(group.objects), Bytes(group.byte_count),
               Bytes(group.stored_bytes)});
  }
  return table.Text();
}

std::string TextOfCycles(const MemoryShown& shown) {
  std::string text;
  std::size_t number = 0;
  for (const auto& [view, cycle] : shown.cycles) {
    text += "cycle " + std::to_string(++number) + ": " +
            Count(cycle->members.size(), "member", "members") + ", " +
            Bytes(cycle->byte_count) +
            (cycle->is_held ? ", held from outside too\n"
                            : ", held by nothing else\n");
    std::size_t listed = 0;
    for (const CycleMember& member : cycle->members) {
      if (listed++ == kMembersMax) break;
      text += member.actor.IsNil() ? "  object " + member.object.ToString()
                                   : "  actor " + member.actor.ToString() +
                                         " " + Printable(member.name);
      text += "\n";
    }
    if (cycle->members.size() > kMembersMax) {
      text +=
          "  and " + ShowCount(cycle->members.size() - kMembersMax) + " more\n";
    }
  }
  if (shown.more_cycles > 0) {
    text +=
        Count(shown.more_cycles, "more cycle", "more cycles") + "; --limit N\n";
  }
  return text;
}

std::string SilenceOf(const ProcessEntry& process) {
  return process.silent_ms < 1'000 ? std::to_string(process.silent_ms) + "ms"
                                   : ShowAge(process.silent_ms);
}

std::string TextOfProcesses(const std::vector<MemoryView>& views) {
  std::string text;
  for (const MemoryView& view : views) {
    for (const ProcessEntry& process : view.processes) {
      const std::string label = Printable(LabelOf(process));
      if (!process.is_complete) {
        text += process.silent_ms == 0
                    ? "not asked: " + label + ", it is new or about to end\n"
                    : "silent: " + label + ", for " + SilenceOf(process) + "\n";
      }
      if (process.left_out == 0) continue;
      text += Count(process.left_out, "object", "objects") + " (" +
              Bytes(process.bytes_left_out) + ") of " + label +
              " are only counted\n";
    }
  }
  return text;
}

std::string TextOfTotals(const MemoryTotals& totals) {
  std::string text = Count(totals.objects, "object", "objects") + ", " +
                     Bytes(totals.byte_count) + "; in the store " +
                     Bytes(totals.stored_bytes) + " of " +
                     Bytes(totals.store_bytes_max);
  if (totals.spilled_bytes > 0) {
    text += " and " + Bytes(totals.spilled_bytes) + " on disk";
  }
  text += "; " + Bytes(totals.cycle_bytes) + " that only cycles hold; " +
          Count(totals.silent, "silent process", "silent processes") + "; " +
          Bytes(totals.unclaimed_bytes) + " that no process claims\n";
  return text;
}

template <class AnId>
std::string IdJson(const AnId& id) {
  return id.IsNil() ? "null" : JsonString(id.ToString());
}

JsonObject& AddProcess(JsonObject& object, const ProcessEntry& process) {
  return object.Add("process", IdJson(process.process))
      .Add("pid", std::to_string(process.pid))
      .Add("role", JsonString(process.role))
      .Add("function", JsonString(process.name))
      .Add("is_actor", JsonBool(process.is_actor))
      .Add("actor", IdJson(process.actor))
      .Add("actor_name", JsonString(process.actor_name));
}

std::string JsonOfHolder(const MemoryView& view, const Holder& holder) {
  JsonObject object;
  if (holder.why == Why::kName) {
    object.Add("name", JsonString(holder.name));
  } else {
    AddProcess(object, view.processes[holder.process]);
  }
  std::vector<std::string> inside;
  for (const base::ObjectId id : holder.inside) inside.push_back(IdJson(id));
  return object.Add("why", JsonString(NameOf(holder.why)))
      .Add("count", std::to_string(holder.count))
      .Add("inside", JsonArray(inside))
      .text();
}

std::string JsonOfObject(const MemoryView& view, const ObjectEntry& entry) {
  JsonObject owner;
  if (entry.owner != ObjectEntry::kNobody) {
    AddProcess(owner, view.processes[entry.owner])
        .Add("is_heir", JsonBool(entry.is_heir));
  }
  std::vector<std::string> names;
  for (const std::string& name : entry.names) {
    names.push_back(JsonString(name));
  }
  std::vector<std::string> holders;
  for (const Holder& holder : entry.holders) {
    holders.push_back(JsonOfHolder(view, holder));
  }
  return JsonObject()
      .Add("object", IdJson(entry.object))
      .Add("bytes", std::to_string(entry.byte_count))
      .Add("stored_bytes", std::to_string(entry.stored_bytes))
      .Add("where", JsonString(NameOf(entry.where)))
      .Add("state", JsonString(NameOf(entry.state)))
      .Add("node", IdJson(view.node))
      .Add("job", IdJson(entry.job))
      .Add("owner", entry.owner == ObjectEntry::kNobody ? "null" : owner.text())
      .Add("names", JsonArray(names))
      .Add("holders", JsonArray(holders))
      .Add("only_cycles", JsonBool(entry.is_of_cycles))
      .Add("unclaimed", JsonBool(entry.is_unclaimed))
      .text();
}

std::string JsonOfCycle(const MemoryView& view, const Cycle& cycle) {
  std::vector<std::string> members;
  for (const CycleMember& member : cycle.members) {
    JsonObject object;
    if (member.actor.IsNil()) {
      object.Add("object", IdJson(member.object));
    } else {
      object.Add("actor", IdJson(member.actor))
          .Add("name", JsonString(member.name));
    }
    members.push_back(object.text());
  }
  return JsonObject()
      .Add("node", IdJson(view.node))
      .Add("bytes", std::to_string(cycle.byte_count))
      .Add("held_from_outside", JsonBool(cycle.is_held))
      .Add("members", JsonArray(members))
      .text();
}

std::string JsonOfProcess(const MemoryView& view, const ProcessEntry& process) {
  JsonObject object;
  return AddProcess(object, process)
      .Add("node", IdJson(view.node))
      .Add("job", IdJson(process.job))
      .Add("complete", JsonBool(process.is_complete))
      .Add("silent_ms", std::to_string(process.silent_ms))
      .Add("left_out", std::to_string(process.left_out))
      .Add("bytes_left_out", std::to_string(process.bytes_left_out))
      .text();
}

std::string JsonOfTotals(const MemoryTotals& totals) {
  return JsonObject()
      .Add("objects", std::to_string(totals.objects))
      .Add("bytes", std::to_string(totals.byte_count))
      .Add("stored_bytes", std::to_string(totals.stored_bytes))
      .Add("store_bytes_max", std::to_string(totals.store_bytes_max))
      .Add("spilled_bytes", std::to_string(totals.spilled_bytes))
      .Add("cycle_bytes", std::to_string(totals.cycle_bytes))
      .Add("unclaimed_bytes", std::to_string(totals.unclaimed_bytes))
      .Add("silent", std::to_string(totals.silent))
      .Add("left_out", std::to_string(totals.left_out))
      .text();
}

}  // namespace

std::string TextOf(const std::vector<MemoryView>& views,
                   const MemoryShown& shown) {
  std::string text;
  if (shown.is_grouped) {
    text = TableOfGroups(shown);
  } else {
    text = TableOfObjects(views, shown);
    if (shown.more > 0) text += ShowCount(shown.more) + " more; --limit N\n";
    text += TextOfCycles(shown);
  }
  return text + TextOfProcesses(views) + TextOfTotals(shown.totals);
}

std::string JsonOf(const std::vector<MemoryView>& views,
                   const MemoryShown& shown) {
  std::vector<std::string> objects;
  for (const auto& [view, entry] : shown.objects) {
    objects.push_back(JsonOfObject(*view, *entry));
  }
  std::vector<std::string> cycles;
  for (const auto& [view, cycle] : shown.cycles) {
    cycles.push_back(JsonOfCycle(*view, *cycle));
  }
  std::vector<std::string> groups;
  for (const ShownGroup& group : shown.groups) {
    groups.push_back(
        JsonObject()
            .Add("group", JsonString(group.name))
            .Add("objects", std::to_string(group.objects))
            .Add("bytes", std::to_string(group.byte_count))
            .Add("stored_bytes", std::to_string(group.stored_bytes))
            .text());
  }
  std::vector<std::string> processes;
  for (const MemoryView& view : views) {
    for (const ProcessEntry& process : view.processes) {
      processes.push_back(JsonOfProcess(view, process));
    }
  }
  JsonObject all;
  if (shown.is_grouped) {
    all.Add("groups", JsonArray(groups));
  } else {
    all.Add("objects", JsonArray(objects))
        .Add("left_out", std::to_string(shown.more))
        .Add("cycles", JsonArray(cycles))
        .Add("cycles_left_out", std::to_string(shown.more_cycles));
  }
  return all.Add("processes", JsonArray(processes))
             .Add("totals", JsonOfTotals(shown.totals))
             .text() +
         "\n";
}

}  // namespace mobula::cli

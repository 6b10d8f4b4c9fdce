// What of the views is shown.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "cli/memory/memory_text.h"

namespace mobula::cli {
namespace {

bool IsOfJob(const ObjectEntry& entry, const std::string& job) {
  return job.empty() || entry.job.ToString().starts_with(job);
}

std::string GroupOf(const MemoryView& view, const ObjectEntry& entry,
                    const std::string& group_by) {
  if (group_by == "job") {
    return entry.job.IsNil() ? "none" : entry.job.ToString();
  }
  if (entry.owner == ObjectEntry::kNobody) return "nobody that is known";
  const ProcessEntry& owner = view.processes[entry.owner];
  if (group_by == "owner") {
    return std::to_string(owner.pid) + " " + owner.role;
  }
  if (owner.role == "raylet") return "raylet";
  return owner.name.empty() ? "none" : owner.name;
}

void AddView(const MemoryView& view, MemoryTotals& totals) {
  totals.stored_bytes += view.stored_bytes;
  totals.store_bytes_max += view.store.bytes_max;
  totals.spilled_bytes += view.store.spilled_bytes;
  totals.left_out += view.left_out;
  for (const ProcessEntry& process : view.processes) {
    if (!process.is_complete) ++totals.silent;
  }
}

void AddEntry(const ObjectEntry& entry, MemoryTotals& totals) {
  ++totals.objects;
  totals.byte_count += entry.byte_count;
  if (entry.is_of_cycles) totals.cycle_bytes += entry.byte_count;
  if (entry.is_unclaimed) totals.unclaimed_bytes += entry.stored_bytes;
}

}  // namespace

MemoryShown Select(const std::vector<MemoryView>& views,
                   const MemorySelection& selection) {
  MemoryShown shown;
  shown.is_grouped = !selection.group_by.empty();
  std::map<std::string, ShownGroup> groups;
  for (const MemoryView& view : views) {
    AddView(view, shown.totals);
    std::set<base::ObjectId> of_job;
    for (const ObjectEntry& entry : view.objects) {
      if (!IsOfJob(entry, selection.job)) continue;
      AddEntry(entry, shown.totals);
      if (!selection.job.empty()) of_job.insert(entry.object);
      shown.objects.push_back({&view, &entry});
      if (!shown.is_grouped) continue;
      const std::string name = GroupOf(view, entry, selection.group_by);
      ShownGroup& group = groups[name];
      group.name = name;
      ++group.objects;
      group.byte_count += entry.byte_count;
      group.stored_bytes += entry.stored_bytes;
    }
    for (const Cycle& cycle : view.cycles) {
      const bool is_of_job =
          std::any_of(cycle.members.begin(), cycle.members.end(),
                      [&of_job](const CycleMember& member) {
                        return of_job.contains(member.object);
                      });
      if (selection.job.empty() || is_of_job) {
        shown.cycles.push_back({&view, &cycle});
      }
    }
  }
  for (auto& [name, group] : groups) shown.groups.push_back(std::move(group));
  std::stable_sort(shown.groups.begin(), shown.groups.end(),
                   [](const ShownGroup& a, const ShownGroup& b) {
                     return a.byte_count > b.byte_count;
                   });
  std::stable_sort(shown.objects.begin(), shown.objects.end(),
                   [](const ShownObject& a, const ShownObject& b) {
                     return a.entry->byte_count > b.entry->byte_count;
                   });
  if (shown.objects.size() > selection.limit) {
    shown.more = shown.objects.size() - selection.limit;
    shown.objects.resize(selection.limit);
  }
  if (shown.cycles.size() > selection.limit) {
    shown.more_cycles = shown.cycles.size() - selection.limit;
    shown.cycles.resize(selection.limit);
  }
  return shown;
}

}  // namespace mobula::cli

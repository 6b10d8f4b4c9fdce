#include "cli/memory/join_view.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/frames/memory_message.h"
#include "cli/memory/keepers.h"
#include "cli/memory/object_join.h"

namespace mobula::cli {
namespace {

std::vector<ProcessEntry> ProcessesOf(
    const MemoryReport& report,
    const std::map<base::ActorId, std::string>& actor_names) {
  std::vector<ProcessEntry> processes;
  std::map<base::ProcessId, std::size_t> places;
  for (const base::AskedProcess& one : report.listed.processes) {
    places.emplace(one.process, processes.size());
    processes.push_back({one, {}, "", 0, 0});
  }
  for (const base::MemoryPart& part : report.parts) {
    const auto place = places.find(part.process);
    if (place == places.end()) continue;
    ProcessEntry& process = processes[place->second];
    process.left_out += part.refs.objects_left_out;
    process.bytes_left_out += part.refs.bytes_left_out;
    if (part.refs.hosts.IsNil()) continue;
    process.actor = part.refs.hosts;
    const auto name = actor_names.find(process.actor);
    if (name != actor_names.end()) process.actor_name = name->second;
  }
  return processes;
}

bool ComesBefore(const ObjectEntry& a, const ObjectEntry& b) {
  if (a.byte_count != b.byte_count) return a.byte_count > b.byte_count;
  return a.object < b.object;
}

}  // namespace

MemoryView ViewOf(const MemoryReport& report,
                  const std::map<base::ActorId, std::string>& actor_names) {
  MemoryView view;
  view.node = report.listed.node;
  view.node_name = report.listed.node_name;
  view.store = report.listed.store;
  view.processes = ProcessesOf(report, actor_names);
  view.stored_objects = report.stored.size() + report.listed.stored_left_out;
  view.stored_bytes = report.listed.stored_bytes_left_out;
  for (const base::StoredRow& row : report.stored) {
    view.stored_bytes += row.copies.byte_count;
  }
  for (const ProcessEntry& process : view.processes) {
    view.left_out += process.left_out;
    view.bytes_left_out += process.bytes_left_out;
  }
  ObjectJoin join(report, view.processes);
  join.Join();
  view.cycles = Keepers(report, view.processes, join).FindCycles();
  for (auto& [id, said] : join.objects()) {
    said.entry.object = id;
    view.objects.push_back(std::move(said.entry));
  }
  std::sort(view.objects.begin(), view.objects.end(), ComesBefore);
  return view;
}

}  // namespace mobula::cli

#include "tests/sim/runner.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ostream>
#include <utility>

namespace mobula::sim {

namespace {

void AddFaults(const FaultCounts& from, FaultCounts& to) {
  to.drops += from.drops;
  to.dups += from.dups;
  to.reorders += from.reorders;
  to.delays += from.delays;
  to.stales += from.stales;
  to.cuts += from.cuts;
  to.kills += from.kills;
  to.pauses += from.pauses;
  to.start_failures += from.start_failures;
  to.gcs_restarts += from.gcs_restarts;
  to.node_deaths += from.node_deaths;
  to.line_faults += from.line_faults;
  to.sync_failures += from.sync_failures;
  to.disk_fulls += from.disk_fulls;
  to.lost_batches += from.lost_batches;
}

// What a failed CHECK of a core prints beside its own words.
std::array<char, 256> abort_note;

void NoteAbort(int /*signal*/) {
  // Nothing but write may be called here.
  const auto end = std::find(abort_note.begin(), abort_note.end(), '\0');
  if (::write(STDERR_FILENO, abort_note.data(),
              static_cast<std::size_t>(end - abort_note.begin())) < 0) {
    return;
  }
}

void PrepareAbort(std::uint64_t seed, Plant plant) {
  const std::string note = "replay: " + ReplayCommand(seed, plant) + '\n';
  abort_note.fill('\0');
  std::copy_n(note.begin(), std::min(note.size(), abort_note.size() - 1),
              abort_note.begin());
  std::signal(SIGABRT, NoteAbort);
}

void Print(std::uint64_t seed, Plant plant, const Report& report,
           std::ostream& out) {
  for (const Violation& violation : report.violations) {
    const auto at = violation.at.since_boot() - std::chrono::seconds(1000);
    out << "seed " << seed << " at " << at.count() / 1000
        << "us: " << violation.invariant << ": " << violation.text << '\n';
  }
  out << SwarmOptions::FromSeed(seed).ToString()
      << "\nreplay: " << ReplayCommand(seed, plant) << '\n';
}

}  // namespace

std::optional<std::uint64_t> Totals::Count(std::string_view name) const {
  const std::pair<std::string_view, std::uint64_t> counts[] = {
      {"seeds", seeds},
      {"events", events},
      {"tasks", tasks},
      {"runs", runs},
      {"kills", faults.kills},
      {"dups", faults.dups},
      {"drops", faults.drops},
      {"reorders", faults.reorders},
      {"delays", faults.delays},
      {"stales", faults.stales},
      {"cuts", faults.cuts},
      {"pauses", faults.pauses},
      {"start_failures", faults.start_failures},
      {"gcs_restarts", faults.gcs_restarts},
      {"node_deaths", faults.node_deaths},
      {"line_faults", faults.line_faults},
      {"sync_failures", faults.sync_failures},
      {"disk_fulls", faults.disk_fulls},
      {"lost_batches", faults.lost_batches},
      {"asks", asks},
      {"objects", objects},
      {"borrows", borrows},
      {"losses", losses},
      {"remade", remade}};
  for (const auto& [known, count] : counts) {
    if (known == name) return count;
  }
  return std::nullopt;
}

std::string Totals::Line() const {
  return std::to_string(seeds) + " seeds, " + std::to_string(events) +
         " events, " + std::to_string(faults.Total()) + " faults, " +
         std::to_string(violations) + " violations";
}

Report RunSeed(std::uint64_t seed, Plant plant, std::ostream* trace) {
  PrepareAbort(seed, plant);
  World world(SwarmOptions::FromSeed(seed), plant, trace);
  return world.Run();
}

std::string ReplayCommand(std::uint64_t seed, Plant plant) {
  std::string command =
      "bazel run //tests/sim -- --seed " + std::to_string(seed) + " --trace";
  for (const PlantName& known : AllPlants()) {
    if (known.plant == plant) command += " --plant " + std::string(known.name);
  }
  return command;
}

Totals RunSeeds(const RunOptions& options, std::ostream& out) {
  Totals totals;
  for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
    Report report = RunSeed(seed, options.plant, nullptr);
    if (options.twice_every != 0 && seed % options.twice_every == 0) {
      const Report again = RunSeed(seed, options.plant, nullptr);
      if (again.trace_hash != report.trace_hash) {
        report.violations.push_back(
            {"I18", "two runs of the seed have different traces", {}});
      }
    }
    ++totals.seeds;
    totals.events += report.events;
    totals.tasks += report.tasks;
    totals.runs += report.runs;
    totals.asks += report.asks;
    totals.objects += report.objects;
    totals.borrows += report.borrows;
    totals.losses += report.losses;
    totals.remade += report.remade;
    totals.violations += report.violations.size();
    AddFaults(report.faults, totals.faults);
    if (!report.violations.empty()) Print(seed, options.plant, report, out);
    if (totals.violations >= options.violations_max) break;
  }
  return totals;
}

}  // namespace mobula::sim

// sim plays seeds of the simulator: see README.md beside it.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/plants.h"
#include "tests/sim/runner.h"
#include "tests/sim/swarm_options.h"

namespace {

namespace sim = mobula::sim;

constexpr std::string_view kUsage =
    "usage: sim --seeds A:B [--require NAME=N,...] [--plant NAME]\n"
    "       sim --seed N [--trace] [--plant NAME]\n"
    "       sim --list-plants\n"
    "  --require  fails below these counts: tasks, runs, kills, dups, drops,\n"
    "             reorders, delays, stales, cuts, pauses, start_failures,\n"
    "             asks, gcs_restarts, node_deaths, line_faults, disk_fulls,\n"
    "             sync_failures, lost_batches, objects, borrows, losses,\n"
    "             remade\n"
    "  --twice N  plays every Nth seed twice and compares (10; 0: none)\n";

struct Requirement {
  std::string name;
  std::uint64_t least = 0;
};

struct CommandLine {
  sim::RunOptions run;
  std::vector<Requirement> requirements;
  bool has_seeds = false;
  bool trace = false;
  bool list_plants = false;
};

bool ParseNumber(std::string_view text, std::uint64_t* number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

bool ParseSeeds(std::string_view text, CommandLine* line) {
  line->has_seeds = true;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return ParseNumber(text, &line->run.first) &&
           ParseNumber(text, &line->run.last);
  }
  return ParseNumber(text.substr(0, colon), &line->run.first) &&
         ParseNumber(text.substr(colon + 1), &line->run.last) &&
         line->run.first <= line->run.last;
}

bool ParseRequirements(std::string_view text, CommandLine* line) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return false;
    Requirement requirement;
    requirement.name = item.substr(0, equals);
    if (!ParseNumber(item.substr(equals + 1), &requirement.least)) return false;
    if (!sim::Totals().Count(requirement.name).has_value()) return false;
    line->requirements.push_back(std::move(requirement));
  }
  return true;
}

bool ParsePlant(std::string_view text, CommandLine* line) {
  const auto plant = sim::FindPlant(text);
  if (!plant.has_value()) return false;
  line->run.plant = *plant;
  return true;
}

bool Parse(int argc, char** argv, CommandLine* line) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--trace") {
      line->trace = true;
    } else if (flag == "--list-plants") {
      line->list_plants = true;
    } else {
      if (i + 1 == argc) return false;
      const std::string_view value = argv[++i];
      const bool is_right =
          flag == "--seeds" || flag == "--seed" ? ParseSeeds(value, line)
          : flag == "--require"                 ? ParseRequirements(value, line)
          : flag == "--plant"                   ? ParsePlant(value, line)
          : flag == "--twice" ? ParseNumber(value, &line->run.twice_every)
                              : false;
      if (!is_right) return false;
    }
  }
  return line->list_plants || line->has_seeds;
}

int RunOne(const CommandLine& line) {
  std::cout << sim::SwarmOptions::FromSeed(line.run.first).ToString() << '\n';
  const sim::Report report =
      sim::RunSeed(line.run.first, line.run.plant, &std::cout);
  std::cout << "trace hash " << std::hex << report.trace_hash << std::dec
            << '\n';
  sim::RunOptions again = line.run;
  again.twice_every = 1;
  const sim::Totals totals = sim::RunSeeds(again, std::cout);
  std::cout << totals.Line() << '\n';
  return totals.violations == 0 ? 0 : 1;
}

int RunAll(const CommandLine& line) {
  const sim::Totals totals = sim::RunSeeds(line.run, std::cout);
  bool is_short = false;
  for (const Requirement& requirement : line.requirements) {
    const std::uint64_t count = *totals.Count(requirement.name);
    if (count >= requirement.least) continue;
    is_short = true;
    std::cout << "required " << requirement.name << '=' << requirement.least
              << ", reached " << count << '\n';
  }
  std::cout << totals.tasks << " tasks, " << totals.runs << " runs, "
            << totals.faults.kills << " kills, " << totals.faults.dups
            << " dups, " << totals.faults.drops << " drops\n"
            << totals.asks << " asks, " << totals.faults.gcs_restarts
            << " gcs_restarts, " << totals.faults.node_deaths
            << " node_deaths, " << totals.faults.lost_batches
            << " lost_batches\n"
            << totals.objects << " objects, " << totals.borrows << " borrows, "
            << totals.losses << " losses, " << totals.remade << " remade\n"
            << totals.Line() << '\n';
  return totals.violations == 0 && !is_short ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  if (!Parse(argc, argv, &line)) {
    std::cerr << kUsage;
    return 2;
  }
  if (line.list_plants) {
    for (const sim::PlantName& plant : sim::AllPlants()) {
      std::cout << plant.name << ": " << plant.story << '\n';
    }
    return 0;
  }
  return line.trace ? RunOne(line) : RunAll(line);
}

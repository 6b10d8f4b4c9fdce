#include "tests/sim/swarm_options.h"

#include <chrono>
#include <cmath>
#include <sstream>

#include "tests/sim/trace.h"

namespace mobula::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A feature that is on in `on` of the seeds, and then uniform up to `most`.
double Share(Rng& rng, double on, double most) {
  const bool is_on = rng.Chance(on);
  const double share = rng.Unit() * most;
  return is_on ? share : 0;
}

// As likely between 1 and 2 as between 10 and 20.
base::Duration LogWithin(Rng& rng, base::Duration low, base::Duration high) {
  const double ratio =
      static_cast<double>(high.count()) / static_cast<double>(low.count());
  const double factor = std::pow(ratio, rng.Unit());
  return base::Duration(
      static_cast<std::int64_t>(static_cast<double>(low.count()) * factor));
}

NetworkOptions DrawNetwork(Rng& rng) {
  NetworkOptions network;
  network.drop = Share(rng, 0.6, 0.1);
  network.duplicate = Share(rng, 0.7, 0.1);
  network.reorder = Share(rng, 0.6, 0.3);
  network.tail = Share(rng, 0.3, 0.02);
  network.stale = Share(rng, 0.3, 0.02);
  network.delay_median = LogWithin(rng, microseconds(2), microseconds(1000));
  network.delay_sigma = rng.Unit();
  network.tail_delay = rng.Within(milliseconds(10), seconds(3));
  if (rng.Chance(0.3)) {
    network.cut_interval = rng.Within(milliseconds(50), seconds(1));
    network.cut_length_max = rng.Within(milliseconds(5), seconds(1));
  }
  return network;
}

ProcessOptions DrawProcesses(Rng& rng) {
  ProcessOptions processes;
  if (rng.Chance(0.85)) {
    processes.effects_per_kill = 8 + rng.Unit() * 50;
    processes.kills_max = static_cast<int>(rng.Between(10, 60));
  }
  processes.start_failure = Share(rng, 0.3, 0.2);
  processes.early_exit = Share(rng, 0.3, 0.2);
  processes.start_delay_median =
      LogWithin(rng, microseconds(200), milliseconds(50));
  if (rng.Chance(0.3)) {
    processes.pause_interval = rng.Within(milliseconds(20), milliseconds(500));
    processes.pause_length_max = rng.Within(milliseconds(1), seconds(2));
  }
  processes.late_eof = Share(rng, 0.2, 0.2);
  processes.kill_driver = rng.Chance(0.2);
  processes.kill_raylet = rng.Chance(0.04);
  return processes;
}

WorkloadOptions DrawWorkload(Rng& rng) {
  WorkloadOptions work;
  work.drivers = static_cast<int>(rng.Between(1, 3));
  work.operations = static_cast<int>(rng.Between(100, 300));
  work.window = static_cast<int>(rng.Between(1, 64));
  work.actors = rng.Chance(0.7) ? static_cast<int>(rng.Between(1, 4)) : 0;
  work.run_median = LogWithin(rng, microseconds(5), milliseconds(20));
  work.call = work.actors > 0 ? 0.2 + rng.Unit() * 0.7 : 0;
  work.nested = Share(rng, 0.4, 0.3);
  work.deep = Share(rng, 0.5, 0.3);
  work.depends = Share(rng, 0.5, 0.5);
  work.throws = Share(rng, 0.5, 0.2);
  work.crashes = Share(rng, 0.4, 0.05);
  work.timeout = Share(rng, 0.4, 0.3);
  work.put = Share(rng, 0.3, 0.1);
  work.bound = Share(rng, 0.3, 0.3);
  work.wide = Share(rng, 0.3, 0.3);
  work.infeasible = Share(rng, 0.2, 0.05);
  work.constructor_throws = Share(rng, 0.2, 0.3);
  work.exit_actor = Share(rng, 0.3, 0.03);
  work.kill_actor = Share(rng, 0.3, 0.05);
  work.foreign_handle = Share(rng, 0.4, 0.2);
  work.pending_limit = Share(rng, 0.2, 0.5);
  work.forget = Share(rng, 0.4, 0.2);
  work.unwatched_burst = Share(rng, 0.5, 1);
  work.makes_actor = Share(rng, 0.3, 0.15);
  work.early_drop = Share(rng, 0.3, 0.1);
  work.lull = Share(rng, 0.2, 0.05);
  return work;
}

DiskOptions DrawDisk(Rng& rng) {
  DiskOptions disk;
  disk.sync_median = LogWithin(rng, microseconds(20), milliseconds(30));
  disk.sync_fails = Share(rng, 0.2, 0.04);
  if (rng.Chance(0.2)) {
    disk.full_interval = rng.Within(milliseconds(50), seconds(1));
    disk.full_length_max = rng.Within(milliseconds(10), seconds(1));
  }
  return disk;
}

ControlOptions DrawControl(Rng& rng) {
  ControlOptions control;
  control.on = rng.Chance(0.7);
  control.embedded = rng.Chance(0.15);
  control.nodes = control.embedded ? 1 : static_cast<int>(rng.Between(1, 3));
  if (rng.Chance(0.9)) {
    control.effects_per_kill = 5 + rng.Unit() * 60;
    control.kills_max = static_cast<int>(rng.Between(1, 12));
  }
  control.restart_max = LogWithin(rng, milliseconds(1), milliseconds(500));
  control.long_outage = Share(rng, 0.15, 0.5);
  const bool kills_raylets = rng.Chance(0.5);
  const auto raylet_kills = static_cast<int>(rng.Between(1, 3));
  // An embedded head ends with its raylet.
  control.raylet_kills_max =
      kills_raylets && !control.embedded ? raylet_kills : 0;
  control.silent_death = Share(rng, 0.3, 0.5);
  if (rng.Chance(0.4)) {
    control.break_interval = rng.Within(milliseconds(20), seconds(1));
    control.block_length_max = LogWithin(
        rng, milliseconds(10), rng.Chance(0.1) ? seconds(20) : seconds(3));
  }
  control.history_max =
      rng.Chance(0.5) ? static_cast<int>(rng.Between(1, 8)) : 10'000;
  control.held_max =
      rng.Chance(0.2) ? static_cast<int>(rng.Between(1, 20)) : 100'000;
  control.operations = static_cast<int>(rng.Between(10, 60));
  control.keys = static_cast<int>(rng.Between(1, 4));
  control.names = static_cast<int>(rng.Between(1, 5));
  control.detached = rng.Unit();
  control.crash_actor = Share(rng, 0.5, 0.1);
  control.end_actor = Share(rng, 0.5, 0.1);
  control.ask_timeout = Share(rng, 0.4, 0.3);
  return control;
}

RefOptions DrawRefs(Rng& rng) {
  RefOptions refs;
  const bool is_on = rng.Chance(0.8);
  refs.deeds = static_cast<int>(rng.Between(20, 120));
  refs.use = Share(rng, 0.8, 0.8);
  refs.pass = Share(rng, 0.8, 0.8);
  refs.resolve = Share(rng, 0.5, 0.4);
  refs.nest = Share(rng, 0.8, 1);
  refs.fat = Share(rng, 0.2, 0.2);
  refs.take = Share(rng, 0.9, 1);
  refs.keep = Share(rng, 0.7, 0.9);
  refs.stored = Share(rng, 0.6, 0.6);
  refs.large = Share(rng, 0.5, 0.5);
  refs.store_mib = static_cast<int>(rng.Between(3, 24));
  refs.spill_fails = Share(rng, 0.3, 0.2);
  if (refs.stored == 0) refs.store_mib = 0;
  return is_on ? refs : RefOptions();
}

// Where values are to be lost, much goes to disk and comes back.
void LoseValues(Rng& rng, RefOptions& refs) {
  const double restore_fails = Share(rng, 0.6, 0.4);
  const double large = 0.5 + rng.Unit() / 2;
  const auto store_mib = static_cast<int>(rng.Between(3, 6));
  if (refs.stored == 0 || restore_fails == 0) return;
  refs.restore_fails = restore_fails;
  refs.stored = 0.4 + refs.stored;
  refs.large = large;
  refs.store_mib = store_mib;
}

// The fields in their order; those that are off are not printed.
constexpr const char* kNetworkNames[] = {
    "drop",  "duplicate", "reorder",    "tail",         "stale",
    "delay", "sigma",     "tail_delay", "cut_interval", "cut_length_max"};
constexpr const char* kProcessNames[] = {
    "effects_per_kill", "kills_max",      "start_failure",    "early_exit",
    "start_delay",      "pause_interval", "pause_length_max", "late_eof",
    "kill_driver",      "kill_raylet"};
constexpr const char* kWorkloadNames[] = {"drivers",
                                          "operations",
                                          "window",
                                          "actors",
                                          "run_median",
                                          "call",
                                          "nested",
                                          "deep",
                                          "depends",
                                          "throws",
                                          "crashes",
                                          "timeout",
                                          "put",
                                          "bound",
                                          "wide",
                                          "infeasible",
                                          "constructor_throws",
                                          "exit_actor",
                                          "kill_actor",
                                          "foreign_handle",
                                          "pending_limit",
                                          "forget",
                                          "burst",
                                          "makes_actor",
                                          "early_drop",
                                          "lull",
                                          "cancel",
                                          "shared"};
constexpr const char* kDiskNames[] = {"sync", "sync_fails", "full_interval",
                                      "full_length_max"};
constexpr const char* kControlNames[] = {"on",
                                         "embedded",
                                         "nodes",
                                         "effects_per_kill",
                                         "kills_max",
                                         "restart_max",
                                         "long_outage",
                                         "raylet_kills_max",
                                         "silent_death",
                                         "break_interval",
                                         "block_length_max",
                                         "history_max",
                                         "held_max",
                                         "operations",
                                         "keys",
                                         "names",
                                         "detached",
                                         "crash_actor",
                                         "end_actor",
                                         "ask_timeout"};

constexpr const char* kRefNames[] = {
    "deeds",     "use",         "pass",         "resolve", "nest",
    "fat",       "take",        "keep",         "stored",  "large",
    "store_mib", "spill_fails", "restore_fails"};

template <class Section, std::size_t kCount>
void PrintSection(std::ostream& out, const char* title,
                  const char* const (&names)[kCount], const Section& section) {
  static_assert(kCount == boost::pfr::tuple_size_v<Section>);
  out << "; " << title << ':';
  boost::pfr::for_each_field(
      section, [&out, &names](const auto& field, std::size_t index) {
        if (field == std::decay_t<decltype(field)>{}) return;
        out << ' ' << names[index] << '=';
        PrintInto(out, field);
      });
}

}  // namespace

SwarmOptions SwarmOptions::FromSeed(std::uint64_t seed) {
  Rng rng(seed);
  SwarmOptions options;
  options.seed = seed;
  options.cpus = static_cast<int>(rng.Between(1, 8));
  options.workers_max = static_cast<int>(rng.Between(32, 64));
  options.encode = rng.Chance(0.2);
  options.network = DrawNetwork(rng);
  options.processes = DrawProcesses(rng);
  options.workload = DrawWorkload(rng);
  options.disk = DrawDisk(rng);
  options.control = DrawControl(rng);
  options.refs = DrawRefs(rng);
  // Drawn for itself, so that the others stay as they are.
  Rng cancels(seed ^ 0xCA4CE1);
  options.workload.cancel = Share(cancels, 0.4, 0.3);
  Rng shared(seed ^ 0x54A2ED);
  options.workload.shared = Share(shared, 0.5, 1);
  Rng losses(seed ^ 0x105E5);
  LoseValues(losses, options.refs);
  // A node goes only where another comes; that is drawn for itself.
  if (options.control.on) options.processes.kill_raylet = false;
  return options;
}

std::string SwarmOptions::ToString() const {
  std::ostringstream out;
  out << "seed " << seed << ": cpus=" << cpus << " workers_max=" << workers_max
      << " encode=" << encode << " faults_end_ms="
      << std::chrono::duration_cast<milliseconds>(faults_end).count();
  PrintSection(out, "network", kNetworkNames, network);
  PrintSection(out, "processes", kProcessNames, processes);
  PrintSection(out, "workload", kWorkloadNames, workload);
  PrintSection(out, "refs", kRefNames, refs);
  if (control.on) {
    PrintSection(out, "disk", kDiskNames, disk);
    PrintSection(out, "control", kControlNames, control);
  }
  return out.str();
}

}  // namespace mobula::sim

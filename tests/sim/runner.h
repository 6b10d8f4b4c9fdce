// RunSeeds plays seeds out and adds up what happened: what the command line and
// the tests of the simulator stand on.
//
//   Totals totals = RunSeeds({.first = 1, .last = 100}, std::cerr);
//
// Each seed, or every so many, is played twice; the traces must be the same
// (invariant I18).
// Threading: none.
#ifndef MOBULA_TESTS_SIM_RUNNER_H_
#define MOBULA_TESTS_SIM_RUNNER_H_

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/network.h"
#include "tests/sim/plants.h"
#include "tests/sim/world.h"

namespace mobula::sim {

struct RunOptions {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  Plant plant = Plant::kNone;
  std::uint64_t twice_every = 10;     // 0: never
  std::uint64_t violations_max = 10;  // then it stops
};

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t events = 0;
  std::uint64_t tasks = 0;
  std::uint64_t runs = 0;
  std::uint64_t asks = 0;
  std::uint64_t objects = 0;
  std::uint64_t borrows = 0;
  std::uint64_t losses = 0;
  std::uint64_t remade = 0;
  std::uint64_t violations = 0;
  FaultCounts faults;

  // "tasks", "kills", "dups", ...; nothing for an unknown name.
  [[nodiscard]] std::optional<std::uint64_t> Count(std::string_view name) const;
  // The last line of a run.
  [[nodiscard]] std::string Line() const;
};

// Prints violations, and how to replay them, to `out`.
Totals RunSeeds(const RunOptions& options, std::ostream& out);

// One seed once, its trace printed to `trace` where that is not null.
Report RunSeed(std::uint64_t seed, Plant plant, std::ostream* trace);

// The command that plays a seed again.
std::string ReplayCommand(std::uint64_t seed, Plant plant);

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_RUNNER_H_

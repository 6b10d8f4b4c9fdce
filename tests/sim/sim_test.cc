#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>

#include "tests/sim/runner.h"

namespace mobula::sim {
namespace {

// The run of every test: it must reach these counts, so that it cannot pass on
// an empty simulation.
TEST(SimTest, SeedsAreClean) {
  RunOptions options;
  options.first = 1;
  options.last = 300;
  options.twice_every = 5;
  const Totals totals = RunSeeds(options, std::cerr);
  std::cout << totals.tasks << " tasks, " << totals.faults.kills << " kills, "
            << totals.faults.dups << " dups\n"
            << totals.Line() << '\n';
  EXPECT_EQ(totals.violations, 0u);
  EXPECT_EQ(totals.seeds, 300u);
  EXPECT_GE(totals.tasks, 30'000u);
  EXPECT_GE(totals.faults.kills, 3'000u);
  EXPECT_GE(totals.faults.dups, 3'000u);
  EXPECT_GE(totals.faults.drops, 3'000u);
  EXPECT_GE(totals.faults.cuts, 100u);
  EXPECT_GE(totals.faults.pauses, 100u);
  EXPECT_GE(totals.faults.start_failures, 100u);
  EXPECT_GE(totals.asks, 10'000u);
  EXPECT_GE(totals.objects, 30'000u);
  EXPECT_GE(totals.borrows, 15'000u);
  EXPECT_GE(totals.losses, 500u);
  EXPECT_GE(totals.remade, 100u);
  EXPECT_GE(totals.faults.gcs_restarts, 600u);
  EXPECT_GE(totals.faults.node_deaths, 50u);
  EXPECT_GE(totals.faults.line_faults, 500u);
  EXPECT_GE(totals.faults.disk_fulls, 50u);
  EXPECT_GE(totals.faults.sync_failures, 10u);
  EXPECT_GE(totals.faults.lost_batches, 100u);
}

TEST(SimTest, ASeedIsItsTrace) {
  const Report one = RunSeed(1, Plant::kNone, nullptr);
  const Report same = RunSeed(1, Plant::kNone, nullptr);
  const Report other = RunSeed(2, Plant::kNone, nullptr);
  EXPECT_EQ(one.trace_hash, same.trace_hash);
  EXPECT_EQ(one.events, same.events);
  EXPECT_NE(one.trace_hash, other.trace_hash);
}

}  // namespace
}  // namespace mobula::sim

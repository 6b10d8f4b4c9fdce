#include "cli/memory/ref_graph.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <vector>

namespace mobula::cli {
namespace {

using Nodes = std::vector<RefGraph::Node>;

RefGraph Of(std::size_t count) {
  RefGraph graph;
  for (std::size_t i = 0; i < count; ++i) graph.Add();
  return graph;
}

TEST(RefGraphTest, AChainHasNoCycle) {
  RefGraph graph = Of(3);
  graph.Keep(0, 1);
  graph.Keep(1, 2);
  graph.Keep(0, 2);
  EXPECT_TRUE(graph.Cycles().empty());
  EXPECT_FALSE(graph.IsKept(0));
  EXPECT_TRUE(graph.IsKept(2));
}

TEST(RefGraphTest, CyclesOfOneAndOfMany) {
  RefGraph graph = Of(7);
  graph.Keep(0, 0);
  graph.Keep(1, 2);
  graph.Keep(2, 3);
  graph.Keep(3, 1);
  graph.Keep(3, 4);
  graph.Keep(4, 5);
  graph.Keep(5, 4);
  graph.Keep(6, 1);
  EXPECT_EQ(graph.Cycles(), (std::vector<Nodes>{{0}, {1, 2, 3}, {4, 5}}));
}

TEST(RefGraphTest, WhatARootReachesLives) {
  RefGraph graph = Of(5);
  graph.Keep(0, 1);
  graph.Keep(1, 0);
  graph.Keep(2, 3);
  graph.Keep(3, 2);
  graph.Keep(3, 4);
  graph.Root(1);
  EXPECT_EQ(graph.Living(),
            (std::vector<bool>{true, true, false, false, false}));
}

TEST(RefGraphTest, LongOnesTakeNoStack) {
  constexpr std::size_t kLong = 1'000'000;
  RefGraph graph = Of(kLong);
  for (std::size_t i = 0; i < kLong; ++i) graph.Keep(i, (i + 1) % kLong);
  const auto cycles = graph.Cycles();
  ASSERT_EQ(cycles.size(), 1u);
  EXPECT_EQ(cycles[0].size(), kLong);
  graph.Root(kLong / 2);
  EXPECT_TRUE(graph.Living()[0]);
}

// Against the definition: two are of one cycle if each reaches the other.
TEST(RefGraphTest, RandomGraphs) {
  std::mt19937_64 random(7);
  std::size_t found = 0;
  for (int round = 0; round < 500; ++round) {
    const std::size_t count = 1 + random() % 12;
    RefGraph graph = Of(count);
    std::vector<std::vector<bool>> reach(count, std::vector<bool>(count));
    for (std::size_t i = random() % (2 * count); i > 0; --i) {
      const std::size_t a = random() % count;
      const std::size_t b = random() % count;
      graph.Keep(a, b);
      reach[a][b] = true;
    }
    for (std::size_t by = 0; by < count; ++by) {
      for (std::size_t a = 0; a < count; ++a) {
        for (std::size_t b = 0; b < count; ++b) {
          if (reach[a][by] && reach[by][b]) reach[a][b] = true;
        }
      }
    }
    std::vector<Nodes> expected;
    std::vector<bool> done(count, false);
    for (std::size_t a = 0; a < count; ++a) {
      if (done[a] || !reach[a][a]) continue;
      Nodes members;
      for (std::size_t b = a; b < count; ++b) {
        if (!reach[a][b] || !reach[b][a]) continue;
        members.push_back(b);
        done[b] = true;
      }
      expected.push_back(members);
    }
    found += expected.size();
    ASSERT_EQ(graph.Cycles(), expected) << "round " << round;
  }
  EXPECT_GT(found, 100u);
}

}  // namespace
}  // namespace mobula::cli

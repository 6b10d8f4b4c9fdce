#include "tests/sim/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

namespace mobula::sim {
namespace {

class NetworkTest : public testing::Test {
 protected:
  // What arrives of `packets` numbered ones.
  std::vector<int> Carry(const NetworkOptions& options, int packets,
                         bool healed = false) {
    Network network(options, Rng(1), queue_, counts_);
    if (healed) network.Heal();
    const auto channel = std::make_shared<Network::Channel>();
    std::vector<int> arrived;
    for (int i = 0; i < packets; ++i) {
      network.Carry(channel, [&arrived, i] { arrived.push_back(i); });
    }
    while (queue_.RunNext()) {
    }
    return arrived;
  }

  EventQueue queue_;
  FaultCounts counts_;
};

TEST_F(NetworkTest, WithoutFaultsAllArrivesInOrder) {
  const std::vector<int> arrived = Carry(NetworkOptions(), 1000);
  EXPECT_EQ(arrived.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(arrived.begin(), arrived.end()));
  EXPECT_EQ(counts_.Total(), 0u);
}

TEST_F(NetworkTest, EachFaultHappensAndIsCounted) {
  NetworkOptions options;
  options.drop = 0.1;
  options.duplicate = 0.1;
  options.reorder = 0.1;
  options.tail = 0.1;
  options.tail_delay = std::chrono::seconds(1);
  const std::vector<int> arrived = Carry(options, 1000);
  EXPECT_GT(counts_.drops, 50u);
  EXPECT_GT(counts_.dups, 50u);
  EXPECT_GT(counts_.reorders, 50u);
  EXPECT_GT(counts_.delays, 50u);
  EXPECT_EQ(arrived.size(), 1000 - counts_.drops + counts_.dups);
  EXPECT_FALSE(std::is_sorted(arrived.begin(), arrived.end()));
}

TEST_F(NetworkTest, HealedItLosesNothing) {
  NetworkOptions options;
  options.drop = 0.5;
  options.duplicate = 0.5;
  options.reorder = 0.5;
  const std::vector<int> arrived = Carry(options, 1000, true);
  EXPECT_EQ(arrived.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(arrived.begin(), arrived.end()));
}

TEST_F(NetworkTest, ACutIsOneWayAndForAWhile) {
  Network network(NetworkOptions(), Rng(1), queue_, counts_);
  const auto there = std::make_shared<Network::Channel>();
  const auto back = std::make_shared<Network::Channel>();
  network.Cut(there, std::chrono::seconds(1));
  int arrived = 0;
  network.Carry(there, [] { FAIL(); });
  network.Carry(back, [&arrived] { ++arrived; });
  queue_.After(std::chrono::seconds(2), [&network, &there, &arrived] {
    network.Carry(there, [&arrived] { ++arrived; });
  });
  while (queue_.RunNext()) {
  }
  EXPECT_EQ(arrived, 2);
}

TEST_F(NetworkTest, NothingArrivesAfterTheEnd) {
  Network network(NetworkOptions(), Rng(1), queue_, counts_);
  const auto channel = std::make_shared<Network::Channel>();
  bool ended = false;
  network.End(channel, [&ended] { ended = true; });
  queue_.After(std::chrono::seconds(1), [&network, &channel] {
    network.Carry(channel, [] { FAIL(); });
  });
  while (queue_.RunNext()) {
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace mobula::sim

#include "tests/netns/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace mobula::test {
namespace {

using base::BootTime;
using std::chrono::milliseconds;

BootTime At(int ms) { return BootTime::FromSinceBoot(milliseconds(ms)); }

Address AddressOf(int port) {
  return *Address::Parse("10.77.0." + std::to_string(port));
}

// To that port, with a number in its last bytes.
std::vector<std::uint8_t> PacketTo(int port, int number = 0) {
  std::vector<std::uint8_t> packet(24);
  packet[0] = 0x45;
  packet[16] = 10;
  packet[17] = 77;
  packet[19] = static_cast<std::uint8_t>(port);
  for (std::size_t i = 0; i < 4; ++i) {
    packet[20 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return packet;
}

int NumberIn(const std::vector<std::uint8_t>& packet) {
  int number = 0;
  for (std::size_t i = 0; i < 4; ++i) number |= packet[20 + i] << (8 * i);
  return number;
}

class NetworkTest : public testing::Test {
 protected:
  NetworkTest() {
    for (int port = 1; port <= 3; ++port)
      network_.Plug(port, {AddressOf(port)});
  }
  int Arrive(int from, int to, int number, int ms) {
    return network_.Arrive(from, PacketTo(to, number), At(ms));
  }
  // Numbers of those that are due.
  std::vector<int> Due(int ms) {
    std::vector<int> numbers;
    Network::Parcel parcel;
    while (network_.Pop(At(ms), &parcel)) {
      numbers.push_back(NumberIn(parcel.bytes));
    }
    return numbers;
  }

  Network network_{4, 1};
};

TEST_F(NetworkTest, APacketGoesToItsAddressAlone) {
  EXPECT_EQ(Arrive(1, 2, 0, 0), 2);
  EXPECT_EQ(Arrive(2, 3, 0, 0), 3);
  EXPECT_EQ(Arrive(1, 4, 0, 0), 0);  // nobody is there
  EXPECT_EQ(Arrive(1, 1, 0, 0), 0);
  EXPECT_EQ(network_.Arrive(1, {}, At(0)), 0);
  EXPECT_EQ(network_.counts().passed, 2);
  EXPECT_EQ(network_.counts().strange, 3);
  EXPECT_TRUE(network_.NextDue().IsNever());
}

TEST_F(NetworkTest, AnAddressIsOfOnePort) {
  EXPECT_FALSE(network_.Plug(4, {AddressOf(1)}));
  EXPECT_FALSE(network_.IsPlugged(4));
  EXPECT_TRUE(network_.Plug(1, {AddressOf(1)}));
  network_.Unplug(1);
  EXPECT_FALSE(network_.IsPlugged(1));
  EXPECT_TRUE(network_.Plug(4, {AddressOf(1)}));
  EXPECT_EQ(Arrive(2, 1, 0, 0), 4);
}

TEST_F(NetworkTest, ACutIsOfOneDirection) {
  network_.SetFaults(1, 2, {.cut = true});
  EXPECT_EQ(Arrive(1, 2, 0, 0), 0);
  EXPECT_EQ(Arrive(2, 1, 0, 0), 1);
  EXPECT_EQ(Arrive(1, 3, 0, 0), 3);
  network_.SetFaults(1, 2, {});
  EXPECT_EQ(Arrive(1, 2, 0, 0), 2);
  EXPECT_EQ(network_.counts().lost, 1);
}

TEST_F(NetworkTest, DelayedPacketsComeInOrder) {
  network_.SetFaults(1, 2, {.delay = milliseconds(10)});
  EXPECT_EQ(Arrive(1, 2, 1, 0), 0);
  EXPECT_EQ(Arrive(1, 2, 2, 5), 0);
  EXPECT_EQ(network_.NextDue(), At(10));
  EXPECT_EQ(Due(9), std::vector<int>());
  EXPECT_EQ(Due(10), std::vector<int>({1}));
  // One that comes when the fault is over does not overtake.
  network_.SetFaults(1, 2, {});
  EXPECT_EQ(Arrive(1, 2, 3, 16), 0);
  EXPECT_EQ(Due(16), std::vector<int>({2, 3}));
  EXPECT_EQ(Arrive(1, 2, 4, 16), 2);
}

TEST_F(NetworkTest, ACopyComesRightBehind) {
  network_.SetFaults(1, 2, {.duplicate = 1});
  EXPECT_EQ(Arrive(1, 2, 7, 0), 0);
  EXPECT_EQ(Due(0), std::vector<int>({7, 7}));
  EXPECT_EQ(network_.counts().copied, 1);
}

TEST_F(NetworkTest, WhatIsHeldForAMachineGoesWithIt) {
  network_.SetFaults(1, 2, {.delay = milliseconds(10)});
  network_.SetFaults(1, 3, {.delay = milliseconds(10)});
  Arrive(1, 2, 1, 0);
  Arrive(1, 3, 2, 0);
  network_.Unplug(2);
  EXPECT_EQ(Due(100), std::vector<int>({2}));
  // And keeps nothing waiting when that is back.
  network_.Plug(2, {AddressOf(2)});
  network_.SetFaults(1, 2, {});
  EXPECT_EQ(Arrive(1, 2, 3, 100), 2);
}

TEST_F(NetworkTest, WhatIsHeldIsBounded) {
  network_.SetFaults(1, 2, {.delay = std::chrono::hours(1)});
  std::vector<std::uint8_t> large = PacketTo(2);
  large.resize(1 << 20);
  for (int i = 0; i < 300; ++i) network_.Arrive(1, large, At(0));
  EXPECT_EQ(network_.counts().held, 256);
  EXPECT_EQ(network_.counts().dropped, 44);
}

// Over seeded faults that change: each packet that was not lost comes once, or
// twice if it was copied, and no packet that was not overtaken comes before one
// that was sent before it.
TEST(NetworkRandomTest, NothingIsInventedAndOrderIsKept) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 chance(seed);
    Network network(2, seed);
    network.Plug(1, {AddressOf(1)});
    network.Plug(2, {AddressOf(2)});
    const bool reorders = seed % 2 == 0;
    std::vector<int> came;
    Network::Parcel parcel;
    const auto pop = [&](int ms) {
      while (network.Pop(At(ms), &parcel))
        came.push_back(NumberIn(parcel.bytes));
    };
    constexpr int kSent = 2000;
    for (int i = 0; i < kSent; ++i) {
      if (chance() % 50 == 0) {
        network.SetFaults(1, 2,
                          {.cut = chance() % 5 == 0,
                           .loss = static_cast<double>(chance() % 3) / 10,
                           .duplicate = static_cast<double>(chance() % 3) / 10,
                           .reorder = reorders ? 0.2 : 0,
                           .delay = milliseconds(chance() % 20),
                           .jitter = milliseconds(chance() % 20)});
      }
      pop(i);
      if (network.Arrive(1, PacketTo(2, i), At(i)) == 2) came.push_back(i);
    }
    pop(kSent * 100);
    const auto& counts = network.counts();
    EXPECT_EQ(static_cast<std::int64_t>(came.size()), counts.passed);
    EXPECT_EQ(counts.passed, kSent - counts.lost + counts.copied);
    EXPECT_GT(counts.lost, 0);
    EXPECT_GT(counts.copied, 0);
    EXPECT_TRUE(network.NextDue().IsNever());
    EXPECT_EQ(std::is_sorted(came.begin(), came.end()), !reorders);
    std::map<int, int> times;
    for (const int number : came) EXPECT_LE(++times[number], 2);
    EXPECT_EQ(static_cast<std::int64_t>(times.size()), kSent - counts.lost);
  }
}

}  // namespace
}  // namespace mobula::test

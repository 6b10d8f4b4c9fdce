#include "tests/netns/address.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace mobula::test {
namespace {

std::vector<std::uint8_t> Packet4(std::uint8_t last) {
  std::vector<std::uint8_t> packet(20);
  packet[0] = 0x45;
  packet[16] = 10;
  packet[17] = 77;
  packet[19] = last;
  return packet;
}

TEST(AddressTest, IsReadAndWritten) {
  for (const char* const text : {"10.77.0.3", "fd77::3", "255.255.255.255"}) {
    const auto address = Address::Parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_TRUE(Address::Parse("10.0.0.1")->IsVersion4());
  EXPECT_FALSE(Address::Parse("fd77::1")->IsVersion4());
  for (const char* const text : {"", "10.77.0", "host", "10.0.0.256", "::g"}) {
    EXPECT_FALSE(Address::Parse(text)) << text;
  }
}

TEST(AddressTest, APrefixHasItsBits) {
  EXPECT_EQ(Prefixed::Parse("10.77.0.3/24")->bits, 24);
  EXPECT_EQ(Prefixed::Parse("fd77::3/64")->bits, 64);
  for (const char* const text :
       {"10.77.0.3", "10.77.0.3/", "10.77.0.3/33", "10.77.0.3/0", "x/8",
        "10.77.0.3/8x", "fd77::3/129", "10.77.0.3/-1"}) {
    EXPECT_FALSE(Prefixed::Parse(text)) << text;
  }
}

TEST(AddressTest, APacketNamesWhereItGoes) {
  EXPECT_EQ(DestinationOf(Packet4(9)), Address::Parse("10.77.0.9"));
  std::vector<std::uint8_t> packet(40);
  packet[0] = 0x60;
  packet[24] = 0xfd;
  packet[25] = 0x77;
  packet[39] = 5;
  EXPECT_EQ(DestinationOf(packet), Address::Parse("fd77::5"));
}

TEST(AddressTest, WhatIsNoPacketNamesNothing) {
  EXPECT_FALSE(DestinationOf({}));
  std::vector<std::uint8_t> packet = Packet4(1);
  packet.resize(19);
  EXPECT_FALSE(DestinationOf(packet));
  packet.assign(39, 0x60);
  EXPECT_FALSE(DestinationOf(packet));
  std::mt19937 chance(1);
  for (int i = 0; i < 10'000; ++i) {
    std::vector<std::uint8_t> bytes(chance() % 64);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(chance());
    const bool long_enough =
        !bytes.empty() && ((bytes[0] >> 4 == 4 && bytes.size() >= 20) ||
                           (bytes[0] >> 4 == 6 && bytes.size() >= 40));
    EXPECT_EQ(DestinationOf(bytes).has_value(), long_enough);
  }
}

}  // namespace
}  // namespace mobula::test

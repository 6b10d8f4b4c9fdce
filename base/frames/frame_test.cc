#include "base/frames/frame.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <random>

namespace mobula::base {
namespace {

std::string Bytes32(const FrameHeader& header) {
  std::string bytes(kFrameHeaderBytes, '\xff');
  PutFrameHeader(header, bytes.data());
  return bytes;
}

FrameHeader Data() {
  FrameHeader header;
  header.length = 5;
  header.flags = kFrameMore | kFrameHasFd;
  header.credits = 1024;
  header.seq = 0x0102030405060708;
  header.ack = 9;
  header.budget_ms = 77;
  return header;
}

TEST(FrameTest, HeadersComeBackAsTheyWere) {
  FrameHeader read;
  std::string error;
  ASSERT_TRUE(GetFrameHeader(Bytes32(Data()), &read, &error)) << error;
  EXPECT_EQ(read, Data());
}

// The format is a promise to peers of the version before.
TEST(FrameTest, TheBytesAreFixed) {
  const std::string bytes = Bytes32(Data());
  const std::string expected(
      "\x05\0\0\0\x02\x03\0\x04\x08\x07\x06\x05\x04\x03\x02\x01"
      "\x09\0\0\0\0\0\0\0\x4d\0\0\0\0\0\0\0",
      32);
  EXPECT_EQ(bytes, expected);
}

TEST(FrameTest, RefusesWhatNoPeerWrites) {
  const std::vector<std::function<void(std::string&)>> damages = {
      [](std::string& bytes) { bytes[3] = 1; },   // length of 16 MiB
      [](std::string& bytes) { bytes[4] = 0; },   // no kind
      [](std::string& bytes) { bytes[4] = 5; },   // unknown kind
      [](std::string& bytes) { bytes[5] = 4; },   // unknown flag
      [](std::string& bytes) { bytes[28] = 1; },  // reserved
      [](std::string& bytes) { bytes[4] = 3; },   // ack with a payload
      [](std::string& bytes) { bytes[4] = 1; },   // hello with flags
      [](std::string& bytes) { bytes.replace(8, 8, 8, '\0'); },  // seq 0
      [](std::string& bytes) { bytes[0] = 0; },  // an empty part
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    std::string bytes = Bytes32(Data());
    damages[i](bytes);
    FrameHeader read;
    std::string error;
    EXPECT_FALSE(GetFrameHeader(bytes, &read, &error)) << "damage " << i;
    EXPECT_FALSE(error.empty());
  }
}

TEST(FrameTest, RandomHeadersAreRefusedOrStable) {
  std::mt19937_64 random(3);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes = Bytes32(Data());
    for (int flips = 0; flips < 3; ++flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 8);
    }
    FrameHeader read;
    std::string error;
    if (!GetFrameHeader(bytes, &read, &error)) continue;
    ++accepted;
    ASSERT_LE(read.length, kFramePayloadMax);
    ASSERT_EQ(Bytes32(read), bytes);
  }
  EXPECT_GT(accepted, 1000);
}

TEST(FrameTest, BudgetsAreRoundedUpAndSaturate) {
  using std::chrono::milliseconds;
  EXPECT_EQ(BudgetToMs(Duration(-1)), 0u);
  EXPECT_EQ(BudgetToMs(Duration(0)), 0u);
  EXPECT_EQ(BudgetToMs(Duration(1)), 1u);
  EXPECT_EQ(BudgetToMs(milliseconds(5)), 5u);
  EXPECT_EQ(BudgetToMs(Duration::max()), kNoBudget);
  EXPECT_EQ(BudgetToMs(std::chrono::hours(24 * 60)), kNoBudget);
  EXPECT_EQ(BudgetFromMs(5), milliseconds(5));
  EXPECT_EQ(BudgetFromMs(kNoBudget), Duration::max());
}

}  // namespace
}  // namespace mobula::base

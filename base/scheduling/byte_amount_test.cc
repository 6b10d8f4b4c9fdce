#include "base/scheduling/byte_amount.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace mobula::base {
namespace {

constexpr std::uint64_t kKi = 1024;

std::uint64_t BytesOf(const std::string& text) {
  std::string error;
  const auto amount = ByteAmount::Parse(text, &error);
  EXPECT_TRUE(amount.has_value()) << error;
  if (!amount) return UINT64_MAX;
  EXPECT_FALSE(amount->is_share()) << text;
  return amount->Of(0);
}

std::string ErrorOf(const std::string& text) {
  std::string error;
  const auto amount = ByteAmount::Parse(text, &error);
  return amount ? text + " is " + amount->ToString() : error;
}

TEST(ByteAmountTest, BytesAsPeopleWriteThem) {
  const struct {
    const char* text;
    std::uint64_t bytes;
  } kCases[] = {
      {"0", 0},
      {"0GiB", 0},
      {"1073741824", kKi * kKi * kKi},
      {"7B", 7},
      {"512KiB", 512 * kKi},
      {"512kib", 512 * kKi},
      {"32MiB", 32 * kKi * kKi},
      {"32M", 32 * kKi * kKi},
      {"2GiB", 2 * kKi * kKi * kKi},
      {"16g", 16 * kKi * kKi * kKi},
      {"1.5GiB", 3 * kKi * kKi * kKi / 2},
      {"0.5K", 512},
      {"1.9999999999999999999B", 1},
      {"3T", 3 * kKi * kKi * kKi * kKi},
      {"1PiB", kKi * kKi * kKi * kKi * kKi},
      {"500MB", 500'000'000},
      {"1kB", 1000},
      {"9223372036854775807", ByteAmount::kBytesMax},
      {"007", 7},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(BytesOf(each.text), each.bytes) << each.text;
  }
}

TEST(ByteAmountTest, SharesOfWhatThereIs) {
  std::string error;
  const auto amount = ByteAmount::Parse("30%", &error);
  ASSERT_TRUE(amount.has_value()) << error;
  EXPECT_TRUE(amount->is_share());
  EXPECT_EQ(amount->Of(1000), 300u);
  EXPECT_EQ(ByteAmount::Parse("12.5%", &error)->Of(1000), 125u);
  EXPECT_EQ(ByteAmount::Parse("100%", &error)->Of(12345), 12345u);
  EXPECT_EQ(ByteAmount::Parse("100%", &error)->Of(UINT64_MAX), UINT64_MAX);
  EXPECT_TRUE(ByteAmount::Parse("0%", &error)->is_zero());
  EXPECT_FALSE(amount->is_zero());
}

TEST(ByteAmountTest, WhatItSaysItReads) {
  for (const char* text : {"0", "17", "1073741824", "30%", "12.5%", "0.001%"}) {
    std::string error;
    const auto amount = ByteAmount::Parse(text, &error);
    ASSERT_TRUE(amount.has_value()) << error;
    EXPECT_EQ(amount->ToString(), text);
    EXPECT_EQ(ByteAmount::Parse(amount->ToString(), &error), amount);
  }
  std::string error;
  EXPECT_EQ(ByteAmount::Bytes(17), ByteAmount::Parse("17", &error));
}

TEST(ByteAmountTest, NonsenseIsRefusedWithWhatIsWanted) {
  const struct {
    const char* text;
    const char* part;
  } kCases[] = {
      {"", "no amount"},
      {" ", "no amount"},
      {"MiB", "no amount"},
      {".5GiB", "no amount"},
      {"5.GiB", "no amount"},
      {"+5", "no amount"},
      {"0x10", "unit"},
      {"-1", "less than nothing"},
      {"-0", "less than nothing"},
      {"-5%", "less than nothing"},
      {"12 MiB", "unit"},
      {"12MiB ", "unit"},
      {"1Q", "unit"},
      {"1KiBs", "unit"},
      {"1e9", "unit"},
      {"1,5G", "unit"},
      {"nan", "no amount"},
      {"inf", "no amount"},
      {"5%%", "unit"},
      {"100.1%", "more than all"},
      {"99999999999999999999%", "more than all"},
      {"9223372036854775808", "more than any machine"},
      {"99999999999999999999", "more than any machine"},
      {"8192PiB", "more than any machine"},
      {"99999999T", "more than any machine"},
  };
  for (const auto& each : kCases) {
    const std::string error = ErrorOf(each.text);
    EXPECT_NE(error.find(each.part), std::string::npos)
        << each.text << ": " << error;
    EXPECT_NE(error.find("32MiB"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace mobula::base

#include "raylet/server/store_size.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace mobula::raylet {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// What a store has for which `text` was asked, "" for nothing; else the error.
std::string SizeFor(const std::string& text, const MemoryRoom& room) {
  std::optional<base::ByteAmount> asked;
  std::string error;
  if (!text.empty()) asked = base::ByteAmount::Parse(text, &error);
  const auto bytes = StoreBytes(asked, room, &error);
  return bytes ? std::to_string(*bytes) : error;
}

std::string Mebibytes(std::uint64_t count) {
  return std::to_string(count * kMiB);
}

TEST(StoreSizeTest, WithoutAWordItIsAShareOfWhatIsLeft) {
  EXPECT_EQ(SizeFor("", {8 * kGiB, 1000 * kMiB, 8 * kGiB}), Mebibytes(300));
  // No more than what the node says that it has.
  EXPECT_EQ(SizeFor("", {8 * kGiB, 8 * kGiB, 1000 * kMiB}), Mebibytes(300));
}

TEST(StoreSizeTest, OnASmallMachineItIsStillOfUse) {
  EXPECT_EQ(SizeFor("", {40 * kMiB, 40 * kMiB, kGiB}), Mebibytes(16));
  EXPECT_EQ(SizeFor("", {20 * kMiB, 20 * kMiB, kGiB}), Mebibytes(10));
  EXPECT_EQ(SizeFor("", {20 * kMiB, 0, kGiB}), Mebibytes(1));
}

TEST(StoreSizeTest, WhatIsAskedForIsGiven) {
  const MemoryRoom room = {8 * kGiB, kGiB, 8 * kGiB};
  EXPECT_EQ(SizeFor("0", room), "0");
  EXPECT_EQ(SizeFor("0%", room), "0");
  EXPECT_EQ(SizeFor("50%", room), Mebibytes(512));
  EXPECT_EQ(SizeFor("0.001%", room), Mebibytes(1));
  EXPECT_EQ(SizeFor("32MiB", room), Mebibytes(32));
  // More than is left now, if somebody insists.
  EXPECT_EQ(SizeFor("4GiB", room), Mebibytes(4096));
}

TEST(StoreSizeTest, WhatMakesNoSenseIsRefused) {
  const MemoryRoom room = {8 * kGiB, kGiB, 8 * kGiB};
  EXPECT_NE(SizeFor("1000000", room).find("1MiB is the least"),
            std::string::npos);
  EXPECT_NE(SizeFor("9GiB", room).find("more than the 8589934592"),
            std::string::npos);
}

}  // namespace
}  // namespace mobula::raylet

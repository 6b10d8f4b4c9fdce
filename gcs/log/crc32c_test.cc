#include "gcs/log/crc32c.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace mobula::gcs {
namespace {

// As it is defined, a bit at a time.
std::uint32_t Slowly(std::string_view bytes) {
  std::uint32_t rest = ~0U;
  for (const char byte : bytes) {
    rest ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      rest = (rest & 1) != 0 ? rest >> 1 ^ 0x82f63b78U : rest >> 1;
    }
  }
  return ~rest;
}

TEST(Crc32cTest, HasThePublishedValues) {
  EXPECT_EQ(Crc32c(""), 0U);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(Crc32cTest, EightBytesAtOnceAreAsOneBitAtATime) {
  std::mt19937_64 random(7);
  for (std::size_t length = 0; length < 200; ++length) {
    std::string bytes(length, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(Crc32c(bytes), Slowly(bytes)) << length;
  }
}

}  // namespace
}  // namespace mobula::gcs

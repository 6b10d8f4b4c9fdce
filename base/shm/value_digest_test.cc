#include "base/shm/value_digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace mobula::base {
namespace {

TEST(ValueDigestTest, EveryByteOfAShortValueCounts) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{7}, std::size_t{4097}, kDigestWholeBytes}) {
    const std::string good(size, 'x');
    const std::uint64_t digest = DigestOf(good);
    for (std::size_t i = 0; i < size; i += 1 + size / 1'000) {
      std::string bad = good;
      bad[i] = 'y';
      EXPECT_NE(DigestOf(bad), digest) << size << " " << i;
    }
  }
}

TEST(ValueDigestTest, SizeAndOrderCountAtAnyLength) {
  std::set<std::uint64_t> digests;
  for (std::size_t size = 0; size < 40'000; size += 97) {
    EXPECT_TRUE(digests.insert(DigestOf(std::string(size, '\0'))).second);
  }
  EXPECT_FALSE(digests.contains(0));
  std::string text;
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    text += static_cast<char>('a' + i / 7 % 26);
  }
  const std::uint64_t digest = DigestOf(text);
  std::string other = text;
  std::swap_ranges(other.begin(), other.begin() + 500'000,
                   other.begin() + 500'000);
  EXPECT_NE(DigestOf(other), digest);
  for (const std::size_t edge : {std::size_t{0}, std::size_t{4'095},
                                 text.size() - 4'096, text.size() - 1}) {
    other = text;
    other[edge] = '!';
    EXPECT_NE(DigestOf(other), digest) << edge;
  }
  EXPECT_EQ(DigestOf(std::string(text)), digest);
}

}  // namespace
}  // namespace mobula::base

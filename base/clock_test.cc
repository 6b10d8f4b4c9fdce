#include "base/clock.h"

#include <gtest/gtest.h>

#include <set>

namespace mobula::base {
namespace {

TEST(ClockTest, NeverGoesBack) {
  BootTime last = BootNow();
  EXPECT_GT(last.since_boot(), Duration::zero());
  for (int i = 0; i < 10'000; ++i) {
    const BootTime now = BootNow();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(ClockTest, RandomBitsDiffer) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t bits = RandomBits();
    EXPECT_NE(bits, 0u);
    EXPECT_TRUE(seen.insert(bits).second);
  }
}

}  // namespace
}  // namespace mobula::base

#include "runtime/core/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace mobula::runtime {
namespace {

using std::chrono::milliseconds;

TEST(BackoffTest, TheFirstRetryComesAtOnce) {
  Backoff backoff(1);
  EXPECT_EQ(backoff.Next(1), base::Duration::zero());
}

TEST(BackoffTest, LaterOnesSpreadBelowABoundThatDoublesToTenSeconds) {
  Backoff backoff(1);
  for (int failures = 2; failures < 40; ++failures) {
    const base::Duration bound = std::min<base::Duration>(
        milliseconds(50) * (1LL << std::min(failures - 2, 20)),
        std::chrono::seconds(10));
    base::Duration least = base::Duration::max();
    base::Duration most = base::Duration::zero();
    for (int i = 0; i < 200; ++i) {
      const base::Duration delay = backoff.Next(failures);
      least = std::min(least, delay);
      most = std::max(most, delay);
    }
    EXPECT_LE(most, bound);
    EXPECT_GT(most, bound * 3 / 4);
    EXPECT_LT(least, bound / 4);
  }
}

TEST(BackoffTest, TheSeedDecides) {
  Backoff one(5);
  Backoff same(5);
  Backoff other(6);
  EXPECT_EQ(one.Next(9), same.Next(9));
  EXPECT_NE(one.Next(9), other.Next(9));
}

}  // namespace
}  // namespace mobula::runtime

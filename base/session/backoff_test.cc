#include "base/session/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mobula::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BackoffTest, BoundsDoubleUpToTheLimit) {
  const BackoffOptions options;
  Duration bound = milliseconds(50);
  for (std::uint32_t attempt = 0; attempt < 40; ++attempt) {
    const auto full = static_cast<std::uint64_t>(bound.count());
    EXPECT_EQ(JitteredWait(options, attempt, full), bound) << attempt;
    EXPECT_EQ(JitteredWait(options, attempt, full + 1), Duration(0));
    bound = std::min<Duration>(bound * 2, seconds(10));
  }
  EXPECT_LE(JitteredWait(options, UINT32_MAX, UINT64_MAX), seconds(10));
}

TEST(BackoffTest, AHugeLimitDoesNotOverflow) {
  BackoffOptions options;
  options.max = Duration::max();
  EXPECT_GE(JitteredWait(options, 1000, 0), Duration(0));
  EXPECT_GE(JitteredWait(options, 1000, UINT64_MAX), Duration(0));
}

TEST(BackoffTest, TheSameSeedWaitsTheSameAndAnotherDoesNot) {
  Backoff a(BackoffOptions{}, 1);
  Backoff b(BackoffOptions{}, 1);
  Backoff c(BackoffOptions{}, 2);
  std::vector<Duration> waits_a;
  std::vector<Duration> waits_c;
  for (int i = 0; i < 10; ++i) {
    waits_a.push_back(a.Next());
    EXPECT_EQ(waits_a.back(), b.Next());
    waits_c.push_back(c.Next());
  }
  EXPECT_NE(waits_a, waits_c);
}

TEST(BackoffTest, TheFirstMayBeAtOnceAndResetStartsAgain) {
  BackoffOptions options;
  options.first_at_once = true;
  Backoff backoff(options, 3);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(backoff.Next(), Duration(0));
    EXPECT_LE(backoff.Next(), milliseconds(50));
    EXPECT_LE(backoff.Next(), milliseconds(100));
    EXPECT_EQ(backoff.attempts(), 3u);
    backoff.Reset();
  }
}

TEST(BackoffTest, WaitsAreSpreadOverTheWholeBound) {
  BackoffOptions options;
  options.max = options.first;
  Backoff backoff(options, 4);
  std::vector<int> tenths(10);
  for (int i = 0; i < 10'000; ++i) {
    const auto tenth = backoff.Next() * 10 / (options.first + Duration(1));
    ++tenths[static_cast<std::size_t>(tenth)];
  }
  for (const int count : tenths) EXPECT_GT(count, 800);
}

}  // namespace
}  // namespace mobula::base

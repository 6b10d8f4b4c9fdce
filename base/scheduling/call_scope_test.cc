#include "base/scheduling/call_scope.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace mobula::base {
namespace {

using namespace std::chrono_literals;

const BootTime kNow = BootTime::FromSinceBoot(100s);

TEST(CallScopeTest, WhatIsUsualIsNotSaid) {
  EXPECT_EQ(KeptScope({}), nullptr);
  EXPECT_EQ(Travelling(nullptr, BootTime::Never(), kNow), std::nullopt);
  EXPECT_TRUE(DeadlineOf(std::nullopt, kNow).IsNever());
}

TEST(CallScopeTest, ABudgetTravelsAndNoTime) {
  CallerScope traced;
  traced.trace = {1, 2};
  traced.priority = 7;
  const auto scope = KeptScope(traced);
  ASSERT_NE(scope, nullptr);
  const auto said = Travelling(scope.get(), kNow + 5s, kNow + 2s);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(*said, (CallScope{{1, 2}, 7, 3'000'000'000}));
  const BootTime there = BootTime::FromSinceBoot(9'000s);
  EXPECT_EQ(DeadlineOf(said, there), there + 3s);
}

TEST(CallScopeTest, WithoutADeadlineThereIsNoBudget) {
  CallerScope low;
  low.priority = -1;
  const auto scope = KeptScope(low);
  const auto said = Travelling(scope.get(), BootTime::Never(), kNow);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->budget_ns, kUnboundedNs);
  EXPECT_TRUE(DeadlineOf(said, kNow).IsNever());
}

TEST(CallScopeTest, OneThatHasPassedIsOneOfNothing) {
  const auto said = Travelling(nullptr, kNow, kNow + 1s);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->budget_ns, 0);
  EXPECT_EQ(DeadlineOf(said, kNow), kNow);
}

TEST(CallScopeTest, WhatOthersSaySaturates) {
  CallScope said;
  said.budget_ns = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(DeadlineOf(said, kNow).IsNever());
}

TEST(CallScopeTest, TheEarlierEndCounts) {
  const auto none = Duration::max();
  EXPECT_TRUE(EarlierEnd(none, BootTime::Never(), kNow).IsNever());
  EXPECT_EQ(EarlierEnd(2s, BootTime::Never(), kNow), kNow + 2s);
  EXPECT_EQ(EarlierEnd(2s, kNow + 1s, kNow), kNow + 1s);
  EXPECT_EQ(EarlierEnd(2s, kNow + 3s, kNow), kNow + 2s);
  EXPECT_EQ(EarlierEnd(-2s, kNow + 3s, kNow), kNow);
}

}  // namespace
}  // namespace mobula::base

#include "base/scheduling/concurrency.h"

#include <gtest/gtest.h>

#include <string>

namespace mobula::base {
namespace {

TEST(ConcurrencyTest, CountsWhatMayRunAtTheSameTime) {
  Concurrency of;
  EXPECT_FALSE(of.is_said());
  EXPECT_EQ(of.total(), 0);
  of.groups = {{"io", 3}};
  EXPECT_TRUE(of.is_said());
  EXPECT_EQ(of.total(), 4) << "and one of the rest";
  of.calls_max = 2;
  EXPECT_EQ(of.total(), 5);
  EXPECT_TRUE(of.IsPlausible());
}

TEST(ConcurrencyTest, BoundsAreKept) {
  Concurrency of;
  EXPECT_TRUE(of.IsPlausible());
  of.calls_max = -1;
  EXPECT_FALSE(of.IsPlausible());
  of.calls_max = kConcurrentCallsMax;
  EXPECT_TRUE(of.IsPlausible());
  of.groups = {{"io", 1}};
  EXPECT_FALSE(of.IsPlausible()) << "all together";
  of.calls_max = 1;
  of.groups = {{"io", 0}};
  EXPECT_FALSE(of.IsPlausible());
  of.groups = {{"", 1}};
  EXPECT_FALSE(of.IsPlausible());
  of.groups = {{std::string(kGroupNameBytesMax + 1, 'x'), 1}};
  EXPECT_FALSE(of.IsPlausible());
  of.groups = {{"io", 1}, {"cpu", 1}, {"io", 2}};
  EXPECT_FALSE(of.IsPlausible());
  of.groups.clear();
  for (std::size_t i = 0; i <= kConcurrencyGroupsMax; ++i) {
    of.groups.push_back({std::to_string(i), 1});
  }
  EXPECT_FALSE(of.IsPlausible());
  of.groups.pop_back();
  EXPECT_TRUE(of.IsPlausible());
}

}  // namespace
}  // namespace mobula::base

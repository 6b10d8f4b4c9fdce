#include "base/check.h"

#include <gtest/gtest.h>

namespace mobula::base {
namespace {

TEST(CheckTest, PassesWithoutEvaluatingTheMessage) {
  int evaluated = 0;
  MOBULA_CHECK(true) << ++evaluated;
  if (evaluated == 0)
    MOBULA_CHECK(evaluated == 0, "no message needed");
  else
    FAIL() << "the else belongs to the if";
  EXPECT_EQ(evaluated, 0);
}

TEST(CheckDeathTest, SaysWhereWhatAndWhy) {
  const int count = -1;
  EXPECT_DEATH(MOBULA_CHECK(count >= 0),
               "check_test.cc:[0-9]+: check failed: count >= 0");
  EXPECT_DEATH(MOBULA_CHECK(count >= 0, "went down"), "count >= 0 went down");
  EXPECT_DEATH(MOBULA_CHECK(count >= 0) << "count is " << count << '!',
               "count is -1!");
}

}  // namespace
}  // namespace mobula::base

// RAY_REMOTE in two sources, on line 10 of both, and in a header of both.
#include <ray/api.h>

#include "api/compat/ray_fixture.h"
#include "api/compat/registration_functions.h"
#include "api/mobula/mobula.h"

namespace ray_tests {
int FirstOfTwo() { return 1; }
RAY_REMOTE(FirstOfTwo);
namespace {

static_assert(kLineOfOther == __LINE__ - 3,
              "the same line, which Ray cannot do");

class RayRegistration : public RayTest {};

TEST_P(RayRegistration, OfTwoSourcesIsOfBoth) {
  EXPECT_EQ(*ray::Task(FirstOfTwo).Remote().Get(), 1);
  EXPECT_EQ(*ray::Task(SecondOfTwo).Remote().Get(), 2);
}

TEST_P(RayRegistration, InAHeaderIsOnce) {
  EXPECT_EQ(*ray::Task(OfHeader).Remote(20).Get(), 21);
  EXPECT_EQ(*CallOfHeaderElsewhere(30).Get(), 31);
}

TEST_P(RayRegistration, GivesNamesToMobula) {
  EXPECT_EQ(mobula::Get(mobula::SpawnNamed<int>("OfHeader", 1)), 2);
  EXPECT_EQ(mobula::Get(mobula::SpawnNamed<int>("FirstOfTwo")), 1);
}

INSTANTIATE_TEST_SUITE_P(, RayRegistration, testing::Bool(), ModeName);

}  // namespace
}  // namespace ray_tests

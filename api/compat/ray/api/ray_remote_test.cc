#include "api/compat/ray/api/ray_remote.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "api/compat/ray/api/ray_exception.h"
#include "api/compat/ray/api/remote_functions.h"

namespace ray::internal {
namespace {

using Words = std::vector<std::string>;

int One() { return 1; }
int Two() { return 2; }
int Over(int x) { return x; }
double Over(double x) { return x; }
struct Thing {
  static Thing* Create() { return new Thing; }
  int Find(int x) { return x; }
  int Find(int x) const { return -x; }
  int Find() const noexcept { return 0; }
  int Only(int x) & { return x; }
};
template <class A, class B>
int Of(std::pair<A, B>) {
  return 0;
}
const auto kLambda = [](int x) { return x; };

RAY_REMOTE(One, RAY_FUNC(Over, int), RAY_FUNC(Over, double), Thing::Create,
           RAY_FUNC(&Thing::Find, ray::internal::cv_none, int),
           RAY_FUNC(&Thing::Find, ray::internal::cv_const, int),
           RAY_FUNC(&Thing::Find), &Thing::Only, Of<int, double>, kLambda)

TEST(RayRemoteTest, RegistersFunctionsByTheirText) {
  FunctionManager& functions = FunctionManager::Instance();
  EXPECT_EQ(functions.GetFunctionName(One), "One");
  EXPECT_EQ(functions.GetFunctionName(&One), "One");
  EXPECT_EQ(functions.GetFunctionName(RAY_FUNC(Over, double)),
            "RAY_FUNC(Over, double)");
  EXPECT_EQ(functions.GetFunctionName(
                RAY_FUNC(&Thing::Find, ray::internal::cv_const, int)),
            "RAY_FUNC(&Thing::Find, ray::internal::cv_const, int)");
  EXPECT_EQ(functions.GetFunctionName(RAY_FUNC(&Thing::Find)),
            "RAY_FUNC(&Thing::Find)");
  EXPECT_EQ(functions.GetFunctionName(&Thing::Only), "&Thing::Only");
  EXPECT_EQ(functions.GetFunctionName(Of<int, double>), "Of<int, double>");
  EXPECT_EQ(functions.GetFunctionName(kLambda), "kLambda");
  EXPECT_EQ(functions.GetFunctionName(Two), "");
  ASSERT_NE(functions.Find("Thing::Create"), nullptr);
  EXPECT_TRUE(functions.Find("Thing::Create")->is_factory);
  EXPECT_EQ(functions.Find("Two"), nullptr);
}

int Late() { return 3; }
int Later() { return 4; }

TEST(RayRemoteTest, RefusesDuplicates) {
  FunctionManager& functions = FunctionManager::Instance();
  EXPECT_TRUE(functions.RegisterRemoteFunction("late", Late));
  EXPECT_THROW(functions.RegisterRemoteFunction("late", Late), RayException);
  EXPECT_THROW(functions.RegisterRemoteFunction("late", Later), RayException);
  EXPECT_THROW(functions.RegisterRemoteFunction("other", Late), RayException);
  EXPECT_THROW(functions.RegisterRemoteFunction("again", One), RayException);
  EXPECT_EQ(functions.GetFunctionName(Later), "");
  // What a header that two sources include says.
  EXPECT_TRUE(functions.RegisterAt("header", "h:1", Later));
  EXPECT_TRUE(functions.RegisterAt("header", "h:1", Later));
  EXPECT_THROW(functions.RegisterAt("header", "h:2", Later), RayException);
}

TEST(RayRemoteTest, SplitsItsText) {
  EXPECT_EQ(SplitArguments("a"), (Words{"a"}));
  EXPECT_EQ(SplitArguments(" a , b::c "), (Words{"a", "b::c"}));
  EXPECT_EQ(SplitArguments("RAY_FUNC(f, int), &C<int, long>::m, g"),
            (Words{"RAY_FUNC(f, int)", "&C<int, long>::m", "g"}));
  EXPECT_EQ(
      SplitArguments("f<std::pair<int, int>>, [](int a, int b) -> int {}"),
      (Words{"f<std::pair<int, int>>", "[](int a, int b) -> int {}"}));
  EXPECT_TRUE(SplitArguments("").empty());
  EXPECT_THROW(CheckNames("a < b, c", 1, 2), RayException);
}

TEST(RayRemoteTest, KnowsTheClassesOfFactories) {
  EXPECT_EQ(FunctionManager::GetClassNameByFuncName("Counter::Create"),
            "Counter");
  EXPECT_EQ(FunctionManager::GetClassNameByFuncName(
                "RAY_FUNC(ns::Counter::FactoryCreate, int)"),
            "ns::Counter");
  EXPECT_EQ(FunctionManager::GetClassNameByFuncName("Create"), "");
  EXPECT_EQ(FunctionManager::GetClassNameByFuncName(""), "");
}

}  // namespace
}  // namespace ray::internal

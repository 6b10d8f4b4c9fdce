#include "runtime/local/local_objects.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/value.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;

constexpr base::ProcessId kSelf{1, 1};

ObjectId Object(std::uint64_t n) { return ObjectId{1, n}; }

// A value that mentions these.
base::Value Mentions(const std::vector<ObjectId>& inside) {
  std::vector<base::ObjectName> refs;
  for (const ObjectId object : inside) refs.push_back({object, kSelf});
  return {base::Bytes::Own("value"), std::move(refs)};
}

TEST(LocalObjects, StaysWhileThereIsAReference) {
  LocalObjects objects;
  objects.Expect(Object(1));
  EXPECT_TRUE(objects.IsPending(Object(1)));
  EXPECT_TRUE(objects.Hold(Object(1)));
  objects.Release(Object(1));
  objects.Settle(Object(1), {Mentions({}), 3});
  ASSERT_NE(objects.Find(Object(1)), nullptr);
  EXPECT_EQ(objects.Find(Object(1))->incarnation, 3);
  EXPECT_FALSE(objects.IsPending(Object(1)));
  objects.Release(Object(1));
  EXPECT_EQ(objects.size(), 0u);
}

TEST(LocalObjects, WhatIsNotThereIsLetPass) {
  LocalObjects objects;
  EXPECT_FALSE(objects.Hold(Object(1)));
  objects.Release(Object(1));
  objects.Settle(Object(1), {Mentions({Object(2)}), 0});
  EXPECT_EQ(objects.Find(Object(1)), nullptr);
  EXPECT_FALSE(objects.IsPending(Object(1)));
  EXPECT_EQ(objects.size(), 0u);
}

TEST(LocalObjects, AValueKeepsWhatItMentions) {
  LocalObjects objects;
  objects.Add(Object(1), {Mentions({}), 0});
  objects.Add(Object(2), {Mentions({Object(1), Object(1)}), 0});
  objects.Release(Object(1));
  EXPECT_NE(objects.Find(Object(1)), nullptr);
  objects.Release(Object(2));
  EXPECT_EQ(objects.size(), 0u);
}

TEST(LocalObjects, AnOutcomeThatNobodyWantsKeepsNothing) {
  LocalObjects objects;
  objects.Add(Object(1), {Mentions({}), 0});
  objects.Expect(Object(2));
  objects.Release(Object(2));
  objects.Settle(Object(2), {Mentions({Object(1)}), 0});
  objects.Release(Object(1));
  EXPECT_EQ(objects.size(), 0u);
}

TEST(LocalObjects, ACallKeepsItsArgumentsAndWhatTheyMention) {
  LocalObjects objects;
  for (std::uint64_t i = 1; i <= 2; ++i) {
    objects.Add(Object(i), {Mentions({}), 0});
  }
  std::vector<Arg> args(2);
  args[0].ref = Object(1);
  args[1].value = Mentions({Object(2)});
  objects.HoldArgs(args);
  for (std::uint64_t i = 1; i <= 2; ++i) objects.Release(Object(i));
  EXPECT_EQ(objects.size(), 2u);
  objects.ReleaseArgs(args);
  EXPECT_EQ(objects.size(), 0u);
}

TEST(LocalObjects, ALongChainIsFreedWithoutRecursion) {
  constexpr std::uint64_t kLength = 200'000;
  LocalObjects objects;
  objects.Add(Object(1), {Mentions({}), 0});
  for (std::uint64_t i = 2; i <= kLength; ++i) {
    objects.Add(Object(i), {Mentions({Object(i - 1)}), 0});
    objects.Release(Object(i - 1));
  }
  EXPECT_EQ(objects.size(), kLength);
  objects.Release(Object(kLength));
  EXPECT_EQ(objects.size(), 0u);
}

}  // namespace
}  // namespace mobula::runtime

#include "runtime/tasks/spawned_tasks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {
namespace {

using Tasks = std::vector<base::TaskId>;

constexpr base::TaskId kParent{1, 1};
constexpr base::TaskId kOther{1, 2};

base::TaskId Child(std::uint64_t n) { return {2, n}; }
base::ObjectId Result(std::uint64_t n) { return {3, n}; }

TEST(SpawnedTasksTest, GivesWhatIsNotFinished) {
  SpawnedTasks spawned;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    EXPECT_FALSE(spawned.Add(kParent, Child(n), Result(n)));
  }
  EXPECT_FALSE(spawned.Add(kOther, Child(4), Result(4)));
  spawned.Settled(Result(2));
  spawned.Settled(Result(9));
  EXPECT_EQ(spawned.Stop(kParent), (Tasks{Child(1), Child(3)}));
  EXPECT_EQ(spawned.Stop(kOther), Tasks{Child(4)});
}

TEST(SpawnedTasksTest, WhatAStoppedOneSpawnsIsToBeStopped) {
  SpawnedTasks spawned;
  EXPECT_TRUE(spawned.Stop(kParent).empty());
  EXPECT_TRUE(spawned.Add(kParent, Child(1), Result(1)));
  spawned.Settled(Result(1));
  EXPECT_TRUE(spawned.Add(kParent, Child(2), Result(2)));
  EXPECT_FALSE(spawned.Add(kOther, Child(3), Result(3)));
}

TEST(SpawnedTasksTest, NothingIsKeptOfWhatHasEnded) {
  SpawnedTasks spawned;
  spawned.Stop(kParent);
  spawned.Add(kParent, Child(1), Result(1));
  spawned.Ended(kParent);
  spawned.Ended(kParent);
  EXPECT_TRUE(spawned.empty());
  EXPECT_EQ(spawned.size(), 0u);
  spawned.Settled(Result(1));
  spawned.Add(kOther, Child(2), Result(2));
  spawned.Settled(Result(2));
  EXPECT_TRUE(spawned.empty());
}

}  // namespace
}  // namespace mobula::runtime

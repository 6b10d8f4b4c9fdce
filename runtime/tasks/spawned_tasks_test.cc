#include "runtime/tasks/spawned_tasks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {
namespace {

using Children = std::vector<SpawnedTasks::Child>;

constexpr base::TaskId kParent{1, 1};
constexpr base::TaskId kOther{1, 2};

base::TaskId Child(std::uint64_t n) { return {2, n}; }
base::ObjectId Result(std::uint64_t n) { return {3, n}; }
SpawnedTasks::Child Number(std::uint64_t n) { return {Child(n), Result(n)}; }

TEST(SpawnedTasksTest, GivesWhatIsNotFinished) {
  SpawnedTasks spawned;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    EXPECT_FALSE(spawned.Add(kParent, 0, Child(n), Result(n)));
  }
  EXPECT_FALSE(spawned.Add(kOther, 0, Child(4), Result(4)));
  spawned.Settled(Result(2));
  spawned.Settled(Result(9));
  EXPECT_EQ(spawned.Stop(kParent), (Children{Number(1), Number(3)}));
  EXPECT_EQ(spawned.Stop(kOther), Children{Number(4)});
}

TEST(SpawnedTasksTest, WhatAStoppedOneSpawnsIsToBeStopped) {
  SpawnedTasks spawned;
  EXPECT_TRUE(spawned.Stop(kParent).empty());
  EXPECT_TRUE(spawned.Add(kParent, 0, Child(1), Result(1)));
  spawned.Settled(Result(1));
  EXPECT_TRUE(spawned.Add(kParent, 0, Child(2), Result(2)));
  EXPECT_FALSE(spawned.Add(kOther, 0, Child(3), Result(3)));
}

TEST(SpawnedTasksTest, NothingIsKeptOfWhatHasEnded) {
  SpawnedTasks spawned;
  spawned.Stop(kParent);
  spawned.Add(kParent, 0, Child(1), Result(1));
  spawned.Ended(kParent);
  spawned.Ended(kParent);
  EXPECT_TRUE(spawned.empty());
  EXPECT_EQ(spawned.size(), 0u);
  spawned.Settled(Result(1));
  spawned.Add(kOther, 0, Child(2), Result(2));
  spawned.Settled(Result(2));
  EXPECT_TRUE(spawned.empty());
}

TEST(SpawnedTasksTest, AScopeIsStoppedBesideItsTask) {
  SpawnedTasks spawned;
  EXPECT_FALSE(spawned.Add(kParent, 7, Child(1), Result(1)));
  EXPECT_FALSE(spawned.Add(kParent, 8, Child(2), Result(2)));
  EXPECT_FALSE(spawned.Add({}, 7, Child(3), Result(3)));
  EXPECT_FALSE(spawned.Add({}, 0, Child(4), Result(4)));
  EXPECT_EQ(spawned.size(), 3u);
  EXPECT_EQ(spawned.StopScope(7), (Children{Number(1), Number(3)}));
  EXPECT_TRUE(spawned.IsStopped(7));
  EXPECT_FALSE(spawned.IsStopped(8));
  EXPECT_TRUE(spawned.Add(kParent, 7, Child(5), Result(5)));
  EXPECT_EQ(spawned.Stop(kParent), (Children{Number(1), Number(2), Number(5)}));
  spawned.Ended(kParent);
  EXPECT_EQ(spawned.StopScope(8), Children{Number(2)});
  EXPECT_TRUE(spawned.EndScope(7, 0).empty());
  EXPECT_TRUE(spawned.EndScope(8, 0).empty());
  EXPECT_TRUE(spawned.empty());
  EXPECT_EQ(spawned.size(), 0u);
}

TEST(SpawnedTasksTest, WhatAScopeLeavesBehindIsTheOuterOnes) {
  SpawnedTasks spawned;
  spawned.Add({}, 1, Child(1), Result(1));
  spawned.Add(kParent, 2, Child(2), Result(2));
  spawned.Add({}, 2, Child(3), Result(3));
  EXPECT_TRUE(spawned.EndScope(2, 1).empty());
  spawned.Settled(Result(3));
  EXPECT_EQ(spawned.StopScope(1), (Children{Number(1), Number(2)}));
  // One that was stopped stops what it inherits.
  spawned.Add({}, 3, Child(4), Result(4));
  EXPECT_EQ(spawned.EndScope(3, 1), Children{Number(4)});
  EXPECT_TRUE(spawned.EndScope(1, 0).empty());
  EXPECT_EQ(spawned.size(), 1u);  // its task's
  spawned.Settled(Result(2));
  EXPECT_TRUE(spawned.empty());
}

TEST(SpawnedTasksTest, OfScopesThatHaveEndedNothingIsKept) {
  SpawnedTasks spawned;
  EXPECT_TRUE(spawned.StopScope(1).empty());
  EXPECT_TRUE(spawned.EndScope(1, 2).empty());
  EXPECT_TRUE(spawned.EndScope(9, 0).empty());
  EXPECT_TRUE(spawned.empty());
}

// Against a table of all that was spawned.
class RandomScopes {
 public:
  explicit RandomScopes(std::uint32_t seed) : random_(seed) {}

  void Run() {
    for (int step = 0; step < 300; ++step) {
      DoSomething();
      ASSERT_EQ(spawned_.size(), scope_of_.size());
    }
    while (!around_.empty()) {
      spawned_.EndScope(around_.begin()->first, 0);
      around_.erase(around_.begin());
    }
    EXPECT_TRUE(spawned_.empty());
    EXPECT_EQ(spawned_.size(), 0u);
  }

 private:
  void DoSomething() {
    switch (random_() % 6) {
      case 0:
        around_.emplace(++last_, Some());
        return;
      case 1:
      case 2:
        Spawn();
        return;
      case 3:
        Settle();
        return;
      case 4:
        Stop();
        return;
      default:
        End();
    }
  }

  std::size_t At(std::size_t size) { return random_() % size; }
  // 0 if there is none.
  base::SpawnScope Some() {
    if (around_.empty()) return 0;
    auto it = around_.begin();
    std::advance(it, At(around_.size()));
    return it->first;
  }
  [[nodiscard]] Children Of(base::SpawnScope scope) const {
    Children children;
    for (const auto& [number, of] : scope_of_) {
      if (of == scope) children.push_back(Number(number));
    }
    return children;
  }

  void Spawn() {
    const base::SpawnScope scope = Some();
    ++number_;
    EXPECT_EQ(spawned_.Add({}, scope, Child(number_), Result(number_)),
              stopped_.contains(scope));
    if (scope != 0) scope_of_[number_] = scope;
  }
  void Settle() {
    if (scope_of_.empty()) return;
    auto it = scope_of_.begin();
    std::advance(it, At(scope_of_.size()));
    spawned_.Settled(Result(it->first));
    scope_of_.erase(it);
  }
  void Stop() {
    const base::SpawnScope scope = Some();
    if (scope == 0) return;
    EXPECT_EQ(spawned_.StopScope(scope), Of(scope));
    stopped_.insert(scope);
  }
  void End() {
    const base::SpawnScope scope = Some();
    if (scope == 0) return;
    const base::SpawnScope heir = around_.at(scope);
    EXPECT_EQ(spawned_.EndScope(scope, heir),
              stopped_.contains(heir) ? Of(scope) : Children());
    around_.erase(scope);
    for (auto& [inner, outer] : around_) {
      if (outer == scope) outer = heir;
    }
    for (auto it = scope_of_.begin(); it != scope_of_.end();) {
      if (it->second == scope) it->second = heir;
      it = it->second == 0 ? scope_of_.erase(it) : std::next(it);
    }
  }

  std::minstd_rand random_;
  SpawnedTasks spawned_;
  std::map<std::uint64_t, base::SpawnScope> scope_of_;   // of each number
  std::map<base::SpawnScope, base::SpawnScope> around_;  // of those that live
  std::set<base::SpawnScope> stopped_;
  base::SpawnScope last_ = 0;
  std::uint64_t number_ = 0;
};

TEST(SpawnedTasksTest, RandomScopes) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) RandomScopes(seed).Run();
}

}  // namespace
}  // namespace mobula::runtime

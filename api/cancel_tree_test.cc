// A tree of 10,000 tasks of which most wait and the rest are queued: cancelled
// at its root, or with its scope, none of it is left.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/test_fifo.h"

namespace cancel_tree {

using namespace std::chrono_literals;
using mobula::Fifo;
using mobula::Ref;

constexpr auto kLong = 240s;  // for what is certain to come
constexpr int kBranches = 100;
constexpr int kWaiting = 59;  // of each branch
constexpr int kQueued = 40;   // of each branch
constexpr int kWaitingTasks = 1 + kBranches + kBranches * kWaiting;
constexpr int kTasks = kWaitingTasks + kBranches * kQueued;
static_assert(kTasks > 10'000 - 1);

int Seven() { return 7; }

int Hold(const std::string& begun, const std::string& go) {
  mobula::Tell(begun);
  mobula::AwaitOpen(go);
  return 7;
}

// Whoever runs comes by when it begins, and when it ends.
class Presence {
 public:
  Presence(const std::string& begun, std::string ended)
      : ended_(std::move(ended)) {
    mobula::Tell(begun);
  }
  ~Presence() { mobula::Tell(ended_); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  const std::string ended_;
};

mobula::Coro<int> Leaf(std::string begun, std::string ended) {
  const Presence presence(begun, ended);
  co_await mobula::SleepFor(24h);
  co_return 0;
}

int Note(const std::string& log) {
  mobula::NoteIn(log, 'x');
  return 0;
}

mobula::Coro<int> Branch(std::string begun, std::string ended,
                         std::string log) {
  std::vector<Ref<int>> refs;
  for (int i = 0; i < kWaiting; ++i) {
    refs.push_back(mobula::Spawn<Leaf>(begun, ended));
  }
  const auto options = mobula::TaskOptions().Cpus(0).Resource("gate", 1);
  for (int i = 0; i < kQueued; ++i) {
    refs.push_back(mobula::Spawn<Note>(options, log));
  }
  const Presence presence(begun, ended);
  for (const Ref<int>& ref : refs) co_await ref;
  co_return 0;
}

mobula::Coro<int> Root(std::string begun, std::string ended, std::string log) {
  std::vector<Ref<int>> refs;
  for (int i = 0; i < kBranches; ++i) {
    refs.push_back(mobula::Spawn<Branch>(begun, ended, log));
  }
  const Presence presence(begun, ended);
  for (const Ref<int>& ref : refs) co_await ref;
  co_return 0;
}

class CancelTree : public testing::Test {
 protected:
  // Nothing is left of a tree that was cancelled by `cancel(root)`.
  template <class Spawn, class CancelFn>
  void ExpectGone(Spawn&& spawn, CancelFn&& cancel) {
    const Fifo holds(folder_.Path("holds"));
    const Fifo go(folder_.Path("go"));
    const Fifo begun(folder_.Path("begun"));
    const Fifo ended(folder_.Path("ended"));
    const std::string log = folder_.Path("log");
    const auto gate = mobula::TaskOptions().Cpus(0).Resource("gate", 1);
    const auto hold = mobula::Spawn<Hold>(gate, holds.path(), go.path());
    holds.Await();
    const Ref<int> root = spawn(begun.path(), ended.path(), log);
    for (int i = 0; i < kWaitingTasks; ++i) begun.Await();
    const auto start = std::chrono::steady_clock::now();
    cancel(root);
    for (int i = 0; i < kWaitingTasks; ++i) ended.Await();
    const std::chrono::duration<double> spent =
        std::chrono::steady_clock::now() - start;
    std::printf("%d tasks were gone after %.3f s\n", kTasks, spent.count());
    const auto result = root.TryGet(kLong);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), mobula::ErrorCode::kCancelled)
        << result.error().what();
    // What is queued would come before this one, and note that it ran.
    go.Open();
    EXPECT_EQ(hold.Get(kLong), 7);
    const auto all = mobula::TaskOptions().Cpus(2).Resource("gate", 1);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(mobula::Spawn<Seven>(all).Get(kLong), 7);
    }
    EXPECT_FALSE(std::filesystem::exists(log)) << "something queued has run";
  }

  const mobula::TestFolder folder_;
  const mobula::Runtime runtime_ =
      mobula::Init(mobula::InitOptions().Cpus(2).Resource("gate", 1));
};

TEST_F(CancelTree, IsGoneWithItsRoot) {
  ExpectGone([](const auto&... args) { return mobula::Spawn<Root>(args...); },
             [](const Ref<int>& root) { EXPECT_TRUE(mobula::Cancel(root)); });
}

TEST_F(CancelTree, IsGoneWithTheScopeOfItsRoot) {
  std::optional<mobula::Scope> scope;
  ExpectGone(
      [&scope](const auto&... args) {
        scope.emplace();
        return mobula::Spawn<Root>(args...);
      },
      [&scope](const Ref<int>&) {
        scope->Stop();
        scope.reset();
      });
}

}  // namespace cancel_tree

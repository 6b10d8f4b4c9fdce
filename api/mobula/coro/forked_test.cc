// What a forked child may do with what its parent began.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/pool.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/coro/task_group.h"
#include "api/mobula/error.h"

namespace mobula {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Whether `body` came to its end in a forked child, and all was as expected.
bool IsRightInAChild(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // one that hangs is not left behind
    body();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Coro<int> Slowly(int n) {
  co_await SleepFor(milliseconds(1));
  co_return n;
}

TEST(Forked, AScopeOfTheParentEndsInTheChild) {
  std::optional<Scope> scope;
  scope.emplace(ScopeOptions().Timeout(hours(1)));
  EXPECT_TRUE(IsRightInAChild([&scope] {
    EXPECT_EQ(BlockOn(Slowly(1)), 1);
    scope.reset();
    EXPECT_EQ(BlockOn(Slowly(2)), 2);
  }));
}

TEST(Forked, AChildHasAnExecutorOfItsOwn) {
  EXPECT_EQ(BlockOn(Slowly(1)), 1);
  EXPECT_TRUE(IsRightInAChild([] {
    EXPECT_EQ(BlockOn(Slowly(2)), 2);
    EXPECT_EQ(BlockOn(RunBlocking([] { return 3; })), 3);
    EXPECT_TRUE(IsRightInAChild([] { EXPECT_EQ(BlockOn(Slowly(4)), 4); }));
  }));
  EXPECT_EQ(BlockOn(Slowly(5)), 5);
}

TEST(Forked, APoolStaysWithTheParent) {
  auto pool = std::make_unique<Pool>();
  const auto moves = [&pool]() -> Coro<> {
    co_await On(*pool);
    co_await SleepFor(milliseconds(1));
  };
  BlockOn(moves());
  EXPECT_TRUE(IsRightInAChild([&] {
    EXPECT_THROW(BlockOn(moves()), BadArgument);
    pool.reset();
  }));
  BlockOn(moves());
}

// What the parent's pool was to run is run there, and not in the child too.
TEST(Forked, AChildOfACoroutineRunsNoneOfTheOthers) {
  void* const page =
      ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  auto* const marks = new (page) std::atomic<int>(0);
  Pool pool;  // one thread
  const auto mark = [marks]() -> Coro<> {
    marks->fetch_add(1);
    co_return;
  };
  TaskGroup group;
  const auto forks = [&]() -> Coro<> {
    co_await On(pool);
    group.Start(mark());
    EXPECT_TRUE(IsRightInAChild([] {
      BlockOn(SleepFor(milliseconds(20)));
      EXPECT_EQ(BlockOn(Slowly(1)), 1);
    }));
  };
  BlockOn(forks());
  BlockOn(group.Wait());
  EXPECT_EQ(marks->load(), 1);
  ::munmap(page, sizeof(std::atomic<int>));
}

}  // namespace
}  // namespace mobula

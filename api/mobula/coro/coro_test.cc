// Coro, BlockOn, sleeping, pools and generators.
#include "api/mobula/coro/coro.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/generator.h"
#include "api/mobula/coro/pool.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/error.h"

namespace mobula {
namespace {

using std::chrono::milliseconds;

Coro<int> Add(int a, int b) { co_return a + b; }
Coro<> Throws() {
  throw std::out_of_range("far");
  co_return;
}
Coro<std::unique_ptr<int>> Boxed(int x) { co_return std::make_unique<int>(x); }
Coro<int&> Refer(int& x) { co_return x; }

TEST(Coro, GivesItsValueOrThrows) {
  EXPECT_EQ(BlockOn(Add(1, 2)), 3);
  EXPECT_EQ(*BlockOn(Boxed(4)), 4);
  int x = 5;
  EXPECT_EQ(&BlockOn(Refer(x)), &x);
  EXPECT_THROW(BlockOn(Throws()), std::out_of_range);
}

TEST(Coro, BeginsWhenItIsAwaited) {
  bool began = false;
  auto body = [&began]() -> Coro<> {
    began = true;
    co_return;
  };
  {
    const Coro<> never = body();
  }
  EXPECT_FALSE(began);
  const Coro<> once = body();
  BlockOn(once);
  EXPECT_TRUE(began);
}

TEST(Coro, IsAwaitedOnce) {
  const Coro<int> add = Add(1, 2);
  EXPECT_EQ(BlockOn(add), 3);
  EXPECT_THROW(BlockOn(add), BadArgument);
  const Coro<int> empty;
  EXPECT_THROW(BlockOn(empty), BadArgument);
  const auto twice = [](const Coro<int>& coro) -> Coro<int> {
    int got = co_await coro;
    try {
      got += co_await coro;
    } catch (const BadArgument&) {
      got += 10;
    }
    co_return got;
  };
  EXPECT_EQ(BlockOn(twice(Add(2, 3))), 15);
  EXPECT_THROW(BlockOn(twice(Coro<int>())), BadArgument);
}

Coro<int> Nested() {
  auto outer = [](Coro<int> inner) -> Coro<int> {
    co_return 10 * co_await inner;
  };
  Coro<int> both = outer(Add(2, 3));
  int sum = co_await both;
  try {
    co_await Throws();
  } catch (const std::out_of_range&) {
    sum += 1;
  }
  co_return sum;
}

TEST(Coro, AwaitsAndCatches) { EXPECT_EQ(BlockOn(Nested()), 51); }

struct Traced {
  explicit Traced(int* from_alive) : alive(from_alive) { ++*alive; }
  Traced(const Traced& other) : alive(other.alive) { ++*alive; }
  Traced& operator=(const Traced&) = delete;
  ~Traced() { --*alive; }
  int* alive;
};
Coro<> Holds(Traced) { co_await SleepFor(milliseconds(1)); }

TEST(Coro, DestroysWhatItHolds) {
  int alive = 0;
  BlockOn(Holds(Traced(&alive)));
  EXPECT_EQ(alive, 0);
  {
    const Coro<> never = Holds(Traced(&alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

// Each awaits the next: all begin, then all end.
Coro<int> Deep(int depth) {
  if (depth == 0) co_return 0;
  Coro<int> next = Deep(depth - 1);
  co_return 1 + co_await next;
}
// Each ends at once.
Coro<int> Long(int length) {
  int sum = 0;
  for (int i = 0; i < length; ++i) {
    Coro<int> one = Add(0, 1);
    sum += co_await one;
  }
  co_return sum;
}

TEST(Coro, AChainOfAMillionTakesNoStack) {
  EXPECT_EQ(BlockOn(Deep(1'000'000)), 1'000'000);
  EXPECT_EQ(BlockOn(Long(1'000'000)), 1'000'000);
}

Coro<bool> MovesAndComesBack(Pool& pool) {
  const auto here = std::this_thread::get_id();
  auto there = [](Pool& to) -> Coro<std::thread::id> {
    co_await On(to);
    co_return std::this_thread::get_id();
  };
  Coro<std::thread::id> moved = there(pool);
  const std::thread::id other = co_await moved;
  // There is one thread of each pool: back where it was.
  co_return other != here&& std::this_thread::get_id() == here;
}

TEST(Coro, WhoAwaitsOneThatMovesStaysWhereItWas) {
  Pool first(PoolOptions().Name("first"));
  Pool second(PoolOptions().Name("second"));
  auto body = [&]() -> Coro<bool> {
    co_await On(first);
    Coro<bool> moves = MovesAndComesBack(second);
    co_return co_await moves;
  };
  const Coro<bool> run = body();
  EXPECT_TRUE(BlockOn(run));
}

TEST(Coro, BlockingWorkHasThreadsOfItsOwn) {
  auto body = []() -> Coro<bool> {
    const auto here = std::this_thread::get_id();
    auto run = RunBlocking([] { return std::this_thread::get_id(); });
    const auto there = co_await run;
    co_return here != there;
  };
  const Coro<bool> run = body();
  EXPECT_TRUE(BlockOn(run));
}

TEST(Coro, APoolHasASize) {
  EXPECT_THROW(Pool(PoolOptions().Threads(0)), BadArgument);
  EXPECT_THROW(Pool(PoolOptions().Threads(5'000)), BadArgument);
}

// A coroutine that blocks its thread does not hold up those it waits for.
Coro<int> BlocksOn(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + BlockOn(BlocksOn(depth - 1));
}

TEST(Coro, OneThatBlocksIsReplaced) { EXPECT_EQ(BlockOn(BlocksOn(30)), 30); }

TEST(Sleep, TakesAtLeastItsTime) {
  const auto begin = std::chrono::steady_clock::now();
  BlockOn(SleepFor(milliseconds(5)));
  auto body = []() -> Coro<> {
    co_await SleepFor(milliseconds(5));
    co_await SleepUntil(std::chrono::steady_clock::now() + milliseconds(5));
    co_await SleepFor(milliseconds(0));
    co_await SleepUntil(std::chrono::system_clock::now() - milliseconds(5));
  };
  const Coro<> run = body();
  BlockOn(run);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(15));
}

TEST(Sleep, YieldLetsOthersGoFirst) {
  Pool pool;
  std::vector<int> order;
  auto body = [&]() -> Coro<> {
    co_await On(pool);
    for (int i = 0; i < 3; ++i) {
      order.push_back(i);
      co_await Yield();
    }
  };
  const Coro<> run = body();
  BlockOn(run);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

// ---- generators -------------------------------------------------------------

Generator<int> Squares(int n) {
  for (int i = 0; i < n; ++i) co_yield i* i;
}
Generator<std::unique_ptr<int>> Boxes() {
  co_yield std::make_unique<int>(1);
  throw std::runtime_error("no more");
}

TEST(Generator, GivesOneAfterAnother) {
  std::vector<int> squares;
  for (const int square : Squares(4)) squares.push_back(square);
  EXPECT_EQ(squares, (std::vector<int>{0, 1, 4, 9}));
  for (const int square : Squares(0)) FAIL() << square;
  for (const int square : Generator<int>()) FAIL() << square;
}

TEST(Generator, StopsWhereItIsLeftAndThrows) {
  for (const int square : Squares(1'000'000)) {
    if (square > 10) break;
  }
  int seen = 0;
  const auto all = [&seen] {
    for (const auto& box : Boxes()) seen += *box;
  };
  EXPECT_THROW(all(), std::runtime_error);
  EXPECT_EQ(seen, 1);
}

AsyncGenerator<int> Slowly(int n) {
  for (int i = 0; i < n; ++i) {
    Coro<int> next = Add(i, 1);
    co_yield co_await next;
    co_await SleepFor(std::chrono::microseconds(100));
  }
}
AsyncGenerator<int> ThenThrows() {
  co_yield 1;
  throw std::runtime_error("no more");
}

TEST(AsyncGenerator, MayWaitBetweenTwo) {
  auto body = []() -> Coro<int> {
    int sum = 0;
    AsyncGenerator<int> numbers = Slowly(5);
    while (std::optional<int> n = co_await numbers.Next()) sum += *n;
    EXPECT_FALSE((co_await numbers.Next()).has_value());
    AsyncGenerator<int> none;
    EXPECT_FALSE((co_await none.Next()).has_value());
    co_return sum;
  };
  const Coro<int> run = body();
  EXPECT_EQ(BlockOn(run), 15);
}

TEST(AsyncGenerator, LeftEarlyAndThrowing) {
  auto body = []() -> Coro<> {
    AsyncGenerator<int> numbers = Slowly(5);
    EXPECT_EQ(co_await numbers.Next(), 1);
    AsyncGenerator<int> throwing = ThenThrows();
    EXPECT_EQ(co_await throwing.Next(), 1);
    co_await throwing.Next();
  };
  const Coro<> run = body();
  EXPECT_THROW(BlockOn(run), std::runtime_error);
}

TEST(AsyncGenerator, AMillionTakeNoStack) {
  auto numbers = [](int n) -> AsyncGenerator<int> {
    for (int i = 0; i < n; ++i) co_yield i;
  };
  auto body = [&numbers]() -> Coro<int> {
    int count = 0;
    AsyncGenerator<int> all = numbers(1'000'000);
    while (co_await all.Next()) ++count;
    co_return count;
  };
  const Coro<int> run = body();
  EXPECT_EQ(BlockOn(run), 1'000'000);
}

}  // namespace
}  // namespace mobula

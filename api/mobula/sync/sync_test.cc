// Event, Mutex, Semaphore, Barrier and Channel, from coroutines and threads.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/coro/task_group.h"
#include "api/mobula/error.h"
#include "api/mobula/sync/barrier.h"
#include "api/mobula/sync/channel.h"
#include "api/mobula/sync/event.h"
#include "api/mobula/sync/mutex.h"
#include "api/mobula/sync/semaphore.h"

namespace mobula {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Runs `begin()`, which makes a wait, on a thread and in a coroutine, in a
// scope that is stopped, and in one whose deadline passes, and without time.
template <class Begin>
void ExpectNeverGranted(Begin begin) {
  EXPECT_THROW((void)BlockOn(begin(Timeout(milliseconds(0)))), TimeoutError);
  EXPECT_THROW((void)BlockOn(begin(Timeout(milliseconds(1)))), TimeoutError);
  const auto timed = [&](Timeout timeout) -> Coro<> {
    (void)co_await begin(timeout);
  };
  EXPECT_THROW(BlockOn(timed(milliseconds(0))), TimeoutError);
  EXPECT_THROW(BlockOn(timed(milliseconds(1))), TimeoutError);
  {
    const Scope scope(ScopeOptions().Timeout(milliseconds(1)));
    EXPECT_THROW((void)BlockOn(begin(Timeout())), TimeoutError);
    EXPECT_THROW(BlockOn(timed(Timeout())), TimeoutError);
  }
  for (const bool in_coroutine : {false, true}) {
    std::stop_source source;
    std::jthread stopper([&source] { source.request_stop(); });
    const Scope scope(ScopeOptions().Stop(source.get_token()));
    if (in_coroutine) {
      EXPECT_THROW(BlockOn(timed(hours(1))), Cancelled);
    } else {
      EXPECT_THROW((void)BlockOn(begin(Timeout(hours(1)))), Cancelled);
    }
  }
}

// ---- Event ------------------------------------------------------------------

TEST(Event, LetsAllGoOn) {
  Event event;
  std::atomic<int> went{0};
  TaskGroup group;
  const auto wait = [&]() -> Coro<> {
    co_await event.Wait();
    went.fetch_add(1);
  };
  for (int i = 0; i < 100; ++i) group.Start(wait());
  std::jthread thread([&] {
    BlockOn(event.Wait(hours(1)));
    went.fetch_add(1);
  });
  EXPECT_FALSE(event.IsSet());
  event.Set();
  BlockOn(group.Wait());
  thread.join();
  EXPECT_EQ(went.load(), 101);
  EXPECT_TRUE(event.IsSet());
  BlockOn(event.Wait(milliseconds(0)));
  event.Reset();
  EXPECT_THROW(BlockOn(event.Wait(milliseconds(0))), TimeoutError);
}

TEST(Event, GivesUp) {
  Event event;
  ExpectNeverGranted([&](Timeout timeout) { return event.Wait(timeout); });
}

// Set, deadlines and stops at the same moment: each wait ends once.
TEST(Event, EndsOnceHoweverItEnds) {
  for (int round = 0; round < 200; ++round) {
    Event event;
    std::stop_source source;
    std::atomic<int> ended{0};
    const auto wait = [&](int i) -> Coro<> {
      try {
        co_await event.Wait(std::chrono::microseconds(50 * (i % 8) + 1));
      } catch (const Error&) {
        ended.fetch_add(1);
        co_return;
      }
      ended.fetch_add(1);
    };
    {
      const Scope scope(ScopeOptions().Stop(source.get_token()));
      TaskGroup group;
      for (int i = 0; i < 16; ++i) group.Start(wait(i));
      std::jthread stopper([&source] { source.request_stop(); });
      event.Set();
      BlockOn(group.Wait());
    }
    ASSERT_EQ(ended.load(), 16);
  }
}

// ---- Mutex ------------------------------------------------------------------

TEST(Mutex, LetsOneInAtATime) {
  Mutex mutex;
  int inside = 0;
  int count = 0;
  TaskGroup group;
  const auto add = [&]() -> Coro<> {
    for (int i = 0; i < 100; ++i) {
      const Mutex::Guard guard = co_await mutex.Lock();
      EXPECT_EQ(++inside, 1);
      co_await Yield();
      ++count;
      --inside;
    }
  };
  for (int i = 0; i < 8; ++i) group.Start(add());
  std::jthread thread([&] {
    for (int i = 0; i < 100; ++i) {
      const Mutex::Guard guard = BlockOn(mutex.Lock());
      EXPECT_EQ(++inside, 1);
      ++count;
      --inside;
    }
  });
  BlockOn(group.Wait());
  thread.join();
  EXPECT_EQ(count, 900);
}

TEST(Mutex, TryLockAndMovedGuards) {
  Mutex mutex;
  std::optional<Mutex::Guard> guard = mutex.TryLock();
  ASSERT_TRUE(guard.has_value());
  EXPECT_FALSE(mutex.TryLock().has_value());
  Mutex::Guard moved = *std::move(guard);
  guard.reset();
  ExpectNeverGranted([&](Timeout timeout) { return mutex.Lock(timeout); });
  {
    const Mutex::Guard last = std::move(moved);
  }
  EXPECT_TRUE(mutex.TryLock().has_value());
}

// ---- Semaphore --------------------------------------------------------------

// Three are inside at once, since none leaves before, and never four.
TEST(Semaphore, BoundsHowManyAreInside) {
  Semaphore semaphore(3);
  Barrier full(3);
  std::atomic<int> inside{0};
  std::atomic<int> entered{0};
  const auto enter = [&]() -> Coro<> {
    const Semaphore::Permit permit = co_await semaphore.Hold();
    EXPECT_LE(inside.fetch_add(1) + 1, 3);
    entered.fetch_add(1);
    co_await full.Arrive();
    inside.fetch_sub(1);
  };
  TaskGroup group;
  for (int i = 0; i < 300; ++i) group.Start(enter());
  BlockOn(group.Wait());
  EXPECT_EQ(entered.load(), 300);
  EXPECT_EQ(semaphore.available(), 3);
}

TEST(Semaphore, WhoNeedsFewDoesNotOvertake) {
  Semaphore semaphore(1);
  std::vector<int> order;
  TaskGroup group;
  const auto acquire = [&](int count) -> Coro<> {
    co_await semaphore.Acquire(count);
    order.push_back(count);
  };
  std::jthread big([&] { BlockOn(acquire(3)); });
  while (semaphore.TryAcquire()) {  // until the big one stands in the way
    semaphore.Release();
    std::this_thread::yield();
  }
  group.Start(acquire(1));
  semaphore.Release(2);
  big.join();
  semaphore.Release(1);
  BlockOn(group.Wait());
  EXPECT_EQ(order, (std::vector<int>{3, 1}));
}

TEST(Semaphore, OneThatGivesUpLetsThoseBehindItGoOn) {
  Semaphore semaphore(1);
  const auto big = [&]() -> Coro<> {
    co_await semaphore.Acquire(2, milliseconds(20));
  };
  std::jthread first([&] { EXPECT_THROW(BlockOn(big()), TimeoutError); });
  BlockOn(semaphore.Acquire(1));
  EXPECT_THROW(Semaphore(-1), BadArgument);
  EXPECT_THROW(semaphore.Release(-1), BadArgument);
  semaphore.Release(1);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(semaphore.Release(kMost), BadArgument);
  EXPECT_EQ(semaphore.available(), 1);
  EXPECT_THROW((void)semaphore.Acquire(-1), BadArgument);
}

TEST(Semaphore, GivesUp) {
  Semaphore semaphore(1);
  ExpectNeverGranted(
      [&](Timeout timeout) { return semaphore.Acquire(2, timeout); });
  EXPECT_EQ(semaphore.available(), 1);
}

// ---- Barrier ----------------------------------------------------------------

TEST(Barrier, AllGoOnTogetherRoundAfterRound) {
  constexpr int kRounds = 50;
  constexpr int kComrades = 5;
  Barrier barrier(kComrades);
  std::atomic<int> arrived{0};
  std::atomic<int> last{0};
  TaskGroup group;
  const auto march = [&]() -> Coro<> {
    for (int round = 1; round <= kRounds; ++round) {
      arrived.fetch_add(1);
      if (co_await barrier.Arrive()) last.fetch_add(1);
      EXPECT_GE(arrived.load(), round * kComrades);
    }
  };
  for (int i = 1; i < kComrades; ++i) group.Start(march());
  for (int round = 1; round <= kRounds; ++round) {
    arrived.fetch_add(1);
    if (BlockOn(barrier.Arrive())) last.fetch_add(1);
    EXPECT_GE(arrived.load(), round * kComrades);
  }
  BlockOn(group.Wait());
  EXPECT_EQ(last.load(), kRounds);
}

TEST(Barrier, WhoGivesUpHasNotArrived) {
  Barrier barrier(2);
  ExpectNeverGranted([&](Timeout timeout) { return barrier.Arrive(timeout); });
  EXPECT_THROW(Barrier(0), BadArgument);
  Barrier alone(1);
  EXPECT_TRUE(BlockOn(alone.Arrive()));
}

// ---- Channel ----------------------------------------------------------------

Coro<> SendAll(Channel<std::unique_ptr<int>>& channel, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    const bool sent = co_await channel.Send(std::make_unique<int>(i));
    EXPECT_TRUE(sent);
  }
}

TEST(Channel, EachValueArrivesOnceThroughABoundedQueue) {
  constexpr int kEach = 500;
  Channel<std::unique_ptr<int>> channel(4);
  std::vector<std::atomic<int>> seen(4 * kEach);
  const auto receive = [&]() -> Coro<> {
    while (auto value = co_await channel.Receive()) {
      EXPECT_LE(channel.size(), 4u);
      seen[static_cast<std::size_t>(**value)].fetch_add(1);
    }
  };
  TaskGroup senders;
  TaskGroup receivers;
  for (int i = 0; i < 3; ++i) {
    senders.Start(SendAll(channel, i * kEach, kEach));
    receivers.Start(receive());
  }
  for (int i = 3 * kEach; i < 4 * kEach; ++i) {
    EXPECT_TRUE(BlockOn(channel.Send(std::make_unique<int>(i))));
  }
  BlockOn(senders.Wait());
  channel.Close();
  BlockOn(receivers.Wait());
  for (const auto& times : seen) ASSERT_EQ(times.load(), 1);
}

TEST(Channel, KeepsTheOrderOfOneSender) {
  Channel<int> channel(2);
  const auto send = [&]() -> Coro<> {
    for (int i = 0; i < 100; ++i) co_await channel.Send(i);
    channel.Close();
  };
  TaskGroup group;
  group.Start(send());
  int expected = 0;
  while (const std::optional<int> got = BlockOn(channel.Receive())) {
    EXPECT_EQ(*got, expected++);
  }
  EXPECT_EQ(expected, 100);
  BlockOn(group.Wait());
}

TEST(Channel, CloseLetsAllGoOn) {
  Channel<int> full(1);
  Channel<int> empty(1);
  EXPECT_TRUE(BlockOn(full.Send(1)));
  TaskGroup group;
  const auto send = [&]() -> Coro<> { EXPECT_FALSE(co_await full.Send(2)); };
  const auto receive = [&]() -> Coro<> {
    EXPECT_FALSE((co_await empty.Receive()).has_value());
  };
  for (int i = 0; i < 4; ++i) {
    group.Start(send());
    group.Start(receive());
  }
  full.Close();
  empty.Close();
  BlockOn(group.Wait());
  EXPECT_TRUE(full.closed());
  EXPECT_EQ(BlockOn(full.Receive()), 1);
  EXPECT_EQ(BlockOn(full.Receive()), std::nullopt);
  int value = 3;
  EXPECT_FALSE(full.TrySend(value));
}

TEST(Channel, TriesWithoutWaiting) {
  Channel<std::unique_ptr<int>> channel(1);
  EXPECT_FALSE(channel.TryReceive().has_value());
  auto one = std::make_unique<int>(1);
  auto two = std::make_unique<int>(2);
  EXPECT_TRUE(channel.TrySend(one));
  EXPECT_FALSE(channel.TrySend(two));
  EXPECT_NE(two, nullptr);
  EXPECT_EQ(**channel.TryReceive(), 1);
  EXPECT_THROW(Channel<int>(0), BadArgument);
}

TEST(Channel, GivesUp) {
  Channel<int> channel(1);
  ExpectNeverGranted([&](Timeout timeout) { return channel.Receive(timeout); });
  EXPECT_TRUE(BlockOn(channel.Send(1)));
  ExpectNeverGranted([&](Timeout timeout) { return channel.Send(2, timeout); });
  EXPECT_EQ(BlockOn(channel.Receive()), 1);
  EXPECT_EQ(channel.size(), 0u);
}

}  // namespace
}  // namespace mobula

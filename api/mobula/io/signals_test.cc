#include "api/mobula/io/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/task_group.h"
#include "api/mobula/error.h"
#include "api/mobula/sync/event.h"

namespace mobula {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

void Send(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

TEST(Signals, GivesThemToThreadsAndCoroutines) {
  Signals signals({SIGUSR1, SIGHUP});
  ::raise(SIGHUP);
  EXPECT_EQ(BlockOn(signals.Next(seconds(60))), SIGHUP);
  Event first;
  TaskGroup group;
  const auto wait = [&]() -> Coro<> {
    const int one = co_await signals.Next();
    EXPECT_EQ(one, SIGUSR1);
    first.Set();
    const int two = co_await signals.Next();
    EXPECT_EQ(two, SIGHUP);
  };
  group.Start(wait());
  std::jthread sender([] { Send(SIGUSR1); });
  BlockOn(first.Wait(seconds(60)));
  Send(SIGHUP);
  BlockOn(group.Wait());
}

TEST(Signals, KeepsOneOfEachKind) {
  Signals signals({SIGUSR1, SIGUSR2});
  for (int i = 0; i < 3; ++i) {
    ::raise(SIGUSR2);
    ::raise(SIGUSR1);
  }
  EXPECT_EQ(BlockOn(signals.Next(seconds(60))), SIGUSR1);
  EXPECT_EQ(BlockOn(signals.Next(seconds(60))), SIGUSR2);
  EXPECT_THROW((void)BlockOn(signals.Next(milliseconds(1))), TimeoutError);
}

TEST(Signals, EachObjectIsToldOfEach) {
  Signals one({SIGUSR1});
  Signals both({SIGUSR1, SIGUSR2});
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  EXPECT_EQ(BlockOn(one.Next(seconds(60))), SIGUSR1);
  EXPECT_EQ(BlockOn(both.Next(seconds(60))), SIGUSR1);
  EXPECT_EQ(BlockOn(both.Next(seconds(60))), SIGUSR2);
}

// Two signals and two who wait: each gets one, whoever looked first.
TEST(Signals, NobodyIsForgotten) {
  for (int round = 0; round < 100; ++round) {
    Signals signals({SIGUSR1, SIGUSR2});
    TaskGroup group;
    std::atomic<int> sum{0};
    const auto wait = [&]() -> Coro<> {
      sum.fetch_add(co_await signals.Next());
    };
    group.Start(wait());
    std::jthread sender([] {
      Send(SIGUSR1);
      Send(SIGUSR2);
    });
    group.Start(wait());
    BlockOn(group.Wait());
    ASSERT_EQ(sum.load(), SIGUSR1 + SIGUSR2);
  }
}

TEST(Signals, GivesUp) {
  Signals signals({SIGUSR1});
  EXPECT_THROW((void)BlockOn(signals.Next(milliseconds(0))), TimeoutError);
  {
    const Scope scope(ScopeOptions().Timeout(milliseconds(1)));
    EXPECT_THROW((void)BlockOn(signals.Next()), TimeoutError);
  }
  std::stop_source source;
  std::jthread stopper([&source] { source.request_stop(); });
  const Scope scope(ScopeOptions().Stop(source.get_token()));
  EXPECT_THROW((void)BlockOn(signals.Next(hours(1))), Cancelled);
}

std::atomic<int> handled{0};
void CountSignal(int /*signal*/) { handled.fetch_add(1); }

TEST(Signals, WhatWasBeforeIsAgain) {
  const auto before = std::signal(SIGUSR1, &CountSignal);
  handled = 0;
  ::raise(SIGUSR1);
  EXPECT_EQ(handled.load(), 1);
  {
    auto first = std::make_unique<Signals>(std::vector<int>{SIGUSR1});
    Signals second({SIGUSR1});
    first.reset();
    ::raise(SIGUSR1);
    EXPECT_EQ(BlockOn(second.Next(seconds(60))), SIGUSR1);
  }
  EXPECT_EQ(handled.load(), 1);
  ::raise(SIGUSR1);
  EXPECT_EQ(handled.load(), 2);
  std::signal(SIGUSR1, before);
}

TEST(Signals, AnotherHandlerThatWasSetSinceStays) {
  {
    const Signals signals({SIGUSR1});
    std::signal(SIGUSR1, &CountSignal);
  }
  handled = 0;
  ::raise(SIGUSR1);
  EXPECT_EQ(handled.load(), 1);
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(Signals, RefusesWhatMakesNoSense) {
  EXPECT_THROW(Signals({}), BadArgument);
  for (const int signal : {0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV}) {
    EXPECT_THROW(Signals({signal}), BadArgument) << signal;
  }
  std::vector<std::unique_ptr<Signals>> many;
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) {
          many.push_back(std::make_unique<Signals>(std::vector<int>{SIGUSR1}));
        }
      },
      LimitError);
  EXPECT_EQ(many.size(), 64u);
  ::raise(SIGUSR1);
  EXPECT_EQ(BlockOn(many.back()->Next(seconds(60))), SIGUSR1);
}

}  // namespace
}  // namespace mobula

#include "base/strand.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <future>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

using std::chrono::milliseconds;

std::pair<UniqueFd, UniqueFd> Sockets() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void WriteByte(int fd) { ASSERT_EQ(::write(fd, "x", 1), 1); }

// Waits until everything posted before has run.
void Settle(Strand& strand) {
  std::promise<void> done;
  strand.Post([&done] { done.set_value(); });
  done.get_future().wait();
}

TEST(StrandTest, RunsInTheOrderPostedAndStopsAtStop) {
  Strand strand("test");
  std::vector<int> ran;
  strand.Post([&strand, &ran] {
    strand.AssertHeld();
    ran.push_back(1);
    strand.Post([&ran] { ran.push_back(3); });
    strand.Post([&strand] { strand.Stop(); });
    strand.Post([&ran] { ran.push_back(99); });
  });
  strand.Post([&ran] { ran.push_back(2); });
  strand.Run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  strand.Post([&ran] { ran.push_back(100); });
  EXPECT_EQ(ran.size(), 3u) << "nothing runs after Stop";
}

TEST(StrandTest, StopFromOutsideEndsASleepingStrand) {
  Strand strand("test");
  strand.StartThread();
  Settle(strand);
  strand.Stop();
  strand.Join();
}

TEST(StrandTest, WhatWasNeverRunIsDestroyed) {
  const auto token = std::make_shared<int>(0);
  {
    Strand strand("test");
    strand.Post([token] {});
    strand.PostAt(BootTime::Never(), [token] {});
    strand.Stop();
    strand.Post([token] {});
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(StrandTest, WhatADroppedClosureOwnsMayStillUseTheStrand) {
  auto strand = std::make_unique<Strand>("test");
  auto sockets = Sockets();
  const int fd = sockets.first.get();
  Strand* const borrowed = strand.get();
  auto owner = std::shared_ptr<int>(new int(0), [borrowed, fd](int* p) {
    borrowed->Unwatch(fd);
    borrowed->Cancel(1);
    delete p;
  });
  strand->PostAt(BootTime::Never(), [owner] {});
  strand->Watch(fd, Strand::kReadable, [owner](std::uint32_t) {});
  strand->Post([owner] {});
  std::weak_ptr<int> seen = owner;
  owner.reset();
  strand.reset();
  EXPECT_TRUE(seen.expired());
}

TEST(StrandTest, KeepsTheOrderOfEachOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  Strand strand("test");
  strand.StartThread();
  std::vector<int> last(kThreads, -1);
  std::atomic<bool> wrong = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&strand, &last, &wrong, thread] {
      for (int i = 0; i < kEach; ++i) {
        strand.Post([&last, &wrong, thread, i] {
          int& mine = last[static_cast<std::size_t>(thread)];
          if (mine != i - 1) wrong = true;
          mine = i;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Settle(strand);
  strand.Stop();
  strand.Join();
  EXPECT_FALSE(wrong);
  EXPECT_EQ(last, std::vector<int>(kThreads, kEach - 1));
}

// Each Post finds the strand asleep, waking or awake: none is ever lost.
TEST(StrandTest, EveryPostWakesASleepingStrand) {
  Strand strand("test");
  strand.StartThread();
  for (int i = 0; i < 2000; ++i) Settle(strand);
}

TEST(StrandTest, TimersRunInOrderOfTimeThenOfAskingAndNotEarly) {
  Strand strand("test");
  std::vector<int> ran;
  const BootTime start = strand.Now();
  const BootTime soon = start + milliseconds(2);
  strand.PostAt(start + milliseconds(4), [&strand, &ran, start] {
    ran.push_back(3);
    EXPECT_GE(strand.Now(), start + milliseconds(4));
    strand.Stop();
  });
  strand.PostAt(soon, [&ran] { ran.push_back(1); });
  strand.PostAt(soon, [&ran] { ran.push_back(2); });
  strand.PostAt(BootTime(), [&ran] { ran.push_back(0); });
  strand.Run();
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3}));
}

TEST(StrandTest, CancelInsideACallbackHoldsAndForgetsTheClosure) {
  Strand strand("test");
  const auto token = std::make_shared<int>(0);
  bool ran = false;
  Strand::TimerId second = 0;
  strand.PostAt(BootTime(), [&strand, &second] { strand.Cancel(second); });
  second = strand.PostAt(BootTime(), [&ran, token] { ran = true; });
  strand.PostAt(strand.Now() + milliseconds(1), [&strand] { strand.Stop(); });
  strand.Run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(token.use_count(), 1);
  strand.Cancel(second);  // has no effect
}

TEST(StrandTest, ATimerThatAsksAgainForThePastDoesNotStarveTheRest) {
  Strand strand("test");
  auto sockets = Sockets();
  WriteByte(sockets.second.get());
  int again = 0;
  std::function<void()> ask = [&strand, &ask, &again] {
    ++again;
    strand.PostAt(BootTime(), ask);
  };
  strand.PostAt(BootTime(), ask);
  strand.Watch(sockets.first.get(), Strand::kReadable,
               [&strand](std::uint32_t) { strand.Stop(); });
  strand.Run();
  EXPECT_GE(again, 1);
}

TEST(StrandTest, AClosureThatPostsItselfDoesNotStarveDescriptors) {
  Strand strand("test");
  auto sockets = Sockets();
  WriteByte(sockets.second.get());
  std::function<void()> again = [&strand, &again] { strand.Post(again); };
  strand.Post(again);
  strand.Watch(sockets.first.get(), Strand::kReadable,
               [&strand](std::uint32_t) { strand.Stop(); });
  strand.Run();
}

TEST(StrandTest, WatchIsLevelTriggeredAndChangesItsEvents) {
  Strand strand("test");
  auto sockets = Sockets();
  const int fd = sockets.first.get();
  WriteByte(sockets.second.get());
  std::vector<std::uint32_t> seen;
  strand.Watch(fd, Strand::kReadable, [&](std::uint32_t ready) {
    seen.push_back(ready);
    if (seen.size() < 2) return;  // not read: it comes again
    strand.Watch(fd, Strand::kWritable, [&](std::uint32_t then) {
      seen.push_back(then);
      strand.Stop();
    });
  });
  strand.Run();
  EXPECT_EQ(seen,
            (std::vector<std::uint32_t>{Strand::kReadable, Strand::kReadable,
                                        Strand::kWritable}));
}

TEST(StrandTest, HangupIsReportedUnasked) {
  Strand strand("test");
  auto sockets = Sockets();
  std::uint32_t seen = 0;
  strand.Watch(sockets.first.get(), 0, [&](std::uint32_t ready) {
    seen = ready;
    strand.Stop();
  });
  sockets.second.Reset();
  strand.Run();
  EXPECT_EQ(seen, Strand::kHangup);
}

// Both are ready in one turn; the first to run takes the other away, closes it
// and watches a new descriptor that gets the same number.
TEST(StrandTest, UnwatchInsideACallbackHoldsAlsoForAReusedNumber) {
  Strand strand("test");
  auto one = Sockets();
  auto two = Sockets();
  WriteByte(one.second.get());
  WriteByte(two.second.get());
  int calls = 0;
  UniqueFd reused;
  auto take_away = [&](UniqueFd& own, UniqueFd& other) {
    ++calls;
    const int number = other.get();
    strand.Unwatch(own.get());
    strand.Unwatch(number);
    other.Reset();
    reused.Reset(::fcntl(own.get(), F_DUPFD_CLOEXEC, number));
    ASSERT_EQ(reused.get(), number);
    strand.Watch(number, 0, [](std::uint32_t) { FAIL() << "an old event"; });
    strand.PostAt(strand.Now() + milliseconds(2), [&] { strand.Stop(); });
  };
  strand.Watch(one.first.get(), Strand::kReadable,
               [&](std::uint32_t) { take_away(one.first, two.first); });
  strand.Watch(two.first.get(), Strand::kReadable,
               [&](std::uint32_t) { take_away(two.first, one.first); });
  strand.Run();
  EXPECT_EQ(calls, 1);
}

TEST(StrandTest, ACallbackMayUnwatchItself) {
  Strand strand("test");
  auto sockets = Sockets();
  WriteByte(sockets.second.get());
  const auto token = std::make_shared<int>(7);
  const int fd = sockets.first.get();
  strand.Watch(fd, Strand::kReadable, [&strand, fd, token](std::uint32_t) {
    strand.Unwatch(fd);
    EXPECT_EQ(*token, 7) << "the closure lives until it returns";
    strand.Stop();
  });
  strand.Run();
  EXPECT_EQ(token.use_count(), 1);
}

// Timers asked for and taken back at random: exactly those that stand run, in
// order.
TEST(StrandTest, RandomTimersRunOnceInOrderUnlessCancelled) {
  std::mt19937_64 random(11);
  Strand strand("test");
  const BootTime start = strand.Now();
  std::vector<std::pair<BootTime, Strand::TimerId>> standing;
  std::vector<std::pair<BootTime, Strand::TimerId>> ran;
  for (int i = 0; i < 500; ++i) {
    const BootTime at = start + std::chrono::microseconds(random() % 5000);
    const auto index = std::make_shared<Strand::TimerId>(0);
    *index =
        strand.PostAt(at, [&ran, at, index] { ran.emplace_back(at, *index); });
    standing.emplace_back(at, *index);
    if (random() % 3 == 0) {
      const std::size_t victim = random() % standing.size();
      strand.Cancel(standing[victim].second);
      standing.erase(standing.begin() + static_cast<std::ptrdiff_t>(victim));
    }
  }
  strand.PostAt(start + milliseconds(6), [&strand] { strand.Stop(); });
  strand.Run();
  std::sort(standing.begin(), standing.end());
  EXPECT_EQ(ran, standing);
}

TEST(StrandDeathTest, KnowsWhoRunsIt) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        Strand strand("raylet");
        strand.StartThread();
        strand.AssertHeld();
      },
      "not on strand raylet");
}

// A word of memory that others write, as a ring is.
class Word final : public Strand::Polled {
 public:
  explicit Word(Strand& strand) : strand_(strand) {}
  bool Poll() override {
    const int now = written.load();
    if (now == seen) return false;
    seen = now;
    if (seen == last) strand_.Stop();
    return true;
  }
  bool MaySleep() override {
    asleep.store(true);
    return written.load() == seen;
  }

  std::atomic<int> written = 0;
  std::atomic<bool> asleep = false;
  int seen = 0;
  int last = 0;

 private:
  Strand& strand_;
};

// The bell is rung only where the strand has said that it sleeps.
TEST(StrandTest, WhatIsPolledIsSeenAwakeOrWokenByTheDoorbell) {
  Strand strand("test");
  Word word(strand);
  word.last = 20'000;
  strand.AddPolled(&word);
  const int bell = strand.Doorbell();
  ASSERT_GE(bell, 0);
  EXPECT_EQ(strand.Doorbell(), bell);
  std::thread writer([&word, bell] {
    for (int i = 1; i <= word.last; ++i) {
      word.written.store(i);
      if (!word.asleep.exchange(false)) continue;
      const std::uint64_t one = 1;
      ASSERT_EQ(::write(bell, &one, sizeof one), 8);
    }
  });
  strand.Run();
  writer.join();
  EXPECT_EQ(word.seen, word.last);
}

class Leaver final : public Strand::Polled {
 public:
  explicit Leaver(Strand& strand) : strand_(strand) {}
  bool Poll() override {
    ++polls;
    for (Strand::Polled* each : removed) strand_.RemovePolled(each);
    for (Strand::Polled* each : added) strand_.AddPolled(each);
    removed.clear();
    added.clear();
    return false;
  }
  bool MaySleep() override { return true; }

  std::vector<Strand::Polled*> removed;
  std::vector<Strand::Polled*> added;
  int polls = 0;

 private:
  Strand& strand_;
};

TEST(StrandTest, WhatIsPolledMayComeAndGoWhileOthersAre) {
  Strand strand("test");
  Leaver first(strand);
  Leaver gone(strand);
  Leaver late(strand);
  first.removed = {&first, &gone};
  first.added = {&late};
  strand.AddPolled(&first);
  strand.AddPolled(&gone);
  EXPECT_EQ(strand.polled_count(), 2u);
  strand.Post([&strand] { strand.Post([&strand] { strand.Stop(); }); });
  strand.Run();
  EXPECT_EQ(first.polls, 1);
  EXPECT_EQ(gone.polls, 0);
  EXPECT_GE(late.polls, 1);
  EXPECT_EQ(strand.polled_count(), 1u);
}

TEST(StrandTest, TheDoorbellWakesForWhatWasPostedBesideIt) {
  Strand strand("test");
  strand.StartThread();
  std::promise<int> bell;
  strand.Post([&strand, &bell] { bell.set_value(strand.Doorbell()); });
  const int fd = bell.get_future().get();
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(fd, &one, sizeof one), 8);
    if (i % 10 == 0) Settle(strand);
  }
  Settle(strand);
}

// ---- Drive ------------------------------------------------------------------

bool DriveUntil(Strand& strand, const std::atomic<bool>& done, bool takes) {
  return strand.Drive([&done] { return done.load(); }, BootTime::Never(),
                      takes);
}

TEST(StrandDriveTest, WhoDrivesRunsWhatIsPosted) {
  Strand strand("test");
  strand.StartThread();
  Settle(strand);
  std::atomic<bool> done{false};
  EXPECT_FALSE(DriveUntil(strand, done, /*takes=*/false))
      << "its own thread runs it";
  std::thread::id ran_on;
  strand.Post([&strand, &ran_on, &done] {
    // Behind the one that drives by then.
    strand.Post([&strand, &ran_on, &done] {
      strand.AssertHeld();
      ran_on = std::this_thread::get_id();
      done = true;
    });
  });
  while (!done && !DriveUntil(strand, done, /*takes=*/true)) {
  }
  EXPECT_TRUE(done);
  EXPECT_FALSE(strand.IsHere());
  // It is free: taken at once, and what this thread posts runs here.
  done = false;
  strand.Post([&ran_on, &done] {
    ran_on = std::this_thread::get_id();
    done = true;
  });
  if (DriveUntil(strand, done, /*takes=*/true)) {
    EXPECT_TRUE(done);
  }
}

TEST(StrandDriveTest, WhatTheDriverLeavesRunsSoonAfter) {
  Strand strand("test");
  strand.StartThread();
  std::atomic<bool> yes{true};
  ASSERT_TRUE(DriveUntil(strand, yes, /*takes=*/true));
  std::promise<std::thread::id> ran;
  strand.Post([&ran] { ran.set_value(std::this_thread::get_id()); });
  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
}

TEST(StrandDriveTest, DescriptorsAndTimersAreLookedAtByTheDriver) {
  Strand strand("test");
  strand.StartThread();
  auto [mine, its] = Sockets();
  std::atomic<bool> done{false};
  std::thread::id read_on;
  std::thread::id timer_on;
  strand.Post([&, fd = its.get()] {
    strand.AssertHeld();
    strand.Watch(fd, Strand::kReadable, [&, fd](std::uint32_t) {
      strand.AssertHeld();
      read_on = std::this_thread::get_id();
      strand.Unwatch(fd);
      strand.PostAt(strand.Now() + milliseconds(5), [&] {
        timer_on = std::this_thread::get_id();
        done = true;
      });
    });
  });
  Settle(strand);
  bool written = false;
  const auto until_done = [&] {
    // Asked where the loop runs: here.
    if (!std::exchange(written, true)) WriteByte(mine.get());
    return done.load();
  };
  ASSERT_TRUE(strand.Drive(until_done, BootTime::Never(), /*takes=*/true));
  EXPECT_EQ(read_on, std::this_thread::get_id());
  EXPECT_EQ(timer_on, std::this_thread::get_id());
}

TEST(StrandDriveTest, EndsAtItsDeadlineAndAtStop) {
  Strand strand("test");
  strand.StartThread();
  EXPECT_TRUE(strand.Drive([] { return false; }, BootNow() + milliseconds(20),
                           /*takes=*/true));
  std::thread stopper([&strand] { strand.Stop(); });
  strand.Drive([] { return false; }, BootTime::Never(), /*takes=*/true);
  stopper.join();
  strand.Join();
  EXPECT_FALSE(strand.Drive([] { return true; }, BootTime::Never(), true));
}

TEST(StrandDriveTest, LetGoGivesAFreeLoopBack) {
  Strand strand("test");
  strand.StartThread();
  std::atomic<bool> yes{true};
  ASSERT_TRUE(DriveUntil(strand, yes, /*takes=*/true));
  std::promise<void> ran;
  strand.Post([&ran] { ran.set_value(); });
  Strand::LetGo();
  ran.get_future().get();
  Strand::LetGo();  // of nothing
}

// Threads that post and wait, some of them driving: nothing is lost, nothing
// runs twice or at the same time, and each thread's order holds.
TEST(StrandDriveTest, ManyThreadsPostAndDrive) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 3'000;
  Strand strand("test");
  strand.StartThread();
  std::atomic<int> inside{0};
  std::atomic<int> wrong{0};
  std::vector<int> last(kThreads, 0);  // of the strand
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(static_cast<unsigned>(t + 1));
      for (int i = 1; i <= kRounds; ++i) {
        std::atomic<bool> done{false};
        strand.Post([&, t, i, flag = &done] {
          strand.AssertHeld();
          if (inside.fetch_add(1) != 0) ++wrong;
          if (last[static_cast<std::size_t>(t)] != i - 1) ++wrong;
          last[static_cast<std::size_t>(t)] = i;
          inside.fetch_sub(1);
          flag->store(true);
        });
        const bool takes = random() % 2 == 0;
        while (!done) {
          if (!DriveUntil(strand, done, takes)) std::this_thread::yield();
        }
        if (random() % 64 == 0) Strand::LetGo();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(last, std::vector<int>(kThreads, kRounds));
}

}  // namespace
}  // namespace mobula::base

#include "runtime/executor/io_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/threads/io_watch.h"
#include "base/unique_fd.h"

namespace mobula::runtime {
namespace {

using base::IoWatch;
using Attempt = IoWatch::Attempt;
using Direction = IoWatch::Direction;

struct Pair {
  base::UniqueFd near;
  base::UniqueFd far;
};

Pair MakePair() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
      0);
  return {base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
}

// Reads one byte.
struct Reader : IoWatch {
  explicit Reader(const IoDescriptor& of) : fd(of.fd()) {
    attempt = [](IoWatch* watch) noexcept {
      auto* const self = static_cast<Reader*>(watch);
      self->attempts.fetch_add(1);
      if (::read(self->fd, &self->byte, 1) >= 0) return Attempt::kOver;
      return errno == EAGAIN ? Attempt::kNotReady : Attempt::kOver;
    };
    over = [](IoWatch* watch) noexcept {
      static_cast<Reader*>(watch)->told.set_value();
    };
  }
  const int fd;
  char byte = 0;
  std::atomic<int> attempts{0};
  std::promise<void> told;
};

void Wait(IoDescriptor& of, IoWatch& watch) {
  base::MutexLock lock(of.mutex());
  of.Append(Direction::kRead, &watch);
}

bool Leave(IoDescriptor& of, IoWatch& watch) {
  base::MutexLock lock(of.mutex());
  return of.Remove(&watch);
}

std::unique_ptr<IoDescriptor> Open(IoLoop& loop, base::UniqueFd fd) {
  int error = 0;
  auto opened = loop.Open(std::move(fd), &error);
  EXPECT_NE(opened, nullptr) << error;
  return opened;
}

TEST(IoLoop, TellsThoseWhoWaitInTheirOrder) {
  IoLoop loop;
  EXPECT_FALSE(loop.has_thread());
  Pair pair = MakePair();
  const auto near = Open(loop, std::move(pair.near));
  Reader first(*near);
  Reader second(*near);
  Wait(*near, first);
  Wait(*near, second);
  ASSERT_EQ(::write(pair.far.get(), "a", 1), 1);
  first.told.get_future().wait();
  ASSERT_EQ(::write(pair.far.get(), "b", 1), 1);
  second.told.get_future().wait();
  EXPECT_EQ(first.byte, 'a');
  EXPECT_EQ(second.byte, 'b');
  EXPECT_FALSE(Leave(*near, first));
}

TEST(IoLoop, WhatIsThereBeforeSomebodyWaitsIsSeen) {
  IoLoop loop;
  Pair pair = MakePair();
  const auto near = Open(loop, std::move(pair.near));
  ASSERT_EQ(::write(pair.far.get(), "a", 1), 1);
  Reader reader(*near);
  Wait(*near, reader);
  reader.told.get_future().wait();
  EXPECT_EQ(reader.byte, 'a');
}

TEST(IoLoop, OneThatIsRemovedIsNotTold) {
  IoLoop loop;
  Pair pair = MakePair();
  const auto near = Open(loop, std::move(pair.near));
  Reader gone(*near);
  Wait(*near, gone);
  EXPECT_TRUE(Leave(*near, gone));
  EXPECT_FALSE(Leave(*near, gone));
  ASSERT_EQ(::write(pair.far.get(), "a", 1), 1);
  Reader reader(*near);
  Wait(*near, reader);
  reader.told.get_future().wait();
  EXPECT_EQ(reader.byte, 'a');
  EXPECT_EQ(gone.attempts.load(), 0);
}

TEST(IoLoop, TellsOfTheEndOfTheOther) {
  IoLoop loop;
  Pair pair = MakePair();
  const auto near = Open(loop, std::move(pair.near));
  Reader reader(*near);
  Wait(*near, reader);
  pair.far.Reset();
  reader.told.get_future().wait();
  EXPECT_EQ(reader.byte, 0);
}

// Its descriptor is ready, and it is left alone until somebody says so.
struct Held : IoWatch {
  Held() {
    attempt = [](IoWatch* watch) noexcept {
      auto* const self = static_cast<Held*>(watch);
      self->attempts.fetch_add(1);
      if (self->is_free.load()) return Attempt::kOver;
      self->first.count_down();
      return Attempt::kHeld;
    };
    over = [](IoWatch* watch) noexcept {
      static_cast<Held*>(watch)->told.set_value();
    };
  }
  struct Once {
    std::promise<void> promise;
    bool done = false;
    void count_down() {
      if (!std::exchange(done, true)) promise.set_value();
    }
  };
  std::atomic<bool> is_free{false};
  std::atomic<int> attempts{0};
  Once first;
  std::promise<void> told;
};

TEST(IoLoop, OneThatIsHeldIsNotTriedByItself) {
  IoLoop loop;
  Pair pair = MakePair();
  Pair other = MakePair();
  const auto near = Open(loop, std::move(pair.near));
  const auto beside = Open(loop, std::move(other.near));
  ASSERT_EQ(::write(pair.far.get(), "a", 1), 1);
  Held held;
  Wait(*near, held);
  held.first.promise.get_future().wait();
  // The loop has come round in between.
  for (int i = 0; i < 3; ++i) {
    Reader reader(*beside);
    Wait(*beside, reader);
    ASSERT_EQ(::write(other.far.get(), "b", 1), 1);
    reader.told.get_future().wait();
  }
  EXPECT_EQ(held.attempts.load(), 1);
  held.is_free = true;
  near->TryAll();
  held.told.get_future().wait();
}

TEST(IoLoop, RefusesWhatCannotBeWaitedFor) {
  IoLoop loop;
  int error = 0;
  base::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file.valid());
  const auto opened = loop.Open(std::move(file), &error);
  EXPECT_EQ(opened, nullptr);
  EXPECT_EQ(error, EPERM);
  EXPECT_EQ(loop.Open(base::UniqueFd(), &error), nullptr);
  EXPECT_EQ(error, EBADF);
  EXPECT_EQ(loop.open(), 0u);
}

TEST(IoLoop, ItsThreadRestsWhileNothingIsOpen) {
  IoLoop loop;
  for (int round = 0; round < 3; ++round) {
    Pair pair = MakePair();
    auto near = Open(loop, std::move(pair.near));
    Reader gone(*near);
    Wait(*near, gone);
    EXPECT_TRUE(Leave(*near, gone));
    loop.Rest();
    EXPECT_TRUE(loop.has_thread());
    near.reset();
    EXPECT_TRUE(loop.has_thread());
    loop.Rest();
    EXPECT_FALSE(loop.has_thread());
  }
}

TEST(IoLoop, AForkedChildLeavesItAlone) {
  IoLoop loop;
  Pair pair = MakePair();
  auto near = Open(loop, std::move(pair.near));
  Reader reader(*near);
  Wait(*near, reader);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_right = near->IsOfParent();
    near.reset();
    ::_exit(is_right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ASSERT_EQ(::write(pair.far.get(), "a", 1), 1);
  reader.told.get_future().wait();
  EXPECT_EQ(reader.byte, 'a');
}

// Who waits, gives up, closes and writes do so in a seeded disorder on several
// threads: each byte is read once by one that was told.
TEST(IoLoop, NothingIsLostInDisorder) {
  IoLoop loop;
  constexpr int kThreads = 4;
  constexpr int kRounds = 100;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&loop, t] {
      std::mt19937 chance(static_cast<unsigned>(t));
      Pair pair = MakePair();
      auto near = Open(loop, std::move(pair.near));
      char next = 'a';
      for (int round = 0; round < kRounds; ++round) {
        Reader first(*near);
        Reader second(*near);
        Wait(*near, first);
        const bool both_wait = chance() % 2 == 0;
        if (both_wait) Wait(*near, second);
        std::jthread writer(
            [&pair, next] { EXPECT_EQ(::write(pair.far.get(), &next, 1), 1); });
        char got = 0;
        if (chance() % 2 == 0 && Leave(*near, first)) {
          if (!both_wait) Wait(*near, second);
          second.told.get_future().wait();
          got = second.byte;
        } else {
          first.told.get_future().wait();
          (void)Leave(*near, second);
          got = first.byte;
        }
        ASSERT_EQ(got, next);
        next = next == 'z' ? 'a' : static_cast<char>(next + 1);
      }
    });
  }
}

}  // namespace
}  // namespace mobula::runtime

// Generators that run for another process, and the streams of Refs that their
// callers read: in local mode and on workers, from a thread and from a
// coroutine, from tasks and from methods, and how each of them ends.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace streams {

using namespace std::chrono_literals;
using mobula::BlockOn;
using mobula::CallOptions;
using mobula::Ref;
using mobula::RefStream;
using mobula::TaskOptions;

constexpr auto kLong = 120s;  // for what is certain to come

// ---- what leaves traces -----------------------------------------------------

// A pipe with a name, and a byte in it for each time.
void Note(const std::string& fifo) {
  const int fd = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;  // the test has ended
  if (::write(fd, "x", 1) != 1) std::abort();
  ::close(fd);
}
class Notes {
 public:
  explicit Notes(std::string path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) std::abort();
    fd_ = ::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) std::abort();
  }
  ~Notes() { ::close(fd_); }
  Notes(const Notes&) = delete;
  Notes& operator=(const Notes&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  std::size_t Count() {
    char bytes[64];
    ssize_t size = 0;
    while ((size = ::read(fd_, bytes, sizeof(bytes))) > 0) {
      count_ += static_cast<std::size_t>(size);
    }
    return count_;
  }
  bool Await(std::size_t count) {
    while (Count() < count) {
      pollfd ready{fd_, POLLIN, 0};
      const auto patience =
          std::chrono::duration_cast<std::chrono::milliseconds>(kLong);
      if (::poll(&ready, 1, static_cast<int>(patience.count())) == 0) {
        return false;
      }
    }
    return true;
  }

 private:
  const std::string path_;
  int fd_ = -1;
  std::size_t count_ = 0;
};
struct NoteAtEnd {
  std::string notes;
  ~NoteAtEnd() { Note(notes); }
};

// ---- what runs on workers ---------------------------------------------------

int Twice(int x) { return 2 * x; }

mobula::Generator<int> Numbers(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
}
mobula::Generator<int> Noted(int n, std::string notes) {
  for (int i = 0; i < n; ++i) {
    Note(notes);
    co_yield i;
  }
}
// Until it is destroyed, which is noted.
mobula::Generator<int> Endless(std::string notes) {
  const NoteAtEnd at_end{notes};
  for (int i = 0;; ++i) co_yield i;
}
mobula::Generator<int> ThrowsAfter(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
  throw std::out_of_range("no more than that");
}
mobula::Generator<int> ThrowsOnce(int n) {
  for (int i = 0; i < n; ++i) {
    if (i == 3 && mobula::CurrentTask().attempt == 1) {
      throw std::runtime_error("not yet");
    }
    co_yield i;
  }
}
void Die() { ::kill(::getpid(), SIGKILL); }
mobula::Generator<int> DiesOnce(int n, int at) {
  for (int i = 0; i < n; ++i) {
    if (i == at && mobula::CurrentTask().attempt == 1) Die();
    co_yield i;
  }
}
mobula::Generator<std::string> Long(int n, std::size_t bytes) {
  for (int i = 0; i < n; ++i) {
    co_yield std::string(bytes, static_cast<char>('a' + i % 26));
  }
}
// Its argument stays while it runs, also where it is taken by reference.
mobula::Generator<char> Letters(const std::string& text) {
  for (const char letter : text) co_yield letter;
}
mobula::Generator<Ref<int>> InnerRefs(int n) {
  for (int i = 0; i < n; ++i) co_yield mobula::Put(i);
}
mobula::AsyncGenerator<int> Slowly(int n) {
  for (int i = 0; i < n; ++i) {
    co_await mobula::SleepFor(std::chrono::microseconds(100));
    co_yield i;
  }
}
// A stage between two others: it reads a stream and yields another.
mobula::Generator<int> Doubled(int depth, int n) {
  if (depth == 0) {
    for (int i = 0; i < n; ++i) co_yield i;
    co_return;
  }
  RefStream<int> stream =
      mobula::Spawn<Doubled>(TaskOptions().Window(2), depth - 1, n);
  for (const Ref<int>& item : stream) co_yield 2 * item.Get();
}
int SumOf(int depth, int n) {
  int sum = 0;
  RefStream<int> stream = mobula::Spawn<Doubled>(depth, n);
  for (const Ref<int>& item : stream) sum += item.Get();
  return sum;
}
// A reader that dies leaves a generator behind.
int DieReading(std::string notes) {
  RefStream<int> stream = mobula::Spawn<Endless>(notes);
  const auto first = BlockOn(stream.Next());
  Die();
  return first->Get();
}

class Feed {
 public:
  explicit Feed(int offset) : offset_(offset) {}

  mobula::Generator<int> Items(int n) {
    for (int i = 0; i < n; ++i) co_yield offset_ + i;
  }
  mobula::Generator<int> ThrowsAfter(int n) {
    for (int i = 0; i < n; ++i) co_yield offset_ + i;
    throw std::out_of_range("no more than that");
  }
  // Nothing before Open.
  mobula::AsyncGenerator<int> Later(int n) {
    co_await open_.Wait();
    for (int i = 0; i < n; ++i) co_yield offset_ + i;
  }
  mobula::Generator<int> DiesAt(int at, int n) {
    for (int i = 0; i < n; ++i) {
      if (i == at && !mobula::WasRestarted()) Die();
      co_yield offset_ + i;
    }
  }
  void Open() { open_.Set(); }
  int Offset() const { return offset_; }
  void Shift(int offset) { offset_ = offset; }

 private:
  int offset_;
  mobula::Event open_;
};

// ---- how they are read ------------------------------------------------------

std::vector<int> ReadAll(RefStream<int> stream) {
  std::vector<int> all;
  for (const Ref<int>& item : stream) all.push_back(item.Get());
  return all;
}
mobula::Coro<std::vector<int>> ReadInCoroutine(RefStream<int> stream) {
  std::vector<int> all;
  while (const std::optional<Ref<int>> item = co_await stream.Next()) {
    all.push_back(co_await *item);
  }
  co_return all;
}
std::vector<int> UpTo(int n, int offset = 0) {
  std::vector<int> all;
  for (int i = 0; i < n; ++i) all.push_back(offset + i);
  return all;
}
int Take(RefStream<int>& stream) {
  const std::optional<Ref<int>> item = BlockOn(stream.Next(kLong));
  if (!item) throw std::logic_error("the stream has ended");
  return item->Get();
}

class StreamsBase {
 protected:
  explicit StreamsBase(bool local) {
    std::string path = std::filesystem::temp_directory_path() / "streamsXXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    folder_ = path;
    notes_.emplace(folder_ + "/notes");
    mobula::InitOptions options;
    if (local) options.Local();
    options.Cpus(1);
    runtime_.emplace(mobula::Init(options));
  }
  ~StreamsBase() {
    runtime_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string folder_;
  std::optional<Notes> notes_;
  std::optional<mobula::Runtime> runtime_;
};

class Streams : public StreamsBase, public testing::TestWithParam<bool> {
 protected:
  Streams() : StreamsBase(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(Modes, Streams, testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Local" : "Workers");
});
class WorkerStreams : public StreamsBase, public testing::Test {
 protected:
  WorkerStreams() : StreamsBase(false) {}
};

// ---- items ------------------------------------------------------------------

TEST_P(Streams, ItemsComeInOrder) {
  EXPECT_EQ(ReadAll(mobula::Spawn<Numbers>(1'000)), UpTo(1'000));
  EXPECT_EQ(ReadAll(mobula::Spawn<Numbers>(TaskOptions().Window(1), 100)),
            UpTo(100));
  EXPECT_EQ(ReadAll(mobula::Spawn<Numbers>(0)), UpTo(0));
  EXPECT_EQ(ReadAll(mobula::Spawn<Slowly>(30)), UpTo(30));
}

TEST_P(Streams, ItemsComeToCoroutines) {
  EXPECT_EQ(BlockOn(ReadInCoroutine(mobula::Spawn<Numbers>(200))), UpTo(200));
  EXPECT_EQ(BlockOn(ReadInCoroutine(mobula::Spawn<Slowly>(30))), UpTo(30));
}

TEST_P(Streams, TheEndStaysTheEnd) {
  RefStream<int> stream = mobula::Spawn<Numbers>(1);
  EXPECT_EQ(Take(stream), 0);
  EXPECT_FALSE(BlockOn(stream.Next()).has_value());
  EXPECT_FALSE(BlockOn(stream.Next()).has_value());
}

TEST_P(Streams, ALoopGoesOnWhereOneWasLeft) {
  RefStream<int> stream = mobula::Spawn<Numbers>(5);
  for (const Ref<int>& item : stream) {
    if (item.Get() == 1) break;
  }
  EXPECT_EQ(ReadAll(std::move(stream)), (std::vector<int>{2, 3, 4}));
}

TEST_P(Streams, ItemsAreRefsAsAnyOther) {
  std::vector<Ref<int>> items;
  std::vector<Ref<int>> doubled;
  {
    RefStream<int> stream = mobula::Spawn<Numbers>(10);
    for (const Ref<int>& item : stream) {
      items.push_back(item);
      doubled.push_back(mobula::Spawn<Twice>(item));
    }
  }
  EXPECT_EQ(mobula::Get(items), UpTo(10)) << "they outlive their stream";
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(doubled[static_cast<std::size_t>(i)].Get(), 2 * i);
  }
}

TEST_P(Streams, LargeItemsComeThroughTheStore) {
  constexpr std::size_t kBytes = 1 << 20;
  RefStream<std::string> stream =
      mobula::Spawn<Long>(TaskOptions().Window(2), 60, kBytes);
  int count = 0;
  for (const Ref<std::string>& item : stream) {
    EXPECT_EQ(item.Get(),
              std::string(kBytes, static_cast<char>('a' + count % 26)));
    ++count;
  }
  EXPECT_EQ(count, 60);
}

TEST_P(Streams, ItemsMayHoldRefs) {
  RefStream<Ref<int>> stream = mobula::Spawn<InnerRefs>(20);
  int sum = 0;
  for (const Ref<Ref<int>>& item : stream) sum += item.Get().Get();
  EXPECT_EQ(sum, 190);
}

TEST_P(Streams, ArgumentsStayWhileTheGeneratorRuns) {
  const std::string text(100'000, 'm');
  RefStream<char> stream = mobula::Spawn<Letters>(text);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(BlockOn(stream.Next())->Get(), 'm');
  }
}

// ---- back-pressure ----------------------------------------------------------

TEST_P(Streams, TheGeneratorNeverRunsAheadOfItsWindow) {
  constexpr std::size_t kWindow = 2;
  RefStream<int> stream =
      mobula::Spawn<Noted>(TaskOptions().Window(kWindow), 30, notes_->path());
  for (std::size_t taken = 0; taken < 30; ++taken) {
    // It goes as far as it may, and no further.
    ASSERT_TRUE(notes_->Await(std::min<std::size_t>(30, taken + kWindow)));
    EXPECT_LE(notes_->Count(), taken + kWindow);
    EXPECT_EQ(Take(stream), static_cast<int>(taken));
  }
  EXPECT_FALSE(BlockOn(stream.Next()).has_value());
}

// One that is held back takes a slot, but no cpu.
TEST_P(Streams, ManyThatAreHeldBackLeaveTheCpuToOthers) {
  std::vector<RefStream<int>> streams;
  for (int i = 0; i < 4; ++i) {
    streams.push_back(mobula::Spawn<Numbers>(TaskOptions().Window(1), 10));
  }
  for (RefStream<int>& stream : streams) EXPECT_EQ(Take(stream), 0);
  EXPECT_EQ(mobula::Get(mobula::Spawn<Twice>(4), kLong), 8);
  for (RefStream<int>& stream : streams) {
    EXPECT_EQ(ReadAll(std::move(stream)), UpTo(9, 1));
  }
}

TEST_P(Streams, StagesHoldOneAnotherBack) {
  EXPECT_EQ(ReadAll(mobula::Spawn<Doubled>(2, 20)).back(), 4 * 19);
  EXPECT_EQ(mobula::Get(mobula::Spawn<SumOf>(2, 20), kLong), 4 * 190);
}

TEST_P(Streams, WindowsThatMakeNoSenseAreRefused) {
  EXPECT_THROW(TaskOptions().Window(0), mobula::BadArgument);
  EXPECT_THROW(CallOptions().Window(-1), mobula::BadArgument);
  EXPECT_THROW(TaskOptions().Window(65'537), mobula::BadArgument);
}

// ---- actors -----------------------------------------------------------------

TEST_P(Streams, MethodsYieldToo) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(100);
  EXPECT_EQ(ReadAll(feed.Call<&Feed::Items>(50)), UpTo(50, 100));
  feed.Call<&Feed::Open>();
  EXPECT_EQ(ReadAll(feed.Call<&Feed::Later>(50)), UpTo(50, 100));
}

TEST_P(Streams, MethodsYieldToCoroutines) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(100);
  EXPECT_EQ(BlockOn(ReadInCoroutine(feed.Call<&Feed::Items>(50))),
            UpTo(50, 100));
  feed.Call<&Feed::Open>();
  EXPECT_EQ(BlockOn(ReadInCoroutine(feed.Call<&Feed::Later>(50))),
            UpTo(50, 100));
}

TEST_P(Streams, AnActorServesOthersWhereAMethodYields) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(100);
  RefStream<int> stream = feed.Call<&Feed::Items>(CallOptions().Window(1), 3);
  EXPECT_EQ(Take(stream), 100);
  EXPECT_EQ(mobula::Get(feed.Call<&Feed::Offset>(), kLong), 100);
  // It has made one more already, or is held back before that.
  mobula::Get(feed.Call<&Feed::Shift>(200), kLong);
  const int second = Take(stream);
  EXPECT_TRUE(second == 101 || second == 201) << second;
  EXPECT_EQ(Take(stream), 202);
}

TEST_P(Streams, SeveralOfOneActorGoOnSideBySide) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(0);
  std::vector<RefStream<int>> streams;
  for (int i = 0; i < 10; ++i) {
    streams.push_back(
        feed.Call<&Feed::Items>(CallOptions().Window(1 + i % 3), 20));
  }
  for (int i = 0; i < 20; ++i) {
    for (RefStream<int>& stream : streams) EXPECT_EQ(Take(stream), i);
  }
}

// ---- how it ends ------------------------------------------------------------

TEST_P(Streams, AnExceptionComesBehindTheItems) {
  RefStream<int> stream = mobula::Spawn<ThrowsAfter>(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take(stream), i);
  EXPECT_THROW(BlockOn(stream.Next()), std::out_of_range);
  EXPECT_FALSE(BlockOn(stream.Next()).has_value());
}

TEST_P(Streams, WhatAMethodThrowsComesBehindItsItems) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(10);
  RefStream<int> stream = feed.Call<&Feed::ThrowsAfter>(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take(stream), 10 + i);
  EXPECT_THROW(BlockOn(stream.Next()), std::out_of_range);
  EXPECT_FALSE(BlockOn(stream.Next()).has_value());
  EXPECT_THROW(BlockOn(ReadInCoroutine(feed.Call<&Feed::ThrowsAfter>(0))),
               std::out_of_range);
  EXPECT_EQ(mobula::Get(feed.Call<&Feed::Offset>(), kLong), 10) << "it lives";
}

TEST_P(Streams, AnotherAttemptGoesOnWhereTheFirstThrew) {
  const TaskOptions options = TaskOptions().RetryExceptions();
  EXPECT_EQ(ReadAll(mobula::Spawn<ThrowsOnce>(options, 8)), UpTo(8));
}

TEST_P(Streams, AWaitThatTimesOutLosesNothing) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(7);
  RefStream<int> stream = feed.Call<&Feed::Later>(2);
  EXPECT_THROW(BlockOn(stream.Next(0s)), mobula::TimeoutError);
  EXPECT_THROW(BlockOn(stream.Next(5ms)), mobula::TimeoutError);
  feed.Call<&Feed::Open>();
  EXPECT_EQ(Take(stream), 7);
  EXPECT_EQ(Take(stream), 8);
  EXPECT_FALSE(BlockOn(stream.Next()).has_value());
}

TEST_P(Streams, AScopeEndsTheWait) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(7);
  RefStream<int> stream = feed.Call<&Feed::Later>(2);
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(5ms));
    EXPECT_THROW(BlockOn(stream.Next()), mobula::TimeoutError);
  }
  {
    std::stop_source stop;
    stop.request_stop();
    const mobula::Scope scope(mobula::ScopeOptions().Stop(stop.get_token()));
    EXPECT_THROW(BlockOn(stream.Next()), mobula::Cancelled);
  }
  feed.Call<&Feed::Open>();
  EXPECT_EQ(Take(stream), 7);
}

TEST_P(Streams, DroppingItCancelsTheGenerator) {
  {
    RefStream<int> stream = mobula::Spawn<Endless>(notes_->path());
    EXPECT_EQ(Take(stream), 0);
    EXPECT_EQ(notes_->Count(), 0u);
  }
  EXPECT_TRUE(notes_->Await(1));
  EXPECT_EQ(mobula::Get(mobula::Spawn<Twice>(4), kLong), 8);
}

TEST_P(Streams, DroppingWhatWaitsForItsActorIsQuiet) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(7);
  {
    RefStream<int> stream = feed.Call<&Feed::Later>(2);
    EXPECT_THROW(BlockOn(stream.Next(1ms)), mobula::TimeoutError);
  }
  EXPECT_EQ(mobula::Get(feed.Call<&Feed::Offset>(), kLong), 7);
}

TEST_P(Streams, CancelComesBehindTheItems) {
  RefStream<int> stream =
      mobula::Spawn<Endless>(TaskOptions().Window(1), notes_->path());
  EXPECT_EQ(Take(stream), 0);
  EXPECT_TRUE(mobula::Cancel(stream));
  int more = 0;
  try {
    while (BlockOn(stream.Next(kLong)).has_value()) ++more;
    ADD_FAILURE() << "it ended as if nothing had happened";
  } catch (const mobula::Cancelled&) {
  }
  EXPECT_LE(more, 1);
  EXPECT_TRUE(notes_->Await(1));
}

TEST_P(Streams, OneThatWasMovedFromSaysSo) {
  RefStream<int> stream = mobula::Spawn<Numbers>(1);
  const RefStream<int> other = std::move(stream);
  EXPECT_TRUE(static_cast<bool>(other));
  EXPECT_FALSE(static_cast<bool>(stream));  // NOLINT: on purpose
  EXPECT_THROW(static_cast<void>(stream.Next()), mobula::BadArgument);
  EXPECT_THROW(mobula::Cancel(RefStream<int>()), mobula::BadArgument);
}

TEST_P(Streams, TheRuntimeEndsTheWait) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(7);
  RefStream<int> stream = feed.Call<&Feed::Later>(2);
  std::thread other([this] { runtime_->Shutdown(); });
  EXPECT_THROW(BlockOn(stream.Next()), mobula::RuntimeClosed);
  other.join();
  EXPECT_THROW(static_cast<void>(stream.Next()), mobula::RuntimeClosed);
}

TEST_P(Streams, TheRuntimeEndsTheWaitThatHasBegun) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(7);
  RefStream<int> stream = feed.Call<&Feed::Later>(2);
  mobula::Pool pool;  // of one thread
  mobula::Event begun;
  const auto reads = [&]() -> mobula::Coro<> {
    co_await mobula::On(pool);
    begun.Set();
    co_await stream.Next();
  };
  const auto comes_next = [&]() -> mobula::Coro<> {
    co_await mobula::On(pool);
  };
  mobula::TaskGroup group;
  group.Start(reads());
  BlockOn(begun.Wait());
  BlockOn(comes_next());
  runtime_->Shutdown();
  EXPECT_THROW(BlockOn(group.Wait()), mobula::RuntimeClosed);
}

TEST_P(Streams, NoWaitBeginsAfterTheRuntime) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(7);
  RefStream<int> stream = feed.Call<&Feed::Later>(2);
  EXPECT_THROW(BlockOn(stream.Next(0s)), mobula::TimeoutError);
  runtime_->Shutdown();
  EXPECT_THROW(static_cast<void>(stream.Next()), mobula::RuntimeClosed);
}

// ---- deaths -----------------------------------------------------------------

TEST_F(WorkerStreams, AnotherAttemptGoesOnWhereTheWorkerDied) {
  EXPECT_EQ(ReadAll(mobula::Spawn<DiesOnce>(20, 7)), UpTo(20));
  EXPECT_EQ(BlockOn(ReadInCoroutine(
                mobula::Spawn<DiesOnce>(TaskOptions().Window(1), 20, 7))),
            UpTo(20));
}

TEST_F(WorkerStreams, WithoutRetriesTheDeathComesBehindTheItems) {
  RefStream<int> stream =
      mobula::Spawn<DiesOnce>(TaskOptions().Window(1).Retries(0), 20, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take(stream), i);
  try {
    static_cast<void>(BlockOn(stream.Next(kLong)));
    ADD_FAILURE() << "it died";
  } catch (const mobula::WorkerDied& died) {
    EXPECT_EQ(died.signal(), SIGKILL);
    EXPECT_NE(died.function().find("DiesOnce"), std::string::npos);
  }
}

TEST_F(WorkerStreams, ItemsOutliveTheWorkerThatMadeThem) {
  RefStream<std::string> stream =
      mobula::Spawn<Long>(TaskOptions().Window(4), 4, std::size_t{1} << 20);
  std::vector<Ref<std::string>> items;
  for (const Ref<std::string>& item : stream) items.push_back(item);
  ASSERT_EQ(items.size(), 4u);
  const Ref<void> dead = mobula::Spawn<Die>(TaskOptions().Retries(0));
  EXPECT_THROW(dead.Get(kLong), mobula::WorkerDied);
  for (const Ref<std::string>& item : items) {
    EXPECT_EQ(item.Get(kLong).size(), std::size_t{1} << 20);
  }
}

TEST_F(WorkerStreams, AnActorsDeathComesBehindTheItems) {
  mobula::Actor<Feed> feed = mobula::Create<Feed>(0);
  RefStream<int> stream =
      feed.Call<&Feed::DiesAt>(CallOptions().Window(1), 2, 9);
  EXPECT_EQ(Take(stream), 0);
  EXPECT_EQ(Take(stream), 1);
  EXPECT_THROW(static_cast<void>(BlockOn(stream.Next(kLong))),
               mobula::ActorDied);
}

TEST_F(WorkerStreams, ARestartedActorGoesOnIfTheCallHasRetries) {
  mobula::Actor<Feed> feed =
      mobula::Create<Feed>(mobula::ActorOptions().MaxRestarts(1), 0);
  EXPECT_EQ(ReadAll(feed.Call<&Feed::DiesAt>(CallOptions().Retries(1), 4, 9)),
            UpTo(9));
}

TEST_F(WorkerStreams, AGeneratorEndsWithItsReader) {
  const Ref<int> dead =
      mobula::Spawn<DieReading>(TaskOptions().Retries(0), notes_->path());
  EXPECT_THROW(dead.Get(kLong), mobula::WorkerDied);
  // Stopped where it yields, or ended with its worker: its slot is free.
  EXPECT_EQ(mobula::Get(mobula::Spawn<Twice>(4), kLong), 8);
}

// All that wait share the slots of a few workers.
TEST_F(WorkerStreams, ManyAsyncGeneratorsShareWorkers) {
  std::vector<RefStream<int>> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(mobula::Spawn<Slowly>(TaskOptions().Window(1), 5));
  }
  for (RefStream<int>& stream : streams) EXPECT_EQ(Take(stream), 0);
  for (RefStream<int>& stream : streams) {
    EXPECT_EQ(ReadAll(std::move(stream)), UpTo(4, 1));
  }
}

}  // namespace streams

// Actors that run several calls at the same time, in local mode and on workers,
// from threads and from coroutines, with what can go wrong.
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
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace concurrent_actors {

using std::chrono::seconds;

// A pipe with a name, to which whoever knows the name writes lines.
class Lines {
 public:
  Lines() {
    std::string folder = testing::TempDir() + "linesXXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder + "/pipe";
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    fd_ = ::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(fd_, 0);
  }
  ~Lines() {
    ::close(fd_);
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  const std::string& path() const { return path_; }
  // The next one; "" if none comes.
  std::string Next(int patience_ms = 60'000) {
    while (read_.find('\n') == std::string::npos) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, patience_ms) <= 0) return "";
      char bytes[256];
      const ssize_t count = ::read(fd_, bytes, sizeof bytes);
      if (count > 0) read_.append(bytes, static_cast<std::size_t>(count));
    }
    const std::size_t end = read_.find('\n');
    const std::string line = read_.substr(0, end);
    read_.erase(0, end + 1);
    return line;
  }

 private:
  std::string folder_;
  std::string path_;
  std::string read_;
  int fd_ = -1;
};

void Write(const std::string& path, const std::string& line) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  const std::string text = line + "\n";
  if (::write(fd, text.data(), text.size()) < 0) ::perror("write");
  ::close(fd);
}

class Room {
 public:
  Room() = default;
  explicit Room(std::string lines) : lines_(std::move(lines)) {}
  ~Room() {
    if (!lines_.empty()) {
      Write(lines_, "destroyed " + std::to_string(inside_));
    }
  }

  // Goes on when so many are inside at the same time.
  std::string Meet(int count) {
    const std::string me = Me();
    std::unique_lock lock(mutex_);
    ++inside_;
    most_ = std::max(most_, inside_);
    met_ = std::max(met_, inside_);
    changed_.notify_all();
    changed_.wait(lock, [&] { return met_ >= count; });
    --inside_;
    return Me() == me ? me : "another";
  }
  int MeetAndThrow(int count) {
    Meet(count);
    throw std::out_of_range("not a room for me");
  }
  int Most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

  // A coroutine that waits until the door is open.
  mobula::Coro<int> Pass(int n) {
    began_.push_back(n);
    co_await door_.Wait();
    co_return n;
  }
  // On the thread of the coroutines.
  mobula::Coro<std::vector<int>> Began() { co_return began_; }
  void Open() { door_.Set(); }
  int Ping() { return 1; }
  mobula::Coro<int> PingLater() {
    co_await mobula::Yield();
    co_return 2;
  }

  // Goes on until it is told to stop.
  void Stay() {
    Write(lines_, "stays");
    {
      const std::lock_guard lock(mutex_);
      ++inside_;
    }
    try {
      mobula::BlockOn(never_.Wait());
    } catch (const mobula::Cancelled&) {
      Leave();
      throw;
    }
  }
  int StayUnlessReborn() {
    if (!mobula::WasRestarted()) Stay();
    return mobula::CurrentTask().attempt;
  }
  int Exit() {
    mobula::ExitActor();
    return 7;
  }
  void Die() { ::kill(::getpid(), SIGKILL); }

  // Asks itself, through a task, under the name that it has.
  int AskItself(int n);
  int SpawnAndGet() {
    return mobula::Get(mobula::Spawn<[](int x) { return x + 1; }>(1));
  }

 private:
  static std::string Me() {
    const mobula::TaskContext me = mobula::CurrentTask();
    return me.function + " " + me.task.ToString();
  }
  void Leave() {
    {
      const std::lock_guard lock(mutex_);
      --inside_;
    }
    Write(lines_, "left");
  }

  const std::string lines_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  int most_ = 0;
  int met_ = 0;
  std::vector<int> began_;
  mobula::Event door_;
  mobula::Event never_;
};

}  // namespace concurrent_actors

template <>
inline constexpr std::string_view
    mobula::kConcurrencyGroup<&concurrent_actors::Room::Open> = "door";

namespace concurrent_actors {

int Ask(const std::string& name, int n) {
  return mobula::Get(mobula::GetActor<Room>(name).Call<&Room::AskItself>(n));
}

int Room::AskItself(int n) {
  const std::string name = mobula::CurrentTask().name;
  return n == 0 ? 0 : 1 + mobula::Get(mobula::Spawn<Ask>(name, n - 1));
}

// Runs it on so many threads at the same time.
void OnThreads(int count, const std::function<void()>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body);
  for (std::thread& thread : threads) thread.join();
}

mobula::ActorOptions AtOnce(int count) {
  return mobula::ActorOptions().MaxConcurrency(count);
}

class ConcurrentActors : public testing::TestWithParam<bool> {
 protected:
  ConcurrentActors() {
    mobula::InitOptions options;
    if (GetParam()) options.Local();
    options.Cpus(1);
    runtime_.emplace(mobula::Init(options));
  }
  std::optional<mobula::Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Modes, ConcurrentActors, testing::Bool(),
                         [](const auto& info) {
                           return std::string(info.param ? "Local" : "Workers");
                         });

TEST_P(ConcurrentActors, RunMethodsAtTheSameTimeEachKnowsWhichItIs) {
  const auto room = mobula::Create<Room>(AtOnce(3));
  std::mutex mutex;
  std::set<std::string> names;
  OnThreads(3, [&] {
    const std::string name = mobula::Get(room.Call<&Room::Meet>(3));
    const std::lock_guard lock(mutex);
    names.insert(name);
  });
  ASSERT_EQ(names.size(), 3u) << "three tasks";
  for (const std::string& name : names) {
    EXPECT_EQ(name.find("concurrent_actors::Room::Meet "), 0u) << name;
  }
}

TEST_P(ConcurrentActors, RunNoMoreThanTheyMay) {
  const auto room = mobula::Create<Room>(AtOnce(2));
  OnThreads(4, [&] {
    for (int i = 0; i < 25; ++i) mobula::Get(room.Call<&Room::Meet>(1));
  });
  EXPECT_LE(mobula::Get(room.Call<&Room::Most>()), 2);
  const auto alone = mobula::Create<Room>();
  OnThreads(4, [&] {
    for (int i = 0; i < 25; ++i) mobula::Get(alone.Call<&Room::Meet>(1));
  });
  EXPECT_EQ(mobula::Get(alone.Call<&Room::Most>()), 1);
}

TEST_P(ConcurrentActors, MayAskThemselves) {
  const auto room = mobula::Create<Room>(AtOnce(4).Name("asks itself"));
  EXPECT_EQ(mobula::Get(room.Call<&Room::AskItself>(3)), 3);
  const auto body = [&room]() -> mobula::Coro<int> {
    co_return co_await room.Call<&Room::AskItself>(2);
  };
  EXPECT_EQ(mobula::BlockOn(body()), 2);
}

TEST_P(ConcurrentActors, GroupsDoNotWaitForOneAnother) {
  const auto room = mobula::Create<Room>(
      mobula::ActorOptions().ConcurrencyGroup("door", 1).ConcurrencyGroup(
          "pass", 2));
  const auto pass = mobula::CallOptions().Group("pass");
  std::vector<mobula::Ref<int>> passed;
  for (int i = 0; i < 4; ++i) {
    passed.push_back(room.Call<&Room::Pass>(pass, i));
  }
  // Of no group, and of one that is full.
  EXPECT_EQ(mobula::Get(room.Call<&Room::Ping>()), 1);
  EXPECT_EQ(mobula::Get(room.Call<&Room::Began>()), std::vector<int>({0, 1}))
      << "the others wait for room";
  const auto ping = room.Call<&Room::Ping>(pass);
  EXPECT_FALSE(ping.Ready()) << "behind them";
  mobula::Get(room.Call<&Room::Open>());  // in the group of the method
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(mobula::Get(passed[static_cast<std::size_t>(i)]), i);
  }
  EXPECT_EQ(mobula::Get(ping), 1);
}

TEST_P(ConcurrentActors, UnknownGroupsAreRefused) {
  const auto room =
      mobula::Create<Room>(mobula::ActorOptions().ConcurrencyGroup("door", 1));
  const auto result = mobula::TryGet(
      room.Call<&Room::Ping>(mobula::CallOptions().Group("dor")));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), mobula::ErrorCode::kBadArgument);
  EXPECT_EQ(result.error().executed(), mobula::Executed::kNo);
  EXPECT_NE(std::string(result.error().what()).find("'door'"),
            std::string::npos);
  EXPECT_EQ(mobula::Get(room.Call<&Room::Ping>()), 1);
  // Its method's own, which this actor lacks.
  const auto other = mobula::Create<Room>();
  EXPECT_THROW(mobula::Get(other.Call<&Room::Open>()), mobula::BadArgument);
  mobula::Get(other.Call<&Room::Open>(mobula::CallOptions().Group("")));
}

// Those that wait count: with one at a time none begins beside another.
TEST_P(ConcurrentActors, CoroutinesKeepTheirPlaceAndBeginInOrder) {
  const auto room = mobula::Create<Room>(AtOnce(2).ConcurrencyGroup("door", 1));
  std::vector<mobula::Ref<int>> passed;
  for (int i = 0; i < 20; ++i) passed.push_back(room.Call<&Room::Pass>(i));
  const auto door = mobula::CallOptions().Group("door");
  EXPECT_EQ(mobula::Get(room.Call<&Room::PingLater>(door)), 2);
  EXPECT_EQ(mobula::Get(room.Call<&Room::Began>(door)),
            std::vector<int>({0, 1}));
  mobula::Get(room.Call<&Room::Open>());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(mobula::Get(passed[static_cast<std::size_t>(i)]), i);
  }
  const std::vector<int> began = mobula::Get(room.Call<&Room::Began>());
  EXPECT_TRUE(std::ranges::is_sorted(began));
}

TEST_P(ConcurrentActors, AreCalledFromCoroutines) {
  const auto room = mobula::Create<Room>(AtOnce(2).ConcurrencyGroup("door", 1));
  const auto call = [&room](int n) -> mobula::Coro<int> {
    co_return co_await room.Call<&Room::Pass>(n);
  };
  const auto body = [&]() -> mobula::Coro<int> {
    mobula::TaskGroup group;
    int sum = 0;
    const auto add = [&](int n) -> mobula::Coro<> {
      const int one = co_await call(n);
      sum += one;
    };
    for (int n = 1; n <= 3; ++n) group.Start(add(n));
    co_await room.Call<&Room::Open>();
    co_await group.Wait();
    co_return sum;
  };
  EXPECT_EQ(mobula::BlockOn(body()), 6);
}

TEST_P(ConcurrentActors, AnExceptionIsThatOfItsCall) {
  const auto room = mobula::Create<Room>(AtOnce(2));
  std::thread other(
      [&room] { EXPECT_NE(mobula::Get(room.Call<&Room::Meet>(2)), ""); });
  EXPECT_THROW(mobula::Get(room.Call<&Room::MeetAndThrow>(2)),
               std::out_of_range);
  other.join();
}

TEST_P(ConcurrentActors, ACancelReachesThatCallAlone) {
  const auto room = mobula::Create<Room>(AtOnce(2).ConcurrencyGroup("door", 1));
  const auto first = room.Call<&Room::Pass>(1);
  const auto second = room.Call<&Room::Pass>(2);
  const auto queued = room.Call<&Room::Pass>(3);
  const auto door = mobula::CallOptions().Group("door");
  while (mobula::Get(room.Call<&Room::Began>(door)).size() < 2) {
  }
  EXPECT_TRUE(mobula::Cancel(queued));
  EXPECT_TRUE(mobula::Cancel(first));
  const auto never_ran = mobula::TryGet(queued);
  ASSERT_FALSE(never_ran.ok());
  EXPECT_EQ(never_ran.error().executed(), mobula::Executed::kNo);
  EXPECT_THROW(mobula::Get(first), mobula::Cancelled);
  mobula::Get(room.Call<&Room::Open>());
  EXPECT_EQ(mobula::Get(second), 2);
}

template <class T>
mobula::Coro<T> Await(mobula::Ref<T> ref) {
  co_return co_await ref;
}

TEST_P(ConcurrentActors, TellCoroutinesWhyACallFailed) {
  using mobula::BlockOn;
  const auto room = mobula::Create<Room>(
      AtOnce(2).ConcurrencyGroup("door", 1).MaxPendingCalls(3));
  EXPECT_THROW(BlockOn(Await(room.Call<&Room::MeetAndThrow>(1))),
               std::out_of_range);
  EXPECT_THROW(BlockOn(Await(
                   room.Call<&Room::Ping>(mobula::CallOptions().Group("dor")))),
               mobula::BadArgument);
  std::vector<mobula::Ref<int>> passed;
  for (int i = 0; i < 3; ++i) passed.push_back(room.Call<&Room::Pass>(i));
  EXPECT_THROW(BlockOn(Await(room.Call<&Room::Ping>())), mobula::LimitError);
  for (const int i : {2, 0}) {  // one that is queued, one that waits
    const mobula::Ref<int>& ref = passed[static_cast<std::size_t>(i)];
    EXPECT_TRUE(mobula::Cancel(ref));
    EXPECT_THROW(BlockOn(Await(ref)), mobula::Cancelled);
  }
  BlockOn(Await(room.Call<&Room::Open>()));
  EXPECT_EQ(BlockOn(Await(passed[1])), 1);
}

TEST_P(ConcurrentActors, ARunningMethodIsCancelled) {
  Lines lines;
  const auto room = mobula::Create<Room>(AtOnce(2), lines.path());
  std::thread caller;
  mobula::Ref<void> stays;
  if (GetParam()) {
    // There a call returns when its method has.
    caller = std::thread([&room] {
      EXPECT_THROW(mobula::Get(room.Call<&Room::Stay>()), mobula::ActorDied);
    });
    EXPECT_EQ(lines.Next(), "stays");
    mobula::Kill(room);
    EXPECT_EQ(lines.Next(), "left");
    caller.join();
    return;
  }
  stays = room.Call<&Room::Stay>();
  EXPECT_EQ(lines.Next(), "stays");
  EXPECT_EQ(mobula::Get(room.Call<&Room::Ping>()), 1);
  EXPECT_TRUE(mobula::Cancel(stays));
  EXPECT_THROW(mobula::Get(stays), mobula::Cancelled);
  EXPECT_EQ(lines.Next(), "left");
  EXPECT_EQ(mobula::Get(room.Call<&Room::Ping>()), 1);
}

TEST_P(ConcurrentActors, PendingCallsAreBounded) {
  const auto room = mobula::Create<Room>(
      AtOnce(2).ConcurrencyGroup("door", 1).MaxPendingCalls(3));
  std::vector<mobula::Ref<int>> passed;
  for (int i = 0; i < 3; ++i) passed.push_back(room.Call<&Room::Pass>(i));
  const auto result = mobula::TryGet(room.Call<&Room::Ping>());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), mobula::ErrorCode::kLimit);
  EXPECT_EQ(result.error().executed(), mobula::Executed::kNo);
  EXPECT_TRUE(mobula::Cancel(passed[2]));
  EXPECT_THROW(mobula::Get(passed[2]), mobula::Cancelled);
  mobula::Get(room.Call<&Room::Open>());
  EXPECT_EQ(mobula::Get(passed[0]), 0);
  EXPECT_EQ(mobula::Get(passed[1]), 1);
  EXPECT_EQ(mobula::Get(room.Call<&Room::Ping>()), 1);
}

// ---- the destructor: once, when all that ran has ended ----------------------

TEST_P(ConcurrentActors, AreDestroyedWhenAllHasEndedThatRan) {
  Lines lines;
  std::thread caller;
  {
    const auto room = mobula::Create<Room>(AtOnce(3), lines.path());
    caller = std::thread([room] {
      const auto result = mobula::TryGet(room.Call<&Room::Stay>());
      EXPECT_FALSE(result.ok());
    });
    EXPECT_EQ(lines.Next(), "stays");
    const auto passes = room.Call<&Room::Pass>(1);
    EXPECT_EQ(mobula::Get(room.Call<&Room::Exit>()), 7);
    EXPECT_EQ(lines.Next(), "left") << "it was told to stop";
    EXPECT_EQ(lines.Next(), "destroyed 0");
    EXPECT_THROW(mobula::Get(passes), mobula::ActorDied);
    EXPECT_THROW(mobula::Get(room.Call<&Room::Ping>()), mobula::ActorDied);
    caller.join();
  }
  runtime_->Shutdown();
  EXPECT_EQ(lines.Next(0), "") << "once";
}

TEST_P(ConcurrentActors, AreDestroyedByAGracefulKill) {
  Lines lines;
  const auto room = mobula::Create<Room>(AtOnce(2), lines.path());
  std::thread caller([room] {
    const auto result = mobula::TryGet(room.Call<&Room::Stay>());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), mobula::ErrorCode::kActorDied);
    EXPECT_EQ(result.error().executed(), mobula::Executed::kMaybe);
  });
  EXPECT_EQ(lines.Next(), "stays");
  const auto graceful = mobula::KillOptions().Graceful();
  EXPECT_THROW(mobula::Kill(room, mobula::KillOptions(graceful).Restart()),
               mobula::BadArgument);
  mobula::Kill(room, graceful);
  EXPECT_EQ(lines.Next(), "left");
  EXPECT_EQ(lines.Next(), "destroyed 0");
  caller.join();
  EXPECT_THROW(mobula::Get(room.Call<&Room::Ping>()), mobula::ActorDied);
  runtime_->Shutdown();
  EXPECT_EQ(lines.Next(0), "") << "once";
}

TEST_P(ConcurrentActors, AreDestroyedWithTheirLastHandle) {
  Lines lines;
  {
    const auto room = mobula::Create<Room>(
        AtOnce(2).ConcurrencyGroup("door", 1), lines.path());
    const auto passes = room.Call<&Room::Pass>(1);
    mobula::Get(room.Call<&Room::Open>());
    EXPECT_EQ(mobula::Get(passes), 1);
  }
  EXPECT_EQ(lines.Next(), "destroyed 0");
  runtime_->Shutdown();
  EXPECT_EQ(lines.Next(0), "") << "once";
}

TEST_P(ConcurrentActors, AreDestroyedWhenTheirJobEnds) {
  Lines lines;
  const auto room = mobula::Create<Room>(AtOnce(2), lines.path());
  EXPECT_EQ(mobula::Get(room.Call<&Room::Ping>()), 1);
  runtime_->Shutdown();
  EXPECT_EQ(lines.Next(), "destroyed 0");
  EXPECT_EQ(lines.Next(0), "") << "once";
}

// ---- on workers -------------------------------------------------------------

class ConcurrentActorsOnWorkers : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(1));
};

TEST_F(ConcurrentActorsOnWorkers, RunAHundredMethodsOfOneCallerAtTheSameTime) {
  const auto room = mobula::Create<Room>(AtOnce(100));
  std::vector<mobula::Ref<std::string>> met;
  for (int i = 0; i < 100; ++i) met.push_back(room.Call<&Room::Meet>(100));
  std::set<std::string> names;
  for (const auto& one : met) names.insert(mobula::Get(one));
  EXPECT_EQ(names.size(), 100u);
}

TEST_F(ConcurrentActorsOnWorkers, TheirDeathAnswersEachCallOnce) {
  Lines lines;
  const auto room = mobula::Create<Room>(
      AtOnce(3).ConcurrencyGroup("door", 1).MaxRestarts(1), lines.path());
  const auto first = room.Call<&Room::Stay>();
  const auto second = room.Call<&Room::Stay>();
  const auto again =
      room.Call<&Room::StayUnlessReborn>(mobula::CallOptions().Retries(1));
  std::vector<mobula::Ref<int>> queued;
  for (int i = 0; i < 5; ++i) queued.push_back(room.Call<&Room::Ping>());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(lines.Next(), "stays");
  const auto dies = room.Call<&Room::Die>(mobula::CallOptions().Group("door"));
  for (const auto& ran : {first, second, dies}) {
    const auto result = mobula::TryGet(ran, seconds(60));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), mobula::ErrorCode::kWorkerDied);
    EXPECT_EQ(result.error().executed(), mobula::Executed::kMaybe);
  }
  EXPECT_EQ(mobula::Get(again), 2) << "the second attempt";
  for (const auto& late : queued) {
    EXPECT_EQ(mobula::Get(late), 1);
    EXPECT_EQ(late.Incarnation(), 2) << "it had not begun";
  }
}

TEST_F(ConcurrentActorsOnWorkers, TheirDeathReachesCoroutines) {
  Lines lines;
  const auto room = mobula::Create<Room>(
      AtOnce(2).ConcurrencyGroup("door", 1).MaxRestarts(1), lines.path());
  const auto stays = room.Call<&Room::Stay>();
  const auto again =
      room.Call<&Room::StayUnlessReborn>(mobula::CallOptions().Retries(1));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(lines.Next(), "stays");
  const auto dies = room.Call<&Room::Die>(mobula::CallOptions().Group("door"));
  EXPECT_THROW(mobula::BlockOn(Await(dies)), mobula::WorkerDied);
  EXPECT_THROW(mobula::BlockOn(Await(stays)), mobula::WorkerDied);
  EXPECT_EQ(mobula::BlockOn(Await(again)), 2) << "the second attempt";
}

TEST_F(ConcurrentActorsOnWorkers, WithoutARestartWhatHadNotBegunSaysSo) {
  Lines lines;
  const auto room =
      mobula::Create<Room>(AtOnce(1).ConcurrencyGroup("door", 1), lines.path());
  const auto ran = room.Call<&Room::Stay>();
  const auto queued = room.Call<&Room::Ping>();
  EXPECT_EQ(lines.Next(), "stays");
  const auto dies = room.Call<&Room::Die>(mobula::CallOptions().Group("door"));
  EXPECT_EQ(mobula::TryGet(dies).error().executed(), mobula::Executed::kMaybe);
  EXPECT_EQ(mobula::TryGet(ran).error().executed(), mobula::Executed::kMaybe);
  EXPECT_EQ(mobula::TryGet(queued).error().executed(), mobula::Executed::kNo);
}

// On one cpu, which the actor holds: both are blocked, so it is lent.
TEST_F(ConcurrentActorsOnWorkers, BlockedMethodsLendTheCpu) {
  const auto room = mobula::Create<Room>(AtOnce(2).Cpus(1));
  std::vector<mobula::Ref<int>> sums;
  for (int i = 0; i < 4; ++i) sums.push_back(room.Call<&Room::SpawnAndGet>());
  for (const auto& sum : sums) EXPECT_EQ(mobula::Get(sum), 2);
}

TEST_F(ConcurrentActorsOnWorkers, DetachedOnesToo) {
  auto room = mobula::Create<Room>(
      AtOnce(2).ConcurrencyGroup("door", 1).Name("room").Detached());
  std::vector<mobula::Ref<std::string>> met;
  for (int i = 0; i < 2; ++i) met.push_back(room.Call<&Room::Meet>(2));
  for (const auto& one : met) EXPECT_NE(mobula::Get(one), "another");
  mobula::Get(room.Call<&Room::Open>());
  mobula::Kill(room);
}

}  // namespace concurrent_actors

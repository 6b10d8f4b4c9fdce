// Functions and methods that return a Coro, in local mode and on workers.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace remote_coroutines {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

int Square(int x) { return x * x; }

mobula::Coro<int> SumOfSquares(int n) {
  std::vector<mobula::Ref<int>> squares;
  for (int i = 1; i <= n; ++i) squares.push_back(mobula::Spawn<Square>(i));
  int sum = 0;
  for (const mobula::Ref<int>& square : squares) sum += co_await square;
  co_return sum;
}

mobula::Coro<int> AtOnce(int x) { co_return x + 1; }
mobula::Coro<> Nothing() { co_await mobula::Yield(); }

// The arguments stay while it waits, also those read in place.
mobula::Coro<std::size_t> Length(const std::string& text,
                                 std::string_view view) {
  co_await mobula::SleepFor(milliseconds(1));
  co_return text == view ? text.size() : 0;
}

mobula::Coro<std::string> Long(int n) {
  co_await mobula::Yield();
  co_return std::string(static_cast<std::size_t>(n), 'x');
}

mobula::Coro<int> Throws() {
  co_await mobula::SleepFor(milliseconds(1));
  throw std::invalid_argument("bad value");
}

mobula::Coro<int> ThrowsUntil(int attempt) {
  co_await mobula::Yield();
  const int now = mobula::CurrentTask().attempt;
  if (now < attempt) throw std::runtime_error("not yet");
  co_return now;
}

mobula::Coro<std::string> WhoInner() {
  co_await mobula::SleepFor(milliseconds(1));
  co_return mobula::CurrentTask().function;
}
// Who it is: at first, after a wait, in what it awaits and in what it starts.
mobula::Coro<std::vector<std::string>> Who() {
  std::vector<std::string> names{mobula::CurrentTask().function};
  co_await mobula::SleepFor(milliseconds(1));
  names.push_back(mobula::CurrentTask().function);
  names.push_back(co_await WhoInner());
  std::string child;
  const auto start = [&child]() -> mobula::Coro<> {
    auto inner = WhoInner();
    child = co_await inner;
  };
  mobula::TaskGroup group;
  group.Start(start());
  co_await group.Wait();
  names.push_back(child);
  co_await mobula::On(mobula::BlockingPool());
  names.push_back(mobula::CurrentTask().function);
  co_return names;
}

mobula::Coro<> Forever() { co_await mobula::SleepFor(mobula::Timeout()); }

// Lets go whoever waits for it.
class Gate {
 public:
  mobula::Coro<int> Pass(int n) {
    ++waiting_;
    co_await open_.Wait();
    --waiting_;
    co_return n;
  }
  void Open() { open_.Set(); }
  int Waiting() const { return waiting_; }

 private:
  mobula::Event open_;
  int waiting_ = 0;
};

// What it does between two waits nobody else sees half done.
class Account {
 public:
  mobula::Coro<bool> Add(int n) {
    bool alone = true;
    for (int i = 0; i < n; ++i) {
      alone = alone && !inside_;
      inside_ = true;
      ++sum_;
      inside_ = false;
      co_await mobula::SleepFor(std::chrono::microseconds(100));
    }
    co_return alone;
  }
  bool Plain() {
    const bool alone = !inside_;
    inside_ = true;
    ++sum_;
    inside_ = false;
    return alone;
  }
  int Sum() const { return sum_; }
  mobula::Coro<std::string> Method() {
    co_await mobula::Yield();
    co_return mobula::CurrentTask().function;
  }
  mobula::Coro<int> Fails() {
    co_await mobula::Yield();
    throw std::out_of_range("no");
  }
  mobula::Coro<int> Leave() {
    co_await mobula::SleepFor(milliseconds(1));
    mobula::ExitActor();
    co_return 7;
  }
  mobula::Coro<> Stay() { co_await mobula::SleepFor(mobula::Timeout()); }

 private:
  bool inside_ = false;
  int sum_ = 0;
};

class RemoteCoroutines : public testing::TestWithParam<bool> {
 protected:
  RemoteCoroutines() {
    mobula::InitOptions options;
    if (GetParam()) options.Local();
    options.Cpus(1);
    runtime_.emplace(mobula::Init(options));
  }
  std::optional<mobula::Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Modes, RemoteCoroutines, testing::Bool(),
                         [](const auto& info) {
                           return std::string(info.param ? "Local" : "Workers");
                         });

TEST_P(RemoteCoroutines, GiveTheirValues) {
  const mobula::Ref<int> sum = mobula::Spawn<SumOfSquares>(3);
  EXPECT_EQ(mobula::Get(sum), 14);
  EXPECT_EQ(mobula::Get(mobula::Spawn<AtOnce>(1)), 2);
  const mobula::Ref<void> nothing = mobula::Spawn<Nothing>();
  mobula::Get(nothing);
  EXPECT_EQ(mobula::Get(mobula::Spawn<Length>("abc", "abc")), 3u);
  EXPECT_EQ(mobula::Get(mobula::Spawn<Long>(1'000'000)).size(), 1'000'000u);
  EXPECT_EQ(mobula::Get(mobula::Spawn<[](int x) -> mobula::Coro<int> {
              co_await mobula::Yield();
              co_return x + 1;
            }>(7)),
            8);
}

TEST_P(RemoteCoroutines, TakeRefsAndLongArguments) {
  const mobula::Ref<std::string> text = mobula::Spawn<Long>(100'000);
  EXPECT_EQ(mobula::Get(mobula::Spawn<Length>(text, text)), 100'000u);
}

TEST_P(RemoteCoroutines, ThrowAndAreRetried) {
  EXPECT_THROW(mobula::Get(mobula::Spawn<Throws>()), std::invalid_argument);
  const mobula::TaskOptions options =
      mobula::TaskOptions().Retries(3).RetryExceptions();
  EXPECT_EQ(mobula::Get(mobula::Spawn<ThrowsUntil>(options, 3)), 3);
  EXPECT_THROW(mobula::Get(mobula::Spawn<ThrowsUntil>(options, 9)),
               std::runtime_error);
}

TEST_P(RemoteCoroutines, KnowWhichTaskTheyAre) {
  const std::vector<std::string> names = mobula::Get(mobula::Spawn<Who>());
  ASSERT_EQ(names.size(), 5u);
  for (const std::string& name : names) {
    EXPECT_EQ(name, "remote_coroutines::Who");
  }
  EXPECT_EQ(mobula::CurrentTask().function, "");
}

// On one cpu: those that wait keep it from nobody.
TEST_P(RemoteCoroutines, WaitBesideOneAnother) {
  mobula::Actor<Gate> gate = mobula::Create<Gate>();
  std::vector<mobula::Ref<int>> passed;
  for (int i = 0; i < 100; ++i) passed.push_back(gate.Call<&Gate::Pass>(i));
  EXPECT_EQ(mobula::Get(gate.Call<&Gate::Waiting>()), 100);
  std::vector<mobula::Ref<int>> through;
  for (int i = 0; i < 100; ++i) {
    const std::vector<mobula::Ref<int>> one{passed[0]};
    through.push_back(mobula::Spawn<[](std::vector<mobula::Ref<int>> refs)
                                        -> mobula::Coro<int> {
      co_return co_await refs[0] + 1;
    }>(one));
  }
  EXPECT_EQ(mobula::Get(mobula::Spawn<AtOnce>(1)), 2);
  EXPECT_EQ(mobula::Get(gate.Call<&Gate::Waiting>()), 100);
  gate.Call<&Gate::Open>();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(mobula::Get(passed[static_cast<std::size_t>(i)]), i);
  }
  for (const mobula::Ref<int>& ref : through) EXPECT_EQ(mobula::Get(ref), 1);
}

TEST_P(RemoteCoroutines, OfAnActorChangeHandsOnlyWhereTheyWait) {
  mobula::Actor<Account> account = mobula::Create<Account>();
  std::vector<mobula::Ref<bool>> alone;
  for (int i = 0; i < 20; ++i) {
    alone.push_back(account.Call<&Account::Add>(20));
    alone.push_back(account.Call<&Account::Plain>());
  }
  for (const mobula::Ref<bool>& one : alone) EXPECT_TRUE(mobula::Get(one));
  EXPECT_EQ(mobula::Get(account.Call<&Account::Sum>()), 20 * 20 + 20);
  EXPECT_EQ(mobula::Get(account.Call<&Account::Method>()),
            "remote_coroutines::Account::Method");
  EXPECT_THROW(mobula::Get(account.Call<&Account::Fails>()), std::out_of_range);
}

TEST_P(RemoteCoroutines, OfAnActorThatExitsAreStopped) {
  mobula::Actor<Account> account = mobula::Create<Account>();
  const mobula::Ref<void> left = account.Call<&Account::Stay>();
  EXPECT_EQ(mobula::Get(account.Call<&Account::Leave>()), 7);
  EXPECT_THROW(mobula::Get(left), mobula::ActorDied);
  EXPECT_THROW(mobula::Get(account.Call<&Account::Sum>()), mobula::ActorDied);
}

TEST_P(RemoteCoroutines, AKilledActorAnswersForThoseThatWait) {
  mobula::Actor<Account> account =
      mobula::Create<Account>(mobula::ActorOptions().MaxRestarts(1));
  const mobula::Ref<void> first = account.Call<&Account::Stay>();
  const mobula::Ref<void> second = account.Call<&Account::Stay>();
  EXPECT_EQ(mobula::Get(account.Call<&Account::Sum>()), 0);
  mobula::Kill(account, mobula::KillOptions().Restart());
  for (const mobula::Ref<void>& ref : {first, second}) {
    const mobula::Result<void> result = mobula::TryGet(ref, seconds(60));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().executed(), mobula::Executed::kMaybe);
  }
  EXPECT_EQ(mobula::Get(account.Call<&Account::Sum>()), 0);
}

TEST_P(RemoteCoroutines, EndWithTheRuntime) {
  const mobula::Ref<void> task = mobula::Spawn<Forever>();
  mobula::Actor<Account> account = mobula::Create<Account>();
  const mobula::Ref<void> call = account.Call<&Account::Stay>();
  EXPECT_EQ(mobula::Get(account.Call<&Account::Sum>()), 0);
  // Also for who waits already.
  std::vector<std::thread> waiters;
  for (const mobula::Ref<void>& ref : {task, call}) {
    waiters.emplace_back(
        [ref] { EXPECT_THROW(mobula::Get(ref), mobula::RuntimeClosed); });
  }
  runtime_->Shutdown();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_THROW(mobula::Get(task), mobula::RuntimeClosed);
}

// ---- on workers -------------------------------------------------------------

mobula::Coro<int> DieOnce() {
  std::cout << "about to die" << std::endl;
  co_await mobula::SleepFor(milliseconds(1));
  const int attempt = mobula::CurrentTask().attempt;
  if (attempt == 1) ::kill(::getpid(), SIGKILL);
  co_return attempt;
}
mobula::Coro<> Die() {
  std::cout << "last words" << std::endl;
  co_await mobula::SleepFor(milliseconds(1));
  ::kill(::getpid(), SIGKILL);
}

class Mortal {
 public:
  mobula::Coro<bool> Reborn() {
    co_await mobula::Yield();
    co_return mobula::WasRestarted();
  }
  mobula::Coro<> Wait() { co_await mobula::SleepFor(mobula::Timeout()); }
  mobula::Coro<> Die() {
    co_await mobula::SleepFor(milliseconds(1));
    ::kill(::getpid(), SIGKILL);
  }
};

class RemoteCoroutinesOnWorkers : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(1));
};

TEST_F(RemoteCoroutinesOnWorkers, AreTriedAgainWhereTheirWorkerDies) {
  EXPECT_EQ(mobula::Get(mobula::Spawn<DieOnce>()), 2);
  const mobula::Result<void> result =
      mobula::TryGet(mobula::Spawn<Die>(mobula::TaskOptions().Retries(0)));
  ASSERT_FALSE(result.ok());
  const mobula::Error& error = result.error();
  EXPECT_EQ(error.code(), mobula::ErrorCode::kWorkerDied);
  EXPECT_EQ(error.executed(), mobula::Executed::kMaybe);
  EXPECT_EQ(error.function(), "remote_coroutines::Die");
  EXPECT_EQ(error.signal(), SIGKILL);
  EXPECT_EQ(std::ranges::count(error.log_lines(), "last words"), 1);
}

TEST_F(RemoteCoroutinesOnWorkers, OfAnActorMayHaveRunWhereItDies) {
  mobula::Actor<Mortal> actor =
      mobula::Create<Mortal>(mobula::ActorOptions().MaxRestarts(1));
  EXPECT_FALSE(mobula::Get(actor.Call<&Mortal::Reborn>()));
  const mobula::Ref<void> waits = actor.Call<&Mortal::Wait>();
  const mobula::Ref<void> dies = actor.Call<&Mortal::Die>();
  for (const mobula::Ref<void>& ref : {waits, dies}) {
    const mobula::Result<void> result = mobula::TryGet(ref);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), mobula::ErrorCode::kWorkerDied);
    EXPECT_EQ(result.error().executed(), mobula::Executed::kMaybe);
  }
  EXPECT_TRUE(mobula::Get(actor.Call<&Mortal::Reborn>()));
}

// Those whose time is over are stopped, and the others are not.
TEST_F(RemoteCoroutinesOnWorkers, TimeOutAlone) {
  mobula::Actor<Gate> gate = mobula::Create<Gate>();
  const mobula::Ref<int> late = gate.Call<&Gate::Pass>(
      mobula::CallOptions().Timeout(milliseconds(20)), 1);
  const mobula::Ref<int> other = gate.Call<&Gate::Pass>(2);
  const mobula::Ref<void> task =
      mobula::Spawn<Forever>(mobula::TaskOptions().Timeout(milliseconds(20)));
  EXPECT_THROW(mobula::Get(late), mobula::TimeoutError);
  EXPECT_THROW(mobula::Get(task), mobula::TimeoutError);
  EXPECT_EQ(mobula::Get(mobula::Spawn<AtOnce>(1)), 2);
  gate.Call<&Gate::Open>();
  EXPECT_EQ(mobula::Get(other), 2);
}

class Counter {
 public:
  explicit Counter(int all) : missing_(all) {}
  void Begun() {
    if (--missing_ == 0) all_.Set();
  }
  mobula::Coro<> All() { co_await all_.Wait(); }

 private:
  int missing_;
  mobula::Event all_;
};

mobula::Coro<int> BeginAndWait(std::vector<mobula::Ref<int>> gates) {
  static const mobula::Actor<Counter>& counter =
      *new mobula::Actor<Counter>(mobula::GetActor<Counter>("begun"));
  counter.Call<&Counter::Begun>();
  co_await gates[0];
  co_return ::getpid();
}

// Ten thousand of them wait at once, in a bounded number of processes, and each
// has begun: it says so by its pid once the gate opens.
TEST_F(RemoteCoroutinesOnWorkers, TenThousandWaitInAFewProcesses) {
  constexpr int kTasks = 10'000;
  mobula::Actor<Gate> gate = mobula::Create<Gate>();
  const mobula::Ref<int> open = gate.Call<&Gate::Pass>(0);
  mobula::Actor<Counter> counter =
      mobula::Create<Counter>(mobula::ActorOptions().Name("begun"), kTasks);
  std::vector<mobula::Ref<int>> pids;
  for (int i = 0; i < kTasks; ++i) {
    const std::vector<mobula::Ref<int>> refs{open};
    pids.push_back(mobula::Spawn<BeginAndWait>(refs));
  }
  mobula::Get(counter.Call<&Counter::All>());
  EXPECT_FALSE(pids[0].Ready());
  gate.Call<&Gate::Open>();
  std::set<int> distinct;
  for (const mobula::Ref<int>& pid : pids) distinct.insert(mobula::Get(pid));
  // One for each cpu, and few more where one was late to serve.
  EXPECT_LE(distinct.size(), 8u);
  EXPECT_FALSE(distinct.contains(::getpid()));
}

}  // namespace remote_coroutines

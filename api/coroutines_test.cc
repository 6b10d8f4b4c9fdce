// co_await on a Ref, in local mode and on workers.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coroutines {

int Square(int x) { return x * x; }
int ThrowsInvalid(int) { throw std::invalid_argument("bad value"); }
std::string Long(int n) {
  return std::string(static_cast<std::size_t>(n), 'x');
}

mobula::Coro<int> SumOfSquares(int n) {
  std::vector<mobula::Ref<int>> squares;
  for (int i = 1; i <= n; ++i) squares.push_back(mobula::Spawn<Square>(i));
  int sum = 0;
  for (const mobula::Ref<int>& square : squares) sum += co_await square;
  co_return sum;
}
// A task that waits for others in a coroutine: its cpu is lent meanwhile.
int Nested(int n) { return mobula::BlockOn(SumOfSquares(n)); }

class Gate {
 public:
  void Open() { open_ = true; }
  bool IsOpen() const { return open_; }
  void WaitForEver() const { mobula::BlockOn(mobula::SleepFor({})); }

 private:
  bool open_ = false;
};

class Coroutines : public testing::TestWithParam<bool> {
 protected:
  Coroutines() {
    mobula::InitOptions options;
    if (GetParam()) options.Local();
    options.Cpus(1);
    runtime_.emplace(mobula::Init(options));
  }
  std::optional<mobula::Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Modes, Coroutines, testing::Bool(),
                         [](const auto& info) {
                           return std::string(info.param ? "Local" : "Workers");
                         });

TEST_P(Coroutines, AwaitsTasks) {
  EXPECT_EQ(mobula::BlockOn(SumOfSquares(3)), 14);
}

TEST_P(Coroutines, AwaitsWhatLiesInTheStore) {
  const auto body = []() -> mobula::Coro<std::size_t> {
    const mobula::Ref<std::string> text = mobula::Spawn<Long>(1'000'000);
    const std::string here = co_await text;
    co_return here.size();
  };
  EXPECT_EQ(mobula::BlockOn(body()), 1'000'000u);
}

TEST_P(Coroutines, ThrowsWhatTheTaskThrew) {
  const auto body = []() -> mobula::Coro<> {
    const mobula::Ref<int> bad = mobula::Spawn<ThrowsInvalid>(1);
    co_await bad;
  };
  EXPECT_THROW(mobula::BlockOn(body()), std::invalid_argument);
  const auto nothing = []() -> mobula::Coro<> {
    const mobula::Ref<int> none;
    co_await none;
  };
  EXPECT_THROW(mobula::BlockOn(nothing()), mobula::BadArgument);
}

TEST_P(Coroutines, AwaitsActors) {
  const auto body = []() -> mobula::Coro<bool> {
    mobula::Actor<Gate> gate = mobula::Create<Gate>();
    co_await gate.Call<&Gate::Open>();
    co_return co_await gate.Call<&Gate::IsOpen>();
  };
  EXPECT_TRUE(mobula::BlockOn(body()));
}

TEST_P(Coroutines, TasksAwaitTasksOnOneCpu) {
  EXPECT_EQ(mobula::Get(mobula::Spawn<Nested>(10), std::chrono::seconds(60)),
            385);
}

TEST_P(Coroutines, TenThousandAtOnce) {
  constexpr int kRefs = 10'000;
  std::atomic<std::int64_t> sum{0};
  const auto await = [&sum](mobula::Ref<int> ref) -> mobula::Coro<> {
    sum.fetch_add(co_await ref);
  };
  mobula::TaskGroup group;
  for (int i = 0; i < kRefs; ++i) group.Start(await(mobula::Spawn<Square>(2)));
  mobula::BlockOn(group.Wait());
  EXPECT_EQ(sum.load(), 4 * kRefs);
}

TEST_P(Coroutines, EndsWithTheRuntime) {
  mobula::Ref<int> ref = mobula::Spawn<Square>(2);
  EXPECT_EQ(mobula::Get(ref), 4);
  runtime_->Shutdown();
  const auto body = [&ref]() -> mobula::Coro<> { co_await ref; };
  EXPECT_THROW(mobula::BlockOn(body()), mobula::RuntimeClosed);
}

// Waits for a task that never ends.
int Sleeper() {
  mobula::BlockOn(mobula::SleepFor({}));
  return 0;
}

// Get blocks its thread, the only one of the pool: another runs in its place.
TEST(CoroutinesOnWorkers, AGetOnAPoolDoesNotHoldUpTheOthers) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  mobula::Pool pool;
  mobula::Event begun;
  mobula::Actor<Gate> gate = mobula::Create<Gate>();
  const mobula::Ref<void> never = gate.Call<&Gate::WaitForEver>();
  const auto gets = [&]() -> mobula::Coro<> {
    co_await mobula::On(pool);
    begun.Set();
    EXPECT_THROW(mobula::Get(never), mobula::Error);
  };
  const auto kills = [&]() -> mobula::Coro<> {
    co_await mobula::On(pool);
    co_await begun.Wait();
    mobula::Kill(gate);
  };
  mobula::TaskGroup group;
  group.Start(kills());
  group.Start(gets());
  mobula::BlockOn(group.Wait());
}

TEST(CoroutinesOnWorkers, AWaitIsGivenUpWithItsScope) {
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  const mobula::Ref<int> never = mobula::Spawn<Sleeper>();
  const auto body = [&never]() -> mobula::Coro<> { co_await never; };
  EXPECT_THROW(mobula::BlockOn(
                   mobula::WithTimeout(std::chrono::milliseconds(5), body())),
               mobula::TimeoutError);
  mobula::TaskGroup group;
  for (int i = 0; i < 100; ++i) group.Start(body());
  group.Stop();
  mobula::BlockOn(group.Wait());
  mobula::TaskGroup cut_off;
  cut_off.Start(body());
  runtime.Shutdown();
  EXPECT_THROW(mobula::BlockOn(cut_off.Wait()), mobula::RuntimeClosed);
}

}  // namespace coroutines

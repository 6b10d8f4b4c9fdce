// Map, Starmap, MapChunks, Stream, Then and Split, in local mode and on
// workers.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace map {

using namespace std::chrono_literals;

int Square(int x) { return x * x; }
int Add(int a, int b) { return a + b; }
int Length(std::string_view text) { return static_cast<int>(text.size()); }
bool Not(bool yes) { return !yes; }
void Nothing(int) {}
// Throws for 3.
int OddOneOut(int x) {
  if (x == 3) throw std::invalid_argument("three");
  return x;
}
int Never() {
  mobula::BlockOn(mobula::SleepFor({}));
  return 0;
}
// The first is never done.
int NeverFirst(int x) { return x == 0 ? Never() : x; }
std::tuple<int, std::string, bool> Three(int x) {
  if (x < 0) throw std::out_of_range("negative");
  return {x, std::string(10'000, 'x'), true};
}
std::pair<int, int> Two() { return {1, 2}; }

mobula::Generator<int> UpTo(int n, std::atomic<int>* walked = nullptr) {
  for (int i = 0; i < n; ++i) {
    if (walked != nullptr) walked->store(i + 1);
    co_yield i;
  }
}
mobula::Generator<int> ThrowsAfter(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
  throw std::length_error("no more");
}

class Map : public testing::TestWithParam<bool> {
 protected:
  Map() {
    mobula::InitOptions options;
    if (GetParam()) options.Local();
    options.Cpus(2);
    runtime_.emplace(mobula::Init(options));
  }
  std::optional<mobula::Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Modes, Map, testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Local" : "Workers");
});

// ---- Map --------------------------------------------------------------------

TEST_P(Map, SpawnsOneForEachElement) {
  const std::vector<int> expected = {1, 4, 9};
  const std::vector<int> numbers = {1, 2, 3};
  EXPECT_EQ(mobula::Get(mobula::Map<Square>(numbers)), expected);
  EXPECT_EQ(mobula::Get(mobula::Map<Square>(std::list{1, 2, 3})), expected);
  EXPECT_EQ(mobula::Get(mobula::Map<Square>(std::views::iota(1, 4))), expected);
  EXPECT_EQ(mobula::Get(mobula::Map<Square>(UpTo(3))), (std::vector{0, 1, 4}));
  // Refs, texts, what can only be moved, options, further arguments.
  EXPECT_EQ(mobula::Get(mobula::Map<Square>(mobula::Map<Square>(numbers))),
            (std::vector{1, 16, 81}));
  EXPECT_EQ(mobula::Get(mobula::Map<Length>(std::array{"a", "bcd"})),
            (std::vector{1, 3}));
  EXPECT_EQ(mobula::Get(mobula::Map<Add>(mobula::TaskOptions().Cpus(2), numbers,
                                         mobula::Put(10))),
            (std::vector{11, 12, 13}));
  const auto body = [&numbers]() -> mobula::Coro<std::vector<int>> {
    co_return co_await mobula::WhenAll(mobula::Map<Square>(numbers));
  };
  EXPECT_EQ(mobula::BlockOn(body()), expected);
  EXPECT_TRUE(mobula::Map<Square>(std::vector<int>()).empty());
}

TEST_P(Map, FailsWhereItsElementFails) {
  const auto refs = mobula::Map<OddOneOut>(std::array{1, 2, 3, 4});
  EXPECT_EQ(refs[3].Get(), 4);
  EXPECT_THROW(refs[2].Get(), std::invalid_argument);
}

TEST_P(Map, StarmapTakesElementsApart) {
  const std::vector<std::tuple<int, int>> pairs = {{1, 2}, {3, 4}};
  EXPECT_EQ(mobula::Get(mobula::Starmap<Add>(pairs)), (std::vector{3, 7}));
  EXPECT_EQ(
      mobula::Get(mobula::Starmap<Add>(
          std::vector<std::pair<mobula::Ref<int>, int>>{{mobula::Put(1), 5}})),
      (std::vector{6}));
  EXPECT_EQ(mobula::Get(mobula::Starmap<Add>(
                mobula::TaskOptions().Cpus(2),
                std::vector<std::array<int, 1>>{{1}, {2}}, 10)),
            (std::vector{11, 12}));
}

TEST_P(Map, ChunksShareATask) {
  const auto chunks = mobula::MapChunks<Square>(4, std::views::iota(0, 10));
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].Get(), (std::vector{0, 1, 4, 9}));
  EXPECT_EQ(chunks[2].Get(), (std::vector{64, 81}));
  EXPECT_EQ(mobula::MapChunks<Length>(9, std::array{"a", "bc"})[0].Get(),
            (std::vector{1, 2}));
  EXPECT_EQ(mobula::MapChunks<Not>(2, std::vector{true, false})[0].Get(),
            (std::vector{false, true}));
  const auto greedy = mobula::TaskOptions().Resource("gold", 1);
  const auto refused = mobula::MapChunks<Square>(greedy, 2, std::array{1});
  EXPECT_EQ(refused[0].TryGet().error().code(), mobula::ErrorCode::kInfeasible);
  EXPECT_EQ(refused[0].TryGet().error().function(), "map::Square");
  mobula::MapChunks<Nothing>(2, std::array{1, 2, 3})[1].Get();
  const auto bad = mobula::MapChunks<OddOneOut>(2, std::array{1, 2, 3, 4});
  EXPECT_EQ(bad[0].Get(), (std::vector{1, 2}));
  EXPECT_THROW(bad[1].Get(), std::invalid_argument);
  EXPECT_THROW((void)mobula::MapChunks<Square>(0, std::array{1}),
               mobula::BadArgument);
  EXPECT_TRUE(mobula::MapChunks<Square>(2, std::vector<int>()).empty());
}

// ---- Stream -----------------------------------------------------------------

TEST_P(Map, StreamGivesInOrder) {
  std::vector<int> squares;
  for (const mobula::Settled<int>& each :
       mobula::Stream<Square>(std::views::iota(0, 100))) {
    EXPECT_EQ(each.index, squares.size());
    squares.push_back(each.Get());
  }
  ASSERT_EQ(squares.size(), 100u);
  EXPECT_EQ(squares[99], 99 * 99);
  const auto body = []() -> mobula::Coro<int> {
    auto stream = mobula::Stream<Add>(
        mobula::StreamOptions().Window(3).Task(mobula::TaskOptions().Cpus(2)),
        UpTo(10), mobula::Put(100));
    int sum = 0;
    while (auto each = co_await stream.Next()) sum += each->Get();
    co_return sum;
  };
  EXPECT_EQ(mobula::BlockOn(body()), 1045);
}

TEST_P(Map, StreamGivesEachOnceAsItIsDone) {
  std::set<std::size_t> seen;
  auto stream = mobula::Stream<Square>(
      mobula::StreamOptions().Window(7).Ordered(false), UpTo(100));
  for (const auto& each : stream) {
    EXPECT_EQ(each.Get(), Square(static_cast<int>(each.index)));
    EXPECT_TRUE(seen.insert(each.index).second);
  }
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_FALSE(mobula::BlockOn(stream.Next()).has_value());
}

TEST_P(Map, StreamStartsNoMoreThanItsWindow) {
  std::atomic<int> walked{0};
  {
    auto stream = mobula::Stream<Square>(mobula::StreamOptions().Window(4),
                                         UpTo(1'000'000, &walked));
    EXPECT_EQ(walked.load(), 0);
    for (const auto& each : stream) {
      EXPECT_LE(static_cast<std::size_t>(walked.load()), each.index + 4);
      EXPECT_EQ(stream.size(), 3u);
      if (each.index == 10) break;
    }
  }
  EXPECT_EQ(walked.load(), 14);
}

TEST_P(Map, StreamGivesErrorsWhereTheyStand) {
  std::string seen;
  for (const auto& each : mobula::Stream<OddOneOut>(UpTo(6))) {
    const mobula::Result<int> result = each.TryGet();
    seen += result.ok() ? std::to_string(*result) : "x";
  }
  EXPECT_EQ(seen, "012x45");
}

TEST_P(Map, StreamEndsWhereItsRangeThrows) {
  auto stream = mobula::Stream<Square>(mobula::StreamOptions().Window(10),
                                       ThrowsAfter(3));
  EXPECT_THROW((void)stream.Next(), std::length_error);
  int count = 0;
  for ([[maybe_unused]] const auto& each : stream) ++count;
  EXPECT_EQ(count, 3);
}

TEST_P(Map, StreamRefusesWhatMakesNoSense) {
  EXPECT_THROW(mobula::StreamOptions().Window(0), mobula::BadArgument);
  auto stream = mobula::Stream<Square>(UpTo(3));
  runtime_->Shutdown();
  EXPECT_THROW((void)stream.Next(), mobula::RuntimeClosed);
}

// ---- Then, Split ------------------------------------------------------------

TEST_P(Map, ThenGoesOnRemotelyOrHere) {
  const mobula::Ref<int> four = mobula::Spawn<Square>(2);
  const mobula::Ref<int> five = mobula::Then<Add>(four, 1);
  EXPECT_EQ(
      (mobula::Then<Add>(mobula::TaskOptions().Cpus(2), five, four).Get()), 9);
  const int captured = 10;
  EXPECT_EQ(mobula::BlockOn(
                mobula::Then(five, [captured](int x) { return x + captured; })),
            15);
  const auto awaits = [](int x) -> mobula::Coro<int> {
    co_return co_await mobula::Spawn<Square>(x);
  };
  EXPECT_EQ(mobula::BlockOn(mobula::Then(five, awaits)), 25);
  bool ran = false;
  mobula::TaskGroup group;
  group.Start(mobula::Then(mobula::Spawn<Nothing>(1), [&ran] { ran = true; }));
  mobula::BlockOn(group.Wait());
  EXPECT_TRUE(ran);
}

TEST_P(Map, ThenFailsAsItsRefFails) {
  const mobula::Ref<int> bad = mobula::Spawn<OddOneOut>(3);
  EXPECT_THROW(mobula::Then<Square>(bad).Get(), std::invalid_argument);
  bool ran = false;
  EXPECT_THROW(mobula::BlockOn(mobula::Then(bad, [&ran](int) { ran = true; })),
               std::invalid_argument);
  EXPECT_FALSE(ran);
  EXPECT_THROW(mobula::BlockOn(mobula::Then(
                   mobula::Put(1), [](int) { throw std::length_error("x"); })),
               std::length_error);
}

TEST_P(Map, SplitGivesARefForEachPart) {
  const auto [number, text, yes] = mobula::Split(mobula::Spawn<Three>(7));
  EXPECT_EQ(number.Get(60s), 7);
  EXPECT_EQ(mobula::Spawn<Length>(text).Get(60s), 10'000);
  EXPECT_TRUE(yes.Get(60s));
  const auto [first, second] = mobula::Split(mobula::Spawn<Two>());
  EXPECT_EQ(mobula::Spawn<Add>(first, second).Get(60s), 3);
  const auto failed = mobula::Split(mobula::Spawn<Three>(-1));
  EXPECT_THROW(std::get<0>(failed).Get(60s), std::out_of_range);
  EXPECT_THROW(std::get<2>(failed).Get(60s), std::out_of_range);
}

// ---- while something never comes: on workers --------------------------------

class MapNever : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(3));
};

TEST_F(MapNever, OrderedStreamsWaitUnorderedOnesDoNot) {
  auto stream = mobula::Stream<NeverFirst>(
      mobula::StreamOptions().Window(4).Ordered(false), UpTo(10));
  std::set<std::size_t> seen;
  while (seen.size() < 9) seen.insert(mobula::BlockOn(stream.Next())->index);
  EXPECT_FALSE(seen.contains(0));
  EXPECT_EQ(stream.size(), 1u);
  EXPECT_THROW(mobula::BlockOn(stream.Next(5ms)), mobula::TimeoutError);
  auto ordered = mobula::Stream<NeverFirst>(UpTo(3));
  EXPECT_THROW(mobula::BlockOn(ordered.Next(5ms)), mobula::TimeoutError);
  EXPECT_EQ(ordered.size(), 3u);
}

TEST_F(MapNever, ScopesEndStreamsAndThen) {
  const mobula::Scope scope(mobula::ScopeOptions().Timeout(5ms));
  auto stream = mobula::Stream<NeverFirst>(UpTo(3));
  // The wait ends, or what it waits for: both have that deadline.
  EXPECT_THROW(mobula::BlockOn(stream.Next())->Get(), mobula::TimeoutError);
  EXPECT_THROW(mobula::BlockOn(mobula::Then(mobula::Spawn<Never>(),
                                            [](int x) { return x; })),
               mobula::TimeoutError);
}

}  // namespace map

// WhenAll, WhenAny, WhenSome and AsCompleted, from threads and coroutines, in
// local mode and on workers.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace when {

using namespace std::chrono_literals;

int Square(int x) { return x * x; }
std::string Long(int n) {
  return std::string(static_cast<std::size_t>(n), 'x');
}
void Nothing() {}
int ThrowsInvalid(int) { throw std::invalid_argument("bad value"); }
// Ends with the runtime.
int Never() {
  mobula::BlockOn(mobula::SleepFor({}));
  return 0;
}

std::vector<mobula::Ref<int>> Squares(int n) {
  std::vector<mobula::Ref<int>> refs;
  for (int i = 0; i < n; ++i) refs.push_back(mobula::Spawn<Square>(i));
  return refs;
}

template <class Wait>
mobula::Coro<> Await(Wait make) {
  co_await make();
}

class When : public testing::TestWithParam<bool> {
 protected:
  When() {
    mobula::InitOptions options;
    if (GetParam()) options.Local();
    options.Cpus(2);
    runtime_.emplace(mobula::Init(options));
  }
  std::optional<mobula::Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Modes, When, testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Local" : "Workers");
});

// ---- WhenAll ----------------------------------------------------------------

TEST_P(When, AllGivesValuesInOrder) {
  const std::vector<int> expected = {0, 1, 4, 9, 16};
  EXPECT_EQ(mobula::BlockOn(mobula::WhenAll(Squares(5))), expected);
  const auto body = []() -> mobula::Coro<std::vector<int>> {
    co_return co_await mobula::WhenAll(Squares(5));
  };
  EXPECT_EQ(mobula::BlockOn(body()), expected);
  EXPECT_TRUE(mobula::BlockOn(mobula::WhenAll(Squares(0))).empty());
  const mobula::Ref<int> twice = mobula::Spawn<Square>(3);
  EXPECT_EQ(mobula::BlockOn(mobula::WhenAll(std::vector{twice, twice})),
            (std::vector{9, 9}));
  mobula::BlockOn(mobula::WhenAll(
      std::vector<mobula::Ref<void>>(3, mobula::Spawn<Nothing>())));
}

TEST_P(When, AllTakesRefsOfSeveralTypes) {
  const auto body = []() -> mobula::Coro<std::size_t> {
    const mobula::Ref<std::string> text = mobula::Spawn<Long>(100'000);
    const auto [number, nothing, here] = co_await mobula::WhenAll(
        mobula::Spawn<Square>(4), mobula::Spawn<Nothing>(), text);
    static_assert(std::is_same_v<decltype(nothing), const std::monostate>);
    co_return here.size() + static_cast<std::size_t>(number);
  };
  EXPECT_EQ(mobula::BlockOn(body()), 100'016u);
  const auto [one] = mobula::BlockOn(mobula::WhenAll(mobula::Put(1)));
  EXPECT_EQ(one, 1);
}

TEST_P(When, AllThrowsWhatATaskThrew) {
  std::vector<mobula::Ref<int>> refs = Squares(3);
  refs.push_back(mobula::Spawn<ThrowsInvalid>(1));
  EXPECT_THROW(mobula::BlockOn(mobula::WhenAll(refs)), std::invalid_argument);
  EXPECT_THROW(
      mobula::BlockOn(Await([&refs] { return mobula::WhenAll(refs); })),
      std::invalid_argument);
  EXPECT_THROW(mobula::BlockOn(mobula::WhenAll(refs[0], refs[3])),
               std::invalid_argument);
}

// ---- WhenAny ----------------------------------------------------------------

TEST_P(When, AnyGivesOneThatIsSettled) {
  const std::vector<mobula::Ref<int>> refs = Squares(3);
  const mobula::Settled<int> first = mobula::BlockOn(mobula::WhenAny(refs));
  ASSERT_LT(first.index, 3u);
  EXPECT_EQ(first.ref, refs[first.index]);
  EXPECT_EQ(first.Get(), Square(static_cast<int>(first.index)));
  const auto body = [&refs]() -> mobula::Coro<int> {
    const mobula::Settled<int> any = co_await mobula::WhenAny(refs);
    co_return any.Get() - Square(static_cast<int>(any.index));
  };
  EXPECT_EQ(mobula::BlockOn(body()), 0);
}

TEST_P(When, AnyGivesAFailureToo) {
  const std::vector refs = {mobula::Spawn<ThrowsInvalid>(1)};
  const mobula::Settled<int> first = mobula::BlockOn(mobula::WhenAny(refs));
  EXPECT_EQ(first.TryGet().error().message(), "bad value");
  EXPECT_THROW(first.Get(), std::invalid_argument);
}

// ---- WhenSome, Wait ---------------------------------------------------------

TEST_P(When, SomeGivesThoseThatAreSettled) {
  std::vector<mobula::Ref<int>> refs = Squares(4);
  refs.push_back(mobula::Spawn<ThrowsInvalid>(1));
  const auto body = [&refs]() -> mobula::Coro<std::size_t> {
    const auto [ready, not_ready] = co_await mobula::WhenSome(refs, 5);
    co_return ready.size() * 10 + not_ready.size();
  };
  EXPECT_EQ(mobula::BlockOn(body()), 50u);
  const auto some = mobula::BlockOn(mobula::WhenSome(refs, 2, 0s));
  EXPECT_EQ(some.ready.size() + some.not_ready.size(), 5u);
}

TEST_P(When, WaitWorksInACoroutine) {
  const auto body = []() -> mobula::Coro<std::size_t> {
    const std::vector<mobula::Ref<int>> refs = Squares(4);
    const auto waited = mobula::Wait(refs, 4, 60s);
    co_return waited.ready.size();
  };
  EXPECT_EQ(mobula::BlockOn(body()), 4u);
}

// ---- AsCompleted ------------------------------------------------------------

TEST_P(When, AsCompletedGivesEachOnceToAThread) {
  const std::vector<mobula::Ref<int>> refs = Squares(100);
  std::set<std::size_t> seen;
  for (const mobula::Settled<int>& done : mobula::AsCompleted(refs)) {
    EXPECT_TRUE(seen.insert(done.index).second);
    EXPECT_EQ(done.ref, refs[done.index]);
    EXPECT_EQ(done.Get(), Square(static_cast<int>(done.index)));
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST_P(When, AsCompletedGivesEachOnceToACoroutine) {
  const auto body = []() -> mobula::Coro<int> {
    mobula::Completions<int> squares = mobula::AsCompleted(Squares(10));
    int sum = 0;
    while (auto done = co_await squares.Next()) sum += done->Get();
    const auto none = co_await squares.Next();
    co_return none ? -1 : sum;
  };
  EXPECT_EQ(mobula::BlockOn(body()), 285);
}

TEST_P(When, AsCompletedGivesARefAsOftenAsItWasGiven) {
  const mobula::Ref<int> ref = mobula::Spawn<Square>(3);
  std::vector<std::size_t> seen;
  for (const auto& done : mobula::AsCompleted(std::vector{ref, ref, ref})) {
    seen.push_back(done.index);
  }
  EXPECT_EQ(seen.size(), 3u);
  for (const auto& done : mobula::AsCompleted(Squares(0))) {
    FAIL() << done.index;
  }
}

TEST_P(When, AsCompletedGivesErrorsWhereTheyStand) {
  std::vector<mobula::Ref<int>> refs = Squares(3);
  refs.push_back(mobula::Spawn<ThrowsInvalid>(1));
  int good = 0;
  int bad = 0;
  for (const mobula::Settled<int>& done : mobula::AsCompleted(refs)) {
    done.TryGet().ok() ? ++good : ++bad;
  }
  EXPECT_EQ(good, 3);
  EXPECT_EQ(bad, 1);
}

TEST_P(When, AsCompletedCanBeLeftAndTakenUpAgain) {
  mobula::Completions<int> squares = mobula::AsCompleted(Squares(10));
  for (const auto& done : squares) {
    EXPECT_LT(done.index, 10u);
    break;
  }
  EXPECT_EQ(squares.size(), 9u);
  int rest = 0;
  for ([[maybe_unused]] const auto& done : squares) ++rest;
  EXPECT_EQ(rest, 9);
  EXPECT_EQ(squares.size(), 0u);
}

TEST_P(When, AsCompletedServesThousands) {
  constexpr int kRefs = 10'000;
  int count = 0;
  for (const auto& done : mobula::AsCompleted(Squares(kRefs))) {
    count += done.ref ? 1 : 0;
  }
  EXPECT_EQ(count, kRefs);
}

// ---- what makes no sense ----------------------------------------------------

TEST_P(When, EmptyRefsAreRefused) {
  const std::vector<mobula::Ref<int>> refs = {mobula::Spawn<Square>(1), {}};
  EXPECT_THROW((void)mobula::WhenAll(refs), mobula::BadArgument);
  EXPECT_THROW((void)mobula::WhenAll(refs[0], refs[1]), mobula::BadArgument);
  EXPECT_THROW((void)mobula::WhenAny(refs), mobula::BadArgument);
  EXPECT_THROW((void)mobula::WhenSome(refs, 1), mobula::BadArgument);
  EXPECT_THROW((void)mobula::AsCompleted(refs), mobula::BadArgument);
  EXPECT_THROW((void)mobula::WhenAny(Squares(0)), mobula::BadArgument);
  EXPECT_THROW((void)mobula::WhenSome(Squares(2), 3), mobula::BadArgument);
}

TEST_P(When, AllEndsWithTheRuntime) {
  const std::vector<mobula::Ref<int>> refs = Squares(3);
  mobula::Completions<int> completions = mobula::AsCompleted(refs);
  mobula::BlockOn(mobula::WhenAll(refs));
  runtime_->Shutdown();
  EXPECT_THROW((void)mobula::WhenAll(refs), mobula::RuntimeClosed);
  EXPECT_THROW((void)mobula::AsCompleted(refs), mobula::RuntimeClosed);
  int ended = 0;
  for (const mobula::Settled<int>& done : completions) {
    EXPECT_THROW(done.Get(), mobula::RuntimeClosed);
    ++ended;
  }
  EXPECT_EQ(ended, 3);
}

// Asks itself while it is busy: locally nobody else could answer.
class Selfish {
 public:
  int Value() const { return 1; }
  int AskItself(const std::string& name) const {
    const mobula::Ref<int> own =
        mobula::GetActor<Selfish>(name).Call<&Selfish::Value>();
    return mobula::BlockOn(mobula::WhenAll(std::vector{own}))[0];
  }
  int GetInScope(const std::string& name) const {
    const mobula::Scope scope;
    return mobula::GetActor<Selfish>(name).Call<&Selfish::Value>().Get();
  }
};

TEST(WhenLocal, AWaitForItselfIsRefused) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  auto selfish = mobula::Create<Selfish>(mobula::ActorOptions().Name("me"));
  EXPECT_THROW(selfish.Call<&Selfish::AskItself>("me").Get(),
               std::runtime_error);
  EXPECT_THROW(selfish.Call<&Selfish::GetInScope>("me").Get(),
               std::runtime_error);
  EXPECT_EQ(selfish.Call<&Selfish::Value>().Get(), 1);
}

// ---- while something never comes: on workers --------------------------------

class WhenNever : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(3));
  // The first never comes.
  std::vector<mobula::Ref<int>> refs_ = {mobula::Spawn<Never>(),
                                         mobula::Spawn<Square>(2)};
};

TEST_F(WhenNever, AllFailsWithoutWaitingForTheRest) {
  refs_.push_back(mobula::Spawn<ThrowsInvalid>(1));
  EXPECT_THROW(mobula::BlockOn(mobula::WhenAll(refs_)), std::invalid_argument);
  EXPECT_THROW(mobula::BlockOn(Await([&] { return mobula::WhenAll(refs_); })),
               std::invalid_argument);
}

TEST_F(WhenNever, AnyAndAsCompletedGiveTheOther) {
  EXPECT_EQ(mobula::BlockOn(mobula::WhenAny(refs_)).index, 1u);
  for (const auto& done : mobula::AsCompleted(refs_)) {
    EXPECT_EQ(done.index, 1u);
    EXPECT_EQ(done.Get(), 4);
    break;
  }
}

TEST_F(WhenNever, TimesEnd) {
  EXPECT_THROW(mobula::BlockOn(mobula::WhenAll(refs_, 5ms)),
               mobula::TimeoutError);
  EXPECT_THROW(
      mobula::BlockOn(Await([&] { return mobula::WhenAll(refs_, 5ms); })),
      mobula::TimeoutError);
  const std::vector never = {refs_[0]};
  EXPECT_THROW(mobula::BlockOn(mobula::WhenAny(never, 5ms)),
               mobula::TimeoutError);
  const auto some = mobula::BlockOn(mobula::WhenSome(never, 1, 5ms));
  EXPECT_EQ(some.not_ready, never);
  mobula::Completions<int> completions = mobula::AsCompleted(never, 5ms);
  EXPECT_THROW(mobula::BlockOn(completions.Next()), mobula::TimeoutError);
  EXPECT_EQ(completions.size(), 1u);
}

TEST_F(WhenNever, ScopesEndWaits) {
  const auto all = [&] { return mobula::WhenAll(refs_); };
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(5ms));
    EXPECT_THROW(mobula::BlockOn(all()), mobula::TimeoutError);
    EXPECT_THROW(mobula::BlockOn(Await(all)), mobula::TimeoutError);
  }
  mobula::TaskGroup group;
  mobula::Event begun;
  const auto walk = [&]() -> mobula::Coro<> {
    mobula::Completions<int> completions = mobula::AsCompleted(refs_);
    const auto first = co_await completions.Next();
    EXPECT_EQ(first->index, 1u);
    begun.Set();
    co_await completions.Next();
  };
  group.Start(walk());
  mobula::BlockOn(begun.Wait());
  group.Stop();
  mobula::BlockOn(group.Wait());
  // The tasks have not heard of it.
  EXPECT_EQ(refs_[1].Get(), 4);
  EXPECT_FALSE(refs_[0].Ready());
}

TEST_F(WhenNever, ScopesEndGetAndWait) {
  const mobula::Ref<int> never = refs_[0];
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(5ms));
    EXPECT_THROW(never.Get(), mobula::TimeoutError);
    EXPECT_THROW(mobula::Get(refs_), mobula::TimeoutError);
    EXPECT_THROW(mobula::Wait(refs_, 2), mobula::TimeoutError);
    EXPECT_EQ(never.TryGet().error().code(), mobula::ErrorCode::kTimeout);
  }
  std::stop_source source;
  source.request_stop();
  const mobula::Scope scope(mobula::ScopeOptions().Stop(source.get_token()));
  EXPECT_THROW(never.Get(), mobula::Cancelled);
  EXPECT_THROW(mobula::Wait(refs_, 2), mobula::Cancelled);
}

TEST_F(WhenNever, AScopeLeavesGetAsItIs) {
  const mobula::Scope scope(mobula::ScopeOptions().Timeout(60s));
  EXPECT_EQ(refs_[1].Get(), 4);
  EXPECT_THROW(refs_[0].Get(5ms), mobula::TimeoutError);
  EXPECT_THROW(refs_[0].Get(0s), mobula::TimeoutError);
  EXPECT_EQ(mobula::Wait(refs_, 1, 60s).ready.size(), 1u);
  EXPECT_EQ(mobula::Wait(refs_, 2, 5ms).not_ready.size(), 1u);
  EXPECT_THROW(mobula::Spawn<ThrowsInvalid>(1).Get(), std::invalid_argument);
}

TEST_F(WhenNever, TheRuntimeEndsWaits) {
  mobula::TaskGroup group;
  group.Start(Await([&] { return mobula::WhenAll(refs_); }));
  mobula::BlockOn(mobula::WhenAny(refs_));
  runtime_.Shutdown();
  EXPECT_THROW(mobula::BlockOn(group.Wait()), mobula::RuntimeClosed);
}

}  // namespace when

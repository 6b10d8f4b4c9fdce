// All verbs of the API, in local mode and on worker processes.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace verbs {

// ---- what runs remotely -----------------------------------------------------

struct Point {
  int x = 0;
  std::string name;
  friend bool operator==(const Point&, const Point&) = default;
};

class Unusual : public std::out_of_range {
 public:
  using std::out_of_range::out_of_range;
};

int Add(int a, int b) { return a + b; }
int Twice(int x) { return 2 * x; }
std::string Twice(const std::string& text) { return text + text; }
template <class T>
T Triple(T x) {
  return x + x + x;
}
void Nothing() {}
std::size_t Length(std::string_view text) { return text.size(); }
Point Move(Point point, int by) {
  point.x += by;
  return point;
}
std::unique_ptr<int> Boxed(int x) { return std::make_unique<int>(x); }
int Unbox(std::unique_ptr<int>&& box) { return *box; }
const std::string Constant() noexcept { return "5"; }
std::map<std::string, std::vector<double>> Table() {
  return {{"a", {1, 2}}, {"b", {}}};
}
std::vector<bool> Bits() { return {true, false}; }

int ThrowsInvalid(int) { throw std::invalid_argument("bad value"); }
int ThrowsUnusual() { throw Unusual("far out"); }
int ThrowsInt() { throw 42; }
int PassesOn() { return mobula::Get(mobula::Spawn<ThrowsInvalid>(1)); }

int SumOfSquares(int n) {
  std::vector<mobula::Ref<int>> squares;
  for (int i = 1; i <= n; ++i) {
    squares.push_back(mobula::Spawn<[](int x) { return x * x; }>(i));
  }
  int sum = 0;
  for (const int square : mobula::Get(squares)) sum += square;
  return sum;
}

int ThirdTimeLucky() {
  const int attempt = mobula::CurrentTask().attempt;
  if (attempt < 3) throw std::runtime_error("not yet");
  return attempt;
}

struct Told {
  std::string function;
  int attempt = 0;
  bool in_actor = false;
  bool restarted = false;
  std::int64_t incarnation = 0;
  int pid = 0;
};
Told Tell() {
  const mobula::TaskContext me = mobula::CurrentTask();
  return {me.function,    me.attempt, !me.actor.IsNil(), mobula::WasRestarted(),
          me.incarnation, me.pid};
}

class Base {
 public:
  virtual ~Base() = default;
  int Inherited(int x) const { return x + 1; }
  virtual std::string Who() const { return "base"; }
};

class Counter : public Base {
 public:
  explicit Counter(int start) : count_(start) {}
  Counter(const std::string& text, int times)
      : count_(static_cast<int>(text.size()) * times) {}
  Counter(const Counter&) = delete;

  int Add(int by) { return count_ += by; }
  int Value() const noexcept { return count_; }
  std::string Who() const override { return "counter"; }
  Told AboutMe() const { return Tell(); }
  void Fail() const { throw std::logic_error("will not"); }
  int Leave() {
    mobula::ExitActor();
    return count_;
  }

 private:
  int count_ = 0;
};

class Unborn {
 public:
  Unborn() { throw std::runtime_error("no strength"); }
  int Value() { return 1; }
};

namespace {

int InThisFileOnly(int x) { return x + 100; }

// ---- in both modes ----------------------------------------------------------

using std::chrono::seconds;

enum class Mode { kLocal, kWorkers };

mobula::InitOptions OptionsFor(Mode mode) {
  return mobula::InitOptions()
      .Local(mode == Mode::kLocal)
      .Cpus(2)
      .Resource("gold", 1);
}

class VerbsTest : public testing::TestWithParam<Mode> {
 protected:
  mobula::Runtime runtime_ = mobula::Init(OptionsFor(GetParam()));
};

INSTANTIATE_TEST_SUITE_P(Modes, VerbsTest,
                         testing::Values(Mode::kLocal, Mode::kWorkers),
                         [](const testing::TestParamInfo<Mode>& info) {
                           return info.param == Mode::kLocal ? "Local"
                                                             : "Workers";
                         });

TEST_P(VerbsTest, FunctionsOfAllKinds) {
  EXPECT_EQ(mobula::Get(mobula::Spawn<Add>(2, 3)), 5);
  EXPECT_EQ(mobula::Spawn<static_cast<int (*)(int)>(Twice)>(4).Get(), 8);
  EXPECT_EQ(
      (mobula::Spawn<static_cast<std::string (*)(const std::string&)>(Twice)>(
           "ab")
           .Get()),
      "abab");
  EXPECT_EQ(mobula::Spawn<Triple<int>>(5).Get(), 15);
  EXPECT_EQ(mobula::Spawn<Triple<std::string>>("x").Get(), "xxx");
  EXPECT_EQ(mobula::Spawn<InThisFileOnly>(1).Get(), 101);
  EXPECT_EQ(mobula::Spawn<Constant>().Get(), "5");
  EXPECT_EQ(mobula::Spawn<[](int x) { return x + 1; }>(7).Get(), 8);
  EXPECT_EQ(mobula::Spawn<[](int x) { return x + 2; }>(7).Get(), 9);
  mobula::Spawn<Nothing>().Get();
}

TEST_P(VerbsTest, ValuesOfAllKinds) {
  EXPECT_EQ(mobula::Spawn<Length>("four").Get(), 4u);
  EXPECT_EQ(mobula::Spawn<Length>(std::string(100'000, 'x')).Get(), 100'000u);
  EXPECT_EQ((mobula::Spawn<Move>(Point{1, "p"}, 2).Get()), (Point{3, "p"}));
  EXPECT_EQ(*mobula::Spawn<Boxed>(7).Get(), 7);
  EXPECT_EQ(mobula::Spawn<Unbox>(std::make_unique<int>(9)).Get(), 9);
  EXPECT_EQ(mobula::Spawn<Unbox>(mobula::Spawn<Boxed>(11)).Get(), 11);
  EXPECT_EQ(mobula::Spawn<Table>().Get(), Table());
  EXPECT_EQ(mobula::Spawn<Bits>().Get(), Bits());
  const short narrow = 3;
  EXPECT_EQ((mobula::Spawn<Add>(narrow, 'a').Get()), 3 + 'a');
}

TEST_P(VerbsTest, RefsGoWhereValuesAreWanted) {
  mobula::Ref<int> sum = mobula::Put(1);
  for (int i = 0; i < 20; ++i) sum = mobula::Spawn<Add>(sum, i);
  EXPECT_EQ(sum.Get(), 191);
  EXPECT_EQ(mobula::Spawn<Length>(mobula::Put(std::string("abc"))).Get(), 3u);
  EXPECT_EQ(mobula::Get(sum), 191);  // again
  auto counter = mobula::Create<Counter>(sum);
  EXPECT_EQ(counter.Call<&Counter::Add>(sum).Get(), 382);
}

TEST_P(VerbsTest, TasksSpawnTasks) {
  EXPECT_EQ(mobula::Spawn<SumOfSquares>(10).Get(), 385);
}

TEST_P(VerbsTest, GetOfManyAndWait) {
  std::vector<mobula::Ref<int>> refs;
  for (int i = 0; i < 10; ++i) refs.push_back(mobula::Spawn<Add>(i, i));
  EXPECT_EQ(mobula::Get(refs),
            (std::vector<int>{0, 2, 4, 6, 8, 10, 12, 14, 16, 18}));
  const auto [ready, not_ready] = mobula::Wait(refs, 10, seconds(30));
  EXPECT_EQ(ready, refs);
  EXPECT_TRUE(not_ready.empty());
  EXPECT_TRUE(refs[3].Ready());
  EXPECT_THROW(mobula::Wait(refs, 11), mobula::BadArgument);
  EXPECT_TRUE(mobula::Wait(std::vector<mobula::Ref<int>>(), 0).ready.empty());
  refs.push_back(mobula::Spawn<ThrowsInvalid>(1));
  EXPECT_EQ(mobula::Wait(refs, 11, seconds(30)).ready.size(), 11u);
  EXPECT_THROW(mobula::Get(refs, seconds(30)), std::invalid_argument);
}

TEST_P(VerbsTest, ExceptionsArriveAsTheyWere) {
  try {
    mobula::Spawn<ThrowsInvalid>(1).Get();
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("bad value"), std::string::npos);
  }
  try {
    mobula::Spawn<ThrowsUnusual>().Get();
    FAIL();
  } catch (const mobula::TaskError& error) {
    EXPECT_EQ(error.exception_type(), "verbs::Unusual");
    EXPECT_EQ(error.message(), "far out");
    EXPECT_EQ(error.function(), "verbs::ThrowsUnusual");
    EXPECT_EQ(error.executed(), mobula::Executed::kYes);
    EXPECT_EQ(error.attempt(), 1);
    EXPECT_EQ(error.pid() == ::getpid(), GetParam() == Mode::kLocal);
    EXPECT_NE(dynamic_cast<const std::out_of_range*>(&error), nullptr);
  }
  EXPECT_EQ(mobula::Spawn<ThrowsInt>().TryGet().error().exception_type(),
            "int");
  EXPECT_THROW(mobula::Spawn<PassesOn>().Get(), std::invalid_argument);
}

TEST_P(VerbsTest, AFailedRefFailsWhatWantsIt) {
  const mobula::Ref<int> bad = mobula::Spawn<ThrowsInvalid>(1);
  const mobula::Ref<int> next = mobula::Spawn<Add>(bad, 1);
  EXPECT_THROW(mobula::Spawn<Add>(2, next).Get(), std::invalid_argument);
  auto counter = mobula::Create<Counter>(0);
  EXPECT_THROW(counter.Call<&Counter::Add>(bad).Get(), std::invalid_argument);
  EXPECT_EQ(counter.Call<&Counter::Add>(1).Get(), 1);
}

TEST_P(VerbsTest, TryGetReturnsWhatGetThrows) {
  const mobula::Result<int> good = mobula::TryGet(mobula::Spawn<Add>(1, 2));
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 3);
  EXPECT_TRUE(mobula::TryGet(mobula::Spawn<Nothing>(), seconds(30)).ok());
  const auto bad = mobula::TryGet(mobula::Spawn<ThrowsInvalid>(1));
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), mobula::ErrorCode::kUserException);
  EXPECT_THROW((void)*bad, std::invalid_argument);
}

TEST_P(VerbsTest, ExceptionsAreRetriedWhereAskedFor) {
  using mobula::TaskOptions;
  EXPECT_EQ(
      mobula::Spawn<ThirdTimeLucky>(TaskOptions().RetryExceptions()).Get(), 3);
  const auto once =
      mobula::Spawn<ThirdTimeLucky>(TaskOptions().RetryExceptions().Retries(1));
  EXPECT_EQ(once.TryGet().error().attempt(), 2);
  EXPECT_EQ(mobula::Spawn<ThirdTimeLucky>().TryGet().error().attempt(), 1);
}

TEST_P(VerbsTest, ResourcesThatNobodyHasAreRefused) {
  using mobula::TaskOptions;
  const auto gold = mobula::Spawn<Add>(TaskOptions().Resource("gold", 1), 1, 2);
  EXPECT_EQ(gold.Get(), 3);
  EXPECT_THROW(
      mobula::Spawn<Add>(TaskOptions().Resource("gold", 2), 1, 2).Get(),
      mobula::Infeasible);
  EXPECT_THROW(mobula::Spawn<Add>(TaskOptions().Cpus(3), 1, 2).Get(),
               mobula::Infeasible);
  auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().Resource("silver", 1), 1);
  EXPECT_THROW(counter.Call<&Counter::Value>().Get(), mobula::Infeasible);
}

TEST_P(VerbsTest, AnEmptyRefOrHandleIsRefused) {
  EXPECT_THROW(mobula::Ref<int>().Get(), mobula::BadArgument);
  EXPECT_THROW((void)mobula::Ref<int>().Ready(), mobula::BadArgument);
  mobula::Actor<Counter> nobody;
  EXPECT_FALSE(nobody);
  EXPECT_THROW(nobody.Call<&Counter::Value>(), mobula::BadArgument);
  EXPECT_THROW(mobula::Kill(nobody), mobula::BadArgument);
}

TEST_P(VerbsTest, TasksKnowWhatTheyAre) {
  const Told told = mobula::Spawn<Tell>().Get();
  EXPECT_EQ(told.function, "verbs::Tell");
  EXPECT_EQ(told.attempt, 1);
  EXPECT_FALSE(told.in_actor);
  EXPECT_EQ(told.pid == ::getpid(), GetParam() == Mode::kLocal);
  EXPECT_EQ(mobula::CurrentTask().attempt, 0);
  EXPECT_EQ(mobula::CurrentTask().pid, ::getpid());
  EXPECT_FALSE(mobula::WasRestarted());
  EXPECT_THROW(mobula::ExitActor(), mobula::BadArgument);
}

// ---- actors -----------------------------------------------------------------

TEST_P(VerbsTest, ActorsHoldStateAndAnswerInOrder) {
  auto counter = mobula::Create<Counter>(10);
  std::vector<mobula::Ref<int>> sums;
  for (int i = 1; i <= 5; ++i) {
    sums.push_back(counter.Call<&Counter::Add>(i));
  }
  EXPECT_EQ(mobula::Get(sums), (std::vector<int>{11, 13, 16, 20, 25}));
  EXPECT_EQ(counter.Call<&Counter::Value>().Get(), 25);
  EXPECT_EQ(counter.Call<&Counter::Inherited>(1).Get(), 2);
  EXPECT_EQ(counter.Call<&Base::Inherited>(1).Get(), 2);
  EXPECT_EQ(counter.Call<&Base::Who>().Get(), "counter");
  EXPECT_EQ(sums.back().Incarnation(), 1);
  EXPECT_EQ(counter.Incarnation(), 1);
  EXPECT_FALSE(counter.Dead());
  EXPECT_FALSE(counter.Id().IsNil());
}

TEST_P(VerbsTest, ConstructorsTakeValuesTextAndRefs) {
  auto counter = mobula::Create<Counter>("abc", 2);
  EXPECT_EQ(counter.Call<&Counter::Value>().Get(), 6);
  auto other = mobula::Create<Counter>(mobula::Put(std::string("abcd")),
                                       mobula::Spawn<Add>(1, 1));
  EXPECT_EQ(other.Call<&Counter::Value>().Get(), 8);
}

TEST_P(VerbsTest, AConstructorThatThrowsFailsAllCalls) {
  auto unborn = mobula::Create<Unborn>();
  try {
    unborn.Call<&Unborn::Value>().Get();
    FAIL();
  } catch (const mobula::TaskError& error) {
    EXPECT_EQ(error.executed(), mobula::Executed::kNo);
    EXPECT_EQ(error.function(), "verbs::Unborn");
    EXPECT_EQ(error.message(), "no strength");
    EXPECT_NE(dynamic_cast<const std::runtime_error*>(&error), nullptr);
  }
  EXPECT_TRUE(unborn.Dead());
}

TEST_P(VerbsTest, AMethodThatThrowsLeavesTheActorAlive) {
  auto counter = mobula::Create<Counter>(1);
  EXPECT_THROW(counter.Call<&Counter::Fail>().Get(), std::logic_error);
  EXPECT_EQ(counter.Call<&Counter::Add>(1).Get(), 2);
}

TEST_P(VerbsTest, KillEndsForGood) {
  auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().MaxRestarts(-1), 1);
  EXPECT_EQ(counter.Call<&Counter::Value>().Get(), 1);
  mobula::Kill(counter);
  EXPECT_THROW(counter.Call<&Counter::Value>().Get(), mobula::ActorDied);
  EXPECT_TRUE(counter.Dead());
}

TEST_P(VerbsTest, KillWithRestartMakesANewIncarnation) {
  using mobula::CallOptions;
  auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().MaxRestarts(1), 1);
  EXPECT_EQ(counter.Call<&Counter::Add>(4).Get(), 5);
  EXPECT_FALSE(counter.Call<&Counter::AboutMe>().Get().restarted);
  mobula::Kill(counter, mobula::KillOptions().Restart());
  const mobula::Ref<int> fresh = counter.Call<&Counter::Value>();
  EXPECT_EQ(fresh.Get(), 1);
  EXPECT_EQ(fresh.Incarnation(), 2);
  EXPECT_EQ(counter.Incarnation(), 2);
  const Told told = counter.Call<&Counter::AboutMe>().Get();
  EXPECT_TRUE(told.restarted);
  EXPECT_EQ(told.incarnation, 2);
  EXPECT_TRUE(told.in_actor);
  EXPECT_THROW(
      counter.Call<&Counter::Value>(CallOptions().Incarnation(1)).Get(),
      mobula::ActorRestarted);
  EXPECT_EQ(counter.Call<&Counter::Value>(CallOptions().Incarnation(2)).Get(),
            1);
  mobula::Kill(counter, mobula::KillOptions().Restart());
  EXPECT_THROW(counter.Call<&Counter::Value>().Get(), mobula::ActorDied);
}

TEST_P(VerbsTest, ExitActorAnswersAndEnds) {
  auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().MaxRestarts(-1), 3);
  EXPECT_EQ(counter.Call<&Counter::Leave>().Get(), 3);
  EXPECT_THROW(counter.Call<&Counter::Value>().Get(), mobula::ActorDied);
  EXPECT_TRUE(counter.Dead());
}

TEST_P(VerbsTest, CallsOutliveTheirHandle) {
  mobula::Ref<int> sum;
  {
    auto counter = mobula::Create<Counter>(1);
    for (int i = 0; i < 5; ++i) sum = counter.Call<&Counter::Add>(1);
  }
  EXPECT_EQ(sum.Get(), 6);
}

// ---- begin and end ----------------------------------------------------------

TEST_P(VerbsTest, RefsOutliveTheirRuntimeButAreInert) {
  const mobula::Ref<int> ref = mobula::Spawn<Add>(1, 2);
  auto counter = mobula::Create<Counter>(1);
  EXPECT_EQ(ref.Get(), 3);
  EXPECT_THROW(mobula::Init(OptionsFor(GetParam())), mobula::InitError);
  runtime_.Shutdown();
  runtime_.Shutdown();
  EXPECT_THROW(ref.Get(), mobula::RuntimeClosed);
  EXPECT_EQ(ref.TryGet().error().code(), mobula::ErrorCode::kShutdown);
  EXPECT_TRUE(ref.Ready());
  EXPECT_THROW(counter.Call<&Counter::Value>(), mobula::RuntimeClosed);
  EXPECT_TRUE(counter.Dead());
  EXPECT_THROW(mobula::Spawn<Add>(1, 2), mobula::RuntimeClosed);
  EXPECT_THROW(mobula::Put(1), mobula::RuntimeClosed);

  runtime_ = mobula::Init(OptionsFor(GetParam()));
  EXPECT_EQ(mobula::Spawn<Add>(1, 2).Get(), 3);
  EXPECT_THROW(ref.Get(), mobula::RuntimeClosed);
  EXPECT_THROW(mobula::Spawn<Add>(ref, 2), mobula::BadArgument);
}

TEST_P(VerbsTest, TheRuntimeTellsItsNode) {
  EXPECT_EQ(runtime_.Cpus(), 2);
  EXPECT_FALSE(runtime_.NodeName().empty());
  mobula::Runtime moved = std::move(runtime_);
  EXPECT_EQ(mobula::Spawn<Add>(1, 2).Get(), 3);
  moved.Shutdown();
  EXPECT_EQ(moved.Cpus(), 0);
}

TEST(InitTest, AnAddressWithoutANodeHereIsRefused) {
  ::setenv("MOBULA_ADDRESS", "127.0.0.1:1", 1);
  try {
    mobula::Init(mobula::InitOptions());
    ADD_FAILURE();
  } catch (const mobula::InitError& error) {
    EXPECT_NE(error.message().find("MOBULA_ADDRESS=127.0.0.1:1"),
              std::string::npos);
    EXPECT_NE(error.message().find("mobula start"), std::string::npos);
  }
  EXPECT_THROW(mobula::Init(mobula::InitOptions().Address("10.0.0.1:7000")),
               mobula::InitError);
  ::unsetenv("MOBULA_ADDRESS");
}

TEST(InitTest, AProgramThatIsNotThereIsNamed) {
  try {
    mobula::Init(mobula::InitOptions().Program("/no/such/mobula"));
    ADD_FAILURE();
  } catch (const mobula::InitError& error) {
    EXPECT_NE(error.message().find("/no/such/mobula"), std::string::npos);
  }
}

TEST(InitTest, FlagsAreTakenOutOfArgv) {
  std::string words[] = {"test", "--mobula-local", "x", "--mobula-cpus=7"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(),
                  words[3].data(), nullptr};
  int argc = 4;
  const mobula::Runtime runtime = mobula::Init(argc, argv);
  EXPECT_EQ(runtime.Cpus(), 7);
  ASSERT_EQ(argc, 2);
  EXPECT_STREQ(argv[1], "x");
  EXPECT_EQ(argv[2], nullptr);
}

}  // namespace
}  // namespace verbs

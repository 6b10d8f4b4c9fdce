// Functions and methods by their stable names, in local mode and on worker
// processes.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace named {

struct Point {
  std::int16_t x = 0;
  float y = 0;
};
class Label {
 public:
  Label() = default;
  explicit Label(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  MOBULA_FIELDS(Label, text_)
};
static_assert(mobula::FieldNames<Label>().size() == 1);
static_assert(mobula::FieldNames<Label>()[0] == "text_");

int Add(int a, int b) { return a + b; }
double Half(double x) { return x / 2; }
int Small(std::int8_t x) { return x; }
float Norm(const Point& point) { return point.y + point.x; }
std::string Text(const Label& label) { return label.text(); }
double Sum(std::span<const double> numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum;
}
std::size_t Length(std::string_view text) { return text.size(); }
int Follow(mobula::Ref<int> ref) { return ref.Get() + 1; }
int Overloaded(int x) { return x; }
int Overloaded(const std::string& text) {
  return static_cast<int>(text.size());
}
void Nothing() {}
std::string WhoAmI() { return mobula::CurrentTask().function; }
int Throws(int) { throw std::out_of_range("too far"); }

class Counter {
 public:
  int Add(int by) { return count_ += by; }
  [[nodiscard]] int Value() const { return count_; }
  static int Static(int x) { return x + 7; }

 private:
  int count_ = 0;
};
class Derived : public Counter {};

namespace {

static_assert(mobula::detail::IsStableName("shop.add"));
static_assert(!mobula::detail::IsStableName(""));
static_assert(!mobula::detail::IsStableName("a\tb"));

int Hidden(int x) { return x * 10; }

MOBULA_REMOTE("test.add", Add);
MOBULA_REMOTE("test.plus", Add);
MOBULA_REMOTE("test.half", Half);
MOBULA_REMOTE("test.small", Small);
MOBULA_REMOTE("test.norm", Norm);
MOBULA_REMOTE("test.text", Text);
MOBULA_REMOTE("test.sum", Sum);
MOBULA_REMOTE("test.length", Length);
MOBULA_REMOTE("test.follow", Follow);
MOBULA_REMOTE("test.size",
              static_cast<int (*)(const std::string&)>(Overloaded));
MOBULA_REMOTE("test.nothing", Nothing);
MOBULA_REMOTE("test.who", WhoAmI);
MOBULA_REMOTE("test.throws", Throws);
MOBULA_REMOTE("test.hidden", Hidden);
MOBULA_REMOTE("test.lambda", [](int x) { return x + 1; });
MOBULA_REMOTE("Counter.Add", &Counter::Add);
MOBULA_REMOTE("Counter.Value", &Counter::Value);
MOBULA_REMOTE("Counter.Static", &Counter::Static);

using mobula::ErrorCode;
using mobula::SpawnNamed;
using std::chrono::seconds;

enum class Mode { kLocal, kWorkers };

class NamedTest : public testing::TestWithParam<Mode> {
 protected:
  template <class R>
  static mobula::Error ErrorOf(const mobula::Ref<R>& ref) {
    const auto result = ref.TryGet(seconds(60));
    EXPECT_FALSE(result.ok());
    return result.error();
  }
  static void ExpectRefused(const mobula::Error& error, ErrorCode code,
                            const std::vector<std::string>& parts) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(error.executed(), mobula::Executed::kNo) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << error.what();
    }
  }

  mobula::Runtime runtime_ = mobula::Init(
      GetParam() == Mode::kLocal ? mobula::InitOptions().Local().Cpus(2)
                                 : mobula::InitOptions().Cpus(2));
};

INSTANTIATE_TEST_SUITE_P(Modes, NamedTest,
                         testing::Values(Mode::kLocal, Mode::kWorkers),
                         [](const auto& info) {
                           return info.param == Mode::kLocal ? "Local"
                                                             : "Workers";
                         });

TEST_P(NamedTest, FunctionsAreCalledByTheirNames) {
  EXPECT_EQ(SpawnNamed<int>("test.add", 2, 3).Get(), 5);
  EXPECT_EQ(SpawnNamed<int>("test.plus", 2, 3).Get(), 5);
  EXPECT_EQ(SpawnNamed<int>("test.size", "four").Get(), 4);
  EXPECT_EQ(SpawnNamed<int>("test.hidden", 3).Get(), 30);
  EXPECT_EQ(SpawnNamed<int>("test.lambda", 3).Get(), 4);
  EXPECT_EQ(SpawnNamed<int>("Counter.Static", 3).Get(), 10);
  EXPECT_EQ(SpawnNamed<std::string>("test.who").Get(), "test.who");
  SpawnNamed<void>("test.nothing").Get();
  SpawnNamed<void>("test.add", 2, 3).Get();
  EXPECT_EQ(mobula::Spawn<Add>(1, 1).Get(), 2) << "by its key, too";
}

TEST_P(NamedTest, ArgumentsConvertWhereTheirValueFits) {
  EXPECT_EQ(SpawnNamed<long>("test.add", std::int64_t{2}, 3u).Get(), 5);
  EXPECT_EQ(SpawnNamed<double>("test.half", 5).Get(), 2.5);
  EXPECT_EQ(SpawnNamed<int>("test.small", 127).Get(), 127);
  EXPECT_EQ(SpawnNamed<float>("test.norm", std::tuple(3, 0.5)).Get(), 3.5F);
  EXPECT_EQ(SpawnNamed<std::string>("test.text", Label("x")).Get(), "x");
  EXPECT_EQ(
      SpawnNamed<std::size_t>("test.length", std::string(9000, 'x')).Get(),
      9000u);
  const std::vector<double> numbers(10'000, 0.5);
  EXPECT_EQ(SpawnNamed<double>("test.sum", numbers).Get(), 5000);
  EXPECT_EQ(SpawnNamed<double>("test.sum", std::span(numbers)).Get(), 5000);
}

TEST_P(NamedTest, ARefStandsForItsValue) {
  const mobula::Ref<int> two = mobula::Spawn<Add>(1, 1);
  EXPECT_EQ(SpawnNamed<int>("test.add", two, 3).Get(), 5);
  EXPECT_EQ(SpawnNamed<int>("test.follow", mobula::Put(two)).Get(), 3);
  const auto numbers = mobula::Put(std::vector<double>(10'000, 0.5));
  EXPECT_EQ(SpawnNamed<double>("test.sum", numbers).Get(), 5000);
  EXPECT_EQ(SpawnNamed<double>("test.sum", numbers.GetView()).Get(), 5000);
}

TEST_P(NamedTest, AnArgumentThatDoesNotFitIsNamed) {
  ExpectRefused(ErrorOf(SpawnNamed<int>("test.small", 1, 2)),
                ErrorCode::kDecode,
                {"test.small", "takes 1 arguments", "the call has 2"});
  ExpectRefused(ErrorOf(SpawnNamed<int>("test.small", 128)), ErrorCode::kDecode,
                {"test.small", "argument 1", "[-128, 127]", "an integer"});
  ExpectRefused(ErrorOf(SpawnNamed<int>("test.add", 1, "two")),
                ErrorCode::kDecode,
                {"test.add", "argument 2 is no int", "expected an integer",
                 "found a string"});
  ExpectRefused(ErrorOf(SpawnNamed<double>("test.sum", std::vector<float>(3))),
                ErrorCode::kDecode, {"test.sum", "argument 1"});
  ExpectRefused(ErrorOf(SpawnNamed<std::string>(
                    "test.text", std::map<std::string, int>{{"text_", 5}})),
                ErrorCode::kDecode,
                {"test.text", "argument 1", "in field text_"});
}

TEST_P(NamedTest, AResultOfAnotherTypeIsNotDecoded) {
  const mobula::Error error =
      ErrorOf(SpawnNamed<std::string>("test.add", 2, 3));
  EXPECT_EQ(error.code(), ErrorCode::kDecode) << error.what();
}

TEST_P(NamedTest, ANameThatNobodyHasIsToldWithNearOnes) {
  ExpectRefused(ErrorOf(SpawnNamed<int>("test.ad", 2, 3)),
                ErrorCode::kNoSuchFunction,
                {"\"test.ad\"", "near are", " test.add"});
  ExpectRefused(ErrorOf(SpawnNamed<int>("quite different from all", 2, 3)),
                ErrorCode::kNoSuchFunction, {"18 names, none of them near"});
  mobula::TaskOptions options;
  options.Name("mine");
  ExpectRefused(ErrorOf(SpawnNamed<int>(options, "Test.Add", 2, 3)),
                ErrorCode::kNoSuchFunction,
                {"mine", "\"Test.Add\"", " test.add"});
}

TEST_P(NamedTest, ExceptionsTravelAsAlways) {
  try {
    SpawnNamed<int>("test.throws", 1).Get();
    FAIL();
  } catch (const std::out_of_range& error) {
    EXPECT_NE(std::string(error.what()).find("too far"), std::string::npos);
  }
}

TEST_P(NamedTest, NamesThatCannotBeAreRefused) {
  EXPECT_THROW(SpawnNamed<int>("", 1), mobula::BadArgument);
  EXPECT_THROW(SpawnNamed<int>("a\nb", 1), mobula::BadArgument);
  EXPECT_THROW(SpawnNamed<int>(std::string(257, 'x'), 1), mobula::BadArgument);
}

TEST_P(NamedTest, MethodsAreCalledByTheirNames) {
  const auto counter = mobula::Create<Counter>();
  EXPECT_EQ(counter.CallNamed<int>("Counter.Add", 2).Get(), 2);
  EXPECT_EQ(counter.Call<&Counter::Add>(3).Get(), 5);
  EXPECT_EQ(
      counter.CallNamed<long>(mobula::CallOptions().Retries(1), "Counter.Value")
          .Get(),
      5);
  ExpectRefused(ErrorOf(counter.CallNamed<int>("Counter.Adds", 1)),
                ErrorCode::kNoSuchFunction,
                {"\"Counter.Adds\"", " Counter.Add"});
  ExpectRefused(ErrorOf(counter.CallNamed<int>("Counter.Add", "x")),
                ErrorCode::kDecode, {"Counter.Add", "argument 1"});
  EXPECT_EQ(counter.CallNamed<int>("Counter.Value").Get(), 5);
}

TEST_P(NamedTest, WhatIsNoMethodOfTheActorIsRefused) {
  const auto counter = mobula::Create<Counter>();
  const auto derived = mobula::Create<Derived>();
  ExpectRefused(ErrorOf(SpawnNamed<int>("Counter.Value")),
                ErrorCode::kNoSuchFunction, {"it is a method"});
  ExpectRefused(ErrorOf(counter.CallNamed<int>("test.hidden", 1)),
                ErrorCode::kNoSuchFunction, {"it is no method"});
  ExpectRefused(ErrorOf(derived.CallNamed<int>("Counter.Value")),
                ErrorCode::kNoSuchFunction,
                {"not a method of the actor's own class", "Derived"});
  EXPECT_EQ(derived.Call<&Counter::Add>(1).Get(), 1);
}

}  // namespace
}  // namespace named

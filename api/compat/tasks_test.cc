// ray::Task, Put, Get and Wait, and what travels as an argument.
#include <ray/api.h>
#include <unistd.h>

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/compat/ray_fixture.h"
#include "api/test_fifo.h"

namespace ray_tests {
namespace {

int Plus(int x, int y) { return x + y; }
int Sum(int x) { return x; }
int Sum(int x, int y) { return x + y; }
double Half(double x) { return x / 2; }
void Nothing() {}
int Pid() { return ::getpid(); }
std::string Join(const std::string& a, std::string& b, std::string&& c) {
  b += "!";
  return a + b + c;
}
std::size_t Length(std::string_view text) { return text.size(); }
int Small(std::uint8_t x) { return x; }
std::vector<double> Scale(const std::vector<double>& v, double by) {
  std::vector<double> scaled;
  for (const double x : v) scaled.push_back(x * by);
  return scaled;
}
using Tables = std::map<std::string, std::vector<std::pair<int, bool>>>;
Tables Twice(Tables tables) {
  for (auto& [name, table] : tables) {
    for (auto& [number, flag] : table) number *= 2;
  }
  return tables;
}
std::optional<std::string> Maybe(std::optional<int> n) {
  if (!n) return std::nullopt;
  return std::to_string(*n);
}
std::set<int> Union(const std::set<int>& a, std::list<int> b) {
  std::set<int> all = a;
  all.insert(b.begin(), b.end());
  return all;
}
int Fibonacci(int n);
int AwaitFifo(const std::string& fifo) {
  mobula::AwaitOpen(fifo);
  return 1;
}
template <class T>
T Identity(T x) {
  return x;
}
const auto kTriple = [](int x) { return 3 * x; };
struct Maths {
  static int Square(int x) { return x * x; }
};

int Depth(int levels);
RAY_REMOTE(Plus, RAY_FUNC(Sum, int), RAY_FUNC(Sum, int, int), Half);
RAY_REMOTE(Nothing, Pid, Join, Length, Small, Scale, Twice, Maybe, Union,
           Fibonacci, AwaitFifo, Depth)
RAY_REMOTE(Identity<int>, Identity<std::pair<int, std::string>>, kTriple,
           Maths::Square);

int Fibonacci(int n) {
  if (n < 2) return n;
  auto a = ray::Task(Fibonacci).Remote(n - 1);
  auto b = ray::Task(Fibonacci).Remote(n - 2);
  return *a.Get() + *ray::Get(b);
}

int Depth(int levels) {
  return levels == 0 ? 0 : 1 + *ray::Task(Depth).Remote(levels - 1).Get();
}

class RayTasks : public RayTest {};

TEST_P(RayTasks, RunFunctionsOfAllKinds) {
  EXPECT_EQ(*ray::Get(ray::Task(Plus).Remote(1, 2)), 3);
  EXPECT_EQ(*ray::Task(RAY_FUNC(Sum, int)).Remote(4).Get(), 4);
  EXPECT_EQ(*ray::Task(RAY_FUNC(Sum, int, int)).Remote(4, 5).Get(), 9);
  EXPECT_EQ(*ray::Task(Identity<int>).Remote(7).Get(), 7);
  EXPECT_EQ(ray::Task(Identity<std::pair<int, std::string>>)
                .Remote(std::make_pair(1, std::string("a")))
                .Get()
                ->second,
            "a");
  EXPECT_EQ(*ray::Task(kTriple).Remote(5).Get(), 15);
  EXPECT_EQ(*ray::Task(Maths::Square).Remote(5).Get(), 25);
  ray::ObjectRef<void> nothing = ray::Task(Nothing).Remote();
  nothing.Get();
  nothing.Get(1000);
  ray::Get(nothing);
}

TEST_P(RayTasks, RunElsewhere) {
  const bool is_here = *ray::Task(Pid).Remote().Get() == ::getpid();
  EXPECT_EQ(is_here, is_local());
}

TEST_P(RayTasks, ConvertArguments) {
  EXPECT_EQ(*ray::Task(Half).Remote(3).Get(), 1.5);
  EXPECT_EQ(*ray::Task(Plus).Remote(3L, static_cast<short>(-1)).Get(), 2);
  EXPECT_EQ(*ray::Task(Join).Remote("a", "b", std::string("c")).Get(), "ab!c");
  EXPECT_EQ(*ray::Task(Length).Remote("four").Get(), 4U);
  EXPECT_EQ(*ray::Task(Length).Remote(std::string("six...")).Get(), 6U);
  std::string lasting = "x";
  EXPECT_EQ(*ray::Task(Join).Remote(lasting, lasting, lasting).Get(), "xx!x");
  EXPECT_EQ(lasting, "x");
}

TEST_P(RayTasks, RefuseNumbersThatDoNotFit) {
  EXPECT_EQ(*ray::Task(Small).Remote(255).Get(), 255);
  const std::string text = TextOf<ray::internal::RayTaskException>(
      [] { ray::Task(Small).Remote(300).Get(); });
  EXPECT_TRUE(Contains(text, "Small")) << text;
  EXPECT_TRUE(Contains(text, "argument 1")) << text;
}

TEST_P(RayTasks, PassContainers) {
  EXPECT_EQ(*ray::Task(Scale).Remote(std::vector<double>{1, 2}, 3).Get(),
            (std::vector<double>{3, 6}));
  const Tables tables{{"a", {{1, true}, {2, false}}}, {"b", {}}};
  EXPECT_EQ(ray::Task(Twice).Remote(tables).Get()->at("a")[1].first, 4);
  EXPECT_EQ(*ray::Task(Maybe).Remote(5).Get(), "5");
  EXPECT_EQ(*ray::Task(Maybe).Remote(std::nullopt).Get(), std::nullopt);
  EXPECT_EQ(*ray::Task(Union).Remote(std::set<int>{1}, std::list<int>{2}).Get(),
            (std::set<int>{1, 2}));
}

TEST_P(RayTasks, PassLargeValues) {
  const std::vector<double> large(1'000'000, 0.5);
  const auto scaled = ray::Task(Scale).Remote(ray::Put(large), 2).Get();
  EXPECT_EQ(*scaled, std::vector<double>(1'000'000, 1));
}

TEST_P(RayTasks, TakeRefsForValues) {
  const ray::ObjectRef<int> one = ray::Put(1);
  auto two = ray::Task(Plus).Remote(one, one);
  auto four = ray::Task(Plus).Remote(two, two);
  EXPECT_EQ(*ray::Task(Half).Remote(four).Get(), 2);  // an int for a double
}

TEST_P(RayTasks, CallTasks) {
  EXPECT_EQ(*ray::Task(Fibonacci).Remote(8).Get(), 21);
}

// Each that waits holds a process.
TEST_P(RayTasks, CallTasksThatCallTasks) {
  EXPECT_EQ(*ray::Task(Depth).Remote(80).Get(), 80);
}

TEST_P(RayTasks, AreGotTogether) {
  std::vector<ray::ObjectRef<int>> refs;
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    refs.push_back(ray::Task(Plus).Remote(i, i));
    ids.push_back(refs.back().ID());
  }
  const std::vector<std::shared_ptr<int>> values = ray::Get(refs);
  ASSERT_EQ(values.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*values[i], 2 * i);
  EXPECT_EQ(*ray::Get<int>(ids)[99], 198);
  EXPECT_EQ(*ray::Get<int>(ids, 10'000)[1], 2);
  EXPECT_EQ(*ray::Get(refs, 10'000)[2], 4);
  ray::Get(std::vector<ray::ObjectRef<void>>{ray::Task(Nothing).Remote()});
  EXPECT_TRUE(ray::Get(std::vector<ray::ObjectRef<int>>()).empty());
}

TEST_P(RayTasks, HoldResources) {
  EXPECT_EQ(*ray::Task(Plus)
                 .SetName("plus")
                 .SetResource("CPU", 1)
                 .SetResource("CPU", 2)  // the first counts
                 .SetResource("disk", 3)
                 .Remote(1, 1)
                 .Get(),
            2);
  EXPECT_EQ(*ray::Task(Plus)
                 .SetResource("disk", 1000)
                 .SetResources({{"GPU", 1}, {"disk", 0.5}})
                 .Remote(1, 1)
                 .Get(),
            2);
}

TEST_P(RayTasks, RefuseResourcesThatMakeNoSense) {
  using ray::internal::RayException;
  EXPECT_THROW(ray::Task(Plus).SetResource("CPU", 0).Remote(1, 1),
               RayException);
  EXPECT_THROW(ray::Task(Plus).SetResource("", 1).Remote(1, 1), RayException);
  EXPECT_THROW(ray::Task(Plus).SetResource("disk", 1.5).Remote(1, 1),
               RayException);
  if (!is_local()) {
    EXPECT_THROW(ray::Task(Plus).SetResource("disk", -1).Remote(1, 1),
                 RayException);
  }
  ray::internal::CheckTaskOptions({{"a", 0.5}, {"b", 3}});
}

TEST_P(RayTasks, ThatNodesCannotHoldAreRefused) {
  const auto ref = ray::Task(Plus).SetResource("moons", 1).Remote(1, 1);
  if (is_local()) {
    EXPECT_EQ(*ref.Get(), 2);
  } else {
    EXPECT_THROW(ref.Get(20'000), ray::internal::RayException);
  }
}

TEST_P(RayTasks, MustBeRegistered) {
  const auto stranger = [](int x) { return x; };
  const std::string text =
      TextOf<ray::internal::RayException>([&] { ray::Task(stranger); });
  EXPECT_TRUE(Contains(text, "Function not found. Please use RAY_REMOTE"));
}

INSTANTIATE_TEST_SUITE_P(, RayTasks, testing::Bool(), ModeName);

// What takes more than one thread.
class RayWaits : public RayTest {
 protected:
  const mobula::TestFolder folder_;
  const mobula::Fifo gate_{folder_.Path("gate")};
};

TEST_P(RayWaits, ForSome) {
  std::vector<ray::ObjectRef<int>> refs{
      ray::Task(Plus).Remote(1, 1),
      ray::Task(AwaitFifo).Remote(gate_.path()),
      ray::Task(Plus).Remote(2, 2),
  };
  const ray::WaitResult<int> two = ray::Wait(refs, 2, -1);
  ASSERT_EQ(two.ready.size(), 2U);
  EXPECT_TRUE(two.ready.front() == refs[0]);
  EXPECT_TRUE(two.ready.back() == refs[2]);
  ASSERT_EQ(two.unready.size(), 1U);
  EXPECT_TRUE(two.unready.front() == refs[1]);

  const auto none = ray::Wait(refs, 3, 50);
  EXPECT_EQ(none.ready.size(), 2U);
  EXPECT_EQ(none.unready.size(), 1U);

  EXPECT_THROW(refs[1].Get(20), ray::internal::RayTimeoutException);
  EXPECT_THROW(ray::Get(refs, 20), ray::internal::RayTimeoutException);
  gate_.Open();
  EXPECT_EQ(ray::Wait(refs, 3, -1).ready.size(), 3U);
  EXPECT_EQ(*refs[1].Get(0), 1);
}

// More of them than there are CPUs: a task asks for none.
TEST_P(RayWaits, InMoreTasksThanCpus) {
  std::vector<ray::ObjectRef<int>> refs;
  for (int i = 0; i < 6; ++i) {
    refs.push_back(ray::Task(AwaitFifo).Remote(gate_.path()));
  }
  auto quick = ray::Task(Plus).Remote(1, 1);
  EXPECT_EQ(*quick.Get(60'000), 2);
  for (int i = 0; i < 6; ++i) gate_.Open();
  EXPECT_EQ(ray::Get(refs).size(), 6U);
}

INSTANTIATE_TEST_SUITE_P(, RayWaits, testing::Values(false), ModeName);

TEST_P(RayTasks, WaitRefusesWhatMakesNoSense) {
  using ray::internal::RayException;
  const ray::ObjectRef<int> one = ray::Put(1);
  std::vector<ray::ObjectRef<int>> refs{one};
  EXPECT_EQ(TextOf<RayException>([&] { ray::Wait(refs, 0, 1000); }),
            "Number of objects to wait for must be between 1 and the number of "
            "ids.");
  EXPECT_THROW(ray::Wait(refs, 2, 1000), RayException);
  refs.push_back(one);
  EXPECT_EQ(TextOf<RayException>([&] { ray::Wait(refs, 1, 1000); }),
            "Duplicate object IDs not supported in wait.");
}

}  // namespace
}  // namespace ray_tests

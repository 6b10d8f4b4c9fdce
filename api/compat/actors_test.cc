// ray::Actor, its handles, names, deaths and restarts.
#include <ray/api.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/compat/ray_fixture.h"
#include "api/test_fifo.h"

namespace ray_tests {
namespace {

using ray::internal::RayActorException;
using ray::internal::RayException;
using ray::internal::RayTaskException;

class Counter {
 public:
  explicit Counter(int count) : count_(count) {}
  static Counter* FactoryCreate() { return new Counter(0); }
  static Counter* FactoryCreate(int count) { return new Counter(count); }
  static Counter* Named(const std::string& name, int count) {
    Counter* const counter = new Counter(count);
    counter->name_ = name;
    return counter;
  }
  static Counter* Fail() { throw std::domain_error("no counter today"); }
  static Counter* Null() { return nullptr; }

  int Add(int x) { return count_ += x; }
  int Count() const noexcept { return count_; }
  const std::string& NameOf() const { return name_; }
  std::string Name() const { return name_; }
  int Pid() { return ::getpid(); }
  void Throw() { throw std::out_of_range("beyond"); }
  int AddAll(const std::vector<int>& numbers) {
    for (const int x : numbers) count_ += x;
    return count_;
  }
  bool Restarted() { return ray::WasCurrentActorRestarted(); }
  void Die() { ::kill(::getpid(), SIGKILL); }
  void Exit() { ray::ExitActor(); }
  int AddByHandle(ray::ActorHandle<Counter> other, int x) {
    return *other.Task(&Counter::Add).Remote(x).Get();
  }
  int Strange() { return 0; }  // not registered

 private:
  int count_;
  std::string name_;
};
RAY_REMOTE(RAY_FUNC(Counter::FactoryCreate),
           RAY_FUNC(Counter::FactoryCreate, int), Counter::Named, Counter::Fail,
           Counter::Null);
RAY_REMOTE(&Counter::Add, &Counter::Count, &Counter::Name, &Counter::Pid,
           &Counter::Throw, &Counter::AddAll, &Counter::Restarted,
           &Counter::Die, &Counter::Exit, &Counter::AddByHandle);

ray::ActorHandle<Counter> MakeCounter(int count) {
  return ray::Actor(RAY_FUNC(Counter::FactoryCreate, int)).Remote(count);
}
int AddIn(const ray::ActorHandle<Counter>& counter, int x) {
  return *counter.Task(&Counter::Add).Remote(x).Get();
}
int AddInAll(std::map<std::string, ray::ActorHandle<Counter>> counters) {
  int sum = 0;
  for (const auto& [name, counter] : counters) sum += AddIn(counter, 1);
  return sum;
}
int AddById(const std::string& id) {
  return AddIn(ray::ActorHandle<Counter>(id), 10);
}
int AddByName(const std::string& name) {
  boost::optional<ray::ActorHandle<Counter>> counter =
      ray::GetActor<Counter>(name);
  return counter ? AddIn(*counter, 1) : -1;
}
std::string NamespaceHere() { return ray::GetNamespace(); }
void ExitNothing() { ray::ExitActor(); }
RAY_REMOTE(MakeCounter, AddIn, AddInAll, AddById, AddByName, NamespaceHere,
           ExitNothing);

// With two bases, so that the second one's part is not where the object is.
struct First {
  virtual ~First() = default;
  virtual std::string Speak() { return "first"; }
  std::string a = "a";
};
struct Second {
  virtual ~Second() = default;
  virtual std::string Cry() { return "second"; }
  std::string OfSecond() const { return b; }
  std::string b = "b";
};
struct Both : First, Second {
  static Both* Create() { return new Both; }
  static First* CreateAsFirst() { return new Both; }
  std::string Speak() override { return "both speak"; }
  std::string Cry() override { return "both cry"; }
};
RAY_REMOTE(Both::Create, Both::CreateAsFirst, &First::Speak, &Second::Cry,
           &Second::OfSecond);

class Gate {
 public:
  static Gate* Create(std::string path) { return new Gate{std::move(path)}; }
  int Pass() {
    mobula::AwaitOpen(path);
    return 1;
  }
  int Look() { return 2; }
  std::string path;
};
RAY_REMOTE(Gate::Create, &Gate::Pass, &Gate::Look);

class RayActors : public RayTest {};

auto NewCounter(int count) {
  return ray::Actor(RAY_FUNC(Counter::FactoryCreate, int)).Remote(count);
}

TEST_P(RayActors, RunTheirMethods) {
  ray::ActorHandle<Counter> counter =
      ray::Actor(RAY_FUNC(Counter::FactoryCreate)).Remote();
  EXPECT_EQ(*counter.Task(&Counter::Add).Remote(3).Get(), 3);
  ray::ObjectRef<int> six = counter.Task(&Counter::Add).Remote(3);
  EXPECT_EQ(*ray::Get(counter.Task(&Counter::Add).Remote(six)), 12);
  EXPECT_EQ(*counter.Task(&Counter::Count).Remote().Get(), 12);
  const auto named = ray::Actor(Counter::Named).Remote("anna", 1);
  EXPECT_EQ(*named.Task(&Counter::Name).Remote().Get(), "anna");
  EXPECT_EQ(*named.Task(&Counter::AddAll).Remote(std::vector{1, 2}).Get(), 4);
  EXPECT_EQ(*counter.Task(&Counter::Pid).Remote().Get() == ::getpid(),
            is_local());
  EXPECT_FALSE(*counter.Task(&Counter::Restarted).Remote().Get());
}

TEST_P(RayActors, RunCallsInOrder) {
  const auto counter = NewCounter(0);
  std::vector<ray::ObjectRef<int>> refs;
  for (int i = 0; i < 200; ++i) {
    refs.push_back(counter.Task(&Counter::Add).Remote(1));
  }
  const auto counts = ray::Get(refs);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(*counts[i], i + 1);
}

TEST_P(RayActors, HaveMethodsOfTheirBases) {
  const auto both = ray::Actor(Both::Create).Remote();
  for (int twice = 0; twice < 2; ++twice) {
    EXPECT_EQ(*both.Task(&First::Speak).Remote().Get(), "both speak");
    EXPECT_EQ(*both.Task(&Second::Cry).Remote().Get(), "both cry");
    EXPECT_EQ(*both.Task(&Second::OfSecond).Remote().Get(), "b");
  }
  const ray::ActorHandle<First> first =
      ray::Actor(Both::CreateAsFirst).Remote();
  EXPECT_EQ(*first.Task(&First::Speak).Remote().Get(), "both speak");
}

TEST_P(RayActors, SayWhatTheyThrow) {
  const auto counter = NewCounter(0);
  const std::string text = TextOf<RayTaskException>(
      [&] { counter.Task(&Counter::Throw).Remote().Get(); });
  EXPECT_TRUE(Contains(text, "std::out_of_range")) << text;
  EXPECT_TRUE(Contains(text, "beyond")) << text;
  EXPECT_TRUE(Contains(text, "Counter::Throw")) << text;
  EXPECT_EQ(*counter.Task(&Counter::Add).Remote(1).Get(), 1);  // it lives
}

TEST_P(RayActors, ThatCannotBeMadeSayWhy) {
  const auto failed = ray::Actor(Counter::Fail).Remote();
  const std::string text = TextOf<RayActorException>(
      [&] { failed.Task(&Counter::Add).Remote(1).Get(); });
  EXPECT_TRUE(Contains(text, "no counter today")) << text;
  const auto null = ray::Actor(Counter::Null).Remote();
  EXPECT_THROW(null.Task(&Counter::Add).Remote(1).Get(), RayActorException);
}

TEST_P(RayActors, AreKilled) {
  const auto counter = NewCounter(0);
  EXPECT_EQ(*counter.Task(&Counter::Add).Remote(1).Get(), 1);
  counter.Kill();
  EXPECT_THROW(counter.Task(&Counter::Add).Remote(1).Get(), RayActorException);
}

TEST_P(RayActors, ExitByThemselves) {
  const auto counter = NewCounter(0);
  EXPECT_THROW(counter.Task(&Counter::Exit).Remote().Get(), RayActorException);
  EXPECT_THROW(counter.Task(&Counter::Add).Remote(1).Get(), RayActorException);
}

TEST_P(RayActors, AloneCanExit) {
  EXPECT_THROW(ray::ExitActor(), std::logic_error);
  const std::string text =
      TextOf<RayTaskException>([] { ray::Task(ExitNothing).Remote().Get(); });
  EXPECT_TRUE(Contains(text, "std::logic_error")) << text;
  EXPECT_FALSE(ray::WasCurrentActorRestarted());
}

TEST_P(RayActors, AreFoundByTheirNames) {
  auto counter = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int))
                     .SetName("counter")
                     .Remote(5);
  boost::optional<ray::ActorHandle<Counter>> found =
      ray::GetActor<Counter>("counter");
  ASSERT_TRUE(found);
  EXPECT_EQ(*(*found).Task(&Counter::Add).Remote(1).Get(), 6);
  EXPECT_EQ(found->ID(), counter.ID());
  EXPECT_EQ(*ray::Task(AddByName).Remote("counter").Get(), 7);
  EXPECT_FALSE(ray::GetActor<Counter>("nobody"));
  EXPECT_FALSE(ray::GetActor<Counter>(""));
  EXPECT_EQ(*ray::Task(AddByName).Remote("nobody").Get(), -1);
  EXPECT_TRUE(ray::GetActor("counter").has_value());
  EXPECT_FALSE(ray::GetActor<Counter>("counter", "elsewhere"));

  const std::string text = TextOf<RayException>([] {
    ray::Actor(RAY_FUNC(Counter::FactoryCreate, int))
        .SetName("counter")
        .Remote(0);
  });
  EXPECT_TRUE(Contains(text, "Create actor error")) << text;

  const auto other = ray::Actor(Counter::Named)
                         .SetName("counter", "elsewhere")
                         .Remote("there", 0);
  const auto there = ray::GetActor<Counter>("counter", "elsewhere");
  ASSERT_TRUE(there);
  EXPECT_EQ(*there->Task(&Counter::Name).Remote().Get(), "there");
}

TEST_P(RayActors, LeaveTheirNames) {
  auto first = ray::Actor(Counter::Named).SetName("one").Remote("first", 0);
  EXPECT_EQ(*first.Task(&Counter::Name).Remote().Get(), "first");
  first.Kill();
  EXPECT_THROW(first.Task(&Counter::Name).Remote().Get(), RayActorException);
  // The control store hears of it a moment later.
  for (int tries = 0; ray::GetActor<Counter>("one"); ++tries) {
    ASSERT_LT(tries, 100'000);
  }
  auto second = ray::Actor(Counter::Named).SetName("one").Remote("second", 0);
  EXPECT_EQ(*second.Task(&Counter::Name).Remote().Get(), "second");
}

TEST_P(RayActors, TravelAsHandles) {
  const auto counter = NewCounter(0);
  EXPECT_EQ(*ray::Task(AddIn).Remote(counter, 5).Get(), 5);
  EXPECT_EQ(*ray::Task(AddById).Remote(counter.ID()).Get(), 15);
  const auto other = NewCounter(100);
  EXPECT_EQ(*other.Task(&Counter::AddByHandle).Remote(counter, 1).Get(), 16);
  std::map<std::string, ray::ActorHandle<Counter>> counters{{"a", counter},
                                                            {"b", other}};
  EXPECT_EQ(*ray::Task(AddInAll).Remote(counters).Get(), 17 + 101);
  const auto put = ray::Put(counter);
  EXPECT_EQ(*put.Get()->Task(&Counter::Count).Remote().Get(), 17);
  const auto from = ray::ActorHandle<Counter>::FromBytes(counter.ID());
  EXPECT_EQ(*from.Task(&Counter::Count).Remote().Get(), 17);
}

TEST_P(RayActors, AreMadeByTasks) {
  const ray::ActorHandle<Counter> counter =
      *ray::Task(MakeCounter).Remote(7).Get();
  EXPECT_EQ(*counter.Task(&Counter::Add).Remote(1).Get(), 8);
  EXPECT_EQ(*ray::Task(AddIn).Remote(counter, 1).Get(), 9);
  counter.Kill();
  // Its owner, another process, is told; calls may come before that.
  EXPECT_THROW(
      {
        for (int i = 0; i < 100'000; ++i) {
          counter.Task(&Counter::Add).Remote(1).Get();
        }
      },
      RayActorException);
}

TEST_P(RayActors, LiveWithoutHandles) {
  std::string id;
  {
    const auto counter = NewCounter(3);
    id = counter.ID();
  }
  EXPECT_EQ(*ray::Task(AddById).Remote(id).Get(), 13);
}

TEST_P(RayActors, HoldResources) {
  const auto counter = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int))
                           .SetResources({{"CPU", 1}, {"disk", 2}})
                           .SetResource("GPU", 1)
                           .SetMaxRestarts(1)
                           .Remote(1);
  EXPECT_EQ(*counter.Task(&Counter::Add).SetResource("CPU", 1).Remote(1).Get(),
            2);
  EXPECT_THROW(ray::Actor(RAY_FUNC(Counter::FactoryCreate, int))
                   .SetResource("disk", 2.5)
                   .Remote(1),
               RayException);
}

TEST_P(RayActors, MustBeRegistered) {
  const auto counter = NewCounter(0);
  EXPECT_THROW(counter.Task(&Counter::Strange).Remote(), RayException);
  const auto stranger = +[]() { return new Counter(0); };
  auto creator = ray::Actor(stranger);
  EXPECT_THROW(creator.Remote(), RayException);
  const ray::ActorHandle<Counter> nobody;
  EXPECT_EQ(nobody.ID(), "");
  EXPECT_THROW(nobody.Task(&Counter::Add).Remote(1), RayException);
  EXPECT_THROW(nobody.Kill(), RayException);
  const ray::ActorHandle<Counter> wrong("no id at all");
  EXPECT_THROW(wrong.Task(&Counter::Add).Remote(1), RayException);
}

TEST_P(RayActors, KnowTheirNamespace) {
  EXPECT_FALSE(ray::GetNamespace().empty());
  EXPECT_EQ(*ray::Task(NamespaceHere).Remote().Get(), ray::GetNamespace());
}

TEST_P(RayActors, OfOtherLanguagesAreRefused) {
  EXPECT_THROW(ray::Task(ray::PyFunction<int>{"module", "f"}).Remote(1, "two"),
               RayException);
  EXPECT_THROW(ray::Task(ray::JavaFunction<int>{"Class", "f"}).Remote(1),
               RayException);
  EXPECT_THROW(ray::Actor(ray::PyActorClass{"module", "Class"}).Remote(1),
               RayException);
  EXPECT_THROW(ray::Actor(ray::JavaActorClass{"Class"}).Remote(), RayException);
  const ray::ActorHandleXlang handle;
  EXPECT_THROW(handle.Task(ray::PyActorMethod<int>{"f"}).Remote(1),
               RayException);
}

TEST_P(RayActors, HaveNoPlacementGroups) {
  const ray::PlacementGroupCreationOptions options{
      "group", {{{"CPU", 1}}}, ray::PlacementStrategy::PACK};
  const std::string text =
      TextOf<RayException>([&] { ray::CreatePlacementGroup(options); });
  EXPECT_TRUE(Contains(text, "Placement groups are not supported")) << text;
  const ray::PlacementGroup group("id", options);
  EXPECT_THROW(ray::Actor(RAY_FUNC(Counter::FactoryCreate, int))
                   .SetPlacementGroup(group, 0),
               RayException);
}

INSTANTIATE_TEST_SUITE_P(, RayActors, testing::Bool(), ModeName);

// Deaths of processes.
class RayActorLives : public RayTest {};

TEST_P(RayActorLives, EndWithTheirProcess) {
  const auto counter = NewCounter(0);
  EXPECT_THROW(counter.Task(&Counter::Die).Remote().Get(), RayActorException);
  EXPECT_THROW(counter.Task(&Counter::Add).Remote(1).Get(), RayActorException);
}

TEST_P(RayActorLives, BeginAnew) {
  const auto counter = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int))
                           .SetMaxRestarts(1)
                           .Remote(10);
  EXPECT_EQ(*counter.Task(&Counter::Add).Remote(1).Get(), 11);
  const int pid = *counter.Task(&Counter::Pid).Remote().Get();
  EXPECT_THROW(counter.Task(&Counter::Die).Remote().Get(), RayActorException);
  EXPECT_EQ(*counter.Task(&Counter::Add).Remote(1).Get(), 11);
  EXPECT_NE(*counter.Task(&Counter::Pid).Remote().Get(), pid);
  EXPECT_TRUE(*counter.Task(&Counter::Restarted).Remote().Get());
  EXPECT_THROW(counter.Task(&Counter::Die).Remote().Get(), RayActorException);
  EXPECT_THROW(counter.Task(&Counter::Add).Remote(1).Get(), RayActorException);
}

TEST_P(RayActorLives, AreKilledToBeginAnew) {
  const auto counter = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int))
                           .SetMaxRestarts(-1)
                           .Remote(10);
  const int pid = *counter.Task(&Counter::Pid).Remote().Get();
  counter.Kill(false);
  EXPECT_NE(*counter.Task(&Counter::Pid).Remote().Get(), pid);
  EXPECT_TRUE(*counter.Task(&Counter::Restarted).Remote().Get());
  counter.Kill(true);
  EXPECT_THROW(counter.Task(&Counter::Add).Remote(1).Get(), RayActorException);
}

TEST_P(RayActorLives, RunSeveralCallsAtOnce) {
  const mobula::TestFolder folder;
  const mobula::Fifo gate(folder.Path("gate"));
  const auto actor =
      ray::Actor(Gate::Create).SetMaxConcurrency(3).Remote(gate.path());
  const auto a = actor.Task(&Gate::Pass).Remote();
  const auto b = actor.Task(&Gate::Pass).Remote();
  EXPECT_EQ(*actor.Task(&Gate::Look).Remote().Get(), 2);
  gate.Open();
  gate.Open();
  EXPECT_EQ(*a.Get() + *b.Get(), 2);
}

INSTANTIATE_TEST_SUITE_P(, RayActorLives, testing::Values(false), ModeName);

}  // namespace
}  // namespace ray_tests

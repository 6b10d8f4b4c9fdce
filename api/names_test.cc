// Names and keys: actors that others find, and what all programs share; in
// local mode and on worker processes.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace names {

class Counter {
 public:
  explicit Counter(std::int64_t start) : count_(start) {}
  std::int64_t Add(std::int64_t by) { return count_ += by; }
  std::int64_t Leave() {
    mobula::ExitActor();
    return count_;
  }

 private:
  std::int64_t count_ = 0;
};

class Other {
 public:
  int One() { return 1; }
};

struct Score {
  std::string name;
  double value = 0;
};

std::int64_t AddThere(const std::string& name, std::int64_t by) {
  return mobula::GetActor<Counter>(name).Call<&Counter::Add>(by).Get();
}

// The id of the actor of that name, made if there is none; and one added.
std::string AddToOne(const std::string& name) {
  auto counter = mobula::Create<Counter>(
      mobula::ActorOptions().Name(name).Detached().GetIfExists(),
      std::int64_t{0});
  counter.Call<&Counter::Add>(1).Get();
  return counter.Id().ToString();
}

void CountKey(const std::string& key, int times) {
  for (int i = 0; i < times;) {
    const auto entry = mobula::KvGet<std::int64_t>(key);
    mobula::KvOptions expect;
    expect.Expect(entry ? entry->version : 0);
    try {
      mobula::KvPut(key, (entry ? entry->value : 0) + 1, expect);
      ++i;
    } catch (const mobula::Conflict&) {
      continue;  // another task was faster
    }
  }
}

bool KeyIsThere(const std::string& key) {
  return mobula::KvGet<std::int64_t>(key).has_value();
}

namespace {

using mobula::ActorOptions;
using mobula::KvOptions;

enum class Mode { kLocal, kWorkers };

class NamesTest : public testing::TestWithParam<Mode> {
 protected:
  static mobula::InitOptions Options(const std::string& ns = "default") {
    mobula::InitOptions options;
    options.Cpus(2).Namespace(ns);
    if (GetParam() == Mode::kLocal) options.Local();
    return options;
  }
  static ActorOptions Named(const std::string& name) {
    return ActorOptions().Name(name);
  }

  mobula::Runtime runtime_ = mobula::Init(Options());
};

TEST_P(NamesTest, ANameIsHeldByOneLivingActor) {
  auto first = mobula::Create<Counter>(Named("one"), std::int64_t{1});
  try {
    mobula::Create<Counter>(Named("one"), std::int64_t{2});
    FAIL();
  } catch (const mobula::NameTaken& error) {
    EXPECT_NE(error.message().find(first.Id().ToString()), std::string::npos)
        << error.message();
    EXPECT_NE(error.message().find("GetIfExists"), std::string::npos);
  }
  EXPECT_EQ(first.Call<&Counter::Add>(0).Get(), 1);
  mobula::Kill(first);
  EXPECT_THROW(first.Call<&Counter::Add>(0).Get(), mobula::ActorDied);
  auto third =
      mobula::Create<Counter>(Named("one").GetIfExists(), std::int64_t{3});
  EXPECT_EQ(third.Call<&Counter::Add>(0).Get(), 3);
}

TEST_P(NamesTest, ANameIsFreeWhenItsActorHasEnded) {
  {
    auto counter = mobula::Create<Counter>(Named("one"), std::int64_t{1});
    EXPECT_EQ(mobula::GetActor<Counter>("one").Id(), counter.Id());
    counter.Call<&Counter::Leave>().Get();
    // Whoever has heard of its end finds the name free.
    EXPECT_THROW(counter.Call<&Counter::Add>(0).Get(), mobula::ActorDied);
  }
  auto next = mobula::Create<Counter>(Named("one"), std::int64_t{2});
  EXPECT_EQ(next.Call<&Counter::Add>(0).Get(), 2);
}

TEST_P(NamesTest, AnActorIsFoundByItsName) {
  auto counter = mobula::Create<Counter>(Named("sum"), std::int64_t{10});
  EXPECT_EQ(mobula::Spawn<AddThere>("sum", 5).Get(), 15);
  mobula::Actor<Counter> same = mobula::GetActor<Counter>("sum");
  EXPECT_EQ(same.Id(), counter.Id());
  EXPECT_EQ(same.Call<&Counter::Add>(1).Get(), 16);
  counter = mobula::Actor<Counter>();  // another handle is left
  EXPECT_EQ(same.Call<&Counter::Add>(1).Get(), 17);
  EXPECT_EQ(same.Incarnation(), 1);
  EXPECT_THROW(mobula::GetActor<Counter>("nobody"), mobula::NoSuchActor);
  EXPECT_THROW(mobula::GetActor<Counter>("sum", "elsewhere"),
               mobula::NoSuchActor);
  EXPECT_THROW(mobula::GetActor<Counter>(""), mobula::BadArgument);
}

TEST_P(NamesTest, AnActorOfAnotherClassIsRefused) {
  auto counter = mobula::Create<Counter>(Named("sum"), std::int64_t{10});
  try {
    mobula::GetActor<Other>("sum");
    FAIL();
  } catch (const mobula::BadArgument& error) {
    EXPECT_NE(error.message().find("names::Counter"), std::string::npos);
    EXPECT_NE(error.message().find("names::Other"), std::string::npos);
  }
  EXPECT_THROW(mobula::Create<Other>(Named("sum").GetIfExists()),
               mobula::BadArgument);
  EXPECT_EQ(counter.Call<&Counter::Add>(1).Get(), 11);
}

TEST_P(NamesTest, NamespacesAreApart) {
  auto first = mobula::Create<Counter>(Named("x"), std::int64_t{1});
  auto second =
      mobula::Create<Counter>(Named("x").Namespace("blue"), std::int64_t{2});
  EXPECT_NE(first.Id(), second.Id());
  EXPECT_EQ(mobula::GetActor<Counter>("x", "blue").Id(), second.Id());
  runtime_.Shutdown();
  runtime_ = mobula::Init(Options("blue"));
  auto third = mobula::Create<Counter>(Named("y"), std::int64_t{3});
  EXPECT_EQ(mobula::GetActor<Counter>("y", "blue").Id(), third.Id());
  EXPECT_EQ(mobula::Spawn<AddThere>("y", 1).Get(), 4);
}

TEST_P(NamesTest, ADetachedActorLivesWithoutHandles) {
  mobula::Create<Counter>(Named("stays").Detached(),
                          mobula::Put(std::int64_t{7}));
  auto found = mobula::GetActor<Counter>("stays");
  EXPECT_EQ(found.Call<&Counter::Add>(1).Get(), 8);
  found = mobula::Actor<Counter>();
  EXPECT_EQ(mobula::Spawn<AddThere>("stays", 1).Get(), 9);
  found = mobula::GetActor<Counter>("stays");
  mobula::Kill(found);
  EXPECT_THROW(mobula::GetActor<Counter>("stays"), mobula::NoSuchActor);
  EXPECT_THROW(found.Call<&Counter::Add>(1).Get(), mobula::ActorDied);
  mobula::Kill(found);  // once is enough
}

TEST_P(NamesTest, ADetachedActorRestarts) {
  auto counter = mobula::Create<Counter>(
      Named("again").Detached().MaxRestarts(1), std::int64_t{5});
  EXPECT_EQ(counter.Call<&Counter::Add>(1).Get(), 6);
  mobula::Kill(counter, mobula::KillOptions().Restart());
  // A call that reaches the first incarnation has no answer.
  mobula::CallOptions retried;
  retried.Retries(-1);
  EXPECT_EQ(counter.Call<&Counter::Add>(retried, 1).Get(), 6);
  EXPECT_EQ(counter.Incarnation(), 2);
}

TEST_P(NamesTest, AMethodOfADetachedActorEndsIt) {
  auto counter =
      mobula::Create<Counter>(Named("leaves").Detached(), std::int64_t{5});
  EXPECT_EQ(counter.Call<&Counter::Leave>().Get(), 5);
  EXPECT_THROW(counter.Call<&Counter::Add>(1).Get(), mobula::ActorDied);
}

TEST_P(NamesTest, OfEightThatAskForOneActorOneMakesIt) {
  std::vector<mobula::Ref<std::string>> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(mobula::Spawn<AddToOne>("race"));
  const std::vector<std::string> all = mobula::Get(ids);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 1u);
  EXPECT_EQ(mobula::Spawn<AddThere>("race", 0).Get(), 8);
}

TEST_P(NamesTest, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_THROW(Named(""), mobula::BadArgument);
  EXPECT_THROW(Named("a/b"), mobula::BadArgument);
  EXPECT_THROW(Named("a").Namespace("\n"), mobula::BadArgument);
  EXPECT_THROW(mobula::Create<Counter>(ActorOptions().Detached(), 1),
               mobula::BadArgument);
  EXPECT_THROW(mobula::Create<Counter>(ActorOptions().GetIfExists(), 1),
               mobula::BadArgument);
  EXPECT_THROW(
      mobula::Create<Other>(Named("big").Detached().Resource("none", 1)),
      mobula::Infeasible);
}

// ---- keys -------------------------------------------------------------------

TEST_P(NamesTest, KeysHoldValuesOfAnyType) {
  EXPECT_FALSE(mobula::KvGet<Score>("best").has_value());
  Score score;
  score.name = "v7";
  score.value = 0.5;
  const std::uint64_t first = mobula::KvPut("best", score);
  EXPECT_GT(first, 0u);
  auto best = mobula::KvGet<Score>("best");
  ASSERT_TRUE(best.has_value());
  EXPECT_EQ(best->value.name, "v7");
  EXPECT_EQ(best->version, first);
  EXPECT_GT(mobula::KvPut("best", "text"), first);
  EXPECT_EQ(mobula::KvGet<std::string>("best")->value, "text");
  EXPECT_THROW(mobula::KvGet<Score>("best"), mobula::DecodeError);
  EXPECT_FALSE(
      mobula::KvGet<std::string>("best", KvOptions().Namespace("other")));
}

TEST_P(NamesTest, ExpectedVersionsHold) {
  const std::uint64_t first = mobula::KvPut("k", 1, KvOptions().Expect(0));
  EXPECT_THROW(mobula::KvPut("k", 2, KvOptions().Expect(0)), mobula::Conflict);
  const std::uint64_t second = mobula::KvPut("k", 2, KvOptions().Expect(first));
  EXPECT_GT(second, first);
  EXPECT_THROW(mobula::KvDelete("k", KvOptions().Expect(first)),
               mobula::Conflict);
  EXPECT_TRUE(mobula::KvDelete("k", KvOptions().Expect(second)));
  EXPECT_FALSE(mobula::KvDelete("k"));
  EXPECT_GT(mobula::KvPut("k", 3, KvOptions().Expect(0)), second);
  EXPECT_THROW(mobula::KvGet<int>("k", KvOptions().Expect(1)),
               mobula::BadArgument);
}

TEST_P(NamesTest, KeysAreListedInOrder) {
  std::vector<std::string> expected;
  for (int i = 100; i < 130; ++i) {
    expected.push_back("list/" + std::to_string(i));
    mobula::KvPut(expected.back(), i);
  }
  mobula::KvPut("other", 1);
  EXPECT_EQ(mobula::KvList("list/"), expected);
  EXPECT_TRUE(mobula::KvList("no").empty());
  EXPECT_EQ(mobula::KvList().size(), expected.size() + 1);
}

TEST_P(NamesTest, BadKeysAreRefused) {
  EXPECT_THROW(mobula::KvPut("", 1), mobula::BadArgument);
  EXPECT_THROW(mobula::KvPut(std::string(2'000, 'k'), 1), mobula::BadArgument);
  EXPECT_THROW(mobula::KvPut("k", std::string(2u << 20, 'v')),
               mobula::ValueTooLarge);
  EXPECT_THROW(mobula::KvPut("k", std::string(32u << 20, 'v')),
               mobula::ValueTooLarge);
  EXPECT_FALSE(mobula::KvDelete("k"));
}

TEST_P(NamesTest, TasksCountExactly) {
  std::vector<mobula::Ref<void>> tasks;
  for (int i = 0; i < 8; ++i) {
    tasks.push_back(mobula::Spawn<CountKey>("count", 10));
  }
  for (const auto& task : tasks) task.Get();
  EXPECT_EQ(mobula::KvGet<std::int64_t>("count")->value, 80);
  EXPECT_TRUE(mobula::Spawn<KeyIsThere>("count").Get());
}

INSTANTIATE_TEST_SUITE_P(Modes, NamesTest,
                         testing::Values(Mode::kLocal, Mode::kWorkers),
                         [](const testing::TestParamInfo<Mode>& info) {
                           return info.param == Mode::kLocal ? "Local"
                                                             : "Workers";
                         });

}  // namespace
}  // namespace names

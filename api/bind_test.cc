// Bind and Remote: calls that are kept, sent, and made later; in local mode and
// on workers.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/codec/codec.h"

namespace binding {

using namespace std::chrono_literals;

int Add(int a, int b) { return a + b; }
int Length(std::string_view text) { return static_cast<int>(text.size()); }
int Sum(const std::vector<mobula::Ref<int>>& refs) {
  int sum = 0;
  for (const int value : mobula::Get(refs)) sum += value;
  return sum;
}
int ThrowsInvalid(int) { throw std::invalid_argument("bad value"); }
void Nothing() {}
int Unnamed() { return 0; }

struct Job {
  std::string name;
  mobula::BoundCall<int> call;
  std::vector<mobula::BoundCall<int>> more;
};
// A process that did not bind them makes the calls.
int RunJob(const Job& job) {
  int sum = job.call ? job.call.Spawn().Get(60s) : 0;
  for (const auto& call : job.more)
    sum += mobula::Get(mobula::Spawn(call), 60s);
  return sum;
}
// Makes a call there, and gives it back.
mobula::BoundCall<int> BindThere(const mobula::Ref<int>& ref) {
  return mobula::Bind<Add>(ref, mobula::Put(5));
}
int RunCall(mobula::BoundCall<int> call) { return call.Spawn().Get(60s); }

class Counter {
 public:
  int Next() { return ++count_; }
  int Add(int by) { return count_ += by; }

 private:
  int count_ = 0;
};

class Bind : public testing::TestWithParam<bool> {
 protected:
  Bind() {
    mobula::InitOptions options;
    if (GetParam()) options.Local();
    options.Cpus(2).Resource("gold", 1);
    runtime_.emplace(mobula::Init(options));
  }
  std::optional<mobula::Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Modes, Bind, testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Local" : "Workers");
});

TEST_P(Bind, RunsAsOftenAsItIsSpawned) {
  const mobula::BoundCall<int> call = mobula::Bind<Add>(2, 3);
  EXPECT_EQ(call.function(), "binding::Add");
  const mobula::Ref<int> first = call.Spawn();
  const mobula::Ref<int> second = mobula::Spawn(call);
  EXPECT_FALSE(first == second);
  EXPECT_EQ(first.Get() + second.Get(), 10);
  EXPECT_EQ(mobula::Bind<[](int x) { return x + 1; }>(7).Spawn().Get(), 8);
  mobula::Bind<Nothing>().Spawn().Get();
  const auto body = [&call]() -> mobula::Coro<int> {
    co_return co_await call.Spawn();
  };
  EXPECT_EQ(mobula::BlockOn(body()), 5);
}

TEST_P(Bind, KeepsItsArguments) {
  mobula::BoundCall<int> add;
  mobula::BoundCall<int> length;
  {
    const mobula::Ref<int> two = mobula::Put(2);
    add = mobula::Bind<Add>(two, mobula::Spawn<Add>(1, 2));
    const std::string text(100'000, 'x');
    length = mobula::Bind<Length>(text);
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(add.Spawn().Get(), 5);
    EXPECT_EQ(length.Spawn().Get(), 100'000);
  }
}

TEST_P(Bind, OptionsTravelWithIt) {
  using mobula::TaskOptions;
  const auto gold =
      mobula::Bind<Add>(TaskOptions().Resource("gold", 2).Retries(7), 1, 2);
  EXPECT_THROW(gold.Spawn().Get(), mobula::Infeasible);
  const auto named = mobula::Bind<Unnamed>().With(
      TaskOptions().Resource("gold", 2).Name("other"));
  EXPECT_EQ(named.Spawn().TryGet().error().function(), "other");
  EXPECT_EQ(gold.options().values().retries_max, 7);
  // The same in another process.
  EXPECT_THROW(mobula::Spawn<RunCall>(gold).Get(), std::runtime_error);
  EXPECT_EQ(mobula::Spawn<RunCall>(gold.With(TaskOptions())).Get(), 3);
}

TEST_P(Bind, TravelsInsideValues) {
  const mobula::Ref<int> four = mobula::Spawn<Add>(2, 2);
  Job job;
  job.name = "sea";
  job.call = mobula::Bind<Add>(four, 1);
  job.more = {mobula::Bind<Length>(std::string(100'000, 'x')),
              mobula::Bind<Sum>(std::vector{four, mobula::Put(6)}), job.call};
  EXPECT_EQ(mobula::Spawn<RunJob>(job).Get(60s), 5 + 100'000 + 10 + 5);
  const mobula::Ref<Job> put = mobula::Put(job);
  job = Job();
  EXPECT_EQ(mobula::Spawn<RunJob>(put).Get(60s), 5 + 100'000 + 10 + 5);
  EXPECT_EQ(mobula::Spawn<RunJob>(Job()).Get(60s), 0);
}

TEST_P(Bind, IsReturnedByTasks) {
  const mobula::BoundCall<int> call =
      mobula::Spawn<BindThere>(mobula::Put(4)).Get(60s);
  EXPECT_EQ(call.Spawn().Get(60s), 9);
  EXPECT_EQ(mobula::Spawn<RunCall>(call).Get(60s), 9);
}

// ---- trees ------------------------------------------------------------------

TEST_P(Bind, TreesSayWhatIsComputedFromWhat) {
  const auto three = mobula::Bind<Add>(1, 2);
  const auto tree =
      mobula::Bind<Add>(mobula::Bind<Add>(three, three), mobula::Put(4));
  EXPECT_EQ(tree.Spawn().Get(), 10);
  EXPECT_EQ(mobula::Spawn<RunCall>(tree).Get(60s), 10);
  EXPECT_EQ((mobula::Spawn<Add>(three, tree).Get()), 13);
  auto counter = mobula::Create<Counter>();
  EXPECT_EQ(counter.Call<&Counter::Add>(tree).Get(), 10);
  EXPECT_THROW(
      mobula::Bind<Add>(mobula::Bind<ThrowsInvalid>(1), 2).Spawn().Get(),
      std::invalid_argument);
}

TEST_P(Bind, WhatStandsTwiceIsMadeOnce) {
  // Made anew in each place it would be a million additions.
  mobula::BoundCall<int> call = mobula::Bind<Add>(0, 1);
  for (int i = 0; i < 20; ++i) call = mobula::Bind<Add>(call, call);
  EXPECT_EQ(call.Spawn().Get(60s), 1 << 20);
  EXPECT_EQ(mobula::Spawn<RunCall>(call).Get(60s), 1 << 20);
}

TEST_P(Bind, ChainsAreBounded) {
  mobula::BoundCall<int> call = mobula::Bind<Add>(0, 1);
  const auto lengthen = [&call] { call = mobula::Bind<Add>(call, 1); };
  for (int i = 1; i < 10'000; ++i) lengthen();
  EXPECT_THROW(lengthen(), mobula::BadArgument);
  if (!GetParam()) return;  // on workers that takes long
  EXPECT_EQ(call.Spawn().Get(), 10'000);
}

// ---- Remote -----------------------------------------------------------------

TEST_P(Bind, RemoteIsCalledLikeTheFunction) {
  const mobula::Remote<Add> add(mobula::TaskOptions().Cpus(2));
  EXPECT_EQ(add(1, 2).Get(), 3);
  EXPECT_EQ(add(add(1, 2), mobula::Put(4)).Get(), 7);
  EXPECT_EQ(add.Bind(5, 6).Spawn().Get(), 11);
  const mobula::Remote<Add> greedy(mobula::TaskOptions().Resource("gold", 2));
  EXPECT_THROW(greedy(1, 2).Get(), mobula::Infeasible);
  const std::vector<int> left = {1, 2};
  const std::vector<int> right = {10, 20};
  std::vector<mobula::Ref<int>> sums(2);
  std::transform(left.begin(), left.end(), right.begin(), sums.begin(), add);
  EXPECT_EQ(mobula::Get(sums), (std::vector{11, 22}));
}

// ---- what makes no sense ----------------------------------------------------

TEST_P(Bind, EmptyOnesAreRefused) {
  const mobula::BoundCall<int> none;
  EXPECT_FALSE(none);
  EXPECT_THROW(none.Spawn(), mobula::BadArgument);
  EXPECT_THROW((void)none.With(mobula::TaskOptions()), mobula::BadArgument);
  EXPECT_THROW((void)none.function(), mobula::BadArgument);
  EXPECT_THROW(mobula::Bind<Add>(none, 1), mobula::BadArgument);
  EXPECT_THROW(mobula::Spawn<Add>(none, 1), mobula::BadArgument);
  EXPECT_THROW(mobula::Bind<Add>(mobula::Ref<int>(), 1), mobula::BadArgument);
}

TEST_P(Bind, EndsWithTheRuntimeOfItsRefs) {
  const auto with_ref = mobula::Bind<Add>(mobula::Put(1), 2);
  const auto inside = mobula::Bind<Sum>(std::vector{mobula::Put(1)});
  const auto plain = mobula::Bind<Add>(1, 2);
  EXPECT_EQ(inside.Spawn().Get(60s), 1);
  EXPECT_THROW(mobula::KvPut("call", with_ref), mobula::BadArgument);
  runtime_->Shutdown();
  EXPECT_THROW(with_ref.Spawn(), mobula::RuntimeClosed);
  runtime_ = mobula::Init(mobula::InitOptions().Local());
  EXPECT_THROW(with_ref.Spawn(), mobula::BadArgument);
  EXPECT_THROW(inside.Spawn(), mobula::BadArgument);
  EXPECT_THROW(mobula::Put(inside), mobula::BadArgument);
  EXPECT_EQ(plain.Spawn().Get(), 3);
}

TEST(BindAlone, NeedsNoRuntimeForValues) {
  const auto call = mobula::Bind<Add>(1, 2);
  const auto length = mobula::Bind<Length>(std::string(10'000, 'x'));
  EXPECT_THROW(call.Spawn(), mobula::RuntimeClosed);
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  EXPECT_EQ(call.Spawn().Get(), 3);
  EXPECT_EQ(length.Spawn().Get(), 10'000);
}

// ---- the bytes --------------------------------------------------------------

TEST(BindBytes, AreReadBack) {
  const auto inner =
      mobula::Bind<Add>(mobula::TaskOptions().Cpus(0.5).Timeout(5s), 1, 2);
  const auto call = mobula::Bind<Add>(inner, 3);
  const std::string bytes = mobula::base::Encode(call);
  mobula::BoundCall<int> read;
  std::string error;
  ASSERT_TRUE(mobula::base::Decode(bytes, &read, &error)) << error;
  EXPECT_EQ(read.function(), "binding::Add");
  EXPECT_EQ(mobula::base::Encode(read), bytes);
  ASSERT_TRUE(mobula::base::Decode(
      mobula::base::Encode(mobula::BoundCall<int>()), &read, &error));
  EXPECT_FALSE(read);
}

TEST(BindBytes, ThatAreDamagedAreRefused) {
  const std::string bytes =
      mobula::base::Encode(mobula::Bind<Add>(mobula::Bind<Add>(1, 2), 3));
  mobula::BoundCall<int> read;
  std::string error;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(mobula::base::Decode(bytes.substr(0, size), &read, &error));
  }
  // Whatever a byte is changed to, it is refused or is some other call.
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(value);
      if (!mobula::base::Decode(damaged, &read, &error)) continue;
      EXPECT_EQ(mobula::base::Encode(read).empty(), false);
    }
  }
}

}  // namespace binding

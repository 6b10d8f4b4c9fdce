// The snippets of docs/guide/cancelling.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace guide {

using namespace std::chrono_literals;

bool IsPrime(int n) {
  for (int i = 2; i * i <= n; ++i) {
    if (n % i == 0) return false;
  }
  return n > 1;
}

int Search(int upto) {
  int found = 0;
  for (int i = 0; i < upto; ++i) {
    mobula::ThrowIfStopped();
    found += IsPrime(i) ? 1 : 0;
  }
  return found;
}

// It asks nobody.
int Deaf() {
  while (true) std::this_thread::sleep_for(1ms);
}
int Near() { return 1; }
int Far() {
  mobula::BlockOn(mobula::SleepFor(1h));
  return 2;
}

mobula::Coro<int> Forever() {
  co_await mobula::SleepFor(1h);
  co_return 1;
}
mobula::Coro<> Sleeps() { co_await mobula::SleepFor(1h); }
mobula::Coro<> Fails() {
  co_await mobula::Yield();
  throw std::runtime_error("it failed");
}
mobula::Coro<> CleanUp(mobula::Event& cleaned) {
  co_await mobula::SleepFor(1ms);
  cleaned.Set();
}

mobula::Coro<int> Patient() {
  auto limited = mobula::WithTimeout(50ms, Forever());
  co_return co_await limited;
}

mobula::Coro<> Both() {
  auto both = [](mobula::TaskGroup& group) -> mobula::Coro<> {
    group.Start(Fails());
    group.Start(Sleeps());
    co_return;
  };
  mobula::Coro<> all = mobula::WithGroup(both);
  co_await all;
}

mobula::Coro<> Work(mobula::Event& cleaned) {
  bool stopped = false;
  try {
    co_await mobula::SleepFor(1h);
  } catch (const mobula::Cancelled&) {
    stopped = true;  // no co_await in here
  }
  if (stopped) {
    auto clean = mobula::Shield(CleanUp(cleaned));
    co_await clean;
  }
}

class CancellingTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(CancellingTest, TakesTasksBack) {
  mobula::Ref<int> search = mobula::Spawn<Search>(1'000'000);
  mobula::Cancel(search);
  EXPECT_THROW(mobula::Get(search), mobula::Cancelled);
  const mobula::Ref<int> deaf = mobula::Spawn<Deaf>();
  mobula::Cancel(deaf, mobula::CancelOptions().Force());
  EXPECT_THROW(mobula::Get(deaf), mobula::Cancelled);
  EXPECT_EQ(mobula::Get(mobula::Spawn<Search>(10)), 4);
}

TEST_F(CancellingTest, TheFirstOfSeveral) {
  std::vector<mobula::Ref<int>> asked = {mobula::Spawn<Near>(),
                                         mobula::Spawn<Far>()};
  mobula::Settled<int> first = mobula::BlockOn(mobula::WhenAny(asked, 60s));
  for (const mobula::Ref<int>& other : asked) mobula::Cancel(other);
  int answer = first.Get();
  EXPECT_EQ(answer, 1);
  EXPECT_THROW(mobula::Get(asked[1]), mobula::Cancelled);
}

TEST_F(CancellingTest, Scopes) {
  const mobula::Ref<int> quick = mobula::Spawn<Near>();
  const mobula::Ref<int> never = mobula::Spawn<Far>();
  mobula::Get(quick);
  std::stop_source quit;
  int total = 0;
  try {
    const mobula::Scope scope(
        mobula::ScopeOptions().Timeout(50ms).Stop(quit.get_token()));
    total += mobula::Get(quick);
    total += mobula::Get(never);
  } catch (const mobula::TimeoutError&) {
    std::cout << "only some of it" << std::endl;
  }
  EXPECT_EQ(total, 1);
  mobula::Cancel(never);
}

TEST(Cancelling, CoroutinesAndGroups) {
  EXPECT_THROW(mobula::BlockOn(Patient()), mobula::TimeoutError);
  EXPECT_THROW(mobula::BlockOn(Both()), std::runtime_error);
  mobula::Event cleaned;
  std::stop_source quit;
  quit.request_stop();
  const mobula::Scope scope(mobula::ScopeOptions().Stop(quit.get_token()));
  mobula::BlockOn(Work(cleaned));
  EXPECT_TRUE(cleaned.IsSet());
}

}  // namespace guide

// Ten thousand coroutine tasks sleep at the same time on one node, in a bounded
// number of processes. How long it takes until all have begun is printed.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <vector>

namespace sleepers {

class Counter {
 public:
  explicit Counter(int all) : missing_(all) {}
  void Begun(int pid) {
    pids_.insert(pid);
    if (--missing_ == 0) all_.Set();
  }
  mobula::Coro<std::set<int>> All() {
    co_await all_.Wait();
    co_return pids_;
  }

 private:
  int missing_;
  std::set<int> pids_;
  mobula::Event all_;
};

mobula::Coro<> BeginAndSleep() {
  static const mobula::Actor<Counter>& counter =
      *new mobula::Actor<Counter>(mobula::GetActor<Counter>("begun"));
  counter.Call<&Counter::Begun>(::getpid());
  co_await mobula::SleepFor(std::chrono::hours(1));
}

TEST(SleepersTest, TenThousandBeginInAFewProcesses) {
  constexpr int kTasks = 10'000;
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  const auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().Name("begun"), kTasks);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<mobula::Ref<void>> tasks;
  tasks.reserve(kTasks);
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(mobula::Spawn<BeginAndSleep>());
  }
  const std::set<int> pids = mobula::Get(counter.Call<&Counter::All>());
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  std::printf("%d sleep after %.3f s in %zu processes\n", kTasks, took.count(),
              pids.size());
  // One for each cpu, and few more where one was late to serve.
  EXPECT_LE(pids.size(), 8u);
  EXPECT_FALSE(pids.contains(::getpid()));
  EXPECT_FALSE(tasks.front().Ready());
  EXPECT_FALSE(tasks.back().Ready());
  // They are stopped where they sleep: this does not last an hour.
  runtime.Shutdown();
}

}  // namespace sleepers

// executor: coroutines of this library in one process, the rows of
// docs/performance.md's "The executor". Its peers do the same: executor_asio,
// executor_tbb, executor_std, executor_asyncio.py.
//
//   executor [SECONDS]
#include <mobula/mobula.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/bench/row.h"

namespace {

using mobula::Coro;
namespace bench = mobula::bench;

Coro<int> Same(int x) { co_return x; }

Coro<std::uint64_t> CallMany(int times) {
  std::uint64_t sum = 0;
  for (int i = 0; i < times; ++i) {
    sum += static_cast<std::uint64_t>(co_await Same(1));
  }
  co_return sum;
}

Coro<> Nothing() { co_return; }

Coro<std::uint64_t> SpawnMany(int times) {
  mobula::TaskGroup group;
  for (int i = 0; i < times; ++i) group.Start(Nothing());
  co_await group.Wait();
  co_return static_cast<std::uint64_t>(times);
}

Coro<> YieldMany(int times) {
  for (int i = 0; i < times; ++i) co_await mobula::Yield();
}

Coro<std::uint64_t> Switch(int times) {
  mobula::TaskGroup group;
  group.Start(YieldMany(times / 2));
  group.Start(YieldMany(times / 2));
  co_await group.Wait();
  co_return static_cast<std::uint64_t>(times);
}

Coro<> Produce(mobula::Channel<int>* channel, int times) {
  for (int i = 0; i < times; ++i) co_await channel->Send(i);
}

Coro<std::uint64_t> Queue(int producers, int messages) {
  mobula::Channel<int> channel(bench::kRoom);
  mobula::TaskGroup group;
  for (int i = 0; i < producers; ++i) {
    group.Start(Produce(&channel, messages / producers));
  }
  std::uint64_t count = 0;
  for (int i = 0; i < messages; ++i) {
    const std::optional<int> got = co_await channel.Receive();
    count += got.has_value() ? 1 : 0;
  }
  co_await group.Wait();
  co_return count;
}

Coro<> SleepOnce(int i, double* late_us) {
  const auto begin = bench::Clock::now();
  co_await mobula::SleepFor(bench::TimerOf(i));
  *late_us = std::chrono::duration<double, std::micro>(
                 bench::Clock::now() - begin - bench::TimerOf(i))
                 .count();
}

Coro<std::uint64_t> SleepMany(std::vector<double>* late_us) {
  mobula::TaskGroup group;
  for (int i = 0; i < bench::kTimers; ++i) {
    group.Start(SleepOnce(i, &(*late_us)[static_cast<std::size_t>(i)]));
  }
  co_await group.Wait();
  co_return bench::kTimers;
}

Coro<std::int64_t> Fib(int n);
Coro<> FibInto(int n, std::int64_t* result) { *result = co_await Fib(n); }
Coro<std::int64_t> Fib(int n) {
  if (n < 2) co_return n;
  std::int64_t a = 0;
  mobula::TaskGroup group;
  group.Start(FibInto(n - 1, &a));
  const std::int64_t b = co_await Fib(n - 2);
  co_await group.Wait();
  co_return a + b;
}

Coro<std::int64_t> Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) co_return first;
  std::vector<Coro<std::int64_t>> children;
  children.reserve(10);
  for (int i = 0; i < 10; ++i) {
    children.push_back(Skynet(first + i * (leaves / 10), leaves / 10));
  }
  std::int64_t sum = 0;
  Coro<std::vector<std::int64_t>> all = mobula::WhenAll(std::move(children));
  for (const std::int64_t one : co_await all) sum += one;
  co_return sum;
}

template <class T>
Coro<T> OnOne(mobula::Pool* pool, Coro<T> coro) {
  co_await mobula::On(*pool);
  co_return co_await coro;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = bench::SecondsOf(argc, argv);
  mobula::Pool one;
  const auto on_one = [&one](Coro<std::uint64_t> coro) {
    return mobula::BlockOn(OnOne(&one, std::move(coro)));
  };
  bench::Row("call", seconds, [&] { return on_one(CallMany(100'000)); });
  bench::Row("spawn_one", seconds, [&] { return on_one(SpawnMany(10'000)); });
  bench::Row("spawn", seconds,
             [&] { return mobula::BlockOn(SpawnMany(10'000)); });
  bench::Row("switch_one", seconds, [&] { return on_one(Switch(100'000)); });
  bench::Row("queue_one", seconds,
             [&] { return on_one(Queue(1, bench::kMessages)); });
  bench::Row("queue_mpsc", seconds, [&] {
    return mobula::BlockOn(Queue(bench::kProducers, bench::kMessages));
  });
  bench::Row("fib", seconds, [] {
    bench::Check(mobula::BlockOn(Fib(bench::kFib)) == bench::kFibOf);
    return bench::kFibCalls;
  });
  bench::Row("skynet", seconds, [] {
    bench::Check(mobula::BlockOn(Skynet(0, bench::kLeaves)) ==
                 bench::kLeavesSum);
    return bench::kSkynetTasks;
  });
  std::vector<double> late_us(bench::kTimers);
  bench::Row("timers", seconds,
             [&] { return mobula::BlockOn(SleepMany(&late_us)); });
  bench::Lateness("timer_late", std::move(late_us));
}

// executor_asio: the rows of executor.cc with Boost.Asio's coroutines.
//
//   executor_asio [SECONDS]
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/row.h"

namespace {

namespace asio = boost::asio;
namespace bench = mobula::bench;
using asio::awaitable;
using asio::use_awaitable;

awaitable<int> Same(int x) { co_return x; }

awaitable<std::uint64_t> CallMany(int times) {
  std::uint64_t sum = 0;
  for (int i = 0; i < times; ++i) {
    sum += static_cast<std::uint64_t>(co_await Same(1));
  }
  co_return sum;
}

// Runs all side by side and waits for them.
template <class T>
auto All(const asio::any_io_executor& executor,
         std::vector<awaitable<T>> children) {
  using Spawned = decltype(asio::co_spawn(
      executor, std::declval<awaitable<T>>(), asio::deferred));
  std::vector<Spawned> spawned;
  spawned.reserve(children.size());
  for (awaitable<T>& child : children) {
    spawned.push_back(
        asio::co_spawn(executor, std::move(child), asio::deferred));
  }
  return asio::experimental::make_parallel_group(std::move(spawned))
      .async_wait(asio::experimental::wait_for_all(), use_awaitable);
}

awaitable<void> Nothing() { co_return; }

awaitable<std::uint64_t> SpawnMany(int times) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<awaitable<void>> children;
  for (int i = 0; i < times; ++i) children.push_back(Nothing());
  co_await All(executor, std::move(children));
  co_return static_cast<std::uint64_t>(times);
}

awaitable<void> YieldMany(int times) {
  for (int i = 0; i < times; ++i) co_await asio::post(use_awaitable);
}

awaitable<std::uint64_t> Switch(int times) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<awaitable<void>> children;
  for (int i = 0; i < 2; ++i) children.push_back(YieldMany(times / 2));
  co_await All(executor, std::move(children));
  co_return static_cast<std::uint64_t>(times);
}

using Channel = asio::experimental::concurrent_channel<void(
    boost::system::error_code, int)>;

awaitable<void> Produce(Channel* channel, int times) {
  for (int i = 0; i < times; ++i) {
    co_await channel->async_send(boost::system::error_code(), i, use_awaitable);
  }
}

awaitable<void> Consume(Channel* channel, int messages, std::uint64_t* count) {
  for (int i = 0; i < messages; ++i) {
    co_await channel->async_receive(use_awaitable);
    ++*count;
  }
}

awaitable<std::uint64_t> Queue(int producers, int messages) {
  const auto executor = co_await asio::this_coro::executor;
  Channel channel(executor, bench::kRoom);
  std::uint64_t count = 0;
  std::vector<awaitable<void>> children;
  children.push_back(Consume(&channel, messages, &count));
  for (int i = 0; i < producers; ++i) {
    children.push_back(Produce(&channel, messages / producers));
  }
  co_await All(executor, std::move(children));
  co_return count;
}

awaitable<void> SleepOnce(int i, double* late_us) {
  const auto begin = bench::Clock::now();
  asio::steady_timer timer(co_await asio::this_coro::executor,
                           bench::TimerOf(i));
  co_await timer.async_wait(use_awaitable);
  *late_us = std::chrono::duration<double, std::micro>(
                 bench::Clock::now() - begin - bench::TimerOf(i))
                 .count();
}

awaitable<std::uint64_t> SleepMany(std::vector<double>* late_us) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<awaitable<void>> children;
  for (int i = 0; i < bench::kTimers; ++i) {
    children.push_back(SleepOnce(i, &(*late_us)[static_cast<std::size_t>(i)]));
  }
  co_await All(executor, std::move(children));
  co_return bench::kTimers;
}

// One branch is spawned, the other awaited, as in executor.cc.
awaitable<std::int64_t> Fib(int n) {
  if (n < 2) co_return n;
  const auto executor = co_await asio::this_coro::executor;
  std::vector<awaitable<std::int64_t>> children;
  children.push_back(Fib(n - 1));
  children.push_back(Fib(n - 2));
  const auto [order, errors, values] =
      co_await All(executor, std::move(children));
  co_return values[0] + values[1];
}

awaitable<std::int64_t> Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) co_return first;
  const auto executor = co_await asio::this_coro::executor;
  std::vector<awaitable<std::int64_t>> children;
  for (int i = 0; i < 10; ++i) {
    children.push_back(Skynet(first + i * (leaves / 10), leaves / 10));
  }
  const auto [order, errors, values] =
      co_await All(executor, std::move(children));
  std::int64_t sum = 0;
  for (const std::int64_t one : values) sum += one;
  co_return sum;
}

template <class T>
T Run(asio::thread_pool& pool, awaitable<T> coro) {
  return asio::co_spawn(pool, std::move(coro), asio::use_future).get();
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = bench::SecondsOf(argc, argv);
  asio::thread_pool one(1);
  asio::thread_pool all(std::max(1u, std::thread::hardware_concurrency()));
  bench::Row("call", seconds, [&] { return Run(one, CallMany(100'000)); });
  bench::Row("spawn_one", seconds, [&] { return Run(one, SpawnMany(10'000)); });
  bench::Row("spawn", seconds, [&] { return Run(all, SpawnMany(10'000)); });
  bench::Row("switch_one", seconds, [&] { return Run(one, Switch(100'000)); });
  bench::Row("queue_one", seconds,
             [&] { return Run(one, Queue(1, bench::kMessages)); });
  bench::Row("queue_mpsc", seconds, [&] {
    return Run(all, Queue(bench::kProducers, bench::kMessages));
  });
  bench::Row("fib", seconds, [&] {
    bench::Check(Run(all, Fib(bench::kFib)) == bench::kFibOf);
    return bench::kFibCalls;
  });
  bench::Row("skynet", seconds, [&] {
    bench::Check(Run(all, Skynet(0, bench::kLeaves)) == bench::kLeavesSum);
    return bench::kSkynetTasks;
  });
  std::vector<double> late_us(bench::kTimers);
  bench::Row("timers", seconds, [&] { return Run(all, SleepMany(&late_us)); });
  bench::Lateness("timer_late", std::move(late_us));
}

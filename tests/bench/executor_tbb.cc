// executor_tbb: the rows of executor.cc that oneTBB has a counterpart of: it
// has no coroutines, so what waits there holds a thread.
//
//   executor_tbb [SECONDS]
//
// Built only where asked for (Debian's libtbb-dev); without it, it prints
// nothing.
#if __has_include(<oneapi/tbb/task_group.h>)
#include <oneapi/tbb/concurrent_queue.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "tests/bench/row.h"

namespace {

namespace tbb = oneapi::tbb;
namespace bench = mobula::bench;

std::uint64_t SpawnMany(int times) {
  tbb::task_group group;
  for (int i = 0; i < times; ++i) group.run([] {});
  group.wait();
  return static_cast<std::uint64_t>(times);
}

std::uint64_t Queue(int producers, int messages) {
  tbb::concurrent_bounded_queue<int> queue;
  queue.set_capacity(bench::kRoom);
  std::vector<std::jthread> threads;
  for (int i = 0; i < producers; ++i) {
    threads.emplace_back([&queue, producers, messages] {
      for (int n = 0; n < messages / producers; ++n) queue.push(n);
    });
  }
  for (int i = 0; i < messages; ++i) {
    int got = 0;
    queue.pop(got);
  }
  return static_cast<std::uint64_t>(messages);
}

std::int64_t Fib(int n) {
  if (n < 2) return n;
  std::int64_t a = 0;
  tbb::task_group group;
  group.run([&a, n] { a = Fib(n - 1); });
  const std::int64_t b = Fib(n - 2);
  group.wait();
  return a + b;
}

std::int64_t Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) return first;
  std::int64_t sums[10] = {};
  tbb::task_group group;
  for (int i = 0; i < 10; ++i) {
    group.run([&sums, i, first, leaves] {
      sums[i] = Skynet(first + i * (leaves / 10), leaves / 10);
    });
  }
  group.wait();
  std::int64_t sum = 0;
  for (const std::int64_t one : sums) sum += one;
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = bench::SecondsOf(argc, argv);
  {
    tbb::task_arena one(1);
    bench::Row("spawn_one", seconds,
               [&] { return one.execute([] { return SpawnMany(10'000); }); });
  }
  bench::Row("spawn", seconds, [] { return SpawnMany(10'000); });
  bench::Row("queue_mpsc", seconds,
             [] { return Queue(bench::kProducers, bench::kMessages); });
  bench::Row("fib", seconds, [] {
    bench::Check(Fib(bench::kFib) == bench::kFibOf);
    return bench::kFibCalls;
  });
  bench::Row("skynet", seconds, [] {
    bench::Check(Skynet(0, bench::kLeaves) == bench::kLeavesSum);
    return bench::kSkynetTasks;
  });
}
#else
int main() { return 0; }
#endif

// executor_std: the rows of executor.cc with threads and std::async, and their
// floors: the same work without any executor.
//
//   executor_std [SECONDS]       lines that begin with "floor_" are floors
//
// std::async starts a thread for each task, so fib and skynet are small here:
// what counts is the time of one.
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/bench/row.h"

namespace {

namespace bench = mobula::bench;

std::uint64_t SpawnMany(int times) {
  std::vector<std::future<void>> all;
  for (int i = 0; i < times; ++i) {
    all.push_back(std::async(std::launch::async, [] {}));
  }
  for (const std::future<void>& one : all) one.wait();
  return static_cast<std::uint64_t>(times);
}

// The usual queue of threads.
class BoundedQueue {
 public:
  void Push(int value) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return values_.size() < bench::kRoom; });
    values_.push_back(value);
    filled_.notify_one();
  }
  int Pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !values_.empty(); });
    const int value = values_.front();
    values_.pop_front();
    room_.notify_one();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<int> values_;
};

std::uint64_t Queue(int producers, int messages) {
  BoundedQueue queue;
  std::vector<std::jthread> threads;
  for (int i = 0; i < producers; ++i) {
    threads.emplace_back([&queue, producers, messages] {
      for (int n = 0; n < messages / producers; ++n) queue.Push(n);
    });
  }
  for (int i = 0; i < messages; ++i) queue.Pop();
  return static_cast<std::uint64_t>(messages);
}

// A thread for one of both branches.
std::int64_t Fib(int n) {
  if (n < 2) return n;
  std::future<std::int64_t> a =
      std::async(std::launch::async, [n] { return Fib(n - 1); });
  const std::int64_t b = Fib(n - 2);
  return a.get() + b;
}

std::int64_t Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) return first;
  std::vector<std::future<std::int64_t>> children;
  for (int i = 0; i < 10; ++i) {
    children.push_back(std::async(std::launch::async, [i, first, leaves] {
      return Skynet(first + i * (leaves / 10), leaves / 10);
    }));
  }
  std::int64_t sum = 0;
  for (auto& child : children) sum += child.get();
  return sum;
}

[[gnu::noinline]] std::int64_t PlainFib(int n) {
  return n < 2 ? n : PlainFib(n - 1) + PlainFib(n - 2);
}

[[gnu::noinline]] std::int64_t PlainSkynet(std::int64_t first,
                                           std::int64_t leaves) {
  if (leaves == 1) return first;
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) {
    sum += PlainSkynet(first + i * (leaves / 10), leaves / 10);
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = bench::SecondsOf(argc, argv);
  bench::Row("spawn", seconds, [] { return SpawnMany(200); });
  bench::Row("queue_mpsc", seconds,
             [] { return Queue(bench::kProducers, bench::kMessages); });
  bench::Row("fib", seconds, [] {
    bench::Check(Fib(11) == 89);
    return 287ull;
  });
  bench::Row("skynet", seconds, [] {
    bench::Check(Skynet(0, 100) == 4'950);
    return 111ull;
  });
  bench::Row("floor_fib", seconds, [] {
    bench::Check(PlainFib(bench::kFib) == bench::kFibOf);
    return bench::kFibCalls;
  });
  bench::Row("floor_skynet", seconds, [] {
    bench::Check(PlainSkynet(0, bench::kLeaves) == bench::kLeavesSum);
    return bench::kSkynetTasks;
  });
}

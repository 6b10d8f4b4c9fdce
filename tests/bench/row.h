// Row runs one shape of work over and over and prints what it took: the same
// line for every system, which run.sh and executors.sh read.
//
//   bench::Row("switch", seconds, [] { return SwitchTenThousandTimes(); });
//   ->  switch 8123456.0 /s 0.141        name, operations/s, CPU us for each
// CPU time is the whole process's: on a machine that others use too it moves
// far less than the clock.
// Threading: one thread at a time.
#ifndef MOBULA_TESTS_BENCH_ROW_H_
#define MOBULA_TESTS_BENCH_ROW_H_

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace mobula::bench {

using Clock = std::chrono::steady_clock;

inline double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec +
                                    usage.ru_stime.tv_usec);
}

// `run` does a part and says how many operations that was; `cpu_seconds` what
// all of it has taken so far.
template <class F, class Cpu = double (*)()>
void Row(const char* name, double seconds, F&& run,
         Cpu&& cpu_seconds = &CpuSeconds) {
  run();  // threads, memory, branches
  const double cpu = cpu_seconds();
  const Clock::time_point start = Clock::now();
  std::uint64_t count = 0;
  double spent = 0;
  do {
    count += run();
    spent = std::chrono::duration<double>(Clock::now() - start).count();
  } while (spent < seconds);
  const auto operations = static_cast<double>(count);
  std::printf("%s %.1f /s %.4f\n", name, operations / spent,
              (cpu_seconds() - cpu) * 1e6 / operations);
  std::fflush(stdout);
}

// Prints how late timers were.
inline void Lateness(const char* name, std::vector<double> late_us) {
  std::sort(late_us.begin(), late_us.end());
  const auto at = [&late_us](double part) {
    return late_us[static_cast<std::size_t>(
        part * static_cast<double>(late_us.size() - 1))];
  };
  std::printf("%s %.1f us 0 p50 %.1f us, p99 %.1f us\n", name, at(0.5), at(0.5),
              at(0.99));
  std::fflush(stdout);
}

// The answers of the rows: a wrong one is no row.
inline void Check(bool is_right) {
  if (!is_right) std::abort();
}

inline double SecondsOf(int argc, char** argv) {
  return argc > 1 ? std::atof(argv[1]) : 0.5;
}

// What all systems are asked for.
constexpr int kFib = 20;
constexpr std::int64_t kFibOf = 6'765;
constexpr std::uint64_t kFibCalls = 21'891;  // of fib(20)
constexpr std::int64_t kLeaves = 100'000;
constexpr std::int64_t kLeavesSum = kLeaves * (kLeaves - 1) / 2;
constexpr std::uint64_t kSkynetTasks = 111'111;
constexpr int kTimers = 10'000;
constexpr int kMessages = 100'000;
constexpr int kRoom = 128;  // of a queue
constexpr int kProducers = 4;

// From 1 to 100 ms, the same in all systems.
inline std::chrono::microseconds TimerOf(int i) {
  return std::chrono::microseconds(1'000 + (i * 7'919) % 99'000);
}

}  // namespace mobula::bench

#endif  // MOBULA_TESTS_BENCH_ROW_H_

// calls: the rows of docs/performance.md that one machine can show, through the
// public API.
//
//   calls [SECONDS]      each row runs about that long (default 1)
//
// Prints lines `name value unit cpu_us_per_op [note]`, which run.sh reads:
//   cold_start     ms from Init to the first answer of a task, one line for
//                  each of three heads
//   actor_sync     64-byte echoes/s, one at a time (p50, p99 in us as notes)
//   actor_pipe     the same, 1,000 outstanding
//   task_sync      empty tasks/s, one at a time
//   task_pipe      empty tasks/s in waves of 1,000
//   task_drain     empty tasks/s, 100,000 submitted in one go
//   idle_worker    KiB of PSS of a worker (RSS and threads as notes)
// CPU time is that of the whole process tree: driver, raylet and workers. The
// answers are checked; work that ran in the driver's own process is an error.
#include <mobula/mobula.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tests/process_tree/process_tree.h"

int Nothing() { return 7; }
int Pid() { return static_cast<int>(getpid()); }

class Echo {
 public:
  std::string Say(const std::string& text) const { return text; }
  int Pid() const { return static_cast<int>(getpid()); }
};

namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Fail(const char* what) {
  std::fprintf(stderr, "calls: %s\n", what);
  std::exit(1);
}

struct Row {
  std::string name;
  std::string note;
};

// Runs `probe` once to warm up and once measured; it returns its count.
void Measure(Row& row, const std::function<std::uint64_t()>& probe) {
  probe();
  const std::int64_t cpu = mobula::test::TreeCpuNs(getpid());
  const Clock::time_point start = Clock::now();
  const auto count = static_cast<double>(probe());
  const double seconds = SecondsSince(start);
  const double cpu_us =
      static_cast<double>(mobula::test::TreeCpuNs(getpid()) - cpu) / 1e3;
  std::printf("%s %.1f /s %.2f %s\n", row.name.c_str(), count / seconds,
              cpu_us / count, row.note.c_str());
  std::fflush(stdout);
}

// One at a time for `seconds`; leaves p50 and p99 in the row's note.
std::uint64_t OneAtATime(Row& row, double seconds,
                         const std::function<void()>& call) {
  std::vector<double> latencies_us;
  const Clock::time_point start = Clock::now();
  while (SecondsSince(start) < seconds) {
    const Clock::time_point before = Clock::now();
    call();
    latencies_us.push_back(SecondsSince(before) * 1e6);
  }
  std::sort(latencies_us.begin(), latencies_us.end());
  const std::size_t n = latencies_us.size();
  row.note = "p50=" + std::to_string(latencies_us[n / 2]) +
             "us p99=" + std::to_string(latencies_us[n * 99 / 100]) + "us";
  return n;
}

// Keeps `window` refs outstanding for `seconds`.
template <class T>
std::uint64_t Windowed(double seconds, std::size_t window,
                       const std::function<mobula::Ref<T>()>& submit,
                       const T& expected) {
  std::vector<mobula::Ref<T>> refs(window);
  const Clock::time_point start = Clock::now();
  std::uint64_t done = 0;
  for (auto& ref : refs) ref = submit();
  while (SecondsSince(start) < seconds) {
    for (auto& ref : refs) {
      if (mobula::Get(ref) != expected) Fail("a wrong answer");
      ref = submit();
      ++done;
    }
  }
  for (auto& ref : refs) mobula::Get(ref);
  return done + window;
}

std::uint64_t Wave(std::size_t size) {
  std::vector<mobula::Ref<int>> refs;
  refs.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    refs.push_back(mobula::Spawn<Nothing>());
  }
  for (const auto& ref : refs) {
    if (mobula::Get(ref) != 7) Fail("a wrong answer");
  }
  return size;
}

void ColdStart() {
  for (int i = 0; i < 3; ++i) {
    const std::int64_t cpu = mobula::test::TreeCpuNs(getpid());
    const Clock::time_point start = Clock::now();
    mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
    if (mobula::Get(mobula::Spawn<Pid>()) == getpid()) Fail("not remote");
    const double seconds = SecondsSince(start);
    const std::int64_t cpu_ns = mobula::test::TreeCpuNs(getpid()) - cpu;
    std::printf("cold_start %.3f ms %.0f\n", seconds * 1e3,
                static_cast<double>(cpu_ns) / 1e3);
  }
}

void ActorRows(double seconds) {
  mobula::Actor<Echo> echo = mobula::Create<Echo>();
  const int pid = mobula::Get(echo.Call<&Echo::Pid>());
  if (pid == getpid()) Fail("the actor is not remote");
  const std::string text(64, 'x');
  Row sync{"actor_sync", ""};
  Measure(sync, [&sync, &echo, &text, seconds] {
    return OneAtATime(sync, seconds, [&echo, &text] {
      if (mobula::Get(echo.Call<&Echo::Say>(text)) != text) Fail("echo");
    });
  });
  Row pipe{"actor_pipe", ""};
  Measure(pipe, [&echo, &text, seconds] {
    return Windowed<std::string>(
        seconds, 1000, [&echo, &text] { return echo.Call<&Echo::Say>(text); },
        text);
  });
  const mobula::test::Memory memory = mobula::test::MemoryOf(pid);
  std::printf("idle_worker %lld KiB_PSS 0 rss=%lldKiB threads=%d\n",
              static_cast<long long>(memory.pss_kib),
              static_cast<long long>(memory.rss_kib), memory.threads);
}

void TaskRows(double seconds) {
  Row sync{"task_sync", ""};
  Measure(sync, [&sync, seconds] {
    return OneAtATime(sync, seconds, [] {
      if (mobula::Get(mobula::Spawn<Nothing>()) != 7) Fail("task");
    });
  });
  Row pipe{"task_pipe", ""};
  Measure(pipe, [seconds] {
    const Clock::time_point start = Clock::now();
    std::uint64_t count = 0;
    while (SecondsSince(start) < seconds) count += Wave(1000);
    return count;
  });
  Row drain{"task_drain", ""};
  Measure(drain, [] { return Wave(100'000); });
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  ColdStart();
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
  ActorRows(seconds);
  TaskRows(seconds);
  return 0;
}

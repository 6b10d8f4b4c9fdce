// control: the rows of docs/performance.md that need a control store, through
// the public API, on a head that it starts and stops.
//
//   control [SECONDS]    each row runs about that long (default 1)
//
// Prints lines `name value unit cpu_us_per_op [note]`, as calls does:
//   head_start      ms from `mobula start --head` to the first task's answer
//   head_join       ms from Init on a started head to the first task's answer
//   key_put         durable puts/s, one at a time (p50, p99 in us as notes)
//   key_get         gets/s, one at a time
//   actor_create    actors/s, each a process of its own, made and called, one
//                   at a time
//   actor_named     the same with a name: durable before Create returns
//   actor_detached  the same, made by the control store
//   actor_queued    actors/s, 50 made at once with 20 calls queued on each
//                   (calls/s as a note)
// CPU time is that of this process and the head's.
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

#include "tests/integration/started_head.h"
#include "tests/process_tree/process_tree.h"

namespace {

using Clock = std::chrono::steady_clock;

int Pid() { return static_cast<int>(getpid()); }

class Counter {
 public:
  std::int64_t Add(std::int64_t n) { return total_ += n; }

 private:
  std::int64_t total_ = 0;
};

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Fail(const std::string& what) {
  std::fprintf(stderr, "control: %s\n", what.c_str());
  std::exit(1);
}

// Of this process and of everything that carries the head's mark.
std::int64_t CpuNs(const mobula::test::StartedHead& head) {
  std::int64_t ns = mobula::test::TreeCpuNs(getpid());
  for (const pid_t pid : head.Left()) ns += mobula::test::TreeCpuNs(pid);
  return ns;
}

void Row(const mobula::test::StartedHead& head, const char* name,
         double seconds, const std::function<void(std::uint64_t)>& once) {
  std::vector<double> us;
  const std::int64_t cpu = CpuNs(head);
  const Clock::time_point start = Clock::now();
  while (us.size() < 5 || SecondsSince(start) < seconds) {
    const Clock::time_point before = Clock::now();
    once(us.size());
    us.push_back(SecondsSince(before) * 1e6);
  }
  const double took = SecondsSince(start);
  const auto n = static_cast<double>(us.size());
  const double cpu_us = static_cast<double>(CpuNs(head) - cpu) / 1e3;
  std::sort(us.begin(), us.end());
  std::printf("%s %.1f /s %.2f p50=%.0fus p99=%.0fus\n", name, n / took,
              cpu_us / n, us[us.size() / 2], us[us.size() * 99 / 100]);
  std::fflush(stdout);
}

void MakeAndCall(const mobula::ActorOptions& options) {
  const auto actor = mobula::Create<Counter>(options);
  if (mobula::Get(actor.Call<&Counter::Add>(std::int64_t{7})) != 7) {
    Fail("a wrong answer");
  }
  mobula::Kill(actor);
}

void ActorRows(const mobula::test::StartedHead& head, double seconds) {
  using mobula::ActorOptions;
  Row(head, "actor_create", seconds,
      [](std::uint64_t) { MakeAndCall(ActorOptions()); });
  Row(head, "actor_named", seconds, [](std::uint64_t n) {
    MakeAndCall(ActorOptions().Name("named-" + std::to_string(n)));
  });
  Row(head, "actor_detached", seconds, [](std::uint64_t n) {
    MakeAndCall(
        ActorOptions().Name("detached-" + std::to_string(n)).Detached());
  });
  constexpr int kActors = 50;
  constexpr int kCalls = 20;
  const std::int64_t cpu = CpuNs(head);
  const Clock::time_point start = Clock::now();
  std::vector<mobula::Actor<Counter>> actors;
  std::vector<mobula::Ref<std::int64_t>> answers;
  for (int i = 0; i < kActors; ++i) {
    actors.push_back(mobula::Create<Counter>());
    for (int call = 0; call < kCalls; ++call) {
      answers.push_back(actors.back().Call<&Counter::Add>(std::int64_t{1}));
    }
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (mobula::Get(answers[i]) != static_cast<std::int64_t>(i % kCalls + 1)) {
      Fail("calls out of order");
    }
  }
  const double took = SecondsSince(start);
  std::printf("actor_queued %.1f /s %.2f calls=%.0f/s\n", kActors / took,
              static_cast<double>(CpuNs(head) - cpu) / 1e3 / kActors,
              kActors * kCalls / took);
}

// The first answer of a task, from `start` on.
mobula::Runtime AwaitFirstAnswer(const char* name, Clock::time_point start) {
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
  if (mobula::Get(mobula::Spawn<Pid>()) == getpid()) Fail("not remote");
  std::printf("%s %.3f ms 0\n", name, SecondsSince(start) * 1e3);
  return runtime;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  const Clock::time_point start = Clock::now();
  const mobula::test::StartedHead head({"--workers-max", "200"});
  if (head.started().code != 0) Fail(head.started().output);
  for (const std::string& variable : head.environment()) {
    ::putenv(const_cast<char*>(variable.c_str()));
  }
  AwaitFirstAnswer("head_start", start).Shutdown();
  for (int i = 0; i < 3; ++i) {
    AwaitFirstAnswer("head_join", Clock::now()).Shutdown();
  }
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
  Row(head, "key_put", seconds, [](std::uint64_t n) {
    mobula::KvPut("key", static_cast<std::int64_t>(n));
  });
  Row(head, "key_get", seconds, [](std::uint64_t) {
    if (!mobula::KvGet<std::int64_t>("key")) Fail("the key is gone");
  });
  ActorRows(head, seconds);
  return 0;
}

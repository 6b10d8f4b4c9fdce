// victim: a driver that is made to be killed, and whose processes are.
//
//   victim [SECONDS]
//
// Keeps tasks running that each leave a grandchild behind (setsid, double
// fork, sleeping for ever), checks every result, and ends by itself after
// SECONDS (default: never). Exit codes: 0 all results right, 2 a wrong result,
// 3 the runtime was lost under it, 4 Init failed.
#include <mobula/mobula.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

// Starts a process that no one below init is the parent of, unless someone is
// a subreaper (two at most a worker), and answers what it was asked.
int LeaveGrandchild(int number) {
  static int left = 0;
  if (++left > 2) return number + 1;
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() == 0) {
      for (;;) pause();
    }
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  return number + 1;
}

class Counter {
 public:
  int Next() { return ++count_; }

 private:
  int count_ = 0;
};

namespace {

int Work(double seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  mobula::Actor<Counter> counter =
      mobula::Create<Counter>(mobula::ActorOptions().MaxRestarts(-1));
  for (int round = 0;; ++round) {
    std::vector<mobula::Ref<int>> results;
    for (int i = 0; i < 4; ++i) {
      results.push_back(mobula::Spawn<LeaveGrandchild>(
          mobula::TaskOptions().Retries(-1), round + i));
    }
    mobula::Ref<int> count =
        counter.Call<&Counter::Next>(mobula::CallOptions().Retries(-1));
    for (int i = 0; i < 4; ++i) {
      if (mobula::Get(results[i]) != round + i + 1) return 2;
    }
    if (mobula::Get(count) < 1) return 2;
    const std::chrono::duration<double> passed = Clock::now() - start;
    if (seconds > 0 && passed.count() > seconds) return 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0;
  try {
    mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
    return Work(seconds);
  } catch (const mobula::InitError& error) {
    std::fprintf(stderr, "victim: %s\n", error.what());
    return 4;
  } catch (const mobula::Error& error) {
    std::fprintf(stderr, "victim: %s\n", error.what());
    return 3;
  }
}

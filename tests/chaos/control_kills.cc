// control_kills: a program on a started node whose control store is killed,
// again and again, while the program calls actors, makes actors and puts keys.
//
//   control_kills --store DIR [--seconds N] [--every S] [--stopped N]
//
// DIR is the folder of the control store (`mobula start --head --dir DIR`):
// the process that serves it is found by it and gets SIGKILL every S seconds,
// or once SIGSTOP for N seconds with --stopped. At the end all that was
// acknowledged must be there. Prints a report; exit code 0 only if no call to a
// living actor failed and nothing acknowledged is lost.
#include <mobula/mobula.h>
#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Counter {
 public:
  std::int64_t Add(std::int64_t n) { return total_ += n; }
  std::int64_t Total() const { return total_; }

 private:
  std::int64_t total_ = 0;
};

struct Options {
  std::string store;
  double seconds = 20;
  double every = 2;
  double stopped = 0;
  long long back_ms_max = std::numeric_limits<long long>::max();
};

// Whose command line names the folder as that of a control store.
pid_t FindStore(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream in(entry.path() / "cmdline", std::ios::binary);
    // One that ends meanwhile has none; an iterator would throw.
    std::ostringstream text;
    text << in.rdbuf();
    std::string words = std::move(text).str();
    std::replace(words.begin(), words.end(), '\0', ' ');
    if (words.find(" gcs ") == std::string::npos) continue;
    if (words.find(" " + folder + " ") == std::string::npos) continue;
    return static_cast<pid_t>(std::stol(name));
  }
  return 0;
}

// What several threads count.
struct Tally {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> failed_calls{0};
  std::atomic<std::uint64_t> made{0};
  std::atomic<std::uint64_t> failed_makes{0};
  std::atomic<std::uint64_t> failed_keys{0};
  std::atomic<std::int64_t> longest_call_us{0};
  std::mutex mutex;
  std::condition_variable gave_up;           // more calls failed than say why
  std::vector<std::string> actors;           // acknowledged; under mutex
  std::map<std::string, std::int64_t> keys;  // acknowledged; under mutex
};

void Complain(const char* what, const mobula::Error& error) {
  std::fprintf(stderr, "control_kills: %s: %s\n", what, error.what());
}

// Each call is asked to be added once; the sum tells of a lost or double one.
void CallOn(const mobula::Actor<Counter>& actor, Tally& tally) {
  std::int64_t expected = 0;
  while (!tally.stop) {
    const Clock::time_point begin = Clock::now();
    try {
      const std::int64_t total =
          mobula::Get(actor.Call<&Counter::Add>(std::int64_t{1}));
      ++expected;
      if (total != expected) {
        std::fprintf(stderr, "control_kills: %lld calls, the actor has %lld\n",
                     static_cast<long long>(expected),
                     static_cast<long long>(total));
        ++tally.failed_calls;
        expected = total;
      }
    } catch (const mobula::Error& error) {
      Complain("a call failed", error);
      if (++tally.failed_calls > 100) tally.gave_up.notify_all();
    }
    ++tally.calls;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        Clock::now() - begin);
    if (took.count() > tally.longest_call_us) {
      tally.longest_call_us = took.count();
    }
  }
}

void MakeActors(Tally& tally) {
  for (std::uint64_t n = 0; !tally.stop; ++n) {
    const std::string name = "made-" + std::to_string(n);
    try {
      const auto actor = mobula::Create<Counter>(
          mobula::ActorOptions().Name(name).Detached().MaxRestarts(-1));
      {
        const std::lock_guard lock(tally.mutex);
        tally.actors.push_back(name);
      }
      mobula::Get(actor.Call<&Counter::Add>(static_cast<std::int64_t>(n)));
      ++tally.made;
    } catch (const mobula::Error& error) {
      Complain("an actor was not made", error);
      ++tally.failed_makes;
    }
    // Bounded: each holds a process.
    if (n >= 20) {
      try {
        mobula::Kill(
            mobula::GetActor<Counter>("made-" + std::to_string(n - 20)));
        const std::lock_guard lock(tally.mutex);
        std::erase(tally.actors, "made-" + std::to_string(n - 20));
      } catch (const mobula::Error& error) {
        Complain("an actor was not ended", error);
        ++tally.failed_makes;
      }
    }
  }
}

void PutKeys(Tally& tally) {
  for (std::int64_t n = 0; !tally.stop; ++n) {
    const std::string key = "key-" + std::to_string(n % 1000);
    try {
      mobula::KvPut(key, n);
      const std::lock_guard lock(tally.mutex);
      tally.keys[key] = n;
    } catch (const mobula::Error& error) {
      Complain("a key was not put", error);
      ++tally.failed_keys;
    }
  }
}

// Until a mutation is durable again.
milliseconds AwaitStore() {
  const Clock::time_point begin = Clock::now();
  while (true) {
    try {
      mobula::KvPut("probe", std::int64_t{1});
      return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    } catch (const mobula::Error& error) {
      Complain("the probe failed", error);
    }
  }
}

// Or until a thread of the program has given up.
void PauseUntil(Clock::time_point time, Tally& tally) {
  std::unique_lock lock(tally.mutex);
  tally.gave_up.wait_until(lock, time,
                           [&tally] { return tally.failed_calls > 100; });
}

std::vector<milliseconds> KillAgainAndAgain(const Options& options,
                                            Tally& tally) {
  std::vector<milliseconds> back;
  const Clock::time_point end =
      Clock::now() + milliseconds(static_cast<int>(options.seconds * 1000));
  Clock::time_point next = Clock::now();
  while (next < end) {
    PauseUntil(next, tally);
    next += milliseconds(static_cast<int>(options.every * 1000));
    const pid_t store = FindStore(options.store);
    if (store == 0 || ::kill(store, SIGKILL) != 0) continue;
    back.push_back(AwaitStore());
  }
  return back;
}

std::vector<milliseconds> StopOnce(const Options& options, Tally& tally) {
  const pid_t store = FindStore(options.store);
  if (store == 0 || ::kill(store, SIGSTOP) != 0) return {};
  PauseUntil(
      Clock::now() + milliseconds(static_cast<int>(options.stopped * 1000)),
      tally);
  ::kill(store, SIGCONT);
  return {AwaitStore()};
}

std::uint64_t CountLost(Tally& tally) {
  std::uint64_t lost = 0;
  for (const std::string& name : tally.actors) {
    try {
      const auto actor = mobula::GetActor<Counter>(name);
      mobula::Get(actor.Call<&Counter::Total>());
      mobula::Kill(actor);
    } catch (const mobula::Error& error) {
      Complain(name.c_str(), error);
      ++lost;
    }
  }
  for (const auto& [key, value] : tally.keys) {
    const auto found = mobula::KvGet<std::int64_t>(key);
    // A put that was not acknowledged may still have happened.
    if (!found || found->value < value) ++lost;
  }
  return lost;
}

bool ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--store") {
      options->store = argv[i + 1];
    } else if (flag == "--seconds") {
      options->seconds = std::atof(argv[i + 1]);
    } else if (flag == "--every") {
      options->every = std::atof(argv[i + 1]);
    } else if (flag == "--back-ms-max") {
      options->back_ms_max = std::atoll(argv[i + 1]);
    } else if (flag == "--stopped") {
      options->stopped = std::atof(argv[i + 1]);
    } else {
      return false;
    }
  }
  return !options->store.empty();
}

int Run(const Options& options) {
  Tally tally;
  const auto named = mobula::Create<Counter>(
      mobula::ActorOptions().Name("named-" + std::to_string(::getpid())));
  const auto detached = mobula::Create<Counter>(
      mobula::ActorOptions()
          .Name("detached-" + std::to_string(::getpid()))
          .Detached());
  const auto plain = mobula::Create<Counter>();
  std::vector<std::thread> threads;
  for (const auto& actor : {named, detached, plain}) {
    threads.emplace_back([actor, &tally] { CallOn(actor, tally); });
  }
  const bool kills = options.stopped <= 0;
  if (kills) {
    threads.emplace_back([&tally] { MakeActors(tally); });
    threads.emplace_back([&tally] { PutKeys(tally); });
  }
  std::vector<milliseconds> back =
      kills ? KillAgainAndAgain(options, tally) : StopOnce(options, tally);
  tally.stop = true;
  for (std::thread& thread : threads) thread.join();
  const std::uint64_t lost = CountLost(tally);
  mobula::Kill(detached);
  std::sort(back.begin(), back.end());
  const auto at = [&back](double part) {
    if (back.empty()) return static_cast<long long>(-1);
    const auto last = static_cast<double>(back.size() - 1);
    return static_cast<long long>(
        back[static_cast<std::size_t>(last * part + 0.5)].count());
  };
  std::printf(
      "control_kills: %zu %s, %llu calls, %llu failed, longest %.1f ms, "
      "%llu actors made, %llu failed, %zu keys, %llu failed, %llu lost, "
      "back after median %lld ms, p99 %lld ms\n",
      back.size(), kills ? "kills" : "stops",
      static_cast<unsigned long long>(tally.calls),
      static_cast<unsigned long long>(tally.failed_calls),
      static_cast<double>(tally.longest_call_us) / 1000,
      static_cast<unsigned long long>(tally.made),
      static_cast<unsigned long long>(tally.failed_makes), tally.keys.size(),
      static_cast<unsigned long long>(tally.failed_keys),
      static_cast<unsigned long long>(lost), at(0.5), at(0.99));
  const bool good = !back.empty() && tally.failed_calls == 0 &&
                    tally.failed_makes == 0 && tally.failed_keys == 0 &&
                    lost == 0 && at(0.99) <= options.back_ms_max;
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: control_kills --store DIR [--seconds N] [--every S] "
                 "[--stopped N] [--back-ms-max N]\n");
    return 2;
  }
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
  return Run(options);
}

// What the control log does in a second, beside what its disk allows, and how
// long a control store takes to be back.
//
//   control_log_bench FOLDER [ROUNDS] [SECONDS]      5 rounds of 1 s
//
// Prints two tables of medians over the rounds.
//   records/s   batches of one record of 200 bytes, IN_FLIGHT at once: each
//               that is told durable is followed by another
//   floor       the bytes of IN_FLIGHT records appended to a file in one write,
//               then fdatasync; in the same round
//   CPU         of the whole process, for each record
//   restart     ControlLog::Open, Core::Restore of every record, Core::Start
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/scheduling/resource_vector.h"
#include "base/strand.h"
#include "base/unique_fd.h"
#include "gcs/core/commit_queue.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"
#include "gcs/log/control_log.h"

namespace mobula::gcs {
namespace {

constexpr std::size_t kValueBytes = 200;
constexpr std::size_t kKeyBytes = 17;

double SecondsSince(base::BootTime start) {
  return std::chrono::duration<double>(base::BootNow() - start).count();
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec +
                                    usage.ru_stime.tv_usec);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string FreshFolder(const std::string& parent) {
  std::string folder = parent + "/log";
  std::filesystem::remove_all(folder);
  return folder;
}

struct Rate {
  double per_second = 0;
  double cpu_us = 0;  // for each record
};

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return SecondsSince(start_); }
  [[nodiscard]] Rate Of(std::uint64_t records) const {
    const auto count = static_cast<double>(records);
    return {count / seconds(), (CpuSeconds() - cpu_) * 1e6 / count};
  }

 private:
  base::BootTime start_ = base::BootNow();
  double cpu_ = CpuSeconds();
};

Rate MeasureFloor(const std::string& parent, std::size_t at_once,
                  double seconds) {
  const std::string path = parent + "/floor";
  const base::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const std::string bytes(at_once * (kKeyBytes + kValueBytes), 'f');
  std::uint64_t records = 0;
  const Stopwatch watch;
  while (watch.seconds() < seconds) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    MOBULA_CHECK(put == static_cast<ssize_t>(bytes.size()));
    MOBULA_CHECK(::fdatasync(file.get()) == 0);
    records += at_once;
  }
  const Rate rate = watch.Of(records);
  ::unlink(path.c_str());
  return rate;
}

std::unique_ptr<ControlLog> OpenLog(
    base::Strand& strand, const std::string& folder,
    std::function<void(std::uint64_t)> on_durable) {
  ControlLog::Options options;
  options.folder = folder;
  std::string error;
  auto log = ControlLog::Open(
      strand, options, {std::move(on_durable), [](bool, std::int64_t) {}},
      &error);
  MOBULA_CHECK(log != nullptr) << error;
  return log;
}

Rate MeasureLog(const std::string& parent, std::uint64_t in_flight,
                double seconds) {
  base::Strand strand("bench");
  std::uint64_t appended = 0;
  std::uint64_t told = 0;
  std::unique_ptr<ControlLog> log;
  const Stopwatch* watch = nullptr;
  const std::string value(kValueBytes, 'v');
  const auto fill = [&] {
    while (appended - told < in_flight) {
      std::string key = "k" + std::to_string(appended++ % 10'000);
      key.resize(kKeyBytes, '.');
      log->Append({{std::move(key), value}});
    }
  };
  log = OpenLog(strand, FreshFolder(parent), [&](std::uint64_t number) {
    told = number;
    if (watch->seconds() < seconds) {
      fill();
    } else {
      strand.Stop();
    }
  });
  const Stopwatch started;
  watch = &started;
  fill();
  strand.Run();
  return started.Of(told);
}

void PrintRates(const std::string& parent, int rounds, double seconds) {
  std::printf("%9s %12s %12s %9s %12s %12s\n", "in flight", "records/s",
              "floor/s", "of floor", "CPU us/rec", "floor CPU us");
  for (const std::uint64_t in_flight : {1, 16, 256}) {
    std::vector<double> rates;
    std::vector<double> floors;
    std::vector<double> ratios;
    std::vector<double> cpus;
    std::vector<double> floor_cpus;
    for (int round = 0; round < rounds; ++round) {
      const Rate floor = MeasureFloor(parent, in_flight, seconds);
      const Rate rate = MeasureLog(parent, in_flight, seconds);
      floors.push_back(floor.per_second);
      floor_cpus.push_back(floor.cpu_us);
      rates.push_back(rate.per_second);
      cpus.push_back(rate.cpu_us);
      ratios.push_back(rate.per_second / floor.per_second);
    }
    std::printf("%9llu %12.0f %12.0f %9.2f %12.1f %12.1f\n",
                static_cast<unsigned long long>(in_flight), Median(rates),
                Median(floors), Median(ratios), Median(cpus),
                Median(floor_cpus));
    std::fflush(stdout);
  }
}

Core::Options CoreOptions(const ControlLog& log) {
  Core::Options options;
  options.cluster = log.cluster();
  options.epoch = log.epoch();
  return options;
}

// What a core writes down in these steps, as batches.
class Writings {
 public:
  Writings(Core& core, ControlLog& log) : core_(core), log_(log) {
    core_.Start(base::BootNow(), effects_);
    Put();
  }
  void Step(base::ProcessId from, base::ControlMessage message) {
    core_.Step(Received{from, std::move(message)}, base::BootNow(), effects_);
    Put();
  }

 private:
  void Put() {
    Batch batch;
    for (Effect& effect : effects_) {
      if (auto* const write = std::get_if<Write>(&effect)) {
        batch.push_back(std::move(*write));
      }
    }
    effects_.clear();
    if (!batch.empty()) log_.Append(std::move(batch));
  }

  Core& core_;
  ControlLog& log_;
  Effects effects_;
};

// Detached actors, half of them with names, registered one by one.
void MakeActors(const std::string& folder, std::uint64_t count) {
  base::Strand strand("make");
  const auto log = OpenLog(strand, folder, [](std::uint64_t) {});
  Core core(CoreOptions(*log));
  Writings writings(core, *log);
  const base::ProcessId raylet{1, 1};
  base::JoinNode join;
  join.node.node = {2, 1};
  join.node.raylet = raylet;
  join.node.total = base::ResourceVector::Cpus(64);
  writings.Step(raylet, join);
  for (std::uint64_t i = 1; i <= count; ++i) {
    base::ControlCall call;
    call.request = {3, i};
    call.from = raylet;
    call.done_below = i;
    base::RegisterActor request;
    request.actor.actor = {4, i};
    request.actor.job = {5, 1};
    request.actor.ns = "default";
    if (i % 2 == 0) request.actor.name = "actor-" + std::to_string(i);
    request.actor.class_name = "Counter";
    request.actor.detached = true;
    base::ActorSpec spec;
    spec.constructor = {6, 1};
    spec.args.push_back(base::Bytes::Own(std::string(64, 'a')));
    spec.program = std::string(64, 'f');
    request.actor.spec = std::move(spec);
    call.body = std::move(request);
    writings.Step(raylet, std::move(call));
  }
  MOBULA_CHECK(core.Count().actors_living == count);
}

struct Restart {
  double open_ms = 0;
  double restore_ms = 0;
  double all_ms = 0;
  std::uint64_t records = 0;
};

Restart MeasureRestart(const std::string& folder, std::uint64_t count) {
  Restart restart;
  base::Strand strand("restart");
  const base::BootTime start = base::BootNow();
  const auto log = OpenLog(strand, folder, [](std::uint64_t) {});
  restart.open_ms = SecondsSince(start) * 1e3;
  Core core(CoreOptions(*log));
  log->ForEach([&](std::string_view key, std::string_view value) {
    std::string error;
    MOBULA_CHECK(core.Restore(key, value, &error)) << error;
    ++restart.records;
  });
  Effects effects;
  core.Start(base::BootNow(), effects);
  restart.all_ms = SecondsSince(start) * 1e3;
  restart.restore_ms = restart.all_ms - restart.open_ms;
  MOBULA_CHECK(core.Count().actors_living == count);
  return restart;
}

void PrintRestarts(const std::string& parent, int rounds) {
  std::printf("\n%9s %9s %9s %12s %12s\n", "actors", "records", "open ms",
              "restore ms", "restart ms");
  for (const std::uint64_t count : {0, 10'000, 100'000}) {
    const std::string folder = FreshFolder(parent);
    MakeActors(folder, count);
    std::vector<double> open;
    std::vector<double> restore;
    std::vector<double> all;
    std::uint64_t records = 0;
    for (int round = 0; round < rounds; ++round) {
      const Restart restart = MeasureRestart(folder, count);
      open.push_back(restart.open_ms);
      restore.push_back(restart.restore_ms);
      all.push_back(restart.all_ms);
      records = restart.records;
    }
    std::printf("%9llu %9llu %9.1f %12.1f %12.1f\n",
                static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(records), Median(open),
                Median(restore), Median(all));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace mobula::gcs

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [ROUNDS] [SECONDS]\n", argv[0]);
    return 2;
  }
  const std::string parent = argv[1];
  const int rounds = std::max(argc > 2 ? std::atoi(argv[2]) : 5, 1);
  const double seconds = argc > 3 ? std::atof(argv[3]) : 1.0;
  std::filesystem::create_directories(parent);
  mobula::base::log_level.store(mobula::base::LogLevel::kERROR);
  mobula::gcs::PrintRates(parent, rounds, seconds);
  mobula::gcs::PrintRestarts(parent, rounds);
}

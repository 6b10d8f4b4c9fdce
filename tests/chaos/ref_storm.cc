// ref_storm: refs are made, read, nested, passed on, returned, kept and dropped
// at random by many processes of a started node, some of which are killed all
// the time. At the end nothing may be held, and nothing that was read may have
// been wrong.
//
//   ref_storm --tool MOBULA [--seed N] [--ops N] [--processes N] [--every MS]
//
// MOBULA is the program that looks what the node's store holds; every MS
// milliseconds (0: never) one of the processes gets SIGKILL. Prints a report;
// exit code 0 only if all operations were done, no value was wrong, none was
// lost but with a process that was killed (and no more of them than were
// killed), nobody waited in vain and no byte is held at the end, while the
// actors still live.
#include <mobula/mobula.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace storm {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Numbers = std::vector<std::uint64_t>;
using Random = std::mt19937_64;

// Longer than anything may take on a busy machine: who waits longer hangs.
constexpr seconds kPatience(60);
constexpr std::size_t kKeptMax = 48;  // refs of one process

// ---- values that say themselves whether they are right ----------------------

std::uint64_t NumberAt(std::uint64_t id, std::uint64_t index) {
  std::uint64_t x = id * 0x9E3779B97F4A7C15 + index;
  x ^= x >> 31;
  return x * 0xBF58476D1CE4E5B9;
}

Numbers MakeNumbers(std::uint64_t id) {
  // Some travel inline, some lie in the store.
  const std::uint64_t size =
      id % 5 < 3 ? 1 + id / 5 % 64 : 600 + id / 5 % 20'000;
  Numbers numbers(size);
  for (std::uint64_t i = 0; i < size; ++i) numbers[i] = NumberAt(id, i);
  return numbers;
}

bool IsRight(std::uint64_t id, const mobula::View<Numbers>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != NumberAt(id, i)) return false;
  }
  return !numbers.empty();
}

struct Held {
  std::uint64_t id = 0;
  mobula::Ref<Numbers> ref;
};
using Nest = std::vector<Held>;  // a value with refs inside

// ---- what a process does ----------------------------------------------------

struct Tally {
  std::int64_t operations = 0;
  std::int64_t wrong = 0;
  std::int64_t hung = 0;
  std::int64_t lost = 0;    // with the process that decided over them
  std::int64_t failed = 0;  // for any other reason

  void Add(const Tally& other) {
    operations += other.operations;
    wrong += other.wrong;
    hung += other.hung;
    lost += other.lost;
    failed += other.failed;
  }
};

struct Report {
  Tally tally;
  std::vector<int> pids;  // of who worked
  Nest out;               // for others
};

struct Passed {
  int pid = 0;
  Held held;
};

Numbers MakeThere(std::uint64_t id) { return MakeNumbers(id); }
Passed PassOn(Held held) { return {static_cast<int>(getpid()), held}; }
// Reads where it runs; 0 if it was wrong.
std::uint64_t ReadThere(std::uint64_t id, mobula::View<Numbers> numbers) {
  return IsRight(id, numbers) ? 1 : 0;
}

// Whether its owner, or who worked on it, was killed: nothing else may end it.
bool IsOfAKill(const mobula::Error& error) {
  return error.code() == mobula::ErrorCode::kOwnerDied ||
         error.code() == mobula::ErrorCode::kWorkerDied ||
         error.code() == mobula::ErrorCode::kActorDied;
}

class Player {
 public:
  Player() = default;
  explicit Player(std::uint64_t seed)
      : random_(seed ^ static_cast<std::uint64_t>(getpid()) << 32) {}

  Report Play(int count, Nest given) {
    Report report;
    report.pids.push_back(static_cast<int>(getpid()));
    for (Held& held : given) Keep(std::move(held));
    for (int i = 0; i < count; ++i) {
      try {
        PlayOne(report);
      } catch (const mobula::TimeoutError& error) {
        std::fprintf(stderr, "ref_storm: %s\n", error.what());
        ++report.tally.hung;
      } catch (const mobula::Error& error) {
        if (IsOfAKill(error)) {
          ++report.tally.lost;
        } else {
          std::fprintf(stderr, "ref_storm: %s\n", error.what());
          ++report.tally.failed;
        }
      }
      ++report.tally.operations;
    }
    return report;
  }

  void Clear() {
    kept_.clear();
    nests_.clear();
    view_ = {};
  }

 private:
  void PlayOne(Report& report) {
    switch (random_() % 10) {
      case 0: {
        const std::uint64_t id = random_() >> 1;
        return Keep({id, mobula::Put(MakeNumbers(id))});
      }
      case 1: {
        const std::uint64_t id = random_() >> 1;
        return Keep({id, mobula::Spawn<MakeThere>(id)});
      }
      case 2:
        return Drop();
      case 3:
        return AddNest();
      case 4:
        return OpenNest();
      case 5:
        return PassThrough(report);
      case 6:
        return HaveRead(report);
      case 7:
        if (!kept_.empty()) report.out.push_back(Any());
        return;
      default:
        return Read(report);
    }
  }

  Held& Any() { return kept_[random_() % kept_.size()]; }

  void Keep(Held held) {
    if (kept_.size() >= kKeptMax) Drop();
    kept_.push_back(std::move(held));
  }

  void Drop() {
    if (kept_.empty()) return;
    std::swap(Any(), kept_.back());
    kept_.pop_back();
  }

  void Read(Report& report) {
    if (kept_.empty()) return;
    const std::size_t at = random_() % kept_.size();
    const Held held = kept_[at];
    try {
      auto view = mobula::GetView(held.ref, kPatience);
      if (!IsRight(held.id, view)) ++report.tally.wrong;
      view_ = std::move(view);  // kept until the next one
    } catch (const mobula::Error&) {
      kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(at));
      throw;
    }
  }

  void AddNest() {
    Nest nest;
    for (std::size_t i = 0; i < 3 && !kept_.empty(); ++i) nest.push_back(Any());
    if (nests_.size() >= kKeptMax / 8) nests_.erase(nests_.begin());
    nests_.push_back(mobula::Put(nest));
  }

  void OpenNest() {
    if (nests_.empty()) return;
    const auto ref = std::move(nests_.back());
    nests_.pop_back();
    for (Held& held : mobula::Get(ref, kPatience)) Keep(std::move(held));
  }

  void PassThrough(Report& report) {
    if (kept_.empty()) return;
    Passed passed = mobula::Get(mobula::Spawn<PassOn>(Any()), kPatience);
    report.pids.push_back(passed.pid);
    Keep(std::move(passed.held));
  }

  void HaveRead(Report& report) {
    if (kept_.empty()) return;
    const Held held = Any();
    const auto right = mobula::Spawn<ReadThere>(held.id, held.ref);
    if (mobula::Get(right, kPatience) != 1) ++report.tally.wrong;
  }

  Random random_;
  std::vector<Held> kept_;
  std::vector<mobula::Ref<Nest>> nests_;
  mobula::View<Numbers> view_;
};

// ---- who kills --------------------------------------------------------------

// Kills one of the processes that were seen at work, again and again.
class Killer {
 public:
  Killer(std::uint64_t seed, milliseconds every)
      : random_(seed), every_(every), thread_([this] { Run(); }) {}
  ~Killer() { Stop(); }
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

  void Saw(const std::vector<int>& pids) {
    const std::lock_guard lock(mutex_);
    for (const int pid : pids) {
      if (std::find(pids_.begin(), pids_.end(), pid) == pids_.end()) {
        pids_.push_back(pid);
      }
    }
  }

  int Stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    return kills_;
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (every_.count() > 0 &&
           !changed_.wait_for(lock, every_, [this] { return stop_; })) {
      KillOne();
    }
  }

  // Workers run this program; a number that another one has now does not.
  void KillOne() {
    while (!pids_.empty()) {
      std::swap(pids_[random_() % pids_.size()], pids_.back());
      const int pid = pids_.back();
      pids_.pop_back();
      std::error_code no;
      const auto theirs = std::filesystem::read_symlink(
          "/proc/" + std::to_string(pid) + "/exe", no);
      const bool is_worker =
          !no && theirs.filename() == own_.filename() && pid != getpid();
      if (is_worker && ::kill(pid, SIGKILL) == 0) {
        ++kills_;
        return;
      }
    }
  }

  Random random_;
  const milliseconds every_;
  const std::filesystem::path own_ =
      std::filesystem::read_symlink("/proc/self/exe");
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  int kills_ = 0;
  std::vector<int> pids_;
  std::thread thread_;
};

struct Options {
  std::string tool;
  std::uint64_t seed = 1;
  std::int64_t operations = 100'000;
  int processes = 16;
  int every_ms = 100;
};

// ---- the driver -------------------------------------------------------------

class Storm {
 public:
  explicit Storm(const Options& options)
      : options_(options), random_(options.seed) {
    for (int i = 0; i < options.processes; ++i) {
      players_.push_back(mobula::Create<Player>(
          mobula::ActorOptions().MaxRestarts(-1), random_()));
    }
    reports_.resize(players_.size());
  }

  // False if nothing came for longer than anybody may wait.
  bool Rage() {
    Killer killer(random_(), milliseconds(options_.every_ms));
    for (std::size_t i = 0; i < players_.size(); ++i) Ask(i);
    while (total_.operations < options_.operations) {
      if (mobula::Wait(reports_, 1, 2 * kPatience).ready.empty()) {
        ++total_.hung;
        break;
      }
      for (std::size_t i = 0; i < players_.size(); ++i) {
        if (reports_[i].Ready()) Hear(i, killer);
      }
    }
    kills_ = killer.Stop();
    return total_.hung == 0;
  }

  // Lets go of everything: actors first drop what they have.
  void CalmDown() {
    for (std::size_t i = 0; i < players_.size(); ++i) {
      // What it reports now counts no more.
      static_cast<void>(mobula::TryGet(reports_[i], kPatience));
      reports_[i] = {};
      const auto call =
          players_[i].Call<&Player::Clear>(mobula::CallOptions().Retries(-1));
      const auto cleared = mobula::TryGet(call, kPatience);
      if (!cleared) {
        std::fprintf(stderr, "ref_storm: %s\n", cleared.error().what());
        ++total_.hung;
      }
    }
    pool_.clear();
  }

  [[nodiscard]] const Tally& total() const { return total_; }
  [[nodiscard]] int kills() const { return kills_; }
  [[nodiscard]] std::int64_t failed_calls() const { return failed_calls_; }

 private:
  void Ask(std::size_t player) {
    Nest given;
    for (std::size_t i = 0; i < 4 && !pool_.empty(); ++i) {
      given.push_back(pool_[random_() % pool_.size()]);
    }
    reports_[player] = players_[player].Call<&Player::Play>(40, given);
  }

  void Hear(std::size_t player, Killer& killer) {
    const auto report = mobula::TryGet(reports_[player], kPatience);
    if (report) {
      total_.Add(report->tally);
      killer.Saw(report->pids);
      for (const Held& held : report->out) Pool(held);
    } else {
      ++failed_calls_;  // its process was killed
    }
    Ask(player);
  }

  void Pool(const Held& held) {
    if (pool_.size() < 256) return pool_.push_back(held);
    pool_[random_() % pool_.size()] = held;
  }

  const Options options_;
  Random random_;
  std::vector<mobula::Actor<Player>> players_;
  std::vector<mobula::Ref<Report>> reports_;
  std::vector<Held> pool_;
  Tally total_;
  int kills_ = 0;
  std::int64_t failed_calls_ = 0;
};

// What the node's store holds, as `mobula list objects` says; -1: it failed.
int CountObjects(const std::string& tool) {
  const std::string command = tool + " list objects --json";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  std::string text;
  char part[4096];
  for (std::size_t n = 0; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) {
    text.append(part, n);
  }
  if (::pclose(pipe) != 0) return -1;
  int count = 0;
  constexpr std::string_view kEach = "\"owner\":";
  for (std::size_t at = text.find(kEach); at != std::string::npos;
       at = text.find(kEach, at + 1)) {
    ++count;
  }
  return count;
}

// The directory is told in batches and processes let go in their own time, so
// this looks until nothing is there, for as long as anybody may wait.
int AwaitNoObjects(const std::string& tool) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  int count = CountObjects(tool);
  while (count != 0 && std::chrono::steady_clock::now() < deadline) {
    count = CountObjects(tool);
  }
  return count;
}

bool ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) return false;
    const char* const value = argv[i + 1];
    if (flag == "--tool") {
      options->tool = value;
    } else if (flag == "--seed") {
      options->seed = std::strtoull(value, nullptr, 10);
    } else if (flag == "--ops") {
      options->operations = std::atoll(value);
    } else if (flag == "--processes") {
      options->processes = std::atoi(value);
    } else if (flag == "--every") {
      options->every_ms = std::atoi(value);
    } else {
      return false;
    }
  }
  return !options->tool.empty() && options->processes > 0;
}

int Run(const Options& options) {
  Storm storm(options);
  const bool done = storm.Rage();
  // Or the count at the end would say nothing.
  const int before = CountObjects(options.tool);
  storm.CalmDown();
  const int after = AwaitNoObjects(options.tool);
  const Tally& total = storm.total();
  std::printf(
      "ref_storm: seed %llu, %lld operations, %d kills, %lld calls failed, "
      "%lld refs lost with their owners, %lld failed otherwise, %lld wrong, "
      "%lld hung, %d objects "
      "held before the end, %d after it\n",
      static_cast<unsigned long long>(options.seed),
      static_cast<long long>(total.operations), storm.kills(),
      static_cast<long long>(storm.failed_calls()),
      static_cast<long long>(total.lost), static_cast<long long>(total.failed),
      static_cast<long long>(total.wrong), static_cast<long long>(total.hung),
      before, after);
  const bool good = done && total.wrong == 0 && total.failed == 0 &&
                    total.lost <= storm.kills() && total.hung == 0 &&
                    before > 0 && after == 0 &&
                    (options.every_ms == 0 || storm.kills() > 0);
  return good ? 0 : 1;
}

}  // namespace storm

int main(int argc, char** argv) {
  storm::Options options;
  if (!storm::ParseOptions(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: ref_storm --tool MOBULA [--seed N] [--ops N] "
                 "[--processes N] [--every MS]\n");
    return 2;
  }
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
  return storm::Run(options);
}

// net_calls: calls and values between nodes, through the public API.
//
//   net_calls [SECONDS [BYTES]]    on a node of a cluster of at least two
//
// Each row runs about SECONDS (default 1), or moves values of BYTES (1 GiB).
// Prints lines `name value unit cpu_us_per_op [note]`, which net.sh reads:
//   net_call    64-byte echoes/s by an actor of another node, one at a time
//   net_pipe    the same, 1,000 outstanding
//   net_bulk    a value of BYTES, put here and read there: GB/s
//   net_small   10,000 values of 100 KiB, put here and read there: GB/s
//   bcast       a value of BYTES read on all other nodes at once: ms to the
//   last
//               answer (how many there were as a note)
// CPU time is that of all processes that carry MOBULA_BENCH_MARK as this one
// does: those of all nodes. GB are 1e9 bytes, and CPU us of bulk are for 1 GB.
// The answers are checked.
#include <mobula/mobula.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/process_tree/process_tree.h"

using Words = std::vector<std::uint64_t>;

// On the other node.
class Other {
 public:
  std::string Say(const std::string& text) const { return text; }
  std::uint64_t Take(mobula::View<Words> words) const {
    return words.size() + words[0] + words[words.size() - 1];
  }
  std::uint64_t TakeMany(const std::vector<mobula::Ref<Words>>& refs) const {
    std::uint64_t sum = 0;
    for (const auto& ref : refs) sum += Take(mobula::GetView(ref));
    return sum;
  }
};

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSmallWords = 100 * 1024 / sizeof(std::uint64_t);
constexpr std::size_t kSmallCount = 10'000;
constexpr char kMark[] = "MOBULA_BENCH_MARK";

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "net_calls: %s\n", what);
  std::exit(1);
}

// Of one process, in seconds, without its children.
double CpuSecondsOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream words(line.substr(end + 1));
  std::string word;
  double ticks = 0;
  // The first word behind the name is field 3; 14 and 15 are the times.
  for (int field = 3; field <= 15 && words >> word; ++field) {
    if (field >= 14) ticks += std::atof(word.c_str());
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double CpuSeconds() {
  const char* mark = std::getenv(kMark);
  if (mark == nullptr) return CpuSecondsOf(getpid());
  double sum = 0;
  for (const pid_t pid :
       mobula::test::PidsWithEnvironment(std::string(kMark) + "=" + mark)) {
    sum += CpuSecondsOf(pid);
  }
  return sum;
}

struct Ran {
  double operations = 0;
  double seconds = 0;
  std::string note;
};

void Report(const char* name, const char* unit,
            const std::function<Ran()>& probe) {
  const double cpu = CpuSeconds();
  const Ran ran = probe();
  const double value = std::string(unit) == "ms" ? ran.seconds * 1e3
                                                 : ran.operations / ran.seconds;
  std::printf("%s %.3f %s %.2f %s\n", name, value, unit,
              (CpuSeconds() - cpu) * 1e6 / ran.operations, ran.note.c_str());
  std::fflush(stdout);
}

Ran OneAtATime(const mobula::Actor<Other>& other, double seconds) {
  const std::string text(64, 'x');
  std::vector<double> latencies_us;
  const Clock::time_point start = Clock::now();
  while (SecondsSince(start) < seconds) {
    const Clock::time_point before = Clock::now();
    if (mobula::Get(other.Call<&Other::Say>(text)) != text) Fail("echo");
    latencies_us.push_back(SecondsSince(before) * 1e6);
  }
  std::sort(latencies_us.begin(), latencies_us.end());
  const std::size_t n = latencies_us.size();
  return {static_cast<double>(n), SecondsSince(start),
          "p50=" + std::to_string(latencies_us[n / 2]) +
              "us p99=" + std::to_string(latencies_us[n * 99 / 100]) + "us"};
}

Ran Windowed(const mobula::Actor<Other>& other, double seconds) {
  const std::string text(64, 'x');
  std::vector<mobula::Ref<std::string>> refs(1000);
  const Clock::time_point start = Clock::now();
  for (auto& ref : refs) ref = other.Call<&Other::Say>(text);
  auto done = static_cast<double>(refs.size());
  while (SecondsSince(start) < seconds) {
    for (auto& ref : refs) {
      if (mobula::Get(ref) != text) Fail("echo");
      ref = other.Call<&Other::Say>(text);
      ++done;
    }
  }
  for (auto& ref : refs) mobula::Get(ref);
  return {done, SecondsSince(start), ""};
}

// A value that no node has seen, and what Take says of it.
std::pair<mobula::Ref<Words>, std::uint64_t> Fresh(std::size_t words) {
  static std::uint64_t last = 0;
  ++last;
  return {mobula::Put(Words(words, last)), words + 2 * last};
}

Ran Bulk(const mobula::Actor<Other>& other, std::size_t words) {
  const auto [ref, sum] = Fresh(words);
  const Clock::time_point start = Clock::now();
  if (mobula::Get(other.Call<&Other::Take>(ref)) != sum) Fail("bulk");
  return {static_cast<double>(words * sizeof(std::uint64_t)) / 1e9,
          SecondsSince(start), ""};
}

Ran Small(const mobula::Actor<Other>& other) {
  std::vector<mobula::Ref<Words>> refs;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kSmallCount; ++i) {
    auto [ref, part] = Fresh(kSmallWords);
    refs.push_back(std::move(ref));
    sum += part;
  }
  const Clock::time_point start = Clock::now();
  if (mobula::Get(other.Call<&Other::TakeMany>(refs)) != sum) Fail("small");
  return {static_cast<double>(kSmallCount * kSmallWords * 8) / 1e9,
          SecondsSince(start), ""};
}

Ran Broadcast(const std::vector<mobula::Actor<Other>>& others,
              std::size_t words) {
  const auto [ref, sum] = Fresh(words);
  const Clock::time_point start = Clock::now();
  std::vector<mobula::Ref<std::uint64_t>> sums;
  for (const auto& other : others) {
    sums.push_back(other.Call<&Other::Take>(ref));
  }
  for (const auto& each : sums) {
    if (mobula::Get(each) != sum) Fail("broadcast");
  }
  return {static_cast<double>(others.size() * words * 8) / 1e9,
          SecondsSince(start), "nodes=" + std::to_string(others.size())};
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  const std::size_t words =
      (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::size_t{1} << 30) /
      sizeof(std::uint64_t);
  mobula::Runtime runtime = mobula::Init(argc, argv);
  std::vector<mobula::Actor<Other>> others;
  for (const mobula::NodeInfo& node : mobula::Nodes()) {
    if (node.is_here) continue;
    others.push_back(mobula::Create<Other>(
        mobula::ActorOptions().Place(mobula::Placement().OnNode(node.id))));
    if (mobula::Get(others.back().Call<&Other::Say>("a")) != "a") Fail("echo");
  }
  if (others.empty()) Fail("there is no other node");
  const mobula::Actor<Other>& other = others.front();
  Report("net_call", "/s",
         [&other, seconds] { return OneAtATime(other, seconds); });
  Report("net_pipe", "/s",
         [&other, seconds] { return Windowed(other, seconds); });
  if (std::getenv("MOBULA_BENCH_CALLS") != nullptr) return 0;
  Report("net_bulk", "GB/s", [&other, words] { return Bulk(other, words); });
  Report("net_small", "GB/s", [&other] { return Small(other); });
  if (others.size() > 1) {
    Report("bcast", "ms",
           [&others, words] { return Broadcast(others, words); });
  }
  return 0;
}

// objects: the rows of docs/performance.md about values, through the public
// API.
//
//   objects [SECONDS]      each row runs about that long (default 1)
//
// Prints lines `name value unit cpu_us_per_op [note]`, which run.sh reads:
//   obj_100b, obj_4k, obj_100k    put + get + drop in one process: /s
//   obj_other_100b, ...           put, read by an actor in another process,
//                                 drop: /s
//   large_cold                    the first put of 100 MiB ever: GB/s
//   large_warm                    put of 100 MiB, again and again: GB/s
//   large_seal                    NewBuffer of 100 MiB, fill, Seal: GB/s
//   large_tasks                   results of 100 MiB of two tasks at a time
//   large_writers                 put of 100 MiB by an actor for each CPU at
//                                 the same time, again and again: GB/s of all
//   large_view                    GetView of 100 MiB in place: /s
//   huge_cold, huge_warm          put of 1 GiB, the first one and again: GB/s
//   get_10k, hold_10k, pass_10k   Get of 10,000 small refs; Put and Get of a
//                                 value that holds them; a task that gets them
//                                 as its argument: /s
//   wait_1k                       1,000 tasks, awaited one by one: /s
// CPU time is that of the whole process tree. The answers are checked. A row of
// which the node's store cannot hold the values is left out, and says so.
#include <mobula/mobula.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/process_tree/process_tree.h"

namespace {

constexpr std::size_t kLargeBytes = std::size_t{100} << 20;
constexpr double kLargeGigabytes = static_cast<double>(kLargeBytes) / 1e9;
constexpr std::size_t kHugeBytes = std::size_t{1} << 30;
constexpr double kHugeGigabytes = static_cast<double>(kHugeBytes) / 1e9;
constexpr int kMany = 10'000;

}  // namespace

using Words = std::vector<std::uint64_t>;

Words LargeWords(std::uint64_t with) {
  return Words(kLargeBytes / sizeof(std::uint64_t), with);
}
int Same(int number) { return number; }
std::size_t CountOf(const std::vector<mobula::Ref<int>>& refs) {
  return refs.size();
}

// Puts what it has, in a process of its own.
class Writer {
 public:
  std::size_t Write() const { return mobula::Put(words_) ? words_.size() : 0; }

 private:
  const Words words_ = LargeWords(7);
};

class Reader {
 public:
  std::size_t LengthOf(std::string_view text) const { return text.size(); }
  int Pid() const { return static_cast<int>(getpid()); }
};

namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Fail(const char* what) {
  std::fprintf(stderr, "objects: %s\n", what);
  std::exit(1);
}

struct Row {
  const char* name;
  const char* unit = "/s";
  double amount = 1;    // of the unit, for each operation
  double seconds = 1;   // 0: once
  bool is_warm = true;  // runs once before
};

void Measure(const Row& row, const std::function<void()>& once) {
  try {
    if (row.is_warm) once();
    const std::int64_t cpu = mobula::test::TreeCpuNs(getpid());
    const Clock::time_point start = Clock::now();
    double count = 0;
    do {
      once();
      ++count;
    } while (SecondsSince(start) < row.seconds);
    const double seconds = SecondsSince(start);
    const double cpu_us =
        static_cast<double>(mobula::test::TreeCpuNs(getpid()) - cpu) / 1e3;
    std::printf(
        "%s %.6g %s %.2f\n", row.name, count * row.amount / seconds, row.unit,
        cpu_us /
            (std::string_view(row.unit) == "/s" ? count * row.amount : count));
    std::fflush(stdout);
  } catch (const mobula::Error& error) {
    std::fprintf(stderr, "objects: %s is left out: %s\n", row.name,
                 error.what());
  }
}

void SmallRows(double seconds) {
  constexpr int kBatch = 100;
  const auto reader = mobula::Create<Reader>();
  if (reader.Call<&Reader::Pid>().Get() == getpid()) Fail("not remote");
  const std::pair<std::size_t, std::pair<const char*, const char*>> sizes[] = {
      {100, {"obj_100b", "obj_other_100b"}},
      {4096, {"obj_4k", "obj_other_4k"}},
      {102'400, {"obj_100k", "obj_other_100k"}},
  };
  for (const auto& [size, names] : sizes) {
    const std::string text(size, 'x');
    Measure({names.first, "/s", kBatch, seconds}, [&text] {
      for (int i = 0; i < kBatch; ++i) {
        if (mobula::Put(text).Get().size() != text.size()) Fail("a value");
      }
    });
    Measure({names.second, "/s", 1, seconds}, [&text, &reader] {
      const auto ref = mobula::Put(text);
      if (reader.Call<&Reader::LengthOf>(ref).Get() != text.size()) {
        Fail("a length");
      }
    });
  }
}

void WriterRow(double seconds) {
  const unsigned count = std::max(1u, std::thread::hardware_concurrency());
  std::vector<mobula::Actor<Writer>> writers;
  for (unsigned i = 0; i < count; ++i) {
    writers.push_back(mobula::Create<Writer>());
  }
  Measure({"large_writers", "GB/s", count * kLargeGigabytes, seconds},
          [&writers] {
            std::vector<mobula::Ref<std::size_t>> written;
            for (const auto& writer : writers) {
              written.push_back(writer.Call<&Writer::Write>());
            }
            for (const std::size_t words : mobula::Get(written)) {
              if (words * sizeof(std::uint64_t) != kLargeBytes) Fail("a put");
            }
          });
}

void HugeRows(double seconds) {
  const Words words(kHugeBytes / sizeof(std::uint64_t), 7);
  const auto put = [&words] {
    if (!mobula::Put(words)) Fail("a put");
  };
  Measure({"huge_cold", "GB/s", kHugeGigabytes, 0, /*is_warm=*/false}, put);
  Measure({"huge_warm", "GB/s", kHugeGigabytes, seconds}, put);
}

void LargeRows(double seconds) {
  const Words words = LargeWords(7);
  const auto put = [&words] {
    if (!mobula::Put(words)) Fail("a put");
  };
  Measure({"large_cold", "GB/s", kLargeGigabytes, 0, /*is_warm=*/false}, put);
  Measure({"large_warm", "GB/s", kLargeGigabytes, seconds}, put);
  Measure({"large_seal", "GB/s", kLargeGigabytes, seconds}, [&words] {
    auto buffer = mobula::NewBuffer<std::uint64_t>(words.size());
    std::fill(buffer.begin(), buffer.end(), 7);
    if (!buffer.Seal()) Fail("a seal");
  });
  Measure({"large_tasks", "GB/s", 2 * kLargeGigabytes, seconds}, [&words] {
    const std::vector<mobula::Ref<Words>> results = {
        mobula::Spawn<LargeWords>(7), mobula::Spawn<LargeWords>(8)};
    if (results[0].GetView().size() != words.size()) Fail("a result");
    if (results[1].GetView()[words.size() - 1] != 8) Fail("a result");
  });
  const auto ref = mobula::Put(words);
  Measure({"large_view", "/s", 1, seconds}, [&ref, &words] {
    if (ref.GetView().size() != words.size()) Fail("a view");
  });
  WriterRow(seconds);
  HugeRows(seconds);
}

void ManyRows(double seconds) {
  std::vector<mobula::Ref<int>> refs;
  for (int i = 0; i < kMany; ++i) refs.push_back(mobula::Put(i));
  Measure({"get_10k", "/s", 1, seconds}, [&refs] {
    if (mobula::Get(refs).back() != kMany - 1) Fail("a value");
  });
  Measure({"hold_10k", "/s", 1, seconds}, [&refs] {
    if (mobula::Put(refs).Get().size() != refs.size()) Fail("refs");
  });
  Measure({"pass_10k", "/s", 1, seconds}, [&refs] {
    if (mobula::Spawn<CountOf>(refs).Get() != refs.size()) Fail("a count");
  });
  Measure({"wait_1k", "/s", 1, seconds}, [] {
    std::vector<mobula::Ref<int>> left;
    for (int i = 0; i < 1000; ++i) left.push_back(mobula::Spawn<Same>(i));
    while (!left.empty()) left = mobula::Wait(left, 1).not_ready;
  });
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
  LargeRows(seconds);
  SmallRows(seconds);
  ManyRows(seconds);
  return 0;
}

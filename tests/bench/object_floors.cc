// object_floors: what this machine can do at best for the rows about values: no
// runtime, only memory and a hash table.
//
//   object_floors [SECONDS]      each probe runs that long (default 0.5)
//
// Prints lines `name value unit cpu_us_per_op`, which run.sh reads:
//   insert_100b, insert_4k, insert_100k
//                    copies of so many bytes, each remembered in a hash table,
//                    looked up, copied out and forgotten: /s
//   copy_large       memcpy of 100 MiB into shared memory, warm: GB/s
//   stream_large     the same past the caches (non-temporal stores)
//   lookup_10k       10,000 lookups in a hash table of as many shared
//                    pointers, each copied: /s
#include <sys/mman.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargeBytes = std::size_t{100} << 20;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec +
                                    usage.ru_stime.tv_usec);
}

// Runs `once` for `seconds`; it counts for `amount` of the unit. What counts
// for several operations ("/s") is priced by the operation.
void Report(const char* name, const char* unit, double amount, double seconds,
            const std::function<void()>& once) {
  once();
  const double cpu = CpuSeconds();
  const Clock::time_point start = Clock::now();
  double count = 0;
  while (SecondsSince(start) < seconds) {
    once();
    ++count;
  }
  std::printf("%s %.6g %s %.3f\n", name, count * amount / SecondsSince(start),
              unit,
              (CpuSeconds() - cpu) * 1e6 /
                  (std::strcmp(unit, "/s") == 0 ? count * amount : count));
  std::fflush(stdout);
}

void* SharedPages(std::size_t size) {
  void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (pages == MAP_FAILED) std::abort();
  return pages;
}

// Both are aligned to a cache line, `size` is a multiple of one.
void Stream(char* to, const char* from, std::size_t size) {
#if defined(__SSE2__)
  for (std::size_t at = 0; at < size; at += 64) {
    const auto* source = reinterpret_cast<const __m128i*>(from + at);
    auto* target = reinterpret_cast<__m128i*>(to + at);
    for (int i = 0; i < 4; ++i) {
      _mm_stream_si128(target + i, _mm_load_si128(source + i));
    }
  }
  _mm_sfence();
#else
  std::memcpy(to, from, size);
#endif
}

void Inserts(const char* name, std::size_t size, double seconds) {
  constexpr std::uint64_t kBatch = 100;
  std::unordered_map<std::uint64_t, char*> places;
  char* const memory = static_cast<char*>(SharedPages(kBatch * size));
  const std::vector<char> from(size, 'x');
  std::vector<char> out(size);
  std::uint64_t id = 0;
  Report(name, "/s", kBatch, seconds, [&] {
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      char* const place = memory + i * size;
      std::memcpy(place, from.data(), size);
      places.emplace(++id, place);
      std::memcpy(out.data(), places.find(id)->second, size);
      places.erase(id);
    }
  });
  munmap(memory, kBatch * size);
}

void LargeCopies(double seconds) {
  auto* const from = static_cast<char*>(SharedPages(kLargeBytes));
  auto* const to = static_cast<char*>(SharedPages(kLargeBytes));
  constexpr double kGigabytes = static_cast<double>(kLargeBytes) / 1e9;
  Report("copy_large", "GB/s", kGigabytes, seconds,
         [from, to] { std::memcpy(to, from, kLargeBytes); });
  Report("stream_large", "GB/s", kGigabytes, seconds,
         [from, to] { Stream(to, from, kLargeBytes); });
  munmap(from, kLargeBytes);
  munmap(to, kLargeBytes);
}

void Lookups(double seconds) {
  constexpr std::uint64_t kCount = 10'000;
  std::unordered_map<std::uint64_t, std::shared_ptr<const std::string>> table;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    table.emplace(i * 0x9E3779B97F4A7C15ULL,
                  std::make_shared<const std::string>("value"));
  }
  std::vector<std::shared_ptr<const std::string>> found(kCount);
  Report("lookup_10k", "/s", 1, seconds, [&table, &found] {
    for (std::uint64_t i = 0; i < kCount; ++i) {
      found[i] = table.find(i * 0x9E3779B97F4A7C15ULL)->second;
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.5;
  Inserts("insert_100b", 100, seconds);
  Inserts("insert_4k", 4096, seconds);
  Inserts("insert_100k", 102'400, seconds);
  LargeCopies(seconds);
  Lookups(seconds);
  return 0;
}

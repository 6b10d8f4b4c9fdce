// floors: what this machine can do at best for the shapes of the rows of
// docs/performance.md: no runtime, only the kernel and the caches.
//
//   floors [SECONDS]      each probe runs that long (default 0.5)
//
// Prints lines `name value unit cpu_us_per_op`, which run.sh reads:
//   futex_rtt        round trips/s between two processes that sleep in a futex
//   unix_rtt         the same over a Unix socket, 64 bytes
//   ring             64-byte messages/s through a ring of shared memory
//   exec_connect     fork, exec of this program, one byte back: starts/s
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>

#include "tests/bench/cpu_seconds.h"

namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Runs `probe`, which returns how many operations it made, and prints a line.
void Report(const char* name, const std::function<std::uint64_t()>& probe) {
  const double cpu = mobula::bench::TreeCpuSeconds();
  const Clock::time_point start = Clock::now();
  const auto count = static_cast<double>(probe());
  const double seconds = SecondsSince(start);
  std::printf("%s %.1f /s %.3f\n", name, count / seconds,
              (mobula::bench::TreeCpuSeconds() - cpu) * 1e6 / count);
  std::fflush(stdout);
}

void* SharedPages(std::size_t size) {
  void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (pages == MAP_FAILED) std::abort();
  return pages;
}

using Word = std::atomic<std::uint32_t>;

// 32-bit words are what the kernel waits on.
void FutexWait(Word* word, std::uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
}
void FutexWake(Word* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

struct FutexPair {
  alignas(128) Word ping{0};
  alignas(128) Word pong{0};
};

constexpr std::uint32_t kStop = 0xFFFFFFFF;

std::uint64_t FutexRoundTrips(double seconds) {
  auto* pair = new (SharedPages(sizeof(FutexPair))) FutexPair;
  const pid_t child = fork();
  if (child == 0) {
    for (std::uint32_t seen = 0;;) {
      while (pair->ping.load() == seen) FutexWait(&pair->ping, seen);
      seen = pair->ping.load();
      if (seen == kStop) _exit(0);
      pair->pong.store(seen);
      FutexWake(&pair->pong);
    }
  }
  const Clock::time_point start = Clock::now();
  std::uint32_t count = 0;
  while (count % 256 != 0 || SecondsSince(start) < seconds) {
    pair->ping.store(++count);
    FutexWake(&pair->ping);
    while (pair->pong.load() != count) FutexWait(&pair->pong, count - 1);
  }
  pair->ping.store(kStop);
  FutexWake(&pair->ping);
  waitpid(child, nullptr, 0);
  munmap(pair, sizeof(FutexPair));
  return count;
}

std::uint64_t SocketRoundTrips(double seconds) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
  std::array<char, 64> message{};
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    while (read(ends[1], message.data(), message.size()) > 0) {
      if (write(ends[1], message.data(), message.size()) < 0) break;
    }
    _exit(0);
  }
  close(ends[1]);
  const Clock::time_point start = Clock::now();
  std::uint64_t count = 0;
  while (count % 256 != 0 || SecondsSince(start) < seconds) {
    if (write(ends[0], message.data(), message.size()) <= 0) std::abort();
    if (read(ends[0], message.data(), message.size()) <= 0) std::abort();
    ++count;
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return count;
}

struct Ring {
  static constexpr std::uint64_t kSlots = 4096;
  alignas(128) std::atomic<std::uint64_t> head{0};
  alignas(128) std::atomic<std::uint64_t> tail{0};
  alignas(128) char slot[kSlots][64];
};

// One producer, one consumer, published every 16 messages.
std::uint64_t RingMessages(std::uint64_t count) {
  auto* ring = new (SharedPages(sizeof(Ring))) Ring;
  std::array<char, 64> message{};
  const pid_t child = fork();
  if (child == 0) {
    std::uint64_t tail = 0;
    while (tail < count) {
      const std::uint64_t head = ring->head.load(std::memory_order_acquire);
      while (tail < head) {
        std::memcpy(message.data(), ring->slot[tail++ % Ring::kSlots], 64);
      }
      ring->tail.store(tail, std::memory_order_release);
    }
    _exit(message[1]);
  }
  std::uint64_t tail = 0;
  for (std::uint64_t head = 0; head < count;) {
    while (head - tail >= Ring::kSlots) {
      tail = ring->tail.load(std::memory_order_acquire);
    }
    std::memcpy(ring->slot[head++ % Ring::kSlots], message.data(), 64);
    if (head % 16 == 0 || head == count) {
      ring->head.store(head, std::memory_order_release);
    }
  }
  waitpid(child, nullptr, 0);
  munmap(ring, sizeof(Ring));
  return count;
}

std::uint64_t ExecAndConnect(double seconds) {
  const Clock::time_point start = Clock::now();
  std::uint64_t count = 0;
  while (SecondsSince(start) < seconds) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
    const pid_t child = vfork();
    if (child == 0) {
      const std::string fd = std::to_string(ends[1]);
      execl("/proc/self/exe", "floors", "--child", fd.c_str(), nullptr);
      _exit(1);
    }
    close(ends[1]);
    char byte = 0;
    if (read(ends[0], &byte, 1) != 1) std::abort();
    close(ends[0]);
    waitpid(child, nullptr, 0);
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--child") == 0) {
    return write(std::atoi(argv[2]), "x", 1) == 1 ? 0 : 1;
  }
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.5;
  Report("futex_rtt", [seconds] { return FutexRoundTrips(seconds); });
  Report("unix_rtt", [seconds] { return SocketRoundTrips(seconds); });
  Report("ring", [seconds] {
    return RingMessages(static_cast<std::uint64_t>(seconds * 4e6));
  });
  Report("exec_connect", [seconds] { return ExecAndConnect(seconds); });
  return 0;
}

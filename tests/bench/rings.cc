// rings: what a ring of base/shm/ring costs between two processes, beside what
// this machine allows for the same shape.
//
//   rings [SECONDS]      each probe runs that long (default 0.3), five rounds
//
// Prints lines `name median unit cpu_us_per_op min..max`; CPU time is that of
// both processes. The rounds are interleaved, so that all probes meet the same
// machine:
//   futex_rtt, eventfd_rtt, unix_rtt   64 bytes there and back, both asleep
//                                      between; an eventfd is waited for by
//                                      epoll, as the strand does
//   ring_rtt         the same through rings, which ring a sleeper's eventfd
//   ring_rtt_spin    the same, looking for up to 50 us before it sleeps
//   ring_rtt_permit  the same, where a permit of the machine allows it
//   pairs_sleep, pairs_spin, pairs_permit   round trips of 2 x CPUs pairs at
//   once ring_64, ring_4k messages/s one way, published in batches of 16
//   memcpy_64, memcpy_4k   the copy alone
#include <linux/futex.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/shm/ring/ring_end.h"
#include "base/shm/spin/cpu_gauge.h"
#include "base/shm/spin/spin_permits.h"
#include "base/shm/spin/spin_policy.h"
#include "tests/bench/cpu_seconds.h"

namespace {

using Clock = std::chrono::steady_clock;
using mobula::base::CpuGauge;
using mobula::base::RingEnd;
using mobula::base::SpinPage;
using mobula::base::SpinPolicy;

constexpr int kRounds = 5;
constexpr std::size_t kRingBytes = std::size_t{128} << 10;
// About 50 us of looking.
constexpr int kSpins = 2'000;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Check(bool is_right) {
  if (!is_right) std::abort();
}

// `echo` answers once in the child; `ask` asks once and has the answer.
std::uint64_t RoundTrips(double seconds, const std::function<bool()>& echo,
                         const std::function<void()>& ask) {
  const pid_t child = fork();
  if (child == 0) {
    while (echo()) {
    }
    _exit(0);
  }
  const Clock::time_point start = Clock::now();
  std::uint64_t count = 0;
  while (count % 64 != 0 || SecondsSince(start) < seconds) {
    ask();
    ++count;
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return count;
}

using Word = std::atomic<std::uint32_t>;

struct Words {
  alignas(128) Word ping{0};
  alignas(128) Word pong{0};
};

void FutexWait(Word* word, std::uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
}
void FutexWake(Word* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

std::uint64_t FutexRoundTrips(double seconds) {
  void* const page = mmap(nullptr, sizeof(Words), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Check(page != MAP_FAILED);
  auto* const words = new (page) Words;
  std::uint32_t seen = 0;
  std::uint32_t count = 0;
  const std::uint64_t trips = RoundTrips(
      seconds,
      [&] {
        while (words->ping.load() == seen) FutexWait(&words->ping, seen);
        words->pong.store(++seen);
        FutexWake(&words->pong);
        return true;
      },
      [&] {
        words->ping.store(++count);
        FutexWake(&words->ping);
        while (words->pong.load() != count) FutexWait(&words->pong, count - 1);
      });
  munmap(page, sizeof(Words));
  return trips;
}

// An eventfd told of once for each write, in an epoll of its own.
struct Bell {
  Bell()
      : fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        epoll(epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    Check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
  }
  ~Bell() {
    close(fd);
    close(epoll);
  }
  void Ring() const {
    const std::uint64_t one = 1;
    Check(write(fd, &one, sizeof one) == sizeof one);
  }
  void Wait() const {
    epoll_event event{};
    Check(epoll_wait(epoll, &event, 1, -1) == 1);
  }

  int fd;
  int epoll;
};

std::uint64_t EventfdRoundTrips(double seconds) {
  const Bell ping;
  const Bell pong;
  return RoundTrips(
      seconds,
      [&] {
        ping.Wait();
        pong.Ring();
        return true;
      },
      [&] {
        ping.Ring();
        pong.Wait();
      });
}

std::uint64_t SocketRoundTrips(double seconds) {
  std::array<int, 2> ends{};
  Check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  std::array<char, 64> message{};
  const std::uint64_t trips = RoundTrips(
      seconds,
      [&] {
        return read(ends[1], message.data(), message.size()) > 0 &&
               write(ends[1], message.data(), message.size()) > 0;
      },
      [&] {
        Check(write(ends[0], message.data(), message.size()) > 0);
        Check(read(ends[0], message.data(), message.size()) > 0);
      });
  close(ends[0]);
  close(ends[1]);
  return trips;
}

// How a side waits for its record.
enum class Wait { kSleep, kSpin, kPermit };

SpinPage& NodePage() {
  static void* const page =
      mmap(nullptr, sizeof(SpinPage), PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Check(page != MAP_FAILED);
  return *static_cast<SpinPage*>(page);  // zero, as fresh memory is
}

std::uint64_t RingRoundTrips(double seconds, Wait wait) {
  const int spins = wait == Wait::kSpin ? kSpins : 0;
  SpinPolicy policy(NodePage(), CpuGauge().cpus());
  RingEnd::Handles handles = RingEnd::MakeHandles(kRingBytes);
  RingEnd ours(handles, 0);
  if (wait == Wait::kPermit) ours.SetSpin(&policy);
  const std::string message(64, 'm');
  std::string got;
  // The child's end is made in the child: its memory is not inherited.
  std::unique_ptr<RingEnd> theirs;
  const std::uint64_t trips = RoundTrips(
      seconds,
      [&] {
        if (theirs == nullptr) {
          theirs = std::make_unique<RingEnd>(handles, 1);
          if (wait == Wait::kPermit) theirs->SetSpin(&policy);
        }
        Check(theirs->Receive(&got, spins) && theirs->Send(got));
        theirs->Publish();
        return true;
      },
      [&] {
        Check(ours.Send(message));
        ours.Publish();
        Check(ours.Receive(&got, spins) && got == message);
      });
  Check(ours.lost_wakes() == 0);
  return trips;
}

// Of all pairs together, each a process and its child.
std::uint64_t Pairs(double seconds, Wait wait) {
  const int pairs = 2 * CpuGauge().cpus();
  std::array<int, 2> ends{};
  Check(pipe(ends.data()) == 0);
  std::vector<pid_t> children;
  for (int i = 0; i < pairs; ++i) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    const std::uint64_t count = RingRoundTrips(seconds, wait);
    Check(write(ends[1], &count, sizeof count) == sizeof count);
    _exit(0);
  }
  std::uint64_t sum = 0;
  for (const pid_t child : children) {
    std::uint64_t count = 0;
    Check(read(ends[0], &count, sizeof count) == sizeof count);
    sum += count;
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
  close(ends[1]);
  return sum;
}

std::uint64_t RingOneWay(double seconds, std::size_t bytes) {
  RingEnd::Handles handles = RingEnd::MakeHandles(kRingBytes);
  RingEnd ours(handles, 0);
  const pid_t child = fork();
  if (child == 0) {
    RingEnd theirs(handles, 1);
    const std::string message(bytes, 'm');
    for (std::uint64_t i = 1;; ++i) {
      Check(theirs.Send(message));
      if (i % 16 == 0) theirs.Publish();
    }
  }
  std::string got;
  const Clock::time_point start = Clock::now();
  std::uint64_t count = 0;
  while (count % 4096 != 0 || SecondsSince(start) < seconds) {
    Check(ours.Receive(&got) && got.size() == bytes);
    ++count;
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return count;
}

std::uint64_t Copies(double seconds, std::size_t bytes) {
  std::vector<char> from(kRingBytes, 'm');
  std::vector<char> to(kRingBytes);
  const Clock::time_point start = Clock::now();
  std::uint64_t count = 0;
  while (count % 4096 != 0 || SecondsSince(start) < seconds) {
    const std::size_t at = count * bytes % kRingBytes;
    std::memcpy(to.data() + at, from.data() + at, bytes);
    asm volatile("" : : "r"(to.data()) : "memory");
    ++count;
  }
  return count;
}

struct Probe {
  const char* name;
  std::function<std::uint64_t(double)> run;
  std::vector<double> rates;
  std::vector<double> cpu_us;
};

template <Wait kWait>
Probe Trips(const char* name) {
  return {name, [](double s) { return RingRoundTrips(s, kWait); }, {}, {}};
}

template <Wait kWait>
Probe PairTrips(const char* name) {
  return {name, [](double s) { return Pairs(s, kWait); }, {}, {}};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Run(Probe& probe, double seconds) {
  const double cpu = mobula::bench::TreeCpuSeconds();
  const Clock::time_point start = Clock::now();
  const auto count = static_cast<double>(probe.run(seconds));
  probe.rates.push_back(count / SecondsSince(start));
  probe.cpu_us.push_back((mobula::bench::TreeCpuSeconds() - cpu) * 1e6 / count);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.3;
  std::vector<Probe> probes = {
      {"futex_rtt", FutexRoundTrips, {}, {}},
      {"eventfd_rtt", EventfdRoundTrips, {}, {}},
      {"unix_rtt", SocketRoundTrips, {}, {}},
      Trips<Wait::kSleep>("ring_rtt"),
      Trips<Wait::kSpin>("ring_rtt_spin"),
      Trips<Wait::kPermit>("ring_rtt_permit"),
      PairTrips<Wait::kSleep>("pairs_sleep"),
      PairTrips<Wait::kSpin>("pairs_spin"),
      PairTrips<Wait::kPermit>("pairs_permit"),
      {"ring_64", [](double s) { return RingOneWay(s, 64); }, {}, {}},
      {"memcpy_64", [](double s) { return Copies(s, 64); }, {}, {}},
      {"ring_4k", [](double s) { return RingOneWay(s, 4096); }, {}, {}},
      {"memcpy_4k", [](double s) { return Copies(s, 4096); }, {}, {}},
  };
  for (int round = 0; round < kRounds; ++round) {
    for (Probe& probe : probes) Run(probe, seconds);
  }
  for (const Probe& probe : probes) {
    const auto [least, most] =
        std::minmax_element(probe.rates.begin(), probe.rates.end());
    std::printf("%s %.0f /s %.4f %.0f..%.0f\n", probe.name, Median(probe.rates),
                Median(probe.cpu_us), *least, *most);
  }
  return 0;
}

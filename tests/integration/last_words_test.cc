// What a worker has said before its end counts, also when the raylet hears of
// the end first.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kBytes = std::size_t{100} << 10;
constexpr std::chrono::seconds kPatience(20);

class Maker {
 public:
  [[nodiscard]] int Pid() const { return ::getpid(); }
  [[nodiscard]] int Raylet() const { return ::getppid(); }
  [[nodiscard]] std::string Make(char filling) const {
    return std::string(kBytes, filling);
  }
};

// Until the process has ended; its parent need not know yet.
bool KillAndAwait(pid_t pid) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0 || ::kill(pid, SIGKILL) != 0) return false;
  pollfd end{fd, POLLIN, 0};
  const bool ended = ::poll(&end, 1, 20'000) == 1;
  ::close(fd);
  return ended;
}

// The letter of its state in /proc, ' ' if there is no such process.
char StateOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  return name_end == std::string::npos ? ' ' : line.at(name_end + 2);
}

class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_(pid) {
    ::kill(pid, SIGSTOP);
    while (StateOf(pid) != 'T') ::sched_yield();
  }
  ~Stopped() { ::kill(pid_, SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  pid_t pid_;
};

TEST(LastWords, AValueStoredJustBeforeItsMakersEndIsThere) {
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(8));
  auto other = mobula::Create<Maker>();
  auto maker = mobula::Create<Maker>();
  const pid_t others_pid = mobula::Get(other.Call<&Maker::Pid>());
  const pid_t pid = mobula::Get(maker.Call<&Maker::Pid>());
  const pid_t raylet = mobula::Get(maker.Call<&Maker::Raylet>());
  // From here on it has room in the store, which nobody else has mapped, with
  // nothing in it that the raylet knows of.
  {
    const auto first = maker.Call<&Maker::Make>('a');
    ASSERT_EQ(mobula::Wait(std::vector{first}, 1, kPatience).ready.size(), 1u);
  }
  mobula::Get(mobula::Create<Maker>().Call<&Maker::Pid>());
  mobula::Ref<std::string> last;
  {
    const Stopped stopped(raylet);
    // Whose end wakes the raylet, which then finds both.
    ASSERT_TRUE(KillAndAwait(others_pid));
    last = maker.Call<&Maker::Make>('b');
    ASSERT_EQ(mobula::Wait(std::vector{last}, 1, kPatience).ready.size(), 1u);
    ASSERT_TRUE(KillAndAwait(pid));
  }
  // Who is given what the dead one had, if it seems to be empty.
  std::vector<mobula::Actor<Maker>> next;
  std::vector<mobula::Ref<std::string>> others;
  for (int i = 0; i < 4; ++i) {
    next.push_back(mobula::Create<Maker>());
    others.push_back(next.back().Call<&Maker::Make>('c'));
  }
  ASSERT_EQ(mobula::Wait(others, others.size(), kPatience).ready.size(),
            others.size());
  EXPECT_EQ(mobula::Get(last, kPatience), std::string(kBytes, 'b'));
}

}  // namespace

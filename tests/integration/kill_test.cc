// Kill -9 of each process of a running program at seeded moments: within five
// seconds nothing of it is left, however it was killed.
//
// The test looks itself: every process that the driver starts, also those that
// detached themselves, carries a mark in its environment; the runtime folder
// and /dev/shm are read. MOBULA_KILLS sets the number of moments a role.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

enum class Target { kDriver, kJanitor, kRaylet, kWorker };

int MomentCount() {
  const char* text = std::getenv("MOBULA_KILLS");
  return text == nullptr ? 10 : std::atoi(text);
}

// Waits until the process ends or the time is over.
void WaitFor(pid_t pid, milliseconds time) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  ASSERT_GE(fd, 0);
  pollfd poll_fd{fd, POLLIN, 0};
  poll(&poll_fd, 1, static_cast<int>(time.count()));
  close(fd);
}

std::vector<pid_t> Without(std::vector<pid_t> pids, pid_t one) {
  std::erase(pids, one);
  return pids;
}

class Victim {
 public:
  Victim(int number, const char* seconds) {
    mark_ = "MOBULA_TEST_MARK=" + std::to_string(getpid()) + "." +
            std::to_string(number);
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("run" + std::to_string(number));
    std::filesystem::create_directories(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    const std::string program = ProgramPath("tests/integration/victim");
    const std::string runtime_dir = "XDG_RUNTIME_DIR=" + folder_.string();
    pid_ = fork();
    if (pid_ == 0) {
      putenv(const_cast<char*>(mark_.c_str()));
      putenv(const_cast<char*>(runtime_dir.c_str()));
      execl(program.c_str(), program.c_str(), seconds, nullptr);
      _exit(127);
    }
  }

  ~Victim() {
    for (const pid_t pid : PidsWithEnvironment(mark_)) kill(pid, SIGKILL);
    if (!reaped_) waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

  // A process of that kind, 0 if there is none now.
  [[nodiscard]] pid_t Find(Target target, std::mt19937& random) const {
    if (target == Target::kDriver) return pid_;
    std::vector<pid_t> found = Children(pid_);
    if (found.empty() || target == Target::kJanitor) return First(found);
    found = Children(found[0]);
    if (found.empty() || target == Target::kRaylet) return First(found);
    // Grandchildren that detached themselves were adopted by the raylet; they
    // are in a session of their own making, of which the leader is dead.
    std::vector<pid_t> workers;
    for (const pid_t pid : Children(found[0])) {
      const pid_t session = getsid(pid);
      if (session == pid || session == getsid(found[0])) {
        workers.push_back(pid);
      }
    }
    if (workers.empty()) return 0;
    return workers[random() % workers.size()];
  }

  // The driver's exit code, 128 + signal where it was killed.
  int Reap() {
    int status = 0;
    waitpid(pid_, &status, 0);
    reaped_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  // Empty when nothing is left, else a line for each thing.
  [[nodiscard]] std::string Left() const {
    std::string left;
    for (const pid_t pid : Without(PidsWithEnvironment(mark_), pid_)) {
      left += "process " + std::to_string(pid) + " " + CommandLine(pid) + "\n";
    }
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_)) {
      const bool is_base = entry.is_directory() &&
                           entry.path().parent_path() == folder_ &&
                           entry.path().filename() == "mobula";
      if (!is_base) left += "file " + entry.path().string() + "\n";
    }
    return left;
  }

 private:
  static pid_t First(const std::vector<pid_t>& pids) {
    return pids.empty() ? 0 : pids[0];
  }

  std::string mark_;
  std::filesystem::path folder_;
  pid_t pid_ = 0;
  bool reaped_ = false;
};

std::vector<std::string> SharedMemoryNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void ExpectNothingLeft(const Victim& victim) {
  const Clock::time_point end = Clock::now() + std::chrono::seconds(5);
  std::string left;
  do {
    left = victim.Left();
    if (left.empty()) return;
    poll(nullptr, 0, 10);
  } while (Clock::now() < end);
  ADD_FAILURE() << "left after 5 s:\n" << left;
}

// Kills `target` once it exists, not before the moment. False if the program
// ended before.
bool KillAt(Victim& victim, Target target, milliseconds moment,
            std::mt19937& random) {
  WaitFor(victim.pid(), moment);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(20);
  while (Clock::now() < end) {
    const pid_t pid = victim.Find(target, random);
    if (pid > 0) return kill(pid, SIGKILL) == 0;
    WaitFor(victim.pid(), milliseconds(1));
  }
  return false;
}

class KillTest : public testing::TestWithParam<Target> {};

TEST_P(KillTest, LeavesNothing) {
  const std::vector<std::string> names = SharedMemoryNames();
  for (int seed = 1; seed <= MomentCount(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(static_cast<unsigned>(seed));
    // Half of the moments lie in the start of the head.
    const milliseconds moment(random() % (seed % 2 == 0 ? 400 : 40));
    const bool is_worker = GetParam() == Target::kWorker;
    Victim victim(seed, is_worker ? "1" : "0");
    ASSERT_TRUE(KillAt(victim, GetParam(), moment, random));
    const int code = victim.Reap();
    if (GetParam() == Target::kDriver) {
      EXPECT_EQ(code, 128 + SIGKILL);
    } else if (is_worker) {
      EXPECT_EQ(code, 0);  // retried, and the program never noticed
    } else {
      EXPECT_TRUE(code == 3 || code == 4) << "exit code " << code;
    }
    ExpectNothingLeft(victim);
  }
  EXPECT_EQ(SharedMemoryNames(), names);
}

std::string TargetName(const testing::TestParamInfo<Target>& info) {
  switch (info.param) {
    case Target::kDriver:
      return "Driver";
    case Target::kJanitor:
      return "Janitor";
    case Target::kRaylet:
      return "Raylet";
    case Target::kWorker:
      return "Worker";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Roles, KillTest,
                         testing::Values(Target::kDriver, Target::kJanitor,
                                         Target::kRaylet, Target::kWorker),
                         TargetName);

// The looking itself must be able to fail.
TEST(KillTestSelfCheck, FindsALivingProcess) {
  Victim victim(0, "0");
  std::mt19937 random(1);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(20);
  while (victim.Find(Target::kWorker, random) == 0 && Clock::now() < end) {
    WaitFor(victim.pid(), milliseconds(5));
  }
  EXPECT_NE(victim.Left(), "");
}

}  // namespace
}  // namespace mobula::test

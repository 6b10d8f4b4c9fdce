// Nothing is left, whichever process is killed and when. The test looks
// itself: every process that it causes carries a mark of this test in its
// environment, also those that flee by setsid and a double fork.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "raylet/spawn/process_tree.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

constexpr char kMark[] = "STAND_IN_MARK";
// The promise is 5 s on a machine that has time for us.
constexpr base::Duration kPatience = std::chrono::seconds(20);
constexpr int kWorkers = 2;

enum class Victim { kDriver, kJanitor, kRaylet, kWorker };

struct Marked {
  pid_t pid = 0;
  pid_t parent = 0;
  bool is_head = false;    // runs `mobula`
  bool is_worker = false;  // or what a worker started
};

// As far as it can be read: "" of one that is gone, also if it goes meanwhile,
// which an iterator would throw for.
std::string CommandLineOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::vector<Marked> FindMarked(const std::string& mark) {
  std::vector<Marked> found;
  for (const pid_t pid : raylet::AllProcesses()) {
    if (pid == ::getpid()) continue;
    if (raylet::EnvironmentOf(pid, kMark) != mark) continue;
    const auto stat = raylet::ReadProcessStat(pid);
    if (!stat || stat->state == 'Z') continue;
    found.push_back({pid, stat->parent,
                     CommandLineOf(pid).starts_with("mobula"),
                     raylet::EnvironmentOf(pid, "MOBULA_WORKER").has_value()});
  }
  return found;
}

// One driver with its head and workers, from start to nothing.
class Life {
 public:
  explicit Life(std::string mark) : mark_(std::move(mark)) {
    int in[2];
    int out[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    ::setenv(kMark, mark_.c_str(), 1);
    driver_ = ::fork();
    if (driver_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      const std::string workers = std::to_string(kWorkers);
      ::execl("cli/stand_in", "stand_in", "cli/mobula", workers.c_str(),
              nullptr);
      ::_exit(127);
    }
    ::unsetenv(kMark);
    ::close(in[0]);
    ::close(out[1]);
    input_.Reset(in[1]);
    output_.Reset(out[0]);
  }
  ~Life() { End(); }

  // Waits for `time`, or until the driver says that all is up.
  bool WaitReady(std::chrono::milliseconds time) {
    const base::BootTime deadline = base::BootNow() + time;
    while (text_.find("ready") == std::string::npos) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          deadline - base::BootNow());
      pollfd poll{output_.get(), POLLIN, 0};
      if (left.count() <= 0 ||
          ::poll(&poll, 1, static_cast<int>(left.count())) <= 0) {
        return false;
      }
      char buffer[256];
      const ssize_t n = ::read(output_.get(), buffer, sizeof(buffer));
      if (n <= 0) return false;
      text_.append(buffer, static_cast<std::size_t>(n));
    }
    return true;
  }

  // SIGKILL to a process of this role, if it is there yet; its pid or 0.
  pid_t Kill(Victim victim) {
    const std::vector<Marked> marked = FindMarked(mark_);
    pid_t pid = 0;
    for (const Marked& process : marked) {
      if (IsVictim(process, victim, marked)) pid = process.pid;
    }
    if (pid != 0) ::kill(pid, SIGKILL);
    if (pid == driver_) Reap();
    return pid;
  }

  // Waits until only `kept` of what carries the mark are left.
  bool WaitLeft(const std::vector<pid_t>& kept) {
    const base::BootTime deadline = base::BootNow() + kPatience;
    while (true) {
      std::vector<Marked> left = FindMarked(mark_);
      std::erase_if(left, [&kept](const Marked& process) {
        return std::find(kept.begin(), kept.end(), process.pid) != kept.end();
      });
      if (left.empty()) return true;
      if (base::BootNow() >= deadline) {
        Describe(left);
        return false;
      }
      std::vector<UniqueFd> ends;
      for (const Marked& process : left) {
        ends.push_back(raylet::OpenPidfd(process.pid));
      }
      raylet::WaitForOne(ends);
    }
  }

  void End() {
    input_.Reset();
    output_.Reset();
    if (driver_ != 0) Reap();
  }
  [[nodiscard]] pid_t driver() const { return driver_; }
  [[nodiscard]] const std::string& mark() const { return mark_; }

 private:
  [[nodiscard]] bool IsJanitor(const Marked& process) const {
    return process.is_head && process.parent == driver_;
  }
  bool IsVictim(const Marked& process, Victim victim,
                const std::vector<Marked>& all) const {
    switch (victim) {
      case Victim::kDriver:
        return process.pid == driver_;
      case Victim::kJanitor:
        return IsJanitor(process);
      case Victim::kRaylet:
        // A worker that has not executed yet looks like a head, too.
        return std::any_of(all.begin(), all.end(),
                           [this, &process](const Marked& other) {
                             return process.is_head && IsJanitor(other) &&
                                    process.parent == other.pid;
                           });
      case Victim::kWorker:
        // The driver has named them; what they started looks the same.
        return text_.find("worker " + std::to_string(process.pid) + "\n") !=
               std::string::npos;
    }
    return false;
  }
  void Reap() {
    ::waitpid(driver_, nullptr, 0);
    driver_ = 0;
  }
  static void Describe(const std::vector<Marked>& left) {
    for (const Marked& process : left) {
      ADD_FAILURE() << "left: pid " << process.pid << " parent "
                    << process.parent << " " << CommandLineOf(process.pid);
    }
  }

  const std::string mark_;
  pid_t driver_ = 0;
  UniqueFd input_;
  UniqueFd output_;
  std::string text_;
};

class LeftoversTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "mobulaXXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    root_ = folder + "/mobula";
    ::setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
    ::signal(SIGPIPE, SIG_IGN);
  }
  static std::string NewMark() { return std::to_string(base::RandomBits()); }
  static int Moments() {
    const char* const moments = std::getenv("MOBULA_MOMENTS");
    return moments == nullptr ? 10 : std::atoi(moments);
  }

  // Kills one at seeded moments, from before the head is up to long after.
  void KillAtMoments(Victim victim) {
    std::mt19937 random(static_cast<std::uint32_t>(victim) + 1);
    int before_ready = 0;
    int killed = 0;
    for (int i = 0; i < Moments(); ++i) {
      SCOPED_TRACE("moment " + std::to_string(i));
      const std::chrono::milliseconds moment(random() % 200);
      Life life(NewMark());
      const bool ready = life.WaitReady(moment);
      if (!ready) ++before_ready;
      const pid_t pid = life.Kill(victim);
      if (pid != 0) ++killed;
      if (pid == 0 || victim == Victim::kWorker) life.End();
      std::vector<pid_t> kept;
      if (life.driver() != 0) kept.push_back(life.driver());
      EXPECT_TRUE(life.WaitLeft(kept));
      EXPECT_TRUE(raylet::ListSessions(root_).empty());
      life.End();
      EXPECT_TRUE(life.WaitLeft({}));
    }
    EXPECT_GT(killed, 0);
    std::printf("%d killed, %d of them or of none before all was up\n", killed,
                before_ready);
  }

  std::string root_;
};

TEST_F(LeftoversTest, DriverKilled) { KillAtMoments(Victim::kDriver); }

TEST_F(LeftoversTest, JanitorKilled) { KillAtMoments(Victim::kJanitor); }

TEST_F(LeftoversTest, RayletKilled) { KillAtMoments(Victim::kRaylet); }

TEST_F(LeftoversTest, WorkerKilled) { KillAtMoments(Victim::kWorker); }

TEST_F(LeftoversTest, BothKilledAtOnceTheNextStartReaps) {
  Life life(NewMark());
  ASSERT_TRUE(life.WaitReady(std::chrono::seconds(20)));
  // Stopped first, so that neither can act on the other's end.
  for (const Marked& process : FindMarked(life.mark())) {
    if (process.is_head) ::kill(process.pid, SIGSTOP);
  }
  for (const Marked& process : FindMarked(life.mark())) {
    if (process.is_head) ::kill(process.pid, SIGKILL);
  }
  life.End();
  EXPECT_EQ(raylet::ListSessions(root_).size(), 1u);
  EXPECT_FALSE(FindMarked(life.mark()).empty()) << "what fled is still there";
  Life next(NewMark());
  EXPECT_TRUE(next.WaitReady(std::chrono::seconds(20)));
  EXPECT_TRUE(life.WaitLeft({}));
  next.End();
  EXPECT_TRUE(next.WaitLeft({}));
  EXPECT_TRUE(raylet::ListSessions(root_).empty());
}

}  // namespace
}  // namespace mobula::cli

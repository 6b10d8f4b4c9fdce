// The main job stays right: examples/index over a folder of plain, compressed,
// binary and broken files, with one worker and with eight, undisturbed and
// while this test kills its processes, shard hosts included.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// The last line of index.
struct Result {
  long files = 0;
  long words = 0;
  long workers = 0;
  long kills = 0;
  long retries = 0;
  long restarts = 0;
  bool verified = false;
  bool parsed = false;
};

Result ParseLastLine(const std::string& output) {
  const std::size_t end = output.find_last_not_of('\n');
  const std::size_t start = output.rfind('\n', end);
  const std::string line = output.substr(start + 1, end - start);
  Result r;
  std::array<char, 16> tail{};
  const int n = std::sscanf(
      line.c_str(),
      "index: %ld files, %ld words, %ld workers, %ld kills, %ld retries, "
      "%ld restarts%15s",
      &r.files, &r.words, &r.workers, &r.kills, &r.retries, &r.restarts,
      tail.data());
  r.parsed = n >= 6;
  r.verified = line.ends_with(", verified");
  return r;
}

// About `megabytes` of text in files of 20 KB, a tenth of them compressed, with
// some that are no text at all.
class Folder {
 public:
  explicit Folder(int megabytes) : path_(testing::TempDir() + "/texts") {
    std::filesystem::create_directories(path_ + "/sub");
    std::mt19937 random(7);
    for (int i = 0; i < megabytes * 50; ++i) WriteText(i, random);
    RunProgram({"/bin/sh", "-c", "gzip -f " + path_ + "/sub/*.txt"});
    std::ofstream(path_ + "/binary.bin") << std::string(5000, '\0');
    std::ofstream(path_ + "/broken.gz") << "\x1f\x8b\x08 and then no more";
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void WriteText(int number, std::mt19937& random) {
    std::ofstream file(path_ + (number % 10 == 0 ? "/sub/" : "/") +
                       std::to_string(number) + ".txt");
    std::string word;
    for (int i = 0; i < 3000; ++i) {
      // Few common words, many rare ones.
      const unsigned rank = random() % (1U + random() % 20'000U);
      word.clear();
      for (unsigned left = rank + 1; left > 0; left /= 26) {
        word += static_cast<char>('a' + left % 26);
      }
      file << word << (i % 12 == 11 ? ".\n" : " ");
    }
  }

  std::string path_;
};

const Folder& Texts() {
  static const Folder folder(20);
  return folder;
}

std::vector<std::string> IndexCommand(int workers) {
  return {ProgramPath("examples/index/index"), "--verify", "--workers",
          std::to_string(workers), Texts().path()};
}

// The workers of the driver's head, those that left its session excepted.
std::vector<pid_t> Workers(pid_t driver) {
  const std::vector<pid_t> janitors = Children(driver);
  if (janitors.empty()) return {};
  const std::vector<pid_t> raylets = Children(janitors[0]);
  return raylets.empty() ? std::vector<pid_t>() : Children(raylets[0]);
}

struct Killed {
  int kills = 0;
  int code = 0;
  std::string output;
};

// Runs index and kills a random worker every `interval`, `kills_max` times.
Killed RunAndKill(int workers, milliseconds interval, int kills_max) {
  const std::string out_path = testing::TempDir() + "/index_output.txt";
  const std::vector<std::string> command = IndexCommand(workers);
  const pid_t pid = fork();
  if (pid == 0) {
    if (std::freopen(out_path.c_str(), "w", stdout) == nullptr) _exit(126);
    dup2(1, 2);
    std::vector<char*> argv;
    for (const std::string& word : command) {
      argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  Killed result;
  std::mt19937 random(3);
  int status = 0;
  const Clock::time_point end = Clock::now() + std::chrono::minutes(4);
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() > end) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      ADD_FAILURE() << "index hangs";
      break;
    }
    poll(nullptr, 0, static_cast<int>(interval.count()));
    const std::vector<pid_t> pids = Workers(pid);
    if (pids.empty() || result.kills >= kills_max) continue;
    if (kill(pids[random() % pids.size()], SIGKILL) == 0) ++result.kills;
  }
  result.code =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::ifstream file(out_path);
  result.output.assign(std::istreambuf_iterator<char>(file), {});
  return result;
}

void ExpectRight(int code, const std::string& output) {
  EXPECT_EQ(code, 0) << output;
  const Result result = ParseLastLine(output);
  ASSERT_TRUE(result.parsed) << output;
  EXPECT_TRUE(result.verified) << output;
  EXPECT_EQ(result.files, 1000) << output;
  EXPECT_EQ(result.words, 3'000'000) << output;
}

TEST(IndexTest, RightWithOneWorkerAndNamesWhatItCouldNotRead) {
  const Ended ended = RunProgram(IndexCommand(1));
  ExpectRight(ended.code, ended.output);
  for (const char* name : {"binary.bin", "broken.gz"}) {
    EXPECT_NE(ended.output.find(name), std::string::npos) << name;
  }
}

TEST(IndexTest, RightWithEightWorkers) {
  const Ended ended = RunProgram(IndexCommand(8));
  ExpectRight(ended.code, ended.output);
}

TEST(IndexTest, RightWithEightWorkersOfWhichOneIsKilledAgainAndAgain) {
  const Killed killed = RunAndKill(8, milliseconds(250), 1000);
  ExpectRight(killed.code, killed.output);
  const Result result = ParseLastLine(killed.output);
  EXPECT_GT(killed.kills, 2) << killed.output;
  EXPECT_GT(result.retries + result.restarts, 0) << killed.output;
  EXPECT_GT(result.restarts, 0) << killed.output;
}

TEST(IndexTest, RightWithOneWorkerKilledFiveTimes) {
  const Killed killed = RunAndKill(1, milliseconds(250), 5);
  ExpectRight(killed.code, killed.output);
  EXPECT_EQ(killed.kills, 5) << killed.output;
}

TEST(IndexTest, FailsOnAFolderThatIsNotThere) {
  const Ended ended =
      RunProgram({ProgramPath("examples/index/index"), "/nonexistent/folder"});
  EXPECT_NE(ended.code, 0);
  EXPECT_NE(ended.output.find("/nonexistent/folder"), std::string::npos);
}

}  // namespace
}  // namespace mobula::test

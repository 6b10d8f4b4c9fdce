// What was told durable is there after SIGKILL at any moment.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "gcs/log/open_log.h"

namespace mobula::gcs {
namespace {

struct Writer {
  pid_t pid = 0;
  base::UniqueFd told;
};

Writer Spawn(std::vector<std::string> words, const std::string& err) {
  int pipe[2];
  EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  Writer writer;
  writer.told.Reset(pipe[0]);
  const base::UniqueFd write_end(pipe[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  if (!err.empty()) {
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0600);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  EXPECT_EQ(::posix_spawn(&writer.pid, argv[0], &actions, nullptr, argv.data(),
                          environ),
            0);
  ::posix_spawn_file_actions_destroy(&actions);
  return writer;
}

constexpr char kProgram[] = "gcs/log/append_steadily";

Writer StartWriter(const std::string& folder, std::uint64_t first) {
  return Spawn({kProgram, folder, std::to_string(first)}, "");
}

// Of the next `count` that are told, the last; 0 if it ended before.
std::uint64_t ReadTold(int fd, int count) {
  std::uint64_t told = 0;
  std::uint64_t last = 0;
  while (count-- != 0 && ::read(fd, &told, sizeof(told)) == sizeof(told)) {
    EXPECT_GT(told, last);
    last = told;
  }
  return last;
}

// Every record up to some number, whole, and none besides; gives the number.
std::uint64_t Check(const Records& records) {
  const std::uint64_t count = records.size() / 2;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const std::string number = std::to_string(i);
    const auto twin = records.find("twin" + number);
    const auto record = records.find("k" + number);
    EXPECT_TRUE(twin != records.end() && twin->second == number) << i;
    EXPECT_TRUE(record != records.end() &&
                record->second.starts_with(number + "."))
        << i;
  }
  EXPECT_EQ(records.size(), 2 * count) << "a batch is there as a whole";
  return count;
}

TEST(KilledTest, EverythingToldDurableIsThere) {
  const std::string folder = ::testing::TempDir() + "/killed";
  std::filesystem::remove_all(folder);
  std::mt19937_64 random(11);
  std::uint64_t there = 0;
  constexpr std::uint64_t kRounds = 12;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    Writer writer = StartWriter(folder, there + 1);
    const int rounds = static_cast<int>(1 + random() % 120);
    std::uint64_t told = ReadTold(writer.told.get(), rounds);
    ASSERT_GT(told, there);
    // At any point of the write that goes on.
    for (std::uint64_t i = random() % 3000; i != 0; --i) ::sched_yield();
    ::kill(writer.pid, SIGKILL);
    told = std::max(told, ReadTold(writer.told.get(), -1));
    int status = 0;
    ASSERT_EQ(::waitpid(writer.pid, &status, 0), writer.pid);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    OpenLog log(folder);
    ASSERT_TRUE(log.ok()) << log.error();
    EXPECT_EQ(log.epoch(), 2 * round);
    there = Check(log.Read());
    ASSERT_GE(there, told) << "told durable, and lost";
  }
}

TEST(KilledTest, AWriteThatFailsEndsItSayingWhatFailed) {
  const std::string folder = ::testing::TempDir() + "/failing";
  const std::string said = ::testing::TempDir() + "/said";
  std::filesystem::remove_all(folder);
  // No file may become longer than 1 MiB, as if the disk were full.
  Writer writer = Spawn({"/bin/sh", "-c",
                         "trap '' XFSZ; ulimit -c 0; ulimit -f 2048; exec " +
                             std::string(kProgram) + " " + folder + " 1"},
                        said);
  const std::uint64_t told = ReadTold(writer.told.get(), -1);
  int status = 0;
  ASSERT_EQ(::waitpid(writer.pid, &status, 0), writer.pid);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
  std::ifstream file(said);
  const std::string words{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(words.find("log cannot be written: IO error"), std::string::npos)
      << words;
  EXPECT_NE(words.find(folder), std::string::npos) << words;
  EXPECT_NE(words.find("File too large"), std::string::npos) << words;

  EXPECT_GT(told, 0u);
  OpenLog log(folder);
  ASSERT_TRUE(log.ok()) << log.error();
  EXPECT_GE(Check(log.Read()), told);
}

}  // namespace
}  // namespace mobula::gcs

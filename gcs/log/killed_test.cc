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
#include <random>
#include <string>

#include "base/unique_fd.h"
#include "gcs/log/open_log.h"

namespace mobula::gcs {
namespace {

struct Writer {
  pid_t pid = 0;
  base::UniqueFd told;
};

Writer StartWriter(const std::string& folder, std::uint64_t first) {
  int pipe[2];
  EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  Writer writer;
  writer.told.Reset(pipe[0]);
  const base::UniqueFd write_end(pipe[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  std::string path = "gcs/log/append_steadily";
  std::string from = std::to_string(first);
  std::string where = folder;
  char* const words[] = {path.data(), where.data(), from.data(), nullptr};
  EXPECT_EQ(::posix_spawn(&writer.pid, path.c_str(), &actions, nullptr, words,
                          environ),
            0);
  ::posix_spawn_file_actions_destroy(&actions);
  return writer;
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

}  // namespace
}  // namespace mobula::gcs

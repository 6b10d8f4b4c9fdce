// The process `mobula gcs`: killed, asked to end, left alone, run twice.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/rpc/control_call.h"
#include "base/unique_fd.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::cli {
namespace {

using base::ControlReply;
using base::UniqueFd;
using std::chrono::seconds;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe MakePipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::read(fd, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

// A program, with `ready` as its descriptor 3.
class Process {
 public:
  Process(std::vector<std::string> words, int ready, int err = STDERR_FILENO) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (ready >= 0) ::posix_spawn_file_actions_adddup2(&actions, ready, 3);
    ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    EXPECT_EQ(
        ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ),
        0);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~Process() {
    if (pid_ != 0) Kill(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The status with which it ended.
  int Wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return status;
  }
  int Kill(int signal) {
    ::kill(pid_, signal);
    return Wait();
  }

 private:
  pid_t pid_ = 0;
};

class GcsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  [[nodiscard]] std::vector<std::string> Words() const {
    return {"cli/mobula", "gcs",
            "--dir",      folder_ + "/state",
            "--listen",   "unix:" + Socket(),
            "--log-file", folder_ + "/gcs.log",
            "--ready-fd", "3"};
  }
  [[nodiscard]] std::string Socket() const { return folder_ + "/sock"; }

  // Returns once it serves.
  std::unique_ptr<Process> Start() {
    Pipe ready = MakePipe();
    auto store = std::make_unique<Process>(Words(), ready.write_end.get());
    ready.write_end.Reset();
    EXPECT_EQ(ReadAll(ready.read_end.get()), "unix:" + Socket() + "\n\n");
    return store;
  }

  ControlReply Ask(base::ControlRequest request) {
    std::string error;
    const auto address =
        base::ControlAddress::Parse("unix:" + Socket(), &error);
    return base::CallControl(*address, "", std::move(request), seconds(30));
  }
  bool Put(std::uint64_t number) {
    base::PutKey put;
    put.ns = "test";
    put.key = std::to_string(number);
    put.value = base::Bytes::Own(put.key);
    return std::holds_alternative<base::KeyAnswer>(Ask(std::move(put)));
  }
  bool Has(std::uint64_t number) {
    base::GetKey get;
    get.ns = "test";
    get.key = std::to_string(number);
    const ControlReply reply = Ask(get);
    const auto* const answer = std::get_if<base::KeyAnswer>(&reply);
    return answer != nullptr && answer->value &&
           answer->value->view() == get.key;
  }

  const std::string folder_ = ::testing::TempDir() + "/gcs";
};

TEST_F(GcsTest, WhatItAcknowledgedOutlivesSigkill) {
  std::uint64_t last = 0;
  std::mt19937_64 random(5);
  for (int round = 0; round < 5; ++round) {
    const auto store = Start();
    for (std::uint64_t number = 1; number <= last; ++number) {
      EXPECT_TRUE(Has(number)) << number << " in round " << round;
    }
    for (std::uint64_t i = 1 + random() % 10; i != 0; --i) {
      ASSERT_TRUE(Put(++last));
    }
    const int status = store->Kill(SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(status));
  }
}

TEST_F(GcsTest, SigtermEndsItInOrder) {
  const auto store = Start();
  ASSERT_TRUE(Put(1));
  const int status = store->Kill(SIGTERM);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(GcsTest, ASecondOneOnTheFolderIsRefusedNamingTheFirst) {
  const auto first = Start();
  Pipe words = MakePipe();
  std::vector<std::string> other = Words();
  other[5] = "unix:" + folder_ + "/other";
  Pipe ready = MakePipe();
  Process second(other, ready.write_end.get(), words.write_end.get());
  words.write_end.Reset();
  const std::string text = ReadAll(words.read_end.get());
  const int status = second.Wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_TRUE(text.starts_with("mobula gcs: " + folder_ +
                               "/state/log is in use by pid " +
                               std::to_string(first->pid()) + " on "))
      << text;
  EXPECT_TRUE(Put(1)) << "the first one serves on";
}

TEST_F(GcsTest, ItEndsWithWhoStartedIt) {
  std::string line;
  for (const std::string& word : Words()) line += word + " ";
  Pipe ready = MakePipe();
  Pipe says = MakePipe();
  // The shell writes the pid of the store, and waits.
  Process shell({"/bin/sh", "-c", line + "& echo $! >&2; wait"},
                ready.write_end.get(), says.write_end.get());
  ready.write_end.Reset();
  says.write_end.Reset();
  char text[32] = {};
  ASSERT_GT(::read(says.read_end.get(), text, sizeof(text) - 1), 0);
  const pid_t store = std::atoi(text);
  const UniqueFd ends = raylet::OpenPidfd(store);
  ASSERT_TRUE(ends.valid());
  // The shell has the other end too, so that it is not read to its end.
  ASSERT_GT(::read(ready.read_end.get(), text, 1), 0) << "it serves";
  ASSERT_TRUE(Put(1));
  shell.Kill(SIGKILL);
  pollfd ended{ends.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 20'000), 1) << "left over: pid " << store;
}

}  // namespace
}  // namespace mobula::cli

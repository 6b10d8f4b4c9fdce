#include "cli/cluster/run_command.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace mobula::cli {
namespace {

CommandEnd Shell(const std::string& text, CommandOptions options = {}) {
  return RunCommand({"/bin/sh", "-c", text}, options);
}

TEST(RunCommandTest, CodeOutputAndErrorsAreItsOwn) {
  const CommandEnd end = Shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(end.code, 7);
  EXPECT_EQ(end.output, "out\n");
  EXPECT_EQ(end.errors, "err\n");
  EXPECT_EQ(Shell("kill -9 $$").code, 137);
  const CommandEnd none = RunCommand({"/no/such/program"}, {});
  EXPECT_EQ(none.code, 127);
  EXPECT_EQ(none.errors,
            "cannot run /no/such/program: No such file or directory\n");
}

TEST(RunCommandTest, MuchGoesInAndOut) {
  CommandOptions options;
  options.input = std::string(800'000, 'x');
  EXPECT_EQ(Shell("cat", options).output, options.input);
  // It reads none of it.
  EXPECT_EQ(Shell("exit 3", options).code, 3);
  // The end of too much.
  const CommandEnd end = Shell("head -c 5000000 /dev/zero; echo end");
  EXPECT_EQ(end.output.size(), std::size_t{1} << 20);
  EXPECT_TRUE(end.output.ends_with("end\n"));
  options.input.clear();
  options.input_file = "/proc/self/exe";
  EXPECT_EQ(Shell("head -c 4 | tail -c 3", options).output, "ELF");
}

TEST(RunCommandTest, ItIsEndedWithWhatItBeganWhenItTakesTooLong) {
  CommandOptions options;
  options.patience = std::chrono::milliseconds(100);
  const CommandEnd end = Shell("echo said; sleep 1000 & wait", options);
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(end.code, 137);
  EXPECT_EQ(end.output, "said\n");
}

TEST(RunCommandTest, WhatStaysBehindIsNotWaitedFor) {
  const CommandEnd end = Shell("setsid sleep 30 & echo $!");
  EXPECT_EQ(end.code, 0);
  kill(std::stoi(end.output), SIGKILL);
}

TEST(RunCommandTest, SignalsAreHandedOn) {
  // In a process of its own, which is sent the signal.
  const pid_t pid = fork();
  if (pid == 0) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) _exit(1);
    const pid_t launcher = getpid();
    // It waits until it is told what came.
    dup2(pipe_ends[0], 0);
    const std::string text =
        "kill -INT " + std::to_string(launcher) + "; read -r line; exit $line";
    const int code =
        RunAttached({"/bin/sh", "-c", text}, [&pipe_ends](int signal) {
          const std::string told = std::to_string(40 + signal) + "\n";
          (void)!write(pipe_ends[1], told.data(), told.size());
        });
    _exit(code);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 40 + SIGINT);
}

TEST(RunCommandTest, TasksRunSideBySide) {
  std::vector<std::function<std::string()>> tasks;
  for (int i = 0; i < 20; ++i) {
    tasks.emplace_back([i] {
      if (i == 7) kill(getpid(), SIGKILL);
      if (i == 9) return std::string();
      return std::to_string(i) + Shell("echo -n x").output;
    });
  }
  std::vector<std::string> gave(tasks.size(), "nothing");
  RunSideBySide(tasks, 3, [&gave](std::size_t i, const std::string& text) {
    gave[i] = text;
  });
  EXPECT_EQ(gave[0], "0x");
  EXPECT_EQ(gave[19], "19x");
  EXPECT_EQ(gave[7], "it was killed");
  EXPECT_EQ(gave[9], "");
}

}  // namespace
}  // namespace mobula::cli

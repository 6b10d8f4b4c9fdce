#include "tests/integration/running_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace mobula::test {
namespace {

constexpr int kPatienceMs = 60'000;

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& command,
                               const std::vector<std::string>& environment) {
  int to[2] = {-1, -1};
  int from[2] = {-1, -1};
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return;
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(to[0], 0);
    dup2(from[1], 1);
    for (const std::string& one : environment) {
      putenv(const_cast<char*>(one.c_str()));
    }
    std::vector<char*> argv;
    for (const std::string& word : command) {
      argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  input_ = to[1];
  output_ = from[0];
}

RunningProgram::~RunningProgram() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (input_ >= 0) close(input_);
  close(output_);
}

std::string RunningProgram::Line() {
  std::string line;
  do {
    line = AnyLine();
  } while (line.starts_with("("));
  return line;
}

std::string RunningProgram::AnyLine() {
  std::string line;
  while (true) {
    pollfd poll_fd{output_, POLLIN, 0};
    char c = 0;
    if (poll(&poll_fd, 1, kPatienceMs) <= 0) return "too late";
    if (read(output_, &c, 1) != 1 || c == '\n') return line;
    line += c;
  }
}

int RunningProgram::End() {
  close(input_);
  input_ = -1;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace mobula::test

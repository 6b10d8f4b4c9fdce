#include "raylet/spawn/exec_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

extern char** environ;

namespace mobula::raylet {
namespace {

constexpr unsigned kCloseRangeCloexec = 1U << 2;
// Where there is no close_range (before Linux 5.11).
constexpr int kFdsWithoutCloseRange = 4096;

bool IsOwnVariable(std::string_view entry) {
  return entry.starts_with("MOBULA_WORKER=") ||
         entry.starts_with("MOBULA_SESSION=") ||
         entry.starts_with("MOBULA_ORIGIN=");
}

}  // namespace

pid_t VforkExec(const std::function<void(volatile int* why)>& become,
                int* error) {
  volatile int child_error = 0;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();
  if (pid == 0) {
    become(&child_error);
    ::_exit(127);
  }
  const int fork_error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  *error = pid < 0 ? fork_error : child_error;
  return pid;
}

bool DieWithParent(pid_t parent) {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent;
}

void CloseOnExecFrom(int first) {
  if (::syscall(SYS_close_range, first, ~0U, kCloseRangeCloexec) == 0) return;
  for (int fd = first; fd < kFdsWithoutCloseRange; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

void ResetSignals() {
  struct sigaction action;
  ::memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  // glibc refuses its own two, which no exec of ours can have inherited.
  for (int signal = 1; signal < NSIG; ++signal) {
    ::sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<std::string> EnvironmentForChildren() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!IsOwnVariable(*entry)) environment.emplace_back(*entry);
  }
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace mobula::raylet

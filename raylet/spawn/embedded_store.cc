#include "raylet/spawn/embedded_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error_text.h"

extern char** environ;

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr int kServeFd = 3;
constexpr int kFirstOtherFd = 4;
constexpr unsigned kCloseRangeCloexec = 1U << 2;
constexpr int kFdsWithoutCloseRange = 4096;

struct Plan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  int socket = -1;
  pid_t parent = 0;
};

// In the child, which shares our memory until it executes: system calls only.
[[noreturn]] void BecomeStore(const Plan& plan, volatile int* error) {
  const bool ready = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
                     ::getppid() == plan.parent &&
                     ::dup2(plan.socket, kServeFd) >= 0;
  if (ready) {
    if (::syscall(SYS_close_range, kFirstOtherFd, ~0U, kCloseRangeCloexec) !=
        0) {
      for (int fd = kFirstOtherFd; fd < kFdsWithoutCloseRange; ++fd) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      }
    }
    // It ends when the raylet does; what ends the driver is not for it.
    struct sigaction action;
    ::memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) {
      ::sigaction(signal, &action, nullptr);
    }
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &action, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(plan.program, plan.argv, plan.environment);
  }
  *error = errno == 0 ? ECHILD : errno;
  ::_exit(127);
}

pid_t ForkAndExec(const Plan& plan, int* error) {
  volatile int child_error = 0;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();
  if (pid == 0) BecomeStore(plan, &child_error);
  const int fork_error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  *error = pid < 0 ? fork_error : child_error;
  return pid;
}

// Ours, without what is a worker's: the raylet may be that of a program which
// a worker of another session started.
std::vector<std::string> EnvironmentFor(const std::string& session) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("MOBULA_WORKER=") ||
        text.starts_with("MOBULA_ORIGIN=") ||
        text.starts_with("MOBULA_SESSION=")) {
      continue;
    }
    environment.emplace_back(text);
  }
  environment.push_back("MOBULA_SESSION=" + session);
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

EmbeddedStore::EmbeddedStore(Options options) : options_(std::move(options)) {
  MOBULA_CHECK(!options_.folder.empty());
}

EmbeddedStore::~EmbeddedStore() {
  if (pid_ != 0) ::kill(pid_, SIGKILL);
}

UniqueFd EmbeddedStore::Connect(std::string* error) {
  if (pid_ != 0) {
    ::kill(pid_, SIGKILL);
    *error = "the control store is being ended, to be started again";
    return UniqueFd();
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends.data()) != 0) {
    *error = base::WithErrorText("no socket for the control store");
    return UniqueFd();
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  // dup2 onto itself would leave it to be closed.
  if (theirs.get() <= kServeFd) {
    theirs.Reset(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, kFirstOtherFd));
  }
  std::vector<std::string> words = {
      "mobula", "gcs",           "--serve-fd", std::to_string(kServeFd),
      "--dir",  options_.folder, "--log-file", options_.log_file};
  std::vector<std::string> environment = EnvironmentFor(options_.session);
  const std::vector<char*> argv = Pointers(words);
  const std::vector<char*> envp = Pointers(environment);
  const Plan plan = {options_.program.c_str(), argv.data(), envp.data(),
                     theirs.get(), ::getpid()};
  int why = 0;
  const pid_t pid = ForkAndExec(plan, &why);
  if (pid < 0 || why != 0) {
    *error = base::WithErrorText("cannot execute " + options_.program, why);
    return UniqueFd();
  }
  pid_ = pid;
  return ours;
}

bool EmbeddedStore::Ended(pid_t pid) {
  if (pid != pid_) return false;
  pid_ = 0;
  return true;
}

}  // namespace mobula::raylet

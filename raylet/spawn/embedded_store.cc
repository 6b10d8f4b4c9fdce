#include "raylet/spawn/embedded_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error_text.h"
#include "raylet/spawn/exec_child.h"

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr int kServeFd = 3;
constexpr int kFirstOtherFd = 4;

struct Plan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  int socket = -1;
  int output = -1;  // -1: ours
  pid_t parent = 0;
};

bool TakeOutput(int output) {
  return output < 0 || (::dup2(output, STDOUT_FILENO) >= 0 &&
                        ::dup2(output, STDERR_FILENO) >= 0);
}

// In the child.
void BecomeStore(const Plan& plan, volatile int* why) {
  if (DieWithParent(plan.parent) && TakeOutput(plan.output) &&
      ::dup2(plan.socket, kServeFd) >= 0) {
    CloseOnExecFrom(kFirstOtherFd);
    ResetSignals();
    // It ends when the raylet does; what ends the driver is not for it.
    ::signal(SIGINT, SIG_IGN);
    ::execve(plan.program, plan.argv, plan.environment);
  }
  *why = errno == 0 ? ECHILD : errno;
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
  std::vector<std::string> environment = EnvironmentForChildren();
  environment.push_back("MOBULA_SESSION=" + options_.session);
  const std::vector<char*> argv = Pointers(words);
  const std::vector<char*> envp = Pointers(environment);
  // What it says before it has a log, or beside it, is why it ends.
  UniqueFd output(::open(options_.log_file.c_str(),
                         O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (output.valid() && output.get() <= kServeFd) {
    output.Reset(::fcntl(output.get(), F_DUPFD_CLOEXEC, kFirstOtherFd));
  }
  const Plan plan = {options_.program.c_str(),
                     argv.data(),
                     envp.data(),
                     theirs.get(),
                     output.get(),
                     ::getpid()};
  int why = 0;
  const pid_t pid =
      VforkExec([&plan](volatile int* code) { BecomeStore(plan, code); }, &why);
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

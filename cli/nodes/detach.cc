#include "cli/nodes/detach.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/sockets/poll_wait.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

bool OpenPipe(UniqueFd* read, UniqueFd* write) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read->Reset(ends[0]);
  write->Reset(ends[1]);
  return true;
}

// In the new process, before anything else.
void LoseTerminal(const DetachOptions& options) {
  ::setsid();
  if (options.foreground) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  [[maybe_unused]] const int stays = ::chdir("/");
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  const UniqueFd log = options.open_log();
  const int out = log.valid() ? log.get() : null.get();
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
}

// The pid of the new process, 0 if there is none; in it, never returns.
pid_t ForkBody(const DetachOptions& options, UniqueFd speak,
               const std::function<int(UniqueFd speak)>& body) {
  const pid_t caller = ::getpid();
  const auto run = [&] {
    LoseTerminal(options);
    if (options.foreground && ::getppid() != caller) ::_exit(1);
    const int code = body(std::move(speak));
    std::fflush(nullptr);
    ::_exit(code);
  };
  std::fflush(nullptr);
  if (options.foreground) {
    const pid_t pid = ::fork();
    if (pid == 0) run();
    return std::max(pid, 0);
  }
  UniqueFd read;
  UniqueFd write;
  if (!OpenPipe(&read, &write)) return 0;
  const pid_t between = ::fork();
  if (between == 0) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      read.Reset();
      write.Reset();
      run();
    }
    [[maybe_unused]] const ssize_t n = ::write(write.get(), &pid, sizeof(pid));
    ::_exit(0);
  }
  write.Reset();
  pid_t pid = 0;
  if (between < 0 || ::read(read.get(), &pid, sizeof(pid)) != sizeof(pid)) {
    pid = 0;
  }
  if (between > 0) ::waitpid(between, nullptr, 0);
  return std::max(pid, 0);
}

// Until it has said that it serves, or has closed its end, or too late.
void Listen(const UniqueFd& hear, const DetachOptions& options,
            Detached* detached) {
  while (true) {
    pollfd poll{hear.get(), POLLIN, 0};
    const int ready = ::poll(&poll, 1, base::PollTimeout(options.deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      detached->timed_out = true;
      return;
    }
    char buffer[4096];
    const ssize_t n = ::read(hear.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    detached->words.append(buffer, static_cast<std::size_t>(n));
    if (detached->words == options.ready) {
      detached->serves = true;
      return;
    }
  }
}

}  // namespace

Detached Detach(const DetachOptions& options,
                const std::function<int(UniqueFd speak)>& body) {
  Detached detached;
  UniqueFd hear;
  UniqueFd speak;
  if (OpenPipe(&hear, &speak)) {
    detached.pid = ForkBody(options, std::move(speak), [&](UniqueFd end) {
      hear.Reset();
      return body(std::move(end));
    });
  }
  if (detached.pid == 0) {
    detached.words = base::WithErrorText("cannot fork");
    return detached;
  }
  detached.pidfd = raylet::OpenPidfd(detached.pid);
  Listen(hear, options, &detached);
  return detached;
}

}  // namespace mobula::cli

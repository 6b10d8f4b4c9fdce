#include "api/mobula/io/detail/process_state.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "api/mobula/coro/detail/process_io.h"
#include "base/check.h"
#include "base/threads/io_watch.h"
#include "runtime/executor/io_loop.h"

namespace mobula::detail {
namespace {

// Of one that nobody waits for any more.
struct Reaper : base::IoWatch {
  explicit Reaper(std::shared_ptr<ProcessState> of) : process(std::move(of)) {
    attempt = [](base::IoWatch* watch) noexcept {
      return static_cast<Reaper*>(watch)->process->TryReap()
                 ? Attempt::kOver
                 : Attempt::kNotReady;
    };
    over = [](base::IoWatch* watch) noexcept {
      delete static_cast<Reaper*>(watch);
    };
  }
  const std::shared_ptr<ProcessState> process;
};

int WaitFor(int pidfd, siginfo_t* end, int flags) {
  int result = 0;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), end,
                      WEXITED | WNOHANG | flags);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

}  // namespace

ProcessState::ProcessState(pid_t pid, base::UniqueFd pidfd, std::string program)
    : pid(pid),
      program(std::move(program)),
      pidfd(WatchFd(std::move(pidfd), "a process")) {}

bool ProcessState::TryReap() {
  base::MutexLock lock(mutex);
  if (has_ended) return true;
  siginfo_t info{};
  how.error = WaitFor(pidfd->fd(), &info, WNOWAIT);
  if (how.error == 0) {
    if (info.si_pid == 0) return false;
    // While it is a zombie its group has its number, and no other has.
    ::kill(-pid, SIGKILL);
    how.error = WaitFor(pidfd->fd(), &info, 0);
  }
  has_ended = true;
  if (how.error != 0) return true;
  if (info.si_code == CLD_EXITED) {
    how.code = info.si_status;
  } else {
    how.signal = info.si_status;
  }
  return true;
}

void ProcessState::Signal(int signal) {
  base::MutexLock lock(mutex);
  if (!has_ended) ::kill(-pid, signal);
}

ProcessState::End ProcessState::end() const {
  base::MutexLock lock(mutex);
  MOBULA_CHECK(has_ended);
  return how;
}

void KillAndForget(std::shared_ptr<ProcessState> process) {
  if (process->pidfd->IsOfParent() || process->TryReap()) return;
  process->Signal(SIGKILL);
  // The loop keeps the descriptor, and the process, until it has ended.
  const DescriptorPtr pidfd = process->pidfd;
  auto* const reaper = new Reaper(std::move(process));
  base::MutexLock lock(pidfd->mutex());
  pidfd->Append(base::IoWatch::Direction::kRead, reaper);
}

}  // namespace mobula::detail

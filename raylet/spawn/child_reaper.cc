#include "raylet/spawn/child_reaper.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace mobula::raylet {
namespace {

sigset_t ChildSignal() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  return signals;
}

}  // namespace

void ChildReaper::Block() {
  const sigset_t signals = ChildSignal();
  MOBULA_CHECK(::pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
}

ChildReaper::ChildReaper(base::Strand& strand, EndedFn ended)
    : strand_(strand), ended_(std::move(ended)) {
  const sigset_t signals = ChildSignal();
  signals_.Reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  MOBULA_CHECK(signals_.valid(), "out of descriptors");
  strand_.Watch(signals_.get(), base::Strand::kReadable,
                [this](std::uint32_t /*ready*/) {
                  strand_.AssertHeld();
                  ReapAll();
                });
}

ChildReaper::~ChildReaper() { strand_.Unwatch(signals_.get()); }

void ChildReaper::ReapAll() {
  // One signal may stand for many children: it is taken first.
  signalfd_siginfo info[8];
  while (::read(signals_.get(), info, sizeof(info)) > 0) {
  }
  while (true) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid > 0) {
      ended_(pid, status);
    } else if (pid == 0 || errno != EINTR) {
      return;
    }
  }
}

}  // namespace mobula::raylet

#include "raylet/spawn/janitor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/sockets/poll_wait.h"
#include "raylet/spawn/become_mobula.h"
#include "raylet/spawn/exit_story.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::UniqueFd;

// The raylet ends by itself when its driver is gone; after this it is ended.
constexpr base::Duration kRayletPatience = std::chrono::seconds(3);
constexpr base::Duration kKillPatience = std::chrono::seconds(10);
// For the control store, which else waits for the node's lease.
constexpr base::Duration kReportPatience = std::chrono::seconds(2);

int Fail(const char* what) {
  std::fprintf(stderr, "mobula raylet: %s\n",
               base::WithErrorText(what).c_str());
  return 1;
}

sigset_t EndingSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    ::sigaddset(&signals, signal);
  }
  return signals;
}

void LeaveNothing(RuntimeFolder& folder) {
  KillDescendants(base::BootNow() + kKillPatience);
  folder.Remove();
}

// Until the raylet has ended, or has had its time after the driver's end or a
// signal to us.
void WatchRaylet(pid_t raylet, const UniqueFd& raylet_pidfd,
                 const UniqueFd& driver_pidfd, const UniqueFd& signals) {
  BootTime deadline = BootTime::Never();
  bool told = false;
  while (true) {
    pollfd polls[3] = {{raylet_pidfd.get(), POLLIN, 0},
                       {told ? -1 : signals.get(), POLLIN, 0},
                       {driver_pidfd.get(), POLLIN, 0}};
    if (!deadline.IsNever()) polls[2].fd = -1;
    const int ready = ::poll(polls, 3, base::PollTimeout(deadline));
    if (ready < 0 && errno != EINTR) return;
    if (polls[0].revents != 0) return;
    if (ready == 0 && !deadline.IsNever()) return;
    if (ready > 0 && (polls[1].revents | polls[2].revents) != 0) {
      if (polls[1].revents != 0) {
        ::kill(raylet, SIGTERM);
        told = true;
      }
      deadline = base::BootNow() + kRayletPatience;
    }
  }
}

// The raylet's end as waitpid tells it, if it is known by now.
std::optional<int> ReapRaylet(pid_t raylet) {
  int status = 0;
  if (::waitpid(raylet, &status, WNOHANG) != raylet) return std::nullopt;
  return status;
}

int CodeOf(std::optional<int> status) {
  if (!status.has_value()) return 1;
  if (WIFEXITED(*status)) return WEXITSTATUS(*status);
  return 128 + WTERMSIG(*status);
}

// One that has ended by itself has said so, or was told that it must.
void ReportRaylet(const JanitorOptions& options, std::optional<int> status) {
  if (!options.report || (status.has_value() && WIFEXITED(*status))) return;
  const std::vector<std::string> words = options.report(
      status.has_value() ? StoryOfExit("the raylet", *status)
                         : "the raylet did not end with its driver");
  const pid_t janitor = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) BecomeMobula(words, janitor);
  if (pid < 0) return;
  const UniqueFd ended = OpenPidfd(pid);
  if (!base::WaitReadable(ended.get(), base::BootNow() + kReportPatience)) {
    ::kill(pid, SIGKILL);
  }
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

int RunUnderJanitor(RuntimeFolder folder, const JanitorOptions& options,
                    const std::function<int(base::UniqueFd janitor)>& raylet) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return Fail("subreaper");
  ::setsid();  // fails where the driver has done it already
  ::signal(SIGPIPE, SIG_IGN);
  const sigset_t ending = EndingSignals();
  ::sigprocmask(SIG_BLOCK, &ending, nullptr);
  UniqueFd self = OpenPidfd(::getpid());
  if (!self.valid()) return Fail("pidfd_open");
  const pid_t pid = ::fork();
  if (pid < 0) return Fail("fork");
  if (pid == 0) {
    return LiveAsRaylet(
        folder, std::move(self), [&folder, &raylet](UniqueFd parent) {
          std::string error;
          if (folder.Make(&error)) {
            return raylet(std::move(parent));
          }
          std::fprintf(stderr, "mobula raylet: %s\n", error.c_str());
          return 1;
        });
  }
  ::prctl(PR_SET_NAME, "mobula-janitor");
  if (options.let_go) options.let_go();
  const UniqueFd raylet_pidfd = OpenPidfd(pid);
  const UniqueFd driver_pidfd =
      options.driver > 0 ? OpenPidfd(options.driver) : UniqueFd();
  const UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC));
  ReapStale(options.stale_roots);
  if (raylet_pidfd.valid()) {
    WatchRaylet(pid, raylet_pidfd, driver_pidfd, signals);
  } else {
    Fail("pidfd of the raylet");
  }
  const std::optional<int> status = ReapRaylet(pid);
  LeaveNothing(folder);
  ReportRaylet(options, status);
  return CodeOf(status);
}

int LiveAsRaylet(RuntimeFolder& folder, UniqueFd parent,
                 const std::function<int(UniqueFd parent)>& raylet) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "mobula-raylet");
  const UniqueFd watch(::fcntl(parent.get(), F_DUPFD_CLOEXEC, 0));
  const int code = raylet(std::move(parent));
  if (base::WaitReadable(watch.get(), base::BootNow())) {
    LeaveNothing(folder);
  } else {
    KillDescendants(base::BootNow() + kKillPatience);
  }
  return code;
}

}  // namespace mobula::raylet

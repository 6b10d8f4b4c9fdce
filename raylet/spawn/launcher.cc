#include "raylet/spawn/launcher.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/error_text.h"
#include "raylet/spawn/exec_child.h"

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr int kSocketFd = 3;
constexpr int kPageFd = 4;
constexpr int kFirstOtherFd = 5;

// All that the child needs, made before the fork.
struct Plan {
  int null = -1;
  int out = -1;
  int err = -1;
  int socket = -1;
  int page = -1;
  int program = -1;
  pid_t parent = 0;
  rlimit open_files = {};
  char* const* argv = nullptr;
  char* const* environment = nullptr;
};

// In the child.
void BecomeWorker(const Plan& plan, volatile int* why) {
  ::setsid();
  const bool ready = DieWithParent(plan.parent) && ::dup2(plan.null, 0) >= 0 &&
                     ::dup2(plan.out, 1) >= 0 && ::dup2(plan.err, 2) >= 0 &&
                     ::dup2(plan.socket, kSocketFd) >= 0 &&
                     ::dup2(plan.page, kPageFd) >= 0;
  if (ready) {
    CloseOnExecFrom(kFirstOtherFd);
    if (plan.open_files.rlim_max > 0) {
      ::setrlimit(RLIMIT_NOFILE, &plan.open_files);
    }
    ResetSignals();
    ::syscall(SYS_execveat, plan.program, "", plan.argv, plan.environment,
              AT_EMPTY_PATH);
  }
  *why = errno == 0 ? ECHILD : errno;
}

// Above the numbers that the worker will have, so that no dup2 overwrites what
// is still needed.
bool Raise(UniqueFd* fd) {
  if (fd->get() > kFirstOtherFd) return true;
  fd->Reset(::fcntl(fd->get(), F_DUPFD_CLOEXEC, kFirstOtherFd + 1));
  return fd->valid();
}

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
};

bool MakePipe(Pair* pair) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return false;
  pair->ours.Reset(fds[0]);
  pair->theirs.Reset(fds[1]);
  ::fcntl(pair->ours.get(), F_SETFL, O_NONBLOCK);
  return Raise(&pair->theirs);
}

bool MakeSocket(Pair* pair) {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return false;
  }
  pair->ours.Reset(fds[0]);
  pair->theirs.Reset(fds[1]);
  return Raise(&pair->theirs);
}

std::string PathOf(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  std::array<char, 4096> buffer;
  const ssize_t n = ::readlink(link.c_str(), buffer.data(), buffer.size());
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n))
               : "mobula-worker";
}

}  // namespace

Launcher::Launcher(Options options)
    : options_(std::move(options)), environment_(EnvironmentForChildren()) {
  null_.Reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  MOBULA_CHECK(null_.valid() && Raise(&null_), "/dev/null cannot be opened");
}

std::variant<LaunchedWorker, std::string> Launcher::Launch(
    base::ProcessId process, base::JobId job, const UniqueFd& executable) {
  MOBULA_CHECK(executable.valid());
  Pair socket;
  Pair out;
  Pair err;
  if (!MakeSocket(&socket) || !MakePipe(&out) || !MakePipe(&err)) {
    return base::WithErrorText("no descriptors for a worker");
  }
  std::optional<PageMap> page = PageMap::Make();
  if (!page) return base::WithErrorText("no memory for a worker's page");
  // They may be reached by dup2 in the child, so they must not be 0 to 5.
  const UniqueFd page_fd(
      ::fcntl(page->fd(), F_DUPFD_CLOEXEC, kFirstOtherFd + 1));
  const UniqueFd program(
      ::fcntl(executable.get(), F_DUPFD_CLOEXEC, kFirstOtherFd + 1));
  if (!page_fd.valid() || !program.valid()) {
    return base::WithErrorText("no descriptors for a worker");
  }
  std::vector<std::string> own = {
      "MOBULA_WORKER=1:" + process.ToString() + ":" +
          options_.raylet.ToString() + ":" + job.ToString(),
      "MOBULA_SESSION=" + options_.session,
      std::string(kOriginMark) + "=" + process.ToString()};
  std::vector<char*> environment;
  for (const std::string& entry : environment_) {
    environment.push_back(const_cast<char*>(entry.c_str()));
  }
  for (std::string& entry : own) environment.push_back(entry.data());
  environment.push_back(nullptr);
  // The program's path as the kernel knows it, for people.
  std::string path = PathOf(executable.get());
  std::array<char*, 2> argv = {path.data(), nullptr};
  const Plan plan = {null_.get(),         out.theirs.get(),    err.theirs.get(),
                     socket.theirs.get(), page_fd.get(),       program.get(),
                     ::getpid(),          options_.open_files, argv.data(),
                     environment.data()};
  int error = 0;
  const pid_t pid = VforkExec(
      [&plan](volatile int* why) { BecomeWorker(plan, why); }, &error);
  if (pid < 0) return base::WithErrorText("no process for a worker", error);
  if (error != 0) {
    // It has ended already; whoever reaps children takes it.
    return base::WithErrorText("cannot execute " + path, error);
  }
  page->CloseFd();
  return LaunchedWorker{pid, std::move(socket.ours), std::move(out.ours),
                        std::move(err.ours), std::move(*page)};
}

}  // namespace mobula::raylet

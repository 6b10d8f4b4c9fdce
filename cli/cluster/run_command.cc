#include "cli/cluster/run_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/sockets/poll_wait.h"
#include "base/unique_fd.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

constexpr std::size_t kOutputMax = std::size_t{1} << 20;
constexpr std::size_t kErrorsMax = std::size_t{64} << 10;
constexpr int kNotExecuted = 127;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
  bool Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.Reset(ends[0]);
    write.Reset(ends[1]);
    return true;
  }
};

// The child's 0, 1 and 2; -1: as they are.
using Standard = std::array<int, 3>;

[[noreturn]] void Become(const std::vector<std::string>& words,
                         const Standard& standard, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kNotExecuted);
  // No terminal, so that Ctrl-C comes to the launcher alone.
  ::setsid();
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int fd = 0; fd < 3; ++fd) {
    const int from = standard[static_cast<std::size_t>(fd)];
    if (from >= 0 && ::dup2(from, fd) != fd) ::_exit(kNotExecuted);
  }
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  std::fprintf(stderr, "%s\n",
               base::WithErrorText("cannot run " + words[0]).c_str());
  ::_exit(kNotExecuted);
}

pid_t Fork(const std::vector<std::string>& words, const Standard& standard) {
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) Become(words, standard, parent);
  return pid;
}

int CodeOf(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// What there is to read now. False at the end.
bool Drain(const UniqueFd& fd, std::string* text, std::size_t size_max) {
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    text->append(buffer, static_cast<std::size_t>(n));
    if (text->size() > 2 * size_max) {
      text->erase(0, text->size() - size_max);
    }
  }
}

// The parent's side of one command.
class Dialogue {
 public:
  Dialogue(std::string_view input, pid_t pid, UniqueFd to, UniqueFd output,
           UniqueFd errors)
      : input_(input),
        to_(std::move(to)),
        output_(std::move(output)),
        errors_(std::move(errors)),
        pidfd_(raylet::OpenPidfd(pid)) {
    for (const UniqueFd* const fd : {&to_, &output_, &errors_}) {
      if (fd->valid()) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
    }
  }

  // Until it has ended. False if the deadline came first.
  bool Run(base::BootTime deadline, CommandEnd* end) {
    while (true) {
      if (input_.empty()) to_.Reset();
      pollfd polls[4] = {{output_.get(), POLLIN, 0},
                         {errors_.get(), POLLIN, 0},
                         {pidfd_.get(), POLLIN, 0},
                         {to_.get(), POLLOUT, 0}};
      const int ready = ::poll(polls, 4, base::PollTimeout(deadline));
      if (ready == 0) return false;
      // What it left running may hold on to its output; that is not waited for.
      const bool ended = polls[2].revents != 0;
      if (output_.valid() && !Drain(output_, &end->output, kOutputMax)) {
        output_.Reset();
      }
      if (errors_.valid() && !Drain(errors_, &end->errors, kErrorsMax)) {
        errors_.Reset();
      }
      if (ended) return true;
      if (polls[3].revents != 0) Feed();
    }
  }

 private:
  void Feed() {
    const ssize_t n = ::write(to_.get(), input_.data(), input_.size());
    if (n >= 0) {
      input_.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EAGAIN && errno != EINTR) {
      input_ = {};  // it does not want more
    }
  }

  std::string_view input_;
  UniqueFd to_;
  UniqueFd output_;
  UniqueFd errors_;
  UniqueFd pidfd_;
};

void KeepTail(std::string* text, std::size_t size_max) {
  if (text->size() > size_max) text->erase(0, text->size() - size_max);
}

CommandEnd Failed(const std::string& what) {
  CommandEnd end;
  end.errors = base::WithErrorText(what);
  return end;
}

// A task that runs in a process of its own, and what it has said.
struct Aside {
  std::size_t task = 0;
  pid_t pid = 0;
  UniqueFd hears;
  std::string gave;
};

// Whole answers begin with this; a task that was killed gives none.
constexpr char kWhole = '.';

[[noreturn]] void RunAside(const std::function<std::string()>& task,
                           const UniqueFd& speak, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const std::string gave = kWhole + task();
  std::string_view left = gave;
  while (!left.empty()) {
    const ssize_t n = ::write(speak.get(), left.data(), left.size());
    if (n < 0 && errno != EINTR) break;
    if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
  }
  ::_exit(0);
}

// pid 0 if it could not be started; then that is what it gave.
Aside StartAside(const std::function<std::string()>& task, std::size_t number) {
  Aside aside;
  aside.task = number;
  Pipe pipe;
  const pid_t parent = ::getpid();
  std::fflush(nullptr);
  const pid_t pid = pipe.Open() ? ::fork() : -1;
  if (pid == 0) RunAside(task, pipe.write, parent);
  if (pid < 0) {
    aside.gave = kWhole + base::WithErrorText("cannot fork");
    return aside;
  }
  aside.pid = pid;
  aside.hears = std::move(pipe.read);
  ::fcntl(aside.hears.get(), F_SETFL, O_NONBLOCK);
  return aside;
}

sigset_t SignalsToForward() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    ::sigaddset(&signals, signal);
  }
  return signals;
}

}  // namespace

CommandEnd RunCommand(const std::vector<std::string>& words,
                      const CommandOptions& options) {
  Pipe to;
  Pipe output;
  Pipe errors;
  if (!to.Open() || !output.Open() || !errors.Open()) return Failed("no pipe");
  UniqueFd file;
  if (!options.input_file.empty()) {
    file.Reset(::open(options.input_file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return Failed("cannot open " + options.input_file);
  }
  ::signal(SIGPIPE, SIG_IGN);
  const base::BootTime deadline = base::BootNow() + options.patience;
  const int input = file.valid() ? file.get() : to.read.get();
  const pid_t pid =
      Fork(words, {input, output.write.get(), errors.write.get()});
  if (pid < 0) return Failed("cannot fork");
  to.read.Reset();
  output.write.Reset();
  errors.write.Reset();
  CommandEnd end;
  Dialogue dialogue(options.input, pid, std::move(to.write),
                    std::move(output.read), std::move(errors.read));
  if (!dialogue.Run(deadline, &end)) {
    end.timed_out = true;
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
  }
  end.code = CodeOf(pid);
  KeepTail(&end.output, kOutputMax);
  KeepTail(&end.errors, kErrorsMax);
  return end;
}

int RunAttached(const std::vector<std::string>& words,
                const std::function<void(int signal)>& forward) {
  const sigset_t signals = SignalsToForward();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const UniqueFd news(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  const pid_t pid = Fork(words, {-1, -1, -1});
  if (pid < 0) {
    std::fprintf(stderr, "%s\n", base::WithErrorText("cannot fork").c_str());
    return 1;
  }
  const UniqueFd pidfd = raylet::OpenPidfd(pid);
  while (true) {
    pollfd polls[2] = {{pidfd.get(), POLLIN, 0}, {news.get(), POLLIN, 0}};
    if (::poll(polls, 2, -1) < 0 && errno != EINTR) break;
    if (polls[0].revents != 0) break;
    signalfd_siginfo info{};
    while (::read(news.get(), &info, sizeof(info)) == sizeof(info)) {
      forward(static_cast<int>(info.ssi_signo));
    }
  }
  return CodeOf(pid);
}

void RunSideBySide(const std::vector<std::function<std::string()>>& tasks,
                   std::size_t most,
                   const std::function<void(std::size_t task,
                                            const std::string& gave)>& done) {
  std::vector<Aside> running;
  std::size_t next = 0;
  while (next < tasks.size() || !running.empty()) {
    while (next < tasks.size() && running.size() < most) {
      running.push_back(StartAside(tasks[next], next));
      ++next;
    }
    std::vector<pollfd> polls;
    for (const Aside& one : running) {
      // One that could not be started is over at once.
      if (one.pid != 0) polls.push_back({one.hears.get(), POLLIN, 0});
    }
    if (polls.size() == running.size()) ::poll(polls.data(), polls.size(), -1);
    for (std::size_t i = 0; i < running.size();) {
      Aside& one = running[i];
      if (one.pid != 0 && Drain(one.hears, &one.gave, kErrorsMax)) {
        ++i;
        continue;
      }
      if (one.pid != 0) CodeOf(one.pid);
      const bool is_whole = one.gave.starts_with(kWhole);
      done(one.task, is_whole ? one.gave.substr(1) : "it was killed");
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

}  // namespace mobula::cli

#include "runtime/process/embedded_head.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/error_text.h"
#include "base/sockets/poll_wait.h"
#include "runtime/process/head_search.h"

extern char** environ;

namespace mobula::runtime {
namespace {

using base::UniqueFd;

// In the head; everything above them is closed there.
constexpr int kDriverFd = 3;
constexpr int kProgramFd = 4;
constexpr int kFirstClosedFd = 5;
constexpr base::Duration kEndPatience = std::chrono::seconds(2);
// What `mobula raylet` takes.
constexpr std::chrono::milliseconds kJoinPatienceMax(1'000'000'000);

StartError SystemError(const std::string& what, int error) {
  return StartError{StartError::Code::kSystem,
                    base::WithErrorText(what, error)};
}

std::string NumberText(double value) {
  std::array<char, 64> buffer;
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    std::chars_format::fixed);
  return std::string(buffer.data(), result.ptr);
}

bool IsQuantity(double value) {
  return std::isfinite(value) && value >= 0 && value <= 9e14;
}

std::optional<StartError> CheckOptions(const HeadOptions& options) {
  std::string wrong;
  if (options.cpus && !IsQuantity(*options.cpus)) wrong = "cpus";
  if (options.memory_bytes && *options.memory_bytes <= 0) wrong = "memory";
  if (options.workers_max && *options.workers_max < 1) wrong = "workers_max";
  for (const auto& [name, quantity] : options.resources) {
    const bool named = !name.empty() && name.find('=') == std::string::npos &&
                       name.find('\0') == std::string::npos;
    if (!named || !IsQuantity(quantity)) wrong = "the resource '" + name + "'";
  }
  if (wrong.empty()) return std::nullopt;
  return StartError{StartError::Code::kBadArgument,
                    wrong + " is not a quantity that a node can have"};
}

std::vector<std::string> CommandLine(const HeadOptions& options) {
  std::vector<std::string> words = {"mobula",       "raylet",
                                    "--driver-fd",  std::to_string(kDriverFd),
                                    "--program-fd", std::to_string(kProgramFd)};
  if (options.log_json) words.push_back("--log-json");
  if (!options.control.empty()) {
    using std::chrono::milliseconds;
    const auto patience_ms = std::clamp(
        std::chrono::duration_cast<milliseconds>(options.join_patience),
        milliseconds(1), kJoinPatienceMax);
    words.insert(words.end(), {"--control", options.control, "--join-patience",
                               std::to_string(patience_ms.count())});
    return words;
  }
  if (options.cpus) {
    words.insert(words.end(), {"--cpus", NumberText(*options.cpus)});
  }
  if (options.memory_bytes) {
    words.insert(words.end(),
                 {"--memory", std::to_string(*options.memory_bytes)});
  }
  if (options.object_store) {
    words.insert(words.end(),
                 {"--object-store-memory", options.object_store->ToString()});
  }
  for (const std::string& folder : options.spill_folders) {
    words.push_back("--spill-folder=" + folder);
  }
  for (const auto& [name, quantity] : options.resources) {
    words.insert(words.end(),
                 {"--resource", name + "=" + NumberText(quantity)});
  }
  if (options.workers_max) {
    words.insert(words.end(),
                 {"--workers-max", std::to_string(*options.workers_max)});
  }
  return words;
}

std::variant<std::string, StartError> ChooseProgram(
    const HeadOptions& options) {
  if (!options.program.empty()) return options.program;
  FoundHead found = FindHead(PlacesOfThisProcess());
  if (!found.program.empty()) return std::move(found.program);
  std::string message =
      "the `mobula` program was not found; set MOBULA_HOME to the folder that "
      "holds bin/mobula, or put it on PATH. Looked for:";
  for (const std::string& file : found.looked) message += "\n  " + file;
  return StartError{StartError::Code::kHeadNotFound, std::move(message)};
}

// The descriptors of the start, all above those that the head will have, so
// that no dup2 overwrites one that is still needed.
struct Ends {
  UniqueFd ours, theirs, program, output_read, output_write, null;
};

bool Raise(UniqueFd* fd) {
  if (!fd->valid()) return false;
  fd->Reset(::fcntl(fd->get(), F_DUPFD_CLOEXEC, kFirstClosedFd + 1));
  return fd->valid();
}

bool OpenEnds(Ends* ends) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return false;
  }
  ends->ours.Reset(pair[0]);
  ends->theirs.Reset(pair[1]);
  if (::pipe2(pair, O_CLOEXEC) != 0) return false;
  ends->output_read.Reset(pair[0]);
  ends->output_write.Reset(pair[1]);
  ends->program.Reset(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ends->null.Reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  return Raise(&ends->ours) && Raise(&ends->theirs) && Raise(&ends->program) &&
         Raise(&ends->output_read) && Raise(&ends->output_write) &&
         Raise(&ends->null);
}

// posix_spawn's lists, freed on every way out.
struct SpawnPlan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnPlan() {
    MOBULA_CHECK(::posix_spawn_file_actions_init(&actions) == 0);
    MOBULA_CHECK(::posix_spawnattr_init(&attributes) == 0);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

// Its own session, no signal blocked or ignored, five descriptors.
int Spawn(const Ends& ends, const std::string& program,
          std::vector<std::string> words, pid_t* pid) {
  SpawnPlan plan;
  const auto put = [&plan](const UniqueFd& fd, int number) {
    return ::posix_spawn_file_actions_adddup2(&plan.actions, fd.get(), number);
  };
  int error = put(ends.null, 0);
  if (error == 0) error = put(ends.output_write, 1);
  if (error == 0) error = put(ends.output_write, 2);
  if (error == 0) error = put(ends.theirs, kDriverFd);
  if (error == 0) error = put(ends.program, kProgramFd);
  if (error == 0) {
    error = ::posix_spawn_file_actions_addclosefrom_np(&plan.actions,
                                                       kFirstClosedFd);
  }
  if (error != 0) return error;
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&plan.attributes, &none);
  ::posix_spawnattr_setsigdefault(&plan.attributes, &all);
  ::posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSID |
                                                   POSIX_SPAWN_SETSIGMASK |
                                                   POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return ::posix_spawn(pid, program.c_str(), &plan.actions, &plan.attributes,
                       arguments.data(), environ);
}

}  // namespace

std::variant<std::unique_ptr<EmbeddedHead>, StartError> EmbeddedHead::Start(
    const HeadOptions& options) {
  if (auto error = CheckOptions(options)) return *std::move(error);
  auto chosen = ChooseProgram(options);
  if (auto* error = std::get_if<StartError>(&chosen)) return std::move(*error);
  std::string program = std::get<std::string>(std::move(chosen));
  Ends ends;
  if (!OpenEnds(&ends)) {
    return SystemError("no descriptors to start the head with", errno);
  }
  std::unique_ptr<EmbeddedHead> head(new EmbeddedHead());
  const int error = Spawn(ends, program, CommandLine(options), &head->pid_);
  if (error != 0) {
    head->pid_ = 0;
    StartError failed = SystemError("cannot start " + program, error);
    if (error == ENOENT || error == EACCES || error == ENOEXEC) {
      failed.code = StartError::Code::kHeadNotFound;
    }
    return failed;
  }
  // The child cannot be reaped by us yet, so the number is still its own.
  head->pidfd_.Reset(
      static_cast<int>(::syscall(SYS_pidfd_open, head->pid_, 0)));
  if (!head->pidfd_.valid() && errno != ESRCH) {
    const int why = errno;
    ::kill(head->pid_, SIGKILL);
    return SystemError("no descriptor to watch the head with", why);
  }
  head->program_ = std::move(program);
  head->socket_ = std::move(ends.ours);
  head->output_ = std::move(ends.output_read);
  return head;
}

EmbeddedHead::~EmbeddedHead() {
  socket_.Reset();
  WaitEnd(kEndPatience);
}

base::UniqueFd EmbeddedHead::TakeSocket() {
  MOBULA_CHECK(socket_.valid(), "the head's socket is taken once");
  return std::move(socket_);
}

base::UniqueFd EmbeddedHead::TakeOutput() {
  MOBULA_CHECK(output_.valid(), "the head's output is taken once");
  return std::move(output_);
}

void EmbeddedHead::WaitEnd(base::Duration patience) {
  if (pid_ == 0) return;
  if (pidfd_.valid() &&
      !base::WaitReadable(pidfd_.get(), base::BootNow() + patience)) {
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    [[maybe_unused]] const bool ended =
        base::WaitReadable(pidfd_.get(), base::BootNow() + kEndPatience);
  }
  // ECHILD where the program ignores SIGCHLD or reaps all children itself.
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid_, &status, pidfd_.valid() ? WNOHANG : 0);
  } while (reaped < 0 && errno == EINTR);
  pid_ = 0;
  pidfd_.Reset();
}

}  // namespace mobula::runtime

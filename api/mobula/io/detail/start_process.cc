#include "api/mobula/io/detail/start_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <utility>

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/detail/wait.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/error.h"
#include "api/mobula/io/detail/process_state.h"
#include "api/mobula/io/detail/stream_state.h"
#include "api/mobula/io/system_error.h"
#include "base/unique_fd.h"
#include "runtime/executor/spawner.h"

namespace mobula::detail {
namespace {

using runtime::SpawnJob;

struct ProcessSpawner {
  runtime::Spawner spawner;
  const std::uint32_t made_at_fork = ForkCount();
};

std::atomic<ProcessSpawner*> current{nullptr};

// For good: its thread must live as long as what it starts. A forked child has
// another.
runtime::Spawner& TheSpawner() {
  ProcessSpawner* found = current.load(std::memory_order_acquire);
  if (found != nullptr && found->made_at_fork == ForkCount()) {
    return found->spawner;
  }
  auto made = std::make_unique<ProcessSpawner>();
  if (current.compare_exchange_strong(found, made.get())) {
    return made.release()->spawner;
  }
  return found->spawner;
}

class SpawnWait;

struct Job : SpawnJob {
  SpawnWait* wait = nullptr;
};

// It cannot be stopped: what has been started has to be known.
class SpawnWait final : public Wait {
 public:
  explicit SpawnWait(Job& job)
      : Wait(Timeout(), /*can_stop=*/false), job_(job) {}
  void await_resume() { Finish(); }

 private:
  bool Enter(bool joins) override {
    if (!joins) return false;
    job_.wait = this;
    job_.done = [](SpawnJob* job) noexcept {
      SpawnWait* const wait = static_cast<Job*>(job)->wait;
      wait->EndAs(End::kGranted);
      wait->Wake();
    };
    TheSpawner().Start(&job_);
    return false;
  }
  void Abandon(End /*end*/) noexcept override {}

  Job& job_;
};

// What it will see, "NAME=value" each.
std::vector<std::string> EnvironmentOf(
    const SubprocessOptions::Values& options) {
  std::vector<std::string> all;
  if (!options.clear_environment) {
    for (char** at = ::environ; at != nullptr && *at != nullptr; ++at) {
      const std::string_view ours(*at);
      const std::string name(ours.substr(0, ours.find('=')));
      if (!options.environment.contains(name)) all.emplace_back(ours);
    }
  }
  for (const auto& [name, value] : options.environment) {
    if (name.empty() ||
        name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
        value.find('\0') != std::string::npos) {
      ThrowBadArgument("a variable has a name without '=', and no zero byte: " +
                       name);
    }
    all.push_back(name + "=" + value);
  }
  return all;
}

std::string PathOf(const std::vector<std::string>& environment) {
  for (const std::string& variable : environment) {
    if (variable.starts_with("PATH=")) return variable.substr(5);
  }
  return "/usr/bin:/bin";
}

bool IsProgram(const std::string& path) {
  struct stat file{};
  return ::stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

// As a path. One that is nowhere is left to the system to refuse.
std::string FindProgram(const std::string& name,
                        const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  const std::string path = PathOf(environment);
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    // An empty one would be the folder that it runs in.
    const std::string candidate = folder + "/" + name;
    if (!folder.empty() && IsProgram(candidate)) return candidate;
    begin = end + 1;
  }
  ThrowSubprocessError(ENOENT, "no program " + name + " on PATH=" + path, name);
}

void Check(const std::vector<std::string>& argv,
           const SubprocessOptions::Values& options) {
  if (argv.empty() || argv.front().empty()) {
    ThrowBadArgument("the program has no name");
  }
  for (const std::string& arg : argv) {
    if (arg.find('\0') == std::string::npos) continue;
    ThrowBadArgument("an argument of " + argv.front() + " has a zero byte");
  }
  if (options.std_in == ProgramStream::kOutput ||
      options.std_out == ProgramStream::kOutput) {
    ThrowBadArgument("only stderr can go where stdout goes");
  }
}

// The descriptors that the program gets, and our ends of its pipes.
class Streams {
 public:
  Streams(const SubprocessOptions::Values& options, std::string program)
      : program_(std::move(program)) {
    Make(0, options.std_in);
    Make(1, options.std_out);
    Make(2, options.std_err);
  }

  [[nodiscard]] const std::array<int, 3>& fds() const { return fds_; }
  // Its ends are its alone then.
  void Forget() { theirs_ = {}; }
  StreamPtr Take(std::size_t at) {
    if (!ours_[at].valid()) return nullptr;
    return std::make_shared<StreamState>(
        std::move(ours_[at]), StreamState::Kind::kPipe, "", program_);
  }

 private:
  void Make(std::size_t at, ProgramStream stream) {
    switch (stream) {
      case ProgramStream::kInherit:
        fds_[at] = static_cast<int>(at);
        return;
      case ProgramStream::kOutput:
        fds_[at] = fds_[1];
        return;
      case ProgramStream::kNull:
        theirs_[at].Reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
        break;
      case ProgramStream::kPipe:
        MakePipe(at);
        break;
    }
    fds_[at] = theirs_[at].get();
    if (!theirs_[at].valid()) {
      ThrowSubprocessError(errno, "cannot make the pipes of " + program_,
                           program_);
    }
  }
  void MakePipe(std::size_t at) {
    int fds[2] = {-1, -1};
    if (::pipe2(fds, O_CLOEXEC) != 0) return;
    const bool it_reads = at == 0;
    theirs_[at].Reset(fds[it_reads ? 0 : 1]);
    ours_[at].Reset(fds[it_reads ? 1 : 0]);
  }

  const std::string program_;
  std::array<base::UniqueFd, 3> theirs_;
  std::array<base::UniqueFd, 3> ours_;
  std::array<int, 3> fds_{-1, -1, -1};
};

}  // namespace

Coro<StartedProcess> StartProcess(std::vector<std::string> argv,
                                  SubprocessOptions::Values options) {
  Check(argv, options);
  const std::string name = argv.front();
  Job job;
  job.argv = std::move(argv);
  job.environment = EnvironmentOf(options);
  job.program = FindProgram(name, job.environment);
  job.folder = options.folder;
  Streams streams(options, name);
  job.fds = streams.fds();
  StartedProcess started;
  // All that can fail here is made before there is a process.
  for (std::size_t i = 0; i < 3; ++i) started.pipes[i] = streams.Take(i);
  ThrowIfStopped();
  co_await SpawnWait(job);
  streams.Forget();
  if (job.error != 0) {
    const bool is_folder = job.failed == std::string_view("enter its folder");
    ThrowSubprocessError(job.error,
                         "cannot start " + name + ": cannot " + job.failed +
                             (is_folder ? " " + job.folder : ""),
                         name);
  }
  const pid_t pid = job.pid;
  try {
    started.process =
        std::make_shared<ProcessState>(pid, std::move(job.pidfd), name);
  } catch (...) {
    // It cannot be waited for: no memory, no descriptors.
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    throw;
  }
  co_return started;
}

}  // namespace mobula::detail

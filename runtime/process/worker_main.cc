#include "runtime/process/worker_main.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/shm/worker_page.h"
#include "base/unique_fd.h"
#include "runtime/process/process.h"
#include "runtime/process/worker_start.h"

namespace mobula::runtime {
namespace {

constexpr char kVariable[] = "MOBULA_WORKER";
constexpr int kRayletFd = 3;
constexpr int kPageFd = 4;
// A fact of the process, also where the variable is gone.
std::atomic<bool> is_worker{false};
constexpr base::Duration kStartPatience = std::chrono::seconds(30);

int Refuse(int code, const std::string& why) {
  const std::string text = "mobula worker: " + why + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  return code;
}

// Ours alone from here on: not for what the user's code executes.
base::UniqueFd TakeFd(int fd) {
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return base::UniqueFd();
  return base::UniqueFd(fd);
}

// Null if it cannot be mapped. Never unmapped: the process ends first.
base::WorkerPage* MapPage() {
  const base::UniqueFd fd = TakeFd(kPageFd);
  if (!fd.valid()) return nullptr;
  void* memory = ::mmap(nullptr, sizeof(base::WorkerPage),
                        PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return nullptr;
  // A child that the user's code forks must not write our name.
  ::madvise(memory, sizeof(base::WorkerPage), MADV_DONTFORK);
  return static_cast<base::WorkerPage*>(memory);
}

std::string ProgramName() {
  return program_invocation_short_name != nullptr
             ? program_invocation_short_name
             : "worker";
}

Process::Options MakeOptions(const WorkerStart& start) {
  Process::Options options;
  options.whoami.process = start.process;
  options.whoami.role = base::Role::kWorker;
  options.whoami.job = start.job;
  options.whoami.pid = static_cast<std::int32_t>(::getpid());
  options.whoami.program = ProgramName();
  options.raylet = start.raylet;
  options.functions = &base::FunctionTable::Get();
  return options;
}

int Serve(Process& process, const WorkerHooks& hooks) {
  int code = 0;
  if (hooks.start) code = hooks.start(process);
  if (code == 0) process.Serve();
  if (hooks.stop) hooks.stop();
  return code;
}

}  // namespace

bool IsWorkerProcess() {
  return is_worker.load() || std::getenv(kVariable) != nullptr;
}

int WorkerMain(const WorkerHooks& hooks) {
  const char* variable = std::getenv(kVariable);
  const std::string text = variable == nullptr ? "" : variable;
  is_worker.store(true);
  // What the user's code executes is no worker.
  ::unsetenv(kVariable);
  std::string why;
  const std::optional<WorkerStart> start = ParseWorkerStart(text, &why);
  if (!start) return Refuse(kWorkerBadStart, why);
  if (start->version != kWorkerStartVersion) {
    return Refuse(kWorkerBadVersion, "the node's agent speaks version " +
                                         std::to_string(start->version) +
                                         ", this program " +
                                         std::to_string(kWorkerStartVersion));
  }
  const std::vector<std::string> clashes = base::FunctionTable::Get().Clashes();
  if (!clashes.empty()) {
    why = "two functions have one key:";
    for (const std::string& clash : clashes) why += "\n  " + clash;
    return Refuse(kWorkerClash, why);
  }
  Process::Options options = MakeOptions(*start);
  options.raylet_socket = TakeFd(kRayletFd);
  options.page = MapPage();
  if (!options.raylet_socket.valid() || options.page == nullptr) {
    return Refuse(kWorkerBadStart, "it was not started by a node's agent");
  }
  // Into a pipe it would be written by the block: lines would come late, and
  // not at all where the process crashes.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  if (hooks.setup) {
    if (const int code = hooks.setup(); code != 0) return code;
  }
  Process process(std::move(options));
  if (auto error = process.Start(base::BootNow() + kStartPatience)) {
    return Refuse(kWorkerRayletGone, error->message);
  }
  return Serve(process, hooks);
}

}  // namespace mobula::runtime

#include "raylet/spawn/exit_story.h"

#include <string.h>
#include <sys/wait.h>

#include <utility>

namespace mobula::raylet {

base::Failure FailureOfExit(pid_t pid, int status, const std::string& running,
                            std::vector<std::string> log_tail) {
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.executed = base::Executed::kMaybe;
  failure.pid = pid;
  failure.log_tail = std::move(log_tail);
  std::string how;
  if (WIFSIGNALED(status)) {
    failure.signal = WTERMSIG(status);
    const char* const name = ::sigabbrev_np(failure.signal);
    how = "was killed by signal " + std::to_string(failure.signal);
    if (name != nullptr) how += std::string(" (SIG") + name + ")";
  } else {
    failure.exit_code = WEXITSTATUS(status);
    how = "ended with exit code " + std::to_string(failure.exit_code);
  }
  failure.message = "the worker process " + how;
  if (!running.empty()) failure.message += " in " + running;
  return failure;
}

}  // namespace mobula::raylet

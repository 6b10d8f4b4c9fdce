#include "raylet/spawn/exit_story.h"

#include <string.h>
#include <sys/wait.h>

#include <utility>

namespace mobula::raylet {
namespace {

std::string HowEnded(int status) {
  if (!WIFSIGNALED(status)) {
    return "ended with exit code " + std::to_string(WEXITSTATUS(status));
  }
  const int signal = WTERMSIG(status);
  const char* const name = ::sigabbrev_np(signal);
  std::string how = "was killed by signal " + std::to_string(signal);
  if (name != nullptr) how += std::string(" (SIG") + name + ")";
  return how;
}

}  // namespace

base::Failure FailureOfExit(pid_t pid, int status, const std::string& running,
                            std::vector<std::string> log_tail) {
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.executed = base::Executed::kMaybe;
  failure.pid = pid;
  failure.log_tail = std::move(log_tail);
  if (WIFSIGNALED(status)) {
    failure.signal = WTERMSIG(status);
  } else {
    failure.exit_code = WEXITSTATUS(status);
  }
  failure.message = "the worker process " + HowEnded(status);
  if (!running.empty()) failure.message += " in " + running;
  return failure;
}

std::string StoryOfExit(const std::string& who, int status) {
  return who + " " + HowEnded(status);
}

}  // namespace mobula::raylet

#include "runtime/process/worker_output.h"

#include <signal.h>

#include <cerrno>
#include <cstdio>

namespace mobula::runtime {
namespace {

// While it lives a stream that nobody reads any more is an error to who writes
// there, and no signal: the thread may be the program's own (Strand::Drive).
class NoPipeSignal {
 public:
  NoPipeSignal() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    if (::sigismember(&before_, SIGPIPE) == 1) return;
    const timespec at_once{};
    while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

}  // namespace

std::string FormatWorkerOutput(const base::WorkerOutput& output) {
  std::string prefix = "(";
  if (!output.function.empty()) prefix += output.function + " ";
  prefix += "pid=" + std::to_string(output.pid) + ") ";
  std::string text;
  if (output.omitted > 0) {
    text += prefix + "[" + std::to_string(output.omitted) +
            (output.omitted == 1 ? " line" : " lines") + " left out]\n";
  }
  for (const std::string& line : output.lines) text += prefix + line + "\n";
  return text;
}

void PrintWorkerOutput(const base::WorkerOutput& output) {
  const std::string text = FormatWorkerOutput(output);
  const NoPipeSignal no_signal;
  std::FILE* stream = output.is_stderr ? stderr : stdout;
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace mobula::runtime

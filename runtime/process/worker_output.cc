#include "runtime/process/worker_output.h"

#include <cstdio>

#include "base/threads/no_pipe_signal.h"

namespace mobula::runtime {

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
  // The thread may be the program's own (Strand::Drive).
  const base::NoPipeSignal no_signal;
  std::FILE* stream = output.is_stderr ? stderr : stdout;
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace mobula::runtime

// What a raylet tells a worker that it starts, in the variable MOBULA_WORKER:
// "1:<process id>:<raylet process id>:<job id>", ids as 32 hex digits.
// The version comes first and alone decides how the rest is read.
// Threading: any; pure.
#ifndef MOBULA_RUNTIME_PROCESS_WORKER_START_H_
#define MOBULA_RUNTIME_PROCESS_WORKER_START_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace mobula::runtime {

inline constexpr std::uint32_t kWorkerStartVersion = 1;

struct WorkerStart {
  std::uint32_t version = 0;
  // Nil where the version is not ours.
  base::ProcessId process;
  base::ProcessId raylet;
  base::JobId job;
};

// Nothing, and a sentence in *why, if the text makes no sense.
std::optional<WorkerStart> ParseWorkerStart(std::string_view text,
                                            std::string* why);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_WORKER_START_H_

// How a worker's lines look at the driver.
//
//   (CountWords pid=4711) half done
//   (CountWords pid=4711) [12 lines left out]
// Threading: any.
#ifndef MOBULA_RUNTIME_PROCESS_WORKER_OUTPUT_H_
#define MOBULA_RUNTIME_PROCESS_WORKER_OUTPUT_H_

#include <string>

#include "base/frames/message.h"

namespace mobula::runtime {

// Each line with its prefix and a newline.
[[nodiscard]] std::string FormatWorkerOutput(const base::WorkerOutput& output);

// Writes it to the stream of this process that the worker wrote it to.
void PrintWorkerOutput(const base::WorkerOutput& output);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_WORKER_OUTPUT_H_

// WorkerLog is the file in which the lines that one worker wrote are kept.
//
//   FOLDER/worker-PID.log and, once that is full, FOLDER/worker-PID.log.1
// A file is made with the first line, never holds more than bytes_max / 2, and
// takes the place of the one before.
// Owner: Server, one a worker.   Threading: one thread.
// Failure: lines that cannot be written are lost.
#ifndef MOBULA_RAYLET_OUTPUT_WORKER_LOG_H_
#define MOBULA_RAYLET_OUTPUT_WORKER_LOG_H_

#include <cstddef>
#include <string>

#include "base/unique_fd.h"
#include "raylet/output/output_lines.h"

namespace mobula::raylet {

class WorkerLog {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{10} << 20;

  // `folder` is made where it is absent.
  WorkerLog(std::string folder, int pid, std::size_t bytes_max = kBytesMax);

  void Append(const OutputBatch& batch);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  bool Open();

  const std::string folder_;
  const std::string path_;
  const std::size_t bytes_max_;
  base::UniqueFd file_;
  std::size_t bytes_ = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OUTPUT_WORKER_LOG_H_

// WorkerOutput reads what one worker writes and passes it on as lines.
//
// Owner: Server, one a worker.   Threading: the strand's thread.
// Invariants: reading never waits for who takes the lines; what the worker
// wrote before it ended is taken before Drain returns (at most kDrainBytesMax a
// stream, since something that it started may hold the pipe and write on).
// Failure: a pipe that cannot be read is closed.
#ifndef MOBULA_RAYLET_OUTPUT_WORKER_OUTPUT_H_
#define MOBULA_RAYLET_OUTPUT_WORKER_OUTPUT_H_

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "raylet/output/output_lines.h"

namespace mobula::raylet {

class WorkerOutput {
 public:
  static constexpr std::size_t kDrainBytesMax = std::size_t{1} << 20;
  // False if nobody can take the batch now: its lines count as omitted.
  using TakeFn = std::function<bool(const OutputBatch&)>;

  // Both descriptors non-blocking.
  WorkerOutput(base::Strand& strand, base::UniqueFd out, base::UniqueFd err,
               OutputLines::Limits limits, TakeFn take);
  ~WorkerOutput();
  WorkerOutput(const WorkerOutput&) = delete;
  WorkerOutput& operator=(const WorkerOutput&) = delete;

  // The worker has ended: passes on all that is left and closes the pipes.
  void Drain();
  [[nodiscard]] std::vector<std::string> Tail() const {
    strand_.AssertHeld();
    return lines_.Tail();
  }

 private:
  // Reads once; whether there may be more.
  bool ReadOnce(bool is_stderr) MOBULA_REQUIRES(strand_);
  void Close(bool is_stderr) MOBULA_REQUIRES(strand_);
  void PassOn(const std::vector<OutputBatch>& batches) MOBULA_REQUIRES(strand_);
  void PlanFlush() MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  const TakeFn take_;
  std::array<base::UniqueFd, 2> pipes_ MOBULA_GUARDED_BY(strand_);
  OutputLines lines_ MOBULA_GUARDED_BY(strand_);
  base::Strand::TimerId flush_ MOBULA_GUARDED_BY(strand_) = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OUTPUT_WORKER_OUTPUT_H_

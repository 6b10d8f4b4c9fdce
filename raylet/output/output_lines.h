// OutputLines makes lines of the bytes that a worker writes, and decides which
// of them are passed on.
//
//   lines.Append(is_stderr, bytes, now);  for (auto& batch : lines.Take()) ...
//
// A line longer than kLineBytesMax becomes several. Of each worker at most
// lines_per_second and bytes_per_second are passed on (a second's worth may
// come at once); what is over is counted, and the count goes with the next
// batch, or alone once there is room for it again (Flush). The last lines are
// kept for failures, passed on or not.
// Owner: WorkerOutput.   Threading: none; pure.
// Invariants: (1) every line is passed on or counted, once; (2) memory is
// bounded: one unfinished line a stream, kTailLines kept lines, what Append
// was given.
#ifndef MOBULA_RAYLET_OUTPUT_OUTPUT_LINES_H_
#define MOBULA_RAYLET_OUTPUT_OUTPUT_LINES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/boot_time.h"

namespace mobula::raylet {

struct OutputBatch {
  bool is_stderr = false;
  std::vector<std::string> lines;
  std::uint64_t omitted = 0;  // before these lines
};

class OutputLines {
 public:
  static constexpr std::size_t kLineBytesMax = 16 << 10;
  static constexpr std::size_t kTailLines = 20;
  static constexpr std::size_t kTailLineBytesMax = 2'000;
  struct Limits {
    double lines_per_second = 1'000;
    double bytes_per_second = 1 << 20;
  };

  explicit OutputLines(Limits limits) : limits_(limits) {}

  void Append(bool is_stderr, std::string_view bytes, base::BootTime now);
  // What does not end in a newline is a line now: nothing follows.
  void Finish(base::BootTime now);
  // What has been passed on since the last Take, in order.
  std::vector<OutputBatch> Take();
  // The count of what was omitted and not told yet, as a batch without lines.
  std::vector<OutputBatch> Flush();
  // Gives up the lines of a batch that nobody takes: they count as omitted.
  void Omit(const OutputBatch& batch);

  [[nodiscard]] bool HasOmitted() const { return omitted_ > 0; }
  [[nodiscard]] std::vector<std::string> Tail() const;

 private:
  void EndLine(bool is_stderr, std::string line, base::BootTime now);
  bool TakeFromBudget(std::size_t bytes, base::BootTime now);

  const Limits limits_;
  std::string unfinished_[2];
  std::deque<std::string> tail_;
  std::vector<OutputBatch> batches_;
  std::uint64_t omitted_ = 0;
  bool last_is_stderr_ = false;
  bool started_ = false;
  double lines_left_ = 0;
  double bytes_left_ = 0;
  base::BootTime filled_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OUTPUT_OUTPUT_LINES_H_

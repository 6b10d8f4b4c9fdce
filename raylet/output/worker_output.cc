#include "raylet/output/worker_output.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

namespace mobula::raylet {
namespace {

using base::Strand;
using base::UniqueFd;

constexpr std::size_t kReadBytes = 64 << 10;
constexpr base::Duration kFlushAfter = std::chrono::seconds(1);

}  // namespace

WorkerOutput::WorkerOutput(Strand& strand, UniqueFd out, UniqueFd err,
                           OutputLines::Limits limits, TakeFn take)
    : strand_(strand),
      take_(std::move(take)),
      pipes_{std::move(out), std::move(err)},
      lines_(limits) {
  for (const bool is_stderr : {false, true}) {
    strand_.Watch(pipes_[is_stderr ? 1 : 0].get(), Strand::kReadable,
                  [this, is_stderr](std::uint32_t /*ready*/) {
                    strand_.AssertHeld();
                    ReadOnce(is_stderr);
                  });
  }
}

WorkerOutput::~WorkerOutput() {
  strand_.AssertHeld();
  Close(false);
  Close(true);
  if (flush_ != 0) strand_.Cancel(flush_);
}

bool WorkerOutput::ReadOnce(bool is_stderr) {
  const UniqueFd& pipe = pipes_[is_stderr ? 1 : 0];
  if (!pipe.valid()) return false;
  char buffer[kReadBytes];
  const ssize_t n = ::read(pipe.get(), buffer, sizeof(buffer));
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {
    Close(is_stderr);
    return false;
  }
  lines_.Append(is_stderr, {buffer, static_cast<std::size_t>(n)},
                strand_.Now());
  PassOn(lines_.Take());
  PlanFlush();
  return true;
}

void WorkerOutput::Close(bool is_stderr) {
  UniqueFd& pipe = pipes_[is_stderr ? 1 : 0];
  if (!pipe.valid()) return;
  strand_.Unwatch(pipe.get());
  pipe.Reset();
}

void WorkerOutput::PassOn(const std::vector<OutputBatch>& batches) {
  for (const OutputBatch& batch : batches) {
    if (!take_(batch)) lines_.Omit(batch);
  }
}

void WorkerOutput::PlanFlush() {
  if (!lines_.HasOmitted() || flush_ != 0) return;
  flush_ = strand_.PostAt(strand_.Now() + kFlushAfter, [this] {
    strand_.AssertHeld();
    flush_ = 0;
    PassOn(lines_.Flush());
    PlanFlush();
  });
}

void WorkerOutput::Drain() {
  strand_.AssertHeld();
  for (const bool is_stderr : {false, true}) {
    for (std::size_t read = 0; read < kDrainBytesMax; read += kReadBytes) {
      if (!ReadOnce(is_stderr)) break;
    }
    Close(is_stderr);
  }
  lines_.Finish(strand_.Now());
  PassOn(lines_.Flush());
  if (flush_ != 0) strand_.Cancel(flush_);
  flush_ = 0;
}

}  // namespace mobula::raylet

#include "raylet/output/output_lines.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mobula::raylet {

void OutputLines::Append(bool is_stderr, std::string_view bytes,
                         base::BootTime now) {
  std::string& unfinished = unfinished_[is_stderr ? 1 : 0];
  while (!bytes.empty()) {
    const std::size_t room = kLineBytesMax - unfinished.size();
    const std::size_t newline = bytes.substr(0, room).find('\n');
    const bool ends = newline != std::string_view::npos;
    const std::size_t length = ends ? newline : std::min(room, bytes.size());
    unfinished.append(bytes.substr(0, length));
    bytes.remove_prefix(length + (ends ? 1 : 0));
    if (ends || unfinished.size() == kLineBytesMax) {
      EndLine(is_stderr, std::exchange(unfinished, {}), now);
    }
  }
}

void OutputLines::Finish(base::BootTime now) {
  for (const bool is_stderr : {false, true}) {
    std::string& unfinished = unfinished_[is_stderr ? 1 : 0];
    if (unfinished.empty()) continue;
    EndLine(is_stderr, std::exchange(unfinished, {}), now);
  }
}

bool OutputLines::TakeFromBudget(std::size_t bytes, base::BootTime now) {
  if (!started_) {
    started_ = true;
    lines_left_ = limits_.lines_per_second;
    bytes_left_ = limits_.bytes_per_second;
  } else if (now > filled_) {
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    lines_left_ = std::min(limits_.lines_per_second,
                           lines_left_ + seconds * limits_.lines_per_second);
    bytes_left_ = std::min(limits_.bytes_per_second,
                           bytes_left_ + seconds * limits_.bytes_per_second);
  }
  filled_ = std::max(filled_, now);
  const auto need = static_cast<double>(bytes);
  if (lines_left_ < 1 || bytes_left_ < need) return false;
  lines_left_ -= 1;
  bytes_left_ -= need;
  return true;
}

void OutputLines::EndLine(bool is_stderr, std::string line,
                          base::BootTime now) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  tail_.push_back(line.substr(0, kTailLineBytesMax));
  if (tail_.size() > kTailLines) tail_.pop_front();
  if (!TakeFromBudget(line.size(), now)) {
    ++omitted_;
    last_is_stderr_ = is_stderr;
    return;
  }
  const bool fits = !batches_.empty() && omitted_ == 0 &&
                    batches_.back().is_stderr == is_stderr;
  if (!fits) {
    batches_.push_back({is_stderr, {}, std::exchange(omitted_, 0)});
  }
  batches_.back().lines.push_back(std::move(line));
}

std::vector<OutputBatch> OutputLines::Take() {
  return std::exchange(batches_, {});
}

std::vector<OutputBatch> OutputLines::Flush() {
  std::vector<OutputBatch> batches = Take();
  if (omitted_ > 0) {
    batches.push_back({last_is_stderr_, {}, std::exchange(omitted_, 0)});
  }
  return batches;
}

void OutputLines::Omit(const OutputBatch& batch) {
  omitted_ += batch.omitted + batch.lines.size();
  last_is_stderr_ = batch.is_stderr;
}

std::vector<std::string> OutputLines::Tail() const {
  return {tail_.begin(), tail_.end()};
}

}  // namespace mobula::raylet

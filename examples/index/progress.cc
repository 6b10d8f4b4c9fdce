#include "examples/index/progress.h"

#include <unistd.h>

#include <algorithm>

namespace indexer {
namespace {

constexpr std::size_t kBarWidth = 30;
constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kLine(10);

std::string Percent(std::uint64_t done, std::uint64_t total) {
  return std::to_string(total == 0 ? 100 : 100 * done / total) + "%";
}

}  // namespace

Progress::Progress(std::FILE* stream, std::string_view what,
                   std::uint64_t total)
    : Progress(stream, ::isatty(::fileno(stream)) == 1, what, total,
               Clock::now()) {}

Progress::Progress(std::FILE* stream, bool is_terminal, std::string_view what,
                   std::uint64_t total, Clock::time_point start)
    : stream_(stream),
      is_terminal_(is_terminal),
      what_(what),
      total_(total),
      shown_(start) {}

Progress::~Progress() { Clear(); }

std::string Progress::Bar(std::uint64_t done, std::string_view note) const {
  const std::size_t filled =
      total_ == 0 ? kBarWidth
                  : static_cast<std::size_t>(std::min(done, total_) *
                                             kBarWidth / total_);
  return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') +
         "] " + Percent(done, total_) + " " + what_ + "  " + std::string(note);
}

void Progress::Show(std::uint64_t done, std::string_view note,
                    Clock::time_point now) {
  const auto pause =
      is_terminal_ ? Clock::duration(kRedraw) : Clock::duration(kLine);
  if (now - shown_ < pause) return;
  shown_ = now;
  if (!is_terminal_) {
    std::fprintf(stream_, "%s: %s%s%.*s\n", what_.c_str(),
                 Percent(done, total_).c_str(), note.empty() ? "" : ", ",
                 static_cast<int>(note.size()), note.data());
    std::fflush(stream_);
    return;
  }
  const std::string bar = Bar(done, note);
  const std::size_t rest = drawn_ > bar.size() ? drawn_ - bar.size() : 0;
  std::fprintf(stream_, "\r%s%s", bar.c_str(), std::string(rest, ' ').c_str());
  std::fflush(stream_);
  drawn_ = bar.size();
}

void Progress::Clear() {
  if (drawn_ == 0) return;
  std::fprintf(stream_, "\r%s\r", std::string(drawn_, ' ').c_str());
  std::fflush(stream_);
  drawn_ = 0;
}

}  // namespace indexer

// Progress shows how far the work is: a bar on a terminal, which is redrawn in
// place; elsewhere a line now and then, so that logs stay readable.
// Threading: none.
#ifndef MOBULA_EXAMPLES_INDEX_PROGRESS_H_
#define MOBULA_EXAMPLES_INDEX_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace indexer {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  // Draws on `stream`, as a bar if it is a terminal.
  Progress(std::FILE* stream, std::string_view what, std::uint64_t total);
  // As above, told what the stream is and the time of the start.
  Progress(std::FILE* stream, bool is_terminal, std::string_view what,
           std::uint64_t total, Clock::time_point start);
  // Clears the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `note` stands at the end: a rate, say.
  void Show(std::uint64_t done, std::string_view note,
            Clock::time_point now = Clock::now());
  // Clears the bar, so that other lines can be written; Show brings it back.
  void Clear();

 private:
  [[nodiscard]] std::string Bar(std::uint64_t done,
                                std::string_view note) const;

  std::FILE* stream_;
  bool is_terminal_;
  std::string what_;
  std::uint64_t total_;
  Clock::time_point shown_;
  std::size_t drawn_ = 0;
};

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_PROGRESS_H_

// The process's log: one line a fact, to stderr or a file that rotates.
//
//   MOBULA_LOG(INFO) << "worker " << pid << " started";
//
// A line under the level costs one relaxed load and a branch: its pieces are
// not evaluated. Lines are written whole and at once, so that they survive a
// crash; nothing on the hot path logs.
// There is one log a process, as there is one stderr; it is wired by StartLog
// in main and is stderr at level INFO until then.
// Threading: any. Failure: a line that cannot be written is dropped.
#ifndef MOBULA_BASE_LOG_H_
#define MOBULA_BASE_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text_line.h"

namespace mobula::base {

enum class LogLevel : std::uint8_t {
  kDEBUG = 0,
  kINFO,
  kWARNING,
  kERROR,
  kNone,  // as a limit: nothing is logged
};

struct LogOptions {
  LogLevel level = LogLevel::kINFO;
  std::string name;   // of the component: "raylet"
  std::string file;   // "": stderr
  bool json = false;  // one JSON object a line
  std::size_t file_bytes_max = std::size_t{16} << 20;
  std::size_t files_max = 4;  // old ones kept: file.1 ... file.N
};

// Replaces the log. False and a sentence if the file cannot be written; the
// log is then as it was.
[[nodiscard]] bool StartLog(const LogOptions& options, std::string* error);

inline std::atomic<LogLevel> log_level{LogLevel::kINFO};

inline bool LogEnabled(LogLevel level) {
  return level >= log_level.load(std::memory_order_relaxed);
}

// `file` and `line` say where in the source; "" for nowhere.
void Log(LogLevel level, std::string_view text, std::string_view file = "",
         int line = 0);

// A line being put together; writes itself when it is destroyed.
class LogLine {
 public:
  LogLine(LogLevel level, const char* file, int line)
      : level_(level), file_(file), line_(line) {}
  ~LogLine() { Log(level_, text_.text(), file_, line_); }
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  template <class T>
  LogLine& operator<<(const T& piece) {
    text_ << piece;
    return *this;
  }

 private:
  LogLevel level_;
  const char* file_;
  int line_;
  TextLine text_;
};

}  // namespace mobula::base

// `level` is DEBUG, INFO, WARNING or ERROR.
#define MOBULA_LOG(level)                                                  \
  for (bool mobula_log_on =                                                \
           ::mobula::base::LogEnabled(::mobula::base::LogLevel::k##level); \
       mobula_log_on; mobula_log_on = false)                               \
  ::mobula::base::LogLine(::mobula::base::LogLevel::k##level, __FILE__,    \
                          __LINE__)

#endif  // MOBULA_BASE_LOG_H_

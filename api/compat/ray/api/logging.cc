#include "api/compat/ray/api/logging.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

namespace ray {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warning",
                                                    "error", "fatal"};

std::size_t IndexOf(RayLoggerLevel level) {
  return static_cast<std::size_t>(static_cast<int>(level) + 1);
}

// Letters of any case.
bool IsSame(std::string_view name, std::string_view said) {
  if (name.size() != said.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != (said[i] | 0x20)) return false;
  }
  return true;
}

RayLoggerLevel LeastLevel() {
  const char* const said = std::getenv("RAY_BACKEND_LOG_LEVEL");
  if (said == nullptr) return RayLoggerLevel::INFO;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (IsSame(kNames[i], said)) {
      return static_cast<RayLoggerLevel>(static_cast<int>(i) - 1);
    }
  }
  return RayLoggerLevel::INFO;
}

std::string Now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%F %T", &parts);
  return text.data();
}

class LineLogger final : public RayLogger {
 public:
  LineLogger(const char* file, int line, RayLoggerLevel level)
      : level_(level), is_enabled_(IsLevelEnabled(level)) {
    const std::string_view path = file;
    const std::size_t slash = path.rfind('/');
    stream_ << '[' << Now() << ' ' << kNames[IndexOf(level)] << ' '
            << ::getpid() << ' '
            << (slash == path.npos ? path : path.substr(slash + 1)) << ':'
            << line << "] ";
  }
  ~LineLogger() override {
    if (is_enabled_) {
      stream_ << '\n';
      std::cerr << stream_.str() << std::flush;
    }
    if (level_ == RayLoggerLevel::FATAL) std::abort();
  }
  LineLogger(const LineLogger&) = delete;
  LineLogger& operator=(const LineLogger&) = delete;

  [[nodiscard]] bool IsEnabled() const override { return is_enabled_; }

 protected:
  std::ostream& Stream() override { return stream_; }

 private:
  const RayLoggerLevel level_;
  const bool is_enabled_;
  std::ostringstream stream_;
};

}  // namespace

std::unique_ptr<RayLogger> CreateRayLogger(const char* file_name,
                                           int line_number,
                                           RayLoggerLevel severity) {
  return std::make_unique<LineLogger>(file_name, line_number, severity);
}

bool IsLevelEnabled(RayLoggerLevel log_level) {
  static const RayLoggerLevel least = LeastLevel();
  return log_level >= least || log_level == RayLoggerLevel::FATAL;
}

}  // namespace ray

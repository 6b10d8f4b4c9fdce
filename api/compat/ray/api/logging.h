// RAYLOG writes a line to standard error, with time, level, file and line.
//
//   RAYLOG(INFO) << "shard " << shard << " is there";
//
// Levels: DEBUG, INFO, WARNING, ERROR, FATAL, which ends the program. What is
// below RAY_BACKEND_LOG_LEVEL ("debug" ... "fatal"; default "info") is not
// written. In workers it appears at the driver, as all output does.
// Threading: any; a line is written whole.
#ifndef MOBULA_API_COMPAT_RAY_API_LOGGING_H_
#define MOBULA_API_COMPAT_RAY_API_LOGGING_H_

#include <iostream>
#include <memory>
#include <sstream>

// Programs are compiled with -DDEBUG=1.
#if defined(DEBUG) && DEBUG == 1
#undef DEBUG
#define DEBUG DEBUG
#endif

namespace ray {

enum class RayLoggerLevel {
  DEBUG = -1,
  INFO = 0,
  WARNING = 1,
  ERROR = 2,
  FATAL = 3
};

class RayLogger {
 public:
  virtual ~RayLogger() = default;

  [[nodiscard]] virtual bool IsEnabled() const = 0;

  template <typename T>
  RayLogger& operator<<(const T& value) {
    if (IsEnabled()) Stream() << value;
    return *this;
  }

 protected:
  virtual std::ostream& Stream() = 0;
};

// What is written to it is logged when it ends.
std::unique_ptr<RayLogger> CreateRayLogger(const char* file_name,
                                           int line_number,
                                           RayLoggerLevel severity);
bool IsLevelEnabled(RayLoggerLevel log_level);

namespace internal {

// Makes a line a statement that no `else` can belong to.
struct LineEnd {
  void operator&(const RayLogger&) const {}
};

}  // namespace internal
}  // namespace ray

#define RAYLOG_INTERNAL(level) \
  (*::ray::CreateRayLogger(__FILE__, __LINE__, level))
#define RAYLOG(level)                                       \
  !::ray::IsLevelEnabled(::ray::RayLoggerLevel::level)      \
      ? static_cast<void>(0)                                \
      : ::ray::internal::LineEnd() & /* NOLINT: after << */ \
            RAYLOG_INTERNAL(::ray::RayLoggerLevel::level)

#endif  // MOBULA_API_COMPAT_RAY_API_LOGGING_H_

// LogSettings is what people say about logs: from which level on, and whether
// as JSON. By flags, or, for all processes that are started from here, by
//
//   MOBULA_LOG_LEVEL=debug|info|warning|error   MOBULA_LOG_JSON=0|1
// Threading: ExportLogSettings changes the environment: call it while there is
// one thread. The rest: any.
// Failure: a sentence that names the variable and what it may be.
#ifndef MOBULA_BASE_SETTINGS_LOG_SETTINGS_H_
#define MOBULA_BASE_SETTINGS_LOG_SETTINGS_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"

namespace mobula::base {

inline constexpr char kLogLevelVariable[] = "MOBULA_LOG_LEVEL";
inline constexpr char kLogJsonVariable[] = "MOBULA_LOG_JSON";

struct LogSettings {
  std::optional<LogLevel> level;
  std::optional<bool> json;
};

// "debug" and so on; nothing for another word.
std::optional<LogLevel> ParseLogLevel(std::string_view word);

// What the environment says. False, and why, if that makes no sense.
[[nodiscard]] bool ReadLogEnvironment(LogSettings* settings,
                                      std::string* error);

// The same, into the options of a log: what it does not say stays.
[[nodiscard]] bool ApplyLogEnvironment(LogOptions* options, std::string* error);

// Says it to this process and to those that it starts.
void ExportLogSettings(const LogSettings& settings);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SETTINGS_LOG_SETTINGS_H_

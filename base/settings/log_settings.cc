#include "base/settings/log_settings.h"

#include <cstdlib>

namespace mobula::base {
namespace {

struct LevelName {
  LogLevel level;
  const char* name;
};
constexpr LevelName kLevels[] = {{LogLevel::kDEBUG, "debug"},
                                 {LogLevel::kINFO, "info"},
                                 {LogLevel::kWARNING, "warning"},
                                 {LogLevel::kERROR, "error"}};

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view word) {
  for (const auto& [level, name] : kLevels) {
    if (word == name) return level;
  }
  return std::nullopt;
}

bool ReadLogEnvironment(LogSettings* settings, std::string* error) {
  const std::string level = Variable(kLogLevelVariable);
  if (!level.empty()) {
    settings->level = ParseLogLevel(level);
    if (!settings->level) {
      *error = std::string(kLogLevelVariable) + "=" + level +
               ": debug, info, warning or error is wanted";
      return false;
    }
  }
  const std::string json = Variable(kLogJsonVariable);
  if (json.empty()) return true;
  if (json != "0" && json != "1") {
    *error = std::string(kLogJsonVariable) + "=" + json + ": 0 or 1 is wanted";
    return false;
  }
  settings->json = json == "1";
  return true;
}

bool ApplyLogEnvironment(LogOptions* options, std::string* error) {
  LogSettings settings;
  if (!ReadLogEnvironment(&settings, error)) return false;
  if (settings.level) options->level = *settings.level;
  if (settings.json) options->json = *settings.json;
  return true;
}

void ExportLogSettings(const LogSettings& settings) {
  if (settings.json) {
    ::setenv(kLogJsonVariable, *settings.json ? "1" : "0", 1);
  }
  for (const auto& [level, name] : kLevels) {
    if (settings.level == level) ::setenv(kLogLevelVariable, name, 1);
  }
}

}  // namespace mobula::base

#include "base/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/mutex.h"

namespace mobula::base {
namespace {

constexpr char kTextPattern[] = "%Y-%m-%d %H:%M:%S.%e %L %n[%P] %v";
// The rest of the object is made by JsonRest.
constexpr char kJsonPattern[] =
    R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","pid":%P,%v})";

struct Destination {
  std::shared_ptr<spdlog::logger> logger;
  std::string name;
  bool json = false;
};

std::shared_ptr<spdlog::sinks::sink> MakeSink(const LogOptions& options) {
  if (options.file.empty()) {
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
      options.file, options.file_bytes_max, options.files_max);
}

std::shared_ptr<const Destination> MakeDestination(const LogOptions& options) {
  auto destination = std::make_shared<Destination>();
  destination->name = options.name;
  destination->json = options.json;
  destination->logger =
      std::make_shared<spdlog::logger>(options.name, MakeSink(options));
  destination->logger->set_pattern(options.json ? kJsonPattern : kTextPattern);
  destination->logger->set_level(spdlog::level::trace);
  destination->logger->flush_on(spdlog::level::trace);
  // Without this the library would print its own errors to stderr.
  destination->logger->set_error_handler([](const std::string&) {});
  return destination;
}

struct Current {
  Mutex mutex;
  std::shared_ptr<const Destination> destination MOBULA_GUARDED_BY(mutex);
};

// Never freed: static destructors may still log.
Current& TheCurrent() {
  static Current* const current = new Current;
  return *current;
}

std::shared_ptr<const Destination> GetDestination() {
  Current& current = TheCurrent();
  MutexLock lock(current.mutex);
  if (current.destination == nullptr) {
    current.destination = MakeDestination(LogOptions{});
  }
  return current.destination;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDEBUG:
      return spdlog::level::debug;
    case LogLevel::kINFO:
      return spdlog::level::info;
    case LogLevel::kWARNING:
      return spdlog::level::warn;
    case LogLevel::kERROR:
    case LogLevel::kNone:
      break;
  }
  return spdlog::level::err;
}

void AppendJsonString(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out += "\\u00";
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string JsonRest(std::string_view name, std::string_view where,
                     std::string_view text) {
  std::string out = "\"name\":";
  AppendJsonString(name, out);
  out += ",\"where\":";
  AppendJsonString(where, out);
  out += ",\"text\":";
  AppendJsonString(text, out);
  return out;
}

std::string Where(std::string_view file, int line) {
  if (file.empty()) return "";
  return std::string(file) + ":" + std::to_string(line);
}

}  // namespace

bool StartLog(const LogOptions& options, std::string* error) {
  std::shared_ptr<const Destination> destination;
  try {
    destination = MakeDestination(options);
  } catch (const spdlog::spdlog_ex& failure) {
    *error = failure.what();
    return false;
  }
  Current& current = TheCurrent();
  {
    MutexLock lock(current.mutex);
    current.destination.swap(destination);
  }
  log_level.store(options.level, std::memory_order_relaxed);
  return true;
}

void Log(LogLevel level, std::string_view text, std::string_view file,
         int line) {
  if (!LogEnabled(level) || level == LogLevel::kNone) return;
  const auto destination = GetDestination();
  std::string whole;
  if (destination->json) {
    whole = JsonRest(destination->name, Where(file, line), text);
  } else {
    whole = std::string(text);
    if (!file.empty()) whole += " (" + Where(file, line) + ")";
  }
  destination->logger->log(ToSpdlog(level),
                           spdlog::string_view_t(whole.data(), whole.size()));
}

}  // namespace mobula::base

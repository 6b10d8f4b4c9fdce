#include "raylet/output/old_logs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace mobula::raylet {
namespace {

std::string Beside(const std::string& path) { return path + ".1"; }

std::uint64_t BytesOf(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const std::string& file : {path, Beside(path)}) {
    struct stat stat;
    if (::lstat(file.c_str(), &stat) == 0 && S_ISREG(stat.st_mode)) {
      bytes += static_cast<std::uint64_t>(stat.st_size);
    }
  }
  return bytes;
}

void Remove(const std::string& path) {
  ::unlink(path.c_str());
  ::unlink(Beside(path).c_str());
}

// Those of workers, the least recently written first.
std::vector<std::string> LogsIn(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename();
    const bool is_log = name.starts_with("worker-") && name.ends_with(".log");
    if (!is_log || !entry.is_regular_file(code)) continue;
    found.emplace_back(entry.last_write_time(code), entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> paths;
  for (auto& [time, path] : found) paths.push_back(std::move(path));
  return paths;
}

}  // namespace

OldLogs::OldLogs(const std::string& folder, Limits limits) : limits_(limits) {
  for (const std::string& path : LogsIn(folder)) Keep(path);
}

void OldLogs::Forget(const std::string& path) {
  const auto known =
      std::find_if(logs_.begin(), logs_.end(),
                   [&path](const Log& log) { return log.path == path; });
  if (known == logs_.end()) return;
  bytes_ -= known->bytes;
  logs_.erase(known);
}

void OldLogs::Reuse(const std::string& path) {
  Forget(path);
  Remove(path);
}

void OldLogs::Keep(const std::string& path) {
  Forget(path);
  const std::uint64_t bytes = BytesOf(path);
  if (bytes == 0) return Remove(path);
  logs_.push_back({path, bytes});
  bytes_ += bytes;
  while (logs_.size() > limits_.count_max || bytes_ > limits_.bytes_max) {
    Remove(logs_.front().path);
    bytes_ -= logs_.front().bytes;
    logs_.pop_front();
  }
}

}  // namespace mobula::raylet

#include "raylet/server/node_resources.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace mobula::raylet {
namespace {

std::string ReadText(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!fd.valid()) return text;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::read(fd.get(), buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

std::vector<std::string> SplitAt(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// The first number of a file; nothing for "max", -1 or no file.
std::optional<double> ReadNumber(const std::string& path) {
  const std::string text = ReadText(path);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || number < 0) return std::nullopt;
  return number;
}

// The number in the line that begins so.
std::optional<double> NumberBehind(const std::string& text,
                                   const std::string& beginning) {
  for (const std::string& line : SplitAt(text, '\n')) {
    if (!line.starts_with(beginning)) continue;
    return std::strtod(line.c_str() + beginning.size(), nullptr);
  }
  return std::nullopt;
}

// What may still be taken below a folder's limit: files that were read or
// written once are counted there, and go first.
std::optional<double> LeftBelow(const std::string& folder,
                                const std::string& limit_file,
                                const std::string& used_file,
                                const std::string& files) {
  const auto limit = ReadNumber(folder + limit_file);
  const auto used = ReadNumber(folder + used_file);
  if (!limit || !used) return std::nullopt;
  const double given_back =
      NumberBehind(ReadText(folder + "/memory.stat"), files).value_or(0);
  return std::max(0.0, *limit - std::max(0.0, *used - given_back));
}

// The folders of a controller that hold for this process: its own and all
// above it, since a limit above holds too. In a container the path that the
// kernel tells may not be visible; the mount's root is then the container's.
std::vector<std::string> FoldersOf(const std::string& root,
                                   std::string_view controller) {
  std::vector<std::string> folders;
  for (const std::string& line :
       SplitAt(ReadText(root + "/proc/self/cgroup"), '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    std::string mount = root + "/sys/fs/cgroup";
    if (names.empty()) {
      if (!controller.empty()) continue;
    } else {
      const std::vector<std::string> all = SplitAt(names, ',');
      if (std::find(all.begin(), all.end(), controller) == all.end()) continue;
      mount += "/" + std::string(controller);
    }
    std::string path = line.substr(second + 1);
    while (!path.empty() && path != "/") {
      folders.push_back(mount + path);
      path.resize(path.rfind('/'));
    }
    folders.push_back(mount);
  }
  return folders;
}

// "QUOTA PERIOD" or "max PERIOD", in microseconds.
std::optional<double> QuotaV2(const std::string& folder) {
  const std::vector<std::string> parts =
      SplitAt(ReadText(folder + "/cpu.max"), ' ');
  if (parts.size() != 2 || parts[0] == "max") return std::nullopt;
  const double period = std::atof(parts[1].c_str());
  if (period <= 0) return std::nullopt;
  return std::atof(parts[0].c_str()) / period;
}

std::optional<double> QuotaV1(const std::string& folder) {
  const auto quota = ReadNumber(folder + "/cpu.cfs_quota_us");
  const auto period = ReadNumber(folder + "/cpu.cfs_period_us");
  if (!quota || !period || *period <= 0) return std::nullopt;
  return *quota / *period;
}

double AffinityCpus() {
  // Larger than any machine's mask.
  std::vector<cpu_set_t> mask(16);
  const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
  if (::sched_getaffinity(0, bytes, mask.data()) == 0) {
    return CPU_COUNT_S(bytes, mask.data());
  }
  return static_cast<double>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

double DetectCpus(const std::string& root) {
  double cpus = AffinityCpus();
  for (const std::string& folder : FoldersOf(root, "")) {
    cpus = std::min(cpus, QuotaV2(folder).value_or(cpus));
  }
  for (const std::string& folder : FoldersOf(root, "cpu")) {
    cpus = std::min(cpus, QuotaV1(folder).value_or(cpus));
  }
  return std::max(cpus, 1.0);
}

std::int64_t DetectMemoryBytes(const std::string& root) {
  double bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                 static_cast<double>(::sysconf(_SC_PAGESIZE));
  for (const std::string& folder : FoldersOf(root, "")) {
    bytes = std::min(bytes, ReadNumber(folder + "/memory.max").value_or(bytes));
  }
  for (const std::string& folder : FoldersOf(root, "memory")) {
    bytes = std::min(
        bytes, ReadNumber(folder + "/memory.limit_in_bytes").value_or(bytes));
  }
  return static_cast<std::int64_t>(bytes);
}

std::int64_t DetectFreeMemoryBytes(const std::string& root) {
  double bytes = NumberBehind(ReadText(root + "/proc/meminfo"), "MemAvailable:")
                     .value_or(-1) *
                 1024;
  if (bytes < 0) bytes = static_cast<double>(DetectMemoryBytes(root));
  for (const std::string& folder : FoldersOf(root, "")) {
    bytes = std::min(bytes, LeftBelow(folder, "/memory.max", "/memory.current",
                                      "inactive_file ")
                                .value_or(bytes));
  }
  for (const std::string& folder : FoldersOf(root, "memory")) {
    bytes = std::min(bytes,
                     LeftBelow(folder, "/memory.limit_in_bytes",
                               "/memory.usage_in_bytes", "total_inactive_file ")
                         .value_or(bytes));
  }
  return static_cast<std::int64_t>(bytes);
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  if (::gethostname(name, HOST_NAME_MAX) != 0 || name[0] == '\0') {
    return "localhost";
  }
  return name;
}

std::string WhyTooFewFiles(bool may_raise) {
  constexpr rlim_t kFilesMin = 64;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return "";
  const rlim_t limit = may_raise ? files.rlim_max : files.rlim_cur;
  if (limit >= kFilesMin) return "";
  return "a process may open " + std::to_string(limit) +
         " files here, and a node needs " + std::to_string(kFilesMin) +
         " at the least; run: ulimit -n 1024";
}

}  // namespace mobula::raylet

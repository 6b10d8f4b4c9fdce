#include "tests/integration/memory_cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

namespace mobula::test {
namespace {

constexpr int kRemoveRounds = 200;
constexpr int kRemoveAgainMs = 10;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "" or what is wrong.
std::string WriteText(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool is_written = fd >= 0 && ::write(fd, text.data(), text.size()) ==
                                         static_cast<ssize_t>(text.size());
  const std::string why = is_written ? "" : path + ": " + std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return why;
}

struct Place {
  std::string folder;
  bool is_v2 = false;
};

// The memory cgroup that this process is in.
std::optional<Place> FindPlace() {
  std::istringstream lines(ReadText("/proc/self/cgroup"));
  std::optional<Place> v2;
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers == "memory") return Place{"/sys/fs/cgroup/memory" + path};
    if (controllers.empty()) v2 = Place{"/sys/fs/cgroup" + path, true};
  }
  return v2;
}

}  // namespace

std::unique_ptr<MemoryCgroup> MemoryCgroup::Enter(std::uint64_t bytes_max,
                                                  std::string* why) {
  const std::optional<Place> place = FindPlace();
  if (!place) {
    *why = "there is no memory cgroup here";
    return nullptr;
  }
  const std::string folder =
      place->folder + "/mobula-test-" + std::to_string(::getpid());
  if (place->is_v2) {
    WriteText(place->folder + "/cgroup.subtree_control", "+memory");
  }
  if (::mkdir(folder.c_str(), 0700) != 0) {
    *why =
        "no memory cgroup can be made: " + folder + ": " + std::strerror(errno);
    return nullptr;
  }
  const std::string limit =
      folder + (place->is_v2 ? "/memory.max" : "/memory.limit_in_bytes");
  *why = WriteText(limit, std::to_string(bytes_max));
  if (why->empty()) *why = WriteText(folder + "/cgroup.procs", "0");
  if (!why->empty()) {
    ::rmdir(folder.c_str());
    return nullptr;
  }
  return std::unique_ptr<MemoryCgroup>(
      new MemoryCgroup(place->folder, folder, place->is_v2));
}

MemoryCgroup::~MemoryCgroup() {
  WriteText(above_ + "/cgroup.procs", "0");
  for (int round = 0; round < kRemoveRounds; ++round) {
    if (::rmdir(folder_.c_str()) == 0 || errno != EBUSY) return;
    ::poll(nullptr, 0, kRemoveAgainMs);
  }
}

std::int64_t MemoryCgroup::killed_count() const {
  std::istringstream words(
      ReadText(folder_ + (is_v2_ ? "/memory.events" : "/memory.oom_control")));
  std::string name;
  std::int64_t count = 0;
  while (words >> name >> count) {
    if (name == "oom_kill") return count;
  }
  return -1;  // not known
}

}  // namespace mobula::test

#include "raylet/spawn/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "base/clock.h"

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr int kWaitMilliseconds = 10;
// Environments longer than this are not searched any further.
constexpr std::size_t kFileBytesMax = std::size_t{4} << 20;

std::optional<std::string> ReadFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  std::string text;
  char buffer[4096];
  while (text.size() < kFileBytesMax) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

std::optional<pid_t> ParsePid(std::string_view text) {
  pid_t pid = 0;
  const auto result =
      std::from_chars(text.data(), text.data() + text.size(), pid);
  if (result.ec != std::errc() || pid <= 0) return std::nullopt;
  if (result.ptr != text.data() + text.size()) return std::nullopt;
  return pid;
}

// The entries of a folder of /proc that are numbers.
std::vector<pid_t> NumbersIn(const std::string& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()),
                                                ::closedir);
  if (dir == nullptr) return numbers;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (const auto pid = ParsePid(entry->d_name)) numbers.push_back(*pid);
  }
  return numbers;
}

// The kernel may be built without the `children` files.
bool HasChildrenFiles() {
  const std::string self = std::to_string(::getpid());
  return ::access(("/proc/self/task/" + self + "/children").c_str(), R_OK) == 0;
}

std::multimap<pid_t, pid_t> ChildrenByParent() {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : AllProcesses()) {
    if (const auto stat = ReadProcessStat(pid)) {
      children.emplace(stat->parent, pid);
    }
  }
  return children;
}

std::vector<pid_t> ChildrenFromFiles(pid_t parent) {
  std::vector<pid_t> children;
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  for (const pid_t task : NumbersIn(tasks)) {
    const auto text =
        ReadFile(tasks + "/" + std::to_string(task) + "/children");
    if (!text) continue;
    const char* at = text->data();
    const char* const end = at + text->size();
    while (at < end) {
      pid_t pid = 0;
      const auto result = std::from_chars(at, end, pid);
      if (result.ec != std::errc()) break;
      children.push_back(pid);
      at = result.ptr;
      while (at < end && *at == ' ') ++at;
    }
  }
  return children;
}

// Takes the status of every child that has ended; false once there are no
// children at all, and so no descendants of a subreaper.
bool ReapAny() {
  while (true) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG | __WALL);
    if (pid > 0) continue;
    if (pid == 0) return true;
    if (errno == EINTR) continue;
    return errno != ECHILD;
  }
}

}  // namespace

std::optional<ProcessStat> ReadProcessStat(pid_t pid) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return std::nullopt;
  // "pid (name) state parent group session ...": a name may hold anything.
  const std::size_t name_start = text->find('(');
  const std::size_t name_end = text->rfind(')');
  if (name_end == std::string::npos || name_start > name_end) {
    return std::nullopt;
  }
  ProcessStat stat;
  stat.pid = pid;
  stat.name = text->substr(name_start + 1, name_end - name_start - 1);
  int group = 0;
  const int fields =
      std::sscanf(text->c_str() + name_end + 1, " %c %d %d %d", &stat.state,
                  &stat.parent, &group, &stat.session);
  if (fields != 4) return std::nullopt;
  return stat;
}

std::vector<pid_t> AllProcesses() { return NumbersIn("/proc"); }

std::vector<pid_t> ChildrenOf(pid_t parent) {
  if (HasChildrenFiles()) return ChildrenFromFiles(parent);
  std::vector<pid_t> children;
  const auto all = ChildrenByParent();
  const auto range = all.equal_range(parent);
  for (auto it = range.first; it != range.second; ++it) {
    children.push_back(it->second);
  }
  return children;
}

std::vector<pid_t> DescendantsOf(pid_t root) {
  const bool files = HasChildrenFiles();
  std::multimap<pid_t, pid_t> all;
  if (!files) all = ChildrenByParent();
  std::vector<pid_t> found = {root};
  for (std::size_t next = 0; next < found.size(); ++next) {
    const pid_t parent = found[next];
    if (files) {
      const std::vector<pid_t> children = ChildrenFromFiles(parent);
      found.insert(found.end(), children.begin(), children.end());
      continue;
    }
    const auto range = all.equal_range(parent);
    for (auto it = range.first; it != range.second; ++it) {
      found.push_back(it->second);
    }
  }
  found.erase(found.begin());
  return found;
}

std::optional<std::string> EnvironmentOf(pid_t pid, std::string_view name) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/environ");
  if (!text) return std::nullopt;
  const std::string_view all = *text;
  std::size_t at = 0;
  while (at < all.size()) {
    const std::size_t end = std::min(all.find('\0', at), all.size());
    const std::string_view entry = all.substr(at, end - at);
    if (entry.size() > name.size() && entry.starts_with(name) &&
        entry[name.size()] == '=') {
      return std::string(entry.substr(name.size() + 1));
    }
    at = end + 1;
  }
  return std::nullopt;
}

UniqueFd OpenPidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

UniqueFd KillChildOf(pid_t parent, pid_t pid) {
  // The descriptor holds on to the process; only then its parent is asked.
  UniqueFd pidfd = OpenPidfd(pid);
  const auto stat = ReadProcessStat(pid);
  if (!pidfd.valid() || !stat || stat->parent != parent) return UniqueFd();
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  return pidfd;
}

void WaitForOne(const std::vector<UniqueFd>& pidfds) {
  std::vector<pollfd> polls;
  for (const UniqueFd& pidfd : pidfds) {
    if (pidfd.valid()) polls.push_back({pidfd.get(), POLLIN, 0});
  }
  ::poll(polls.data(), polls.size(), kWaitMilliseconds);
}

bool KillDescendants(base::BootTime deadline) {
  while (true) {
    std::vector<UniqueFd> killed;
    for (const pid_t pid : DescendantsOf(::getpid())) {
      const auto stat = ReadProcessStat(pid);
      if (!stat || stat->state == 'Z') continue;
      killed.push_back(KillChildOf(stat->parent, pid));
    }
    if (!ReapAny()) return true;
    if (base::BootNow() >= deadline) return false;
    WaitForOne(killed);
  }
}

bool KillDescendantsBut(const std::set<pid_t>& spared,
                        base::BootTime deadline) {
  while (true) {
    std::vector<UniqueFd> killed;
    bool any = false;
    for (const pid_t child : ChildrenOf(::getpid())) {
      if (spared.contains(child)) continue;
      // What a reaped one leaves is ours from now on: look once more.
      any = true;
      if (::waitpid(child, nullptr, WNOHANG | __WALL) == child) continue;
      for (const pid_t pid : DescendantsOf(child)) {
        if (const auto stat = ReadProcessStat(pid)) {
          KillChildOf(stat->parent, pid);
        }
      }
      killed.push_back(KillChildOf(::getpid(), child));
    }
    if (!any) return true;
    if (base::BootNow() >= deadline) return false;
    if (!killed.empty()) WaitForOne(killed);
  }
}

}  // namespace mobula::raylet

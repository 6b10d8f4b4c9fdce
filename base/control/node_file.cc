#include "base/control/node_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error_text.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

constexpr char kFileName[] = "node";
constexpr char kSpillKey[] = "spill.";
constexpr std::size_t kFileBytesMax = std::size_t{64} << 10;
constexpr mode_t kOthersAny = 077;
constexpr mode_t kOthersWrite = 022;

template <class Number>
bool ParseNumber(std::string_view text, Number* number) {
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, *number);
  return !text.empty() && failed == std::errc() && stop == end;
}

template <class AnId>
bool ParseId(std::string_view text, AnId* id) {
  const std::optional<AnId> parsed = AnId::Parse(text);
  if (parsed) *id = *parsed;
  return parsed.has_value();
}

// At most kFileBytesMax of it.
std::string ReadAll(int fd) {
  std::string text(kFileBytesMax, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(fd, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// When the process began, in ticks since the machine's start, by which a number
// that was given again is known; "" if no process lives under it.
std::string StartOf(std::int32_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return "";
  const std::string text = ReadAll(fd.get());
  // The name, in brackets, may hold anything; the state is field 3, the start
  // field 22.
  std::size_t at = text.rfind(')');
  if (at == std::string::npos || at + 2 >= text.size()) return "";
  const char state = text[at + 2];
  if (state == 'Z' || state == 'X') return "";
  for (int field = 2; field < 22; ++field) {
    at = text.find(' ', at + 1);
    if (at == std::string::npos) return "";
  }
  return text.substr(at + 1, text.find(' ', at + 1) - at - 1);
}

std::map<std::string, std::string, std::less<>> ReadLines(
    std::string_view text) {
  std::map<std::string, std::string, std::less<>> values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      values.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

// Nothing if it is not whole, or its process has ended.
std::optional<NodeFile> ParseNodeFile(std::string folder,
                                      std::string_view text) {
  auto values = ReadLines(text);
  NodeFile file;
  file.folder = std::move(folder);
  file.control = values["control"];
  file.raylet = values["raylet"];
  file.token_file = values["token"];
  file.is_head = values["head"] == "1";
  const bool whole = !file.control.empty() && !file.raylet.empty() &&
                     ParseId(values["node"], &file.node) &&
                     ParseId(values["cluster"], &file.cluster) &&
                     ParseNumber(values["pid"], &file.pid) && file.pid > 0 &&
                     ParseNumber(values["started_ms"], &file.started_ms);
  for (std::size_t i = 0;; ++i) {
    const auto spill = values.find(kSpillKey + std::to_string(i));
    if (spill == values.end()) break;
    file.spill_folders.push_back(spill->second);
  }
  if (!whole || values["start"].empty()) return std::nullopt;
  if (StartOf(file.pid) != values["start"]) return std::nullopt;
  return file;
}

// Invalid where it is not there, not ours, a link, or has one of the `refused`
// permissions.
UniqueFd OpenOurs(int folder, const std::string& name, int flags,
                  mode_t refused) {
  UniqueFd fd(::openat(folder, name.c_str(),
                       flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat stat;
  if (!fd.valid() || ::fstat(fd.get(), &stat) != 0 ||
      stat.st_uid != ::geteuid() || (stat.st_mode & refused) != 0 ||
      !(S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode))) {
    return UniqueFd();
  }
  return fd;
}

std::vector<std::string> NamesIn(int folder) {
  std::vector<std::string> names;
  const int again = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(again), ::closedir);
  if (dir == nullptr) {
    ::close(again);
    return names;
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

struct Session {
  std::string path;
  UniqueFd folder;
};

std::vector<Session> SessionsUnder(const std::string& root) {
  std::vector<Session> sessions;
  const UniqueFd top = OpenOurs(AT_FDCWD, root, O_DIRECTORY, kOthersAny);
  if (!top.valid()) return sessions;
  for (const std::string& name : NamesIn(top.get())) {
    UniqueFd folder = OpenOurs(top.get(), name, O_DIRECTORY, kOthersWrite);
    if (!folder.valid()) continue;
    sessions.push_back({root + "/" + name, std::move(folder)});
  }
  return sessions;
}

std::string ReadIn(const Session& session, const char* name) {
  const UniqueFd fd = OpenOurs(session.folder.get(), name, 0, kOthersWrite);
  return fd.valid() ? ReadAll(fd.get()) : "";
}

std::optional<NodeFile> NodeOf(const Session& session) {
  return ParseNodeFile(session.path, ReadIn(session, kFileName));
}

// What its keeper says of the control store; "" if no keeper lives there.
std::string KeptControl(const Session& session) {
  const std::string text = ReadIn(session, kKeeperFile);
  const std::size_t line = std::min(text.find('\n'), text.size());
  std::int32_t pid = 0;
  if (!ParseNumber(std::string_view(text).substr(0, line), &pid) || pid <= 0 ||
      !text.ends_with('\n') || StartOf(pid).empty()) {
    return "";
  }
  const std::size_t begin = std::min(line + 1, text.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

std::vector<std::string> SessionRoots() {
  std::vector<std::string> roots;
  const char* const runtime = ::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/') {
    roots.push_back(std::string(runtime) + "/mobula");
  }
  roots.push_back("/tmp/mobula-" + std::to_string(::geteuid()));
  return roots;
}

bool WriteNodeFile(const NodeFile& file, std::string* error) {
  const std::string path = file.folder + "/" + kFileName;
  const std::string start = StartOf(file.pid);
  if (start.empty()) {
    *error =
        "cannot write " + path + ": no process " + std::to_string(file.pid);
    return false;
  }
  std::vector<std::string> paths = {file.control, file.raylet, file.token_file};
  paths.insert(paths.end(), file.spill_folders.begin(),
               file.spill_folders.end());
  for (const std::string& value : paths) {
    if (value.find('\n') == std::string::npos) continue;
    *error = "cannot write " + path + ": the end of a line within a path";
    return false;
  }
  std::string text = "control=" + file.control + "\n";
  text += "raylet=" + file.raylet + "\n";
  text += "cluster=" + file.cluster.ToString() + "\n";
  text += "node=" + file.node.ToString() + "\n";
  text += "pid=" + std::to_string(file.pid) + "\n";
  text += "start=" + start + "\n";
  text += std::string("head=") + (file.is_head ? "1" : "0") + "\n";
  text += "started_ms=" + std::to_string(file.started_ms) + "\n";
  text += "token=" + file.token_file + "\n";
  for (std::size_t i = 0; i < file.spill_folders.size(); ++i) {
    text += kSpillKey + std::to_string(i) + "=" + file.spill_folders[i] + "\n";
  }
  const std::string beside = path + ".new";
  ::unlink(beside.c_str());
  const UniqueFd fd(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.valid() && WriteAll(fd.get(), text) &&
      ::rename(beside.c_str(), path.c_str()) == 0) {
    return true;
  }
  *error = WithErrorText("cannot write " + path);
  return false;
}

std::vector<NodeFile> FindNodes(const std::vector<std::string>& roots) {
  std::vector<NodeFile> found;
  for (const std::string& root : roots) {
    for (const Session& session : SessionsUnder(root)) {
      auto file = NodeOf(session);
      if (file) found.push_back(*std::move(file));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const NodeFile& a, const NodeFile& b) {
                     return a.started_ms > b.started_ms;
                   });
  return found;
}

bool IsNodeStarting(const std::vector<std::string>& roots,
                    const std::string& control) {
  for (const std::string& root : roots) {
    for (const Session& session : SessionsUnder(root)) {
      if (control.empty() || KeptControl(session) != control) continue;
      if (!NodeOf(session).has_value()) return true;
    }
  }
  return false;
}

std::string StartingControl(const std::vector<std::string>& roots) {
  for (const std::string& root : roots) {
    for (const Session& session : SessionsUnder(root)) {
      std::string control = KeptControl(session);
      if (!control.empty() && !NodeOf(session).has_value()) return control;
    }
  }
  return "";
}

}  // namespace mobula::base

#include "cli/doctor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/control/node_file.h"
#include "base/error_text.h"
#include "base/unique_fd.h"
#include "cli/node_checks.h"
#include "cli/nodes/head_folder.h"
#include "cli/nodes/node_choice.h"
#include "cli/tables/amounts.h"
#include "raylet/arenas/spill_folders.h"
#include "raylet/spawn/process_tree.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

// A raylet of the smallest node needs three descriptors for each of 64 workers
// and some of its own.
constexpr rlim_t kOpenFilesMin = 1024;
constexpr rlim_t kProcessesMin = 256;
// The longest path of a Unix socket, less a name of ours in the folder.
constexpr std::size_t kFolderLengthMax = 107 - 33;

Check Feature(const std::string& name, bool works, const std::string& advice) {
  return {name, works, works ? "works" : base::ErrorText(), advice};
}

void CheckKernel(std::vector<Check>* checks) {
  const UniqueFd self = raylet::OpenPidfd(::getpid());
  checks->push_back(
      Feature("pidfd", self.valid(), "a kernel of 5.4 or newer is needed"));
  const UniqueFd memory(
      ::memfd_create("mobula-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const bool seals =
      memory.valid() && ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0;
  checks->push_back(
      Feature("memfd", seals, "memfd_create with seals must be allowed"));
  // Nothing is open up there.
  constexpr unsigned kFirst = 0x7ffffff0U;
  const bool close_range =
      ::syscall(SYS_close_range, kFirst, ~0U, 1U << 2) == 0;
  checks->push_back(Feature("close_range", close_range,
                            "a kernel of 5.11 or newer starts workers faster"));
  int subreaper = 0;
  const bool reads = ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0;
  checks->push_back(
      Feature("subreaper", reads, "prctl(PR_SET_CHILD_SUBREAPER) is needed"));
  const bool proc = raylet::ReadProcessStat(::getpid()).has_value();
  checks->push_back({"proc", proc, proc ? "mounted" : "cannot be read",
                     "mount it: mount -t proc proc /proc"});
}

std::string LimitText(rlim_t limit) {
  return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit);
}

Check CheckLimit(const std::string& name, __rlimit_resource resource,
                 rlim_t min) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) {
    return {name, false, base::ErrorText(), ""};
  }
  return {name, limit.rlim_max >= min,
          "soft " + LimitText(limit.rlim_cur) + ", hard " +
              LimitText(limit.rlim_max),
          "the hard limit should be at least " + std::to_string(min)};
}

// What is wrong with a root that exists; empty if nothing is.
std::string WrongWithRoot(const std::string& root) {
  struct stat stat;
  if (::lstat(root.c_str(), &stat) != 0) return base::ErrorText();
  if (!S_ISDIR(stat.st_mode)) return "is not a folder";
  if (stat.st_uid != ::geteuid()) {
    return "belongs to user " + std::to_string(stat.st_uid);
  }
  if ((stat.st_mode & 077) != 0) return "is open to other users";
  if (::access(root.c_str(), W_OK | X_OK) != 0) return base::ErrorText();
  return "";
}

Check CheckRoot(const std::string& root) {
  Check check;
  check.name = "folder";
  if (root.size() > kFolderLengthMax) {
    check.detail = root + " is too long for the path of a socket";
    check.advice = "set XDG_RUNTIME_DIR to a shorter path";
    return check;
  }
  struct stat stat;
  if (::lstat(root.c_str(), &stat) != 0 && errno == ENOENT) {
    const std::string above = root.substr(0, root.rfind('/'));
    check.ok = ::access(above.c_str(), W_OK | X_OK) == 0;
    check.detail = root + (check.ok ? " will be made" : " cannot be made");
    check.advice = "make " + above + " writable";
    return check;
  }
  const std::string wrong = WrongWithRoot(root);
  check.ok = wrong.empty();
  check.detail = root + " " + (wrong.empty() ? "is ours alone" : wrong);
  check.advice = "remove it, or: chmod 700 " + root;
  return check;
}

// What is free for this user where the folder lies; -1: not known.
std::int64_t FreeBytes(const std::string& folder) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return -1;
  return static_cast<std::int64_t>(disk.f_bavail) *
         static_cast<std::int64_t>(disk.f_frsize);
}

Check CheckSpillFolder(const std::string& folder) {
  Check check;
  check.name = "spill folder";
  check.advice =
      "let --spill-folder (InitOptions::SpillFolders) name one on a disk with "
      "room";
  const std::string wrong = raylet::WrongWithSpillFolder(folder);
  const std::int64_t free = FreeBytes(folder);
  check.ok = wrong.empty() && free != 0;
  check.detail = wrong.empty() ? folder : wrong;
  if (wrong.empty() && free >= 0) {
    check.detail += free == 0 ? " is full" : ", " + ShowBytes(free) + " free";
  }
  if (check.ok && raylet::LiesInMemory(folder)) {
    check.ok = false;
    check.detail += ", is in memory: nothing is gained by spilling there";
  }
  return check;
}

// Where a node that starts now would spill, and where those that run do.
void CheckSpillFolders(const std::vector<std::string>& roots,
                       const std::vector<base::NodeFile>& nodes,
                       std::vector<Check>* checks) {
  std::set<std::string> folders;
  for (const base::NodeFile& node : nodes) {
    folders.insert(node.spill_folders.begin(), node.spill_folders.end());
  }
  const std::vector<std::string> usual =
      raylet::DefaultSpillFolders(roots.empty() ? "/tmp" : roots.front());
  if (usual.empty()) {
    checks->push_back(
        {"spill folder", false,
         "there is none on a disk that can be written: what has no room in "
         "memory makes its writers wait",
         "let --spill-folder (InitOptions::SpillFolders) name one"});
  }
  for (const std::string& folder : usual) {
    std::error_code wrong;  // the session's is made later
    const bool is_there = std::filesystem::exists(folder, wrong);
    folders.insert(is_there ? folder : folder.substr(0, folder.rfind('/')));
  }
  for (const std::string& folder : folders) {
    checks->push_back(CheckSpillFolder(folder));
  }
}

std::set<std::string> LiveSessions(const std::vector<std::string>& roots) {
  std::set<std::string> live;
  for (const std::string& root : roots) {
    for (const raylet::SessionState& state : raylet::ListSessions(root)) {
      if (state.live) live.insert(state.session);
    }
  }
  return live;
}

// Sessions may lie under roots that we do not know; but whatever belongs to a
// live one descends from its raylet, or from its janitor.
bool HasRaylet(pid_t pid) {
  while (const auto stat = raylet::ReadProcessStat(pid)) {
    if (stat->name.starts_with("mobula-")) return true;
    if (stat->parent <= 0 || stat->parent == pid) return false;
    pid = stat->parent;
  }
  return false;
}

// Processes with the mark of a session that does not live.
std::vector<pid_t> StrayProcesses(const std::vector<std::string>& roots) {
  // The processes first: a session that ends meanwhile takes its own along.
  std::vector<pid_t> stray = raylet::MarkedProcesses("");
  const std::set<std::string> live = LiveSessions(roots);
  std::erase_if(stray, [&live](pid_t pid) {
    const auto mark = raylet::EnvironmentOf(pid, raylet::kSessionMark);
    return !mark || live.contains(*mark) || HasRaylet(pid);
  });
  return stray;
}

std::string ProgramOf(pid_t pid) {
  char path[4096];
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  const ssize_t n = ::readlink(link.c_str(), path, sizeof(path));
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : "?";
}

void Append(std::vector<Check> more, std::vector<Check>* checks) {
  std::move(more.begin(), more.end(), std::back_inserter(*checks));
}

std::string Quote(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      quoted += "\\u00";
      quoted += kDigits[byte >> 4];
      quoted += kDigits[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

bool Report::IsHealthy() const {
  const auto ok = [](const Check& check) { return check.ok || check.is_note; };
  return leftovers.empty() && std::all_of(checks.begin(), checks.end(), ok);
}

Places UsualPlaces() {
  Places places;
  places.roots = base::SessionRoots();
  std::error_code wrong;
  places.programs =
      std::filesystem::read_symlink("/proc/self/exe", wrong).parent_path();
  places.head_folder = HeadFolder::DefaultPath();
  return places;
}

Report Examine(const Places& places) {
  const std::vector<std::string>& roots = places.roots;
  Report report;
  CheckKernel(&report.checks);
  report.checks.push_back(
      CheckLimit("open files", RLIMIT_NOFILE, kOpenFilesMin));
  report.checks.push_back(CheckLimit("processes", RLIMIT_NPROC, kProcessesMin));
  // One that can be used is enough: the first such is taken.
  std::vector<Check> folders;
  for (const std::string& root : roots) folders.push_back(CheckRoot(root));
  const bool any = std::any_of(folders.begin(), folders.end(),
                               [](const Check& check) { return check.ok; });
  for (Check& folder : folders) {
    if (any && !folder.ok) {
      folder.ok = true;
      folder.detail += " (not used)";
    }
    report.checks.push_back(std::move(folder));
  }
  const std::vector<base::NodeFile> nodes = StartedNodes(roots);
  CheckSpillFolders(roots, nodes, &report.checks);
  if (!places.programs.empty()) {
    Append(CheckPrograms(places.programs), &report.checks);
  }
  if (!places.head_folder.empty()) {
    report.checks.push_back(CheckHeadFolder(places.head_folder));
  }
  Append(CheckNodes(roots), &report.checks);
  for (const std::string& root : roots) {
    for (const raylet::SessionState& state : raylet::ListSessions(root)) {
      if (state.live) {
        ++report.live_sessions;
      } else {
        report.leftovers.push_back({"session", state.path});
      }
    }
  }
  for (const base::NodeFile& node : nodes) {
    report.nodes.push_back(DescribeNode(node));
  }
  for (const pid_t pid : StrayProcesses(roots)) {
    report.leftovers.push_back(
        {"process", std::to_string(pid) + " " + ProgramOf(pid)});
  }
  return report;
}

Cleaned Clean(const std::vector<std::string>& roots) {
  const raylet::Reaped reaped = raylet::ReapStale(roots);
  Cleaned cleaned{reaped.sessions, reaped.processes};
  for (const pid_t pid : StrayProcesses(roots)) {
    const auto mark = raylet::EnvironmentOf(pid, raylet::kSessionMark);
    if (mark && raylet::KillMarked(pid, *mark).valid()) ++cleaned.processes;
  }
  return cleaned;
}

std::string AsText(const Report& report) {
  std::string text;
  for (const Check& check : report.checks) {
    text += (check.ok        ? "ok       "
             : check.is_note ? "note     "
                             : "MISSING  ") +
            check.name + ": " + check.detail + "\n";
    if (!check.ok && !check.advice.empty()) {
      text += "         " + check.advice + "\n";
    }
  }
  text += "sessions: " + std::to_string(report.live_sessions) + " live\n";
  for (const std::string& node : report.nodes)
    text += "started  " + node + "\n";
  for (const Leftover& leftover : report.leftovers) {
    text += "LEFT     " + leftover.kind + " " + leftover.what + "\n";
  }
  if (!report.leftovers.empty()) {
    text += "         to end and remove these: mobula doctor --clean\n";
  }
  return text;
}

std::string AsJson(const Report& report) {
  std::string text = "{\"healthy\":";
  text += report.IsHealthy() ? "true" : "false";
  text += ",\"live_sessions\":" + std::to_string(report.live_sessions);
  text += ",\"checks\":[";
  std::string comma;
  for (const Check& check : report.checks) {
    text += comma + "{\"name\":" + Quote(check.name) +
            ",\"ok\":" + (check.ok ? "true" : "false") +
            (check.is_note ? ",\"note\":true" : "") +
            ",\"detail\":" + Quote(check.detail) +
            ",\"advice\":" + Quote(check.ok ? "" : check.advice) + "}";
    comma = ",";
  }
  text += "],\"nodes\":[";
  comma.clear();
  for (const std::string& node : report.nodes) {
    text += comma + Quote(node);
    comma = ",";
  }
  text += "],\"leftovers\":[";
  comma.clear();
  for (const Leftover& leftover : report.leftovers) {
    text += comma + "{\"kind\":" + Quote(leftover.kind) +
            ",\"what\":" + Quote(leftover.what) + "}";
    comma = ",";
  }
  return text + "]}\n";
}

}  // namespace mobula::cli

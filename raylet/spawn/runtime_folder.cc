#include "raylet/spawn/runtime_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/error_text.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr char kSessionFile[] = "session";
constexpr std::size_t kSessionLength = 16;
constexpr int kDepthMax = 16;
constexpr int kRemoveRounds = 10;

// The root, made if it is absent; invalid and a sentence if it is not ours.
UniqueFd OpenRoot(const std::string& root, bool make, std::string* error) {
  if (make && ::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) {
    *error = base::WithErrorText("cannot make " + root);
    return UniqueFd();
  }
  UniqueFd fd(
      ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat stat;
  if (!fd.valid() || ::fstat(fd.get(), &stat) != 0) {
    *error = base::WithErrorText("cannot open the folder " + root);
    return UniqueFd();
  }
  if (stat.st_uid != ::geteuid()) {
    *error = root + " belongs to user " + std::to_string(stat.st_uid);
    return UniqueFd();
  }
  if ((stat.st_mode & 077) != 0) {
    *error = root + " is open to other users; run: chmod 700 " + root;
    return UniqueFd();
  }
  return fd;
}

// Held while a session is made or looked for, so that one that is being made
// is not taken for one that was left. The folder itself is the lock: nothing
// stays in it.
UniqueFd LockRoot(const UniqueFd& root) {
  UniqueFd lock(::openat(root.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return lock;
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return UniqueFd();
  }
  return lock;
}

bool IsSessionName(std::string_view name) {
  if (name.size() != kSessionLength) return false;
  return name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
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
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

// Follows no link.
void RemoveTree(int folder, const std::string& name, int depth) {
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (depth < kDepthMax) {
    const UniqueFd child(::openat(
        folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (child.valid()) {
      for (const std::string& inner : NamesIn(child.get())) {
        RemoveTree(child.get(), inner, depth + 1);
      }
    }
  }
  ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
}

std::string NewSessionName() {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::uint64_t bits = base::RandomBits();
  std::string name;
  for (int shift = 60; shift >= 0; shift -= 4) {
    name += kDigits[bits >> shift & 15];
  }
  return name;
}

// The session file, locked; invalid if it is held or is not a file of ours.
UniqueFd LockSession(const UniqueFd& root, const std::string& session,
                     int flags) {
  const std::string file = session + "/" + kSessionFile;
  UniqueFd lock(::openat(root.get(), file.c_str(),
                         flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock.valid()) return lock;
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return UniqueFd();
  return lock;
}

bool HasSessionFile(const UniqueFd& root, const std::string& session) {
  const std::string file = session + "/" + kSessionFile;
  return ::faccessat(root.get(), file.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

std::set<pid_t> SelfAndAncestors() {
  std::set<pid_t> line;
  pid_t pid = ::getpid();
  while (pid > 0 && line.insert(pid).second) {
    const auto stat = ReadProcessStat(pid);
    pid = stat ? stat->parent : 0;
  }
  return line;
}

bool IsOurs(pid_t pid) {
  struct stat stat;
  const std::string path = "/proc/" + std::to_string(pid);
  return ::stat(path.c_str(), &stat) == 0 && stat.st_uid == ::geteuid();
}

// Again and again, since one may be forking; bounded.
std::size_t KillAllMarked(const std::string& session) {
  std::set<pid_t> killed;
  for (int round = 0; round < 100; ++round) {
    const std::vector<pid_t> marked = MarkedProcesses(session);
    if (marked.empty()) break;
    std::vector<UniqueFd> pidfds;
    for (const pid_t pid : marked) {
      pidfds.push_back(KillMarked(pid, session));
      if (pidfds.back().valid()) killed.insert(pid);
    }
    WaitForOne(pidfds);
  }
  return killed.size();
}

}  // namespace

std::optional<RuntimeFolder> RuntimeFolder::Plan(
    const std::vector<std::string>& roots, std::string* error) {
  std::string all;
  for (const std::string& path : roots) {
    std::string why;
    RuntimeFolder folder;
    folder.root_ = OpenRoot(path, /*make=*/true, &why);
    folder.session_ = NewSessionName();
    folder.path_ = path + "/" + folder.session_;
    const bool usable =
        folder.root_.valid() &&
        ::faccessat(folder.root_.get(), ".", W_OK | X_OK, 0) == 0;
    if (usable) return folder;
    if (why.empty()) why = base::WithErrorText(path + " cannot be written");
    all += (all.empty() ? "" : "; ") + why;
  }
  *error = "no folder for this session: " + all;
  return std::nullopt;
}

bool RuntimeFolder::Make(std::string* error) {
  const UniqueFd held = LockRoot(root_);
  if (::mkdirat(root_.get(), session_.c_str(), 0700) == 0) {
    lock_ = LockSession(root_, session_, O_CREAT | O_EXCL);
  }
  if (lock_.valid()) return true;
  *error = base::WithErrorText("cannot make " + path_);
  return false;
}

void RuntimeFolder::Remove() {
  if (!root_.valid()) return;
  // A process that is ending may still put a file there.
  for (int round = 0; round < kRemoveRounds; ++round) {
    RemoveTree(root_.get(), session_, 0);
    if (::faccessat(root_.get(), session_.c_str(), F_OK, 0) != 0) break;
  }
  lock_.Reset();
  root_.Reset();
}

void RuntimeFolder::Clear(
    const std::function<bool(const std::string& name)>& keep) {
  if (!root_.valid()) return;
  const UniqueFd folder(
      ::openat(root_.get(), session_.c_str(),
               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return;
  for (const std::string& name : NamesIn(folder.get())) {
    if (name == kSessionFile || keep(name)) continue;
    RemoveTree(folder.get(), name, 1);
  }
}

std::vector<SessionState> ListSessions(const std::string& root) {
  std::vector<SessionState> sessions;
  std::string error;
  const UniqueFd fd = OpenRoot(root, /*make=*/false, &error);
  if (!fd.valid()) return sessions;
  const UniqueFd held = LockRoot(fd);
  for (const std::string& name : NamesIn(fd.get())) {
    if (!IsSessionName(name)) continue;
    const bool free = LockSession(fd, name, 0).valid();
    const bool live = !free && HasSessionFile(fd, name);
    sessions.push_back({name, root + "/" + name, live});
  }
  return sessions;
}

std::vector<RuntimeFolder> ClaimStale(const std::string& root) {
  std::vector<RuntimeFolder> stale;
  std::string error;
  const UniqueFd fd = OpenRoot(root, /*make=*/false, &error);
  if (!fd.valid()) return stale;
  const UniqueFd held = LockRoot(fd);
  for (const std::string& name : NamesIn(fd.get())) {
    if (!IsSessionName(name)) continue;
    RuntimeFolder folder;
    folder.lock_ = LockSession(fd, name, 0);
    if (!folder.lock_.valid() && HasSessionFile(fd, name)) continue;
    folder.session_ = name;
    folder.path_ = root + "/" + name;
    folder.root_.Reset(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    stale.push_back(std::move(folder));
  }
  return stale;
}

std::vector<pid_t> MarkedProcesses(std::string_view session) {
  std::vector<pid_t> marked;
  const std::set<pid_t> spared = SelfAndAncestors();
  for (const pid_t pid : AllProcesses()) {
    if (spared.contains(pid) || !IsOurs(pid)) continue;
    const auto mark = EnvironmentOf(pid, kSessionMark);
    if (!mark || (!session.empty() && *mark != session)) continue;
    const auto stat = ReadProcessStat(pid);
    if (stat && stat->state != 'Z') marked.push_back(pid);
  }
  return marked;
}

UniqueFd KillMarked(pid_t pid, const std::string& session) {
  UniqueFd pidfd = OpenPidfd(pid);
  if (!pidfd.valid()) return pidfd;
  if (EnvironmentOf(pid, kSessionMark) != session) return UniqueFd();
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  return pidfd;
}

Reaped ReapStale(const std::vector<std::string>& roots) {
  Reaped reaped;
  for (const std::string& root : roots) {
    for (RuntimeFolder& folder : ClaimStale(root)) {
      reaped.processes += KillAllMarked(folder.session());
      folder.Remove();
      ++reaped.sessions;
    }
  }
  return reaped;
}

}  // namespace mobula::raylet

#include "cli/cluster/state_store.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/error_text.h"
#include "base/security/secret_file.h"
#include "cli/cluster/yaml.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kLockEnding[] = ".lock";

// "" without a home.
std::string Folder() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') {
    return std::string(state) + "/mobula/clusters";
  }
  const char* const home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') return "";
  return std::string(home) + "/.local/state/mobula/clusters";
}

// Whether the file that was locked is still the one of that name: whoever had
// it may have removed it meanwhile.
bool IsStill(int fd, const std::string& path) {
  struct stat mine;
  struct stat there;
  return ::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &there) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

// A launcher that was killed holds it until the processes that it forked are
// gone too, and no event tells of that moment.
bool LockSoon(int fd) {
  constexpr int kTries = 50;
  constexpr int kTryMs = 10;
  for (int i = 0; i < kTries; ++i) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    ::poll(nullptr, 0, kTryMs);
  }
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

std::string HolderIn(int fd) {
  char text[32];
  const ssize_t n = ::pread(fd, text, sizeof(text), 0);
  return n > 0 ? " (pid " + std::string(text, static_cast<std::size_t>(n)) + ")"
               : "";
}

// What a writer that was killed left beside it: NAME.XXXXXX.
void RemoveHalves(const std::string& folder, const std::string& name) {
  std::error_code gone;
  for (fs::directory_iterator at(folder, gone), end; !gone && at != end;
       at.increment(gone)) {
    const std::string file = at->path().filename();
    const bool is_half = file.starts_with(name + ".") &&
                         file.size() == name.size() + sizeof("XXXXXX");
    if (is_half) ::unlink(at->path().c_str());
  }
}

std::optional<ClusterState> ReadAt(const std::string& path,
                                   std::string* error) {
  const auto text = base::ReadSecretFile(path, kYamlBytesMax, error);
  if (!text) return std::nullopt;
  auto state = ReadClusterState(*text, error);
  if (!state) *error = path + ": " + *error;
  return state;
}

}  // namespace

std::vector<std::string> StateStore::Names() {
  std::vector<std::string> names;
  std::error_code gone;
  for (fs::directory_iterator at(Folder(), gone), end; !gone && at != end;
       at.increment(gone)) {
    const std::string name = at->path().filename();
    if (IsClusterName(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void StateStore::RemoveStale() {
  std::vector<std::string> names;
  std::error_code gone;
  for (fs::directory_iterator at(Folder(), gone), end; !gone && at != end;
       at.increment(gone)) {
    const std::string file = at->path().filename();
    if (!file.ends_with(kLockEnding)) continue;
    const std::string name =
        file.substr(0, file.size() - std::string_view(kLockEnding).size());
    if (IsClusterName(name)) names.push_back(name);
  }
  std::string ignored;
  // What is locked goes when it is let go.
  for (const std::string& name : names) (void)Open(name, &ignored);
}

std::optional<StateStore> StateStore::Open(const std::string& name,
                                           std::string* error) {
  const std::string folder = Folder();
  if (folder.empty()) {
    *error = "there is no HOME: set XDG_STATE_HOME";
    return std::nullopt;
  }
  if (!base::MakeSecretFolder(folder, error)) return std::nullopt;
  StateStore store;
  store.path_ = folder + "/" + name;
  const std::string lock_path = store.path_ + kLockEnding;
  while (true) {
    store.lock_.Reset(::open(lock_path.c_str(),
                             O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!store.lock_.valid()) {
      *error = base::WithErrorText("cannot open " + lock_path);
      return std::nullopt;
    }
    if (!LockSoon(store.lock_.get())) {
      *error = "another launcher" + HolderIn(store.lock_.get()) +
               " is at work on the cluster " + name;
      return std::nullopt;
    }
    if (IsStill(store.lock_.get(), lock_path)) break;
  }
  store.lock_path_ = lock_path;
  RemoveHalves(folder, name);
  // For whoever is refused.
  const std::string pid = std::to_string(::getpid());
  [[maybe_unused]] const bool emptied = ::ftruncate(store.lock_.get(), 0) == 0;
  [[maybe_unused]] const ssize_t n =
      ::pwrite(store.lock_.get(), pid.data(), pid.size(), 0);
  return store;
}

std::optional<ClusterState> StateStore::Look(const std::string& name,
                                             std::string* error) {
  return ReadAt(Folder() + "/" + name, error);
}

StateStore::~StateStore() {
  if (lock_.valid()) ::unlink(lock_path_.c_str());
}

bool StateStore::IsThere() const {
  struct stat stat;
  return ::lstat(path_.c_str(), &stat) == 0;
}

std::optional<ClusterState> StateStore::Read(std::string* error) const {
  return ReadAt(path_, error);
}

bool StateStore::Write(const ClusterState& state, std::string* error) const {
  return base::WriteSecretFile(path_, WriteClusterState(state), error);
}

void StateStore::Remove() const { ::unlink(path_.c_str()); }

}  // namespace mobula::cli

#include "tests/machines/test_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

namespace mobula::test {
namespace {

namespace fs = std::filesystem;
using base::UniqueFd;

constexpr char kLock[] = "/lock";

// Held by us, or invalid.
UniqueFd Lock(const std::string& folder) {
  UniqueFd lock(
      open((folder + kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid() || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return lock;
}

void Sweep(const std::string& prefix) {
  std::error_code gone;
  for (fs::directory_iterator at("/tmp", gone), end; at != end;
       at.increment(gone)) {
    const std::string name = at->path().filename();
    // One without a lock is being made.
    if (!name.starts_with(prefix + ".") ||
        !fs::exists(at->path().string() + kLock, gone)) {
      continue;
    }
    const UniqueFd lock = Lock(at->path());
    if (lock.valid()) fs::remove_all(at->path(), gone);
  }
}

}  // namespace

TestFolder::TestFolder(const std::string& prefix) {
  Sweep(prefix);
  std::string path = "/tmp/" + prefix + ".XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return;
  path_ = path;
  lock_ = Lock(path_);
  // Containers have other users.
  chmod(path_.c_str(), 0755);
}

TestFolder::~TestFolder() {
  std::error_code gone;
  if (!path_.empty()) fs::remove_all(path_, gone);
}

}  // namespace mobula::test

#include "raylet/arenas/spill_folders.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "raylet/arenas/spill_file.h"

namespace mobula::raylet {

bool LiesInMemory(const std::string& folder) {
  std::filesystem::path path = folder;
  struct statfs system{};
  while (::statfs(path.c_str(), &system) != 0) {
    if (errno == EINTR) continue;
    if (path == path.parent_path()) return false;
    path = path.parent_path();
  }
  return system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
}

std::vector<std::string> ChooseSpillFolder(
    const std::vector<std::string>& candidates) {
  for (const std::string& folder : candidates) {
    if (LiesInMemory(folder)) continue;
    const bool will_be_made =
        &folder == &candidates.front() && ::access(folder.c_str(), F_OK) != 0;
    if (will_be_made || WrongWithSpillFolder(folder).empty()) return {folder};
  }
  return {};
}

std::vector<std::string> DefaultSpillFolders(
    const std::string& session_folder) {
  return ChooseSpillFolder({session_folder, "/var/tmp", "/tmp"});
}

std::string WrongWithSpillFolder(const std::string& folder) {
  std::string error;
  return SpillFile::Make(folder, &error) ? "" : error;
}

std::string WrongWithSpillFolders(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    const std::string wrong = WrongWithSpillFolder(folder);
    if (!wrong.empty()) return "--spill-folder: " + wrong;
  }
  return "";
}

std::uint64_t RoomInSpillFolder(const std::string& folder) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return 0;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

void SweepSpillFolder(const std::string& folder) {
  std::error_code failed;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename();
    struct stat state{};
    if (!name.starts_with(kSpillFilePrefix)) continue;
    if (::lstat(entry.path().c_str(), &state) != 0) continue;
    if (S_ISREG(state.st_mode) && state.st_uid == ::geteuid()) {
      ::unlink(entry.path().c_str());
    }
  }
}

}  // namespace mobula::raylet

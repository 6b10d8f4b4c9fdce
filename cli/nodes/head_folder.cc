#include "cli/nodes/head_folder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/ids.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

constexpr std::size_t kHolderBytesMax = 512;

// Makes the folder where nothing is; why it cannot, "" if it can.
std::string Make(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::exists(path, code)) return "";
  std::filesystem::create_directories(path.parent_path(), code);
  if (code) {
    return "cannot make " + path.parent_path().string() + ": " + code.message();
  }
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return "";
  return base::WithErrorText("it is not there, and cannot be made");
}

std::string HolderIn(const UniqueFd& lock) {
  std::string text(kHolderBytesMax, '\0');
  const ssize_t n = ::pread(lock.get(), text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "a head that is being started" : text;
}

std::string RandomText() {
  const base::TaskId first{base::RandomBits(), base::RandomBits()};
  const base::TaskId second{base::RandomBits(), base::RandomBits()};
  return first.ToString() + second.ToString();
}

// A holder that was killed is gone for others a moment before the kernel lets
// go of its locks, and no event tells of that moment.
bool LockSoon(int fd) {
  constexpr int kTries = 30;
  constexpr int kTryMs = 10;
  for (int i = 0; i < kTries; ++i) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    ::poll(nullptr, 0, kTryMs);
  }
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

std::string HeadFolder::DefaultPath() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') {
    return std::string(state) + "/mobula/head";
  }
  const char* const home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') return "";
  return std::string(home) + "/.local/state/mobula/head";
}

std::string HeadFolder::WrongWith(const std::string& path) {
  struct stat stat;
  if (::stat(path.c_str(), &stat) != 0) return base::ErrorText();
  if (!S_ISDIR(stat.st_mode)) return "it is not a folder";
  if (stat.st_uid != ::geteuid()) {
    return "it belongs to user " + std::to_string(stat.st_uid);
  }
  if ((stat.st_mode & 022) != 0) {
    return "others may write it; run: chmod 700 " + path;
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) return base::ErrorText();
  return "";
}

std::optional<HeadFolder> HeadFolder::Open(const std::string& path,
                                           std::string* error) {
  std::error_code code;
  const std::filesystem::path full = std::filesystem::absolute(path, code);
  HeadFolder folder;
  folder.path_ = full.lexically_normal();
  std::string wrong = Make(full);
  if (wrong.empty()) wrong = WrongWith(folder.path_);
  if (!wrong.empty()) {
    *error = "cannot use " + folder.path_ + ": " + wrong;
    return std::nullopt;
  }
  const std::string file = folder.path_ + "/keeper";
  folder.lock_.Reset(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!folder.lock_.valid()) {
    *error = base::WithErrorText("cannot open " + file);
    return std::nullopt;
  }
  if (!LockSoon(folder.lock_.get())) {
    *error = folder.path_ + " is held by " + HolderIn(folder.lock_);
    return std::nullopt;
  }
  folder.NameHolder("");
  return folder;
}

void HeadFolder::NameHolder(const std::string& holder) const {
  const std::string line = holder.empty() ? "" : holder + "\n";
  if (::ftruncate(lock_.get(), 0) != 0) return;
  // It is only read by people.
  [[maybe_unused]] const ssize_t n =
      ::pwrite(lock_.get(), line.data(), line.size(), 0);
}

std::string HeadFolder::TokenFile(std::string* error) const {
  std::string file = path_ + "/token";
  if (::access(file.c_str(), R_OK) == 0) return file;
  const std::string fresh = file + ".new";
  const std::string text = RandomText();
  const UniqueFd fd(
      ::open(fresh.c_str(),
             O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  const bool written = fd.valid() &&
                       ::write(fd.get(), text.data(), text.size()) ==
                           static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd.get()) == 0 &&
                       ::rename(fresh.c_str(), file.c_str()) == 0;
  if (written) return file;
  *error = base::WithErrorText("cannot write " + file);
  return "";
}

}  // namespace mobula::cli

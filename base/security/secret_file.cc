#include "base/security/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/error_text.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

constexpr mode_t kOthers = 077;

std::string Octal(mode_t mode) {
  std::string text;
  for (const int shift : {6, 3, 0}) {
    text += static_cast<char>('0' + (mode >> shift & 7));
  }
  return text;
}

std::string WrongWith(const std::string& path, const struct stat& stat) {
  if (!S_ISREG(stat.st_mode)) return path + " is not a file";
  if (stat.st_uid != ::geteuid()) {
    return path + " belongs to user " + std::to_string(stat.st_uid) +
           ", and a secret of user " + std::to_string(::geteuid()) +
           " is wanted: copy it, as that user, with mode 600";
  }
  if ((stat.st_mode & kOthers) != 0) {
    return path + " has mode " + Octal(stat.st_mode & 0777) +
           ", so others may know it: make a new one, or, if nobody else uses "
           "this machine, run: chmod 600 " +
           path;
  }
  return "";
}

// Neither waits for the other end of a pipe nor follows a link.
UniqueFd OpenToRead(const std::string& path) {
  return UniqueFd(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

std::string WhyNotOpen(const std::string& path) {
  if (errno == ELOOP) return path + " is a link: name the file itself";
  return WithErrorText("cannot read " + path);
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(fd) == 0;
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::optional<std::string> ReadSecretFile(const std::string& path,
                                          std::size_t bytes_max,
                                          std::string* error) {
  const UniqueFd file = OpenToRead(path);
  struct stat stat{};
  if (!file.valid() || ::fstat(file.get(), &stat) != 0) {
    *error = WhyNotOpen(path);
    return std::nullopt;
  }
  *error = WrongWith(path, stat);
  if (!error->empty()) return std::nullopt;
  std::string bytes(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count =
        ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      *error = WithErrorText("cannot read " + path);
      return std::nullopt;
    }
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size == 0) *error = path + " is empty";
  if (size > bytes_max) {
    *error = path + " has more than " + std::to_string(bytes_max) +
             " bytes, so it is not what is meant";
  }
  if (!error->empty()) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

bool WriteSecretFile(const std::string& path, std::string_view bytes,
                     std::string* error) {
  std::string fresh = path + ".XXXXXX";
  UniqueFd file(::mkostemp(fresh.data(), O_CLOEXEC));  // 0600, and new
  if (!file.valid()) {
    *error = WithErrorText("cannot write " + path);
    return false;
  }
  if (WriteAll(file.get(), bytes) &&
      ::rename(fresh.c_str(), path.c_str()) == 0) {
    const UniqueFd folder(
        ::open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ::fsync(folder.get());
    return true;
  }
  *error = WithErrorText("cannot write " + path);
  ::unlink(fresh.c_str());
  return false;
}

bool MakeSecretFolder(const std::string& path, std::string* error) {
  std::error_code failed;
  std::filesystem::create_directories(FolderOf(path), failed);
  if (failed || (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)) {
    *error =
        WithErrorText("cannot make " + path, failed ? failed.value() : errno);
    return false;
  }
  *error = WrongWithSecretFolder(path);
  return error->empty();
}

std::string WrongWithSecretFile(const std::string& path) {
  const UniqueFd file = OpenToRead(path);
  struct stat stat{};
  if (!file.valid() || ::fstat(file.get(), &stat) != 0) return WhyNotOpen(path);
  return WrongWith(path, stat);
}

std::string WrongWithSecretFolder(const std::string& path) {
  struct stat stat{};
  if (::lstat(path.c_str(), &stat) != 0) {
    return WithErrorText("cannot look at " + path);
  }
  if (!S_ISDIR(stat.st_mode)) return path + " is not a folder";
  if (stat.st_uid != ::geteuid()) {
    return path + " belongs to user " + std::to_string(stat.st_uid) +
           ": name a folder of your own";
  }
  if ((stat.st_mode & kOthers) != 0) {
    return path + " has mode " + Octal(stat.st_mode & 0777) +
           ", so others may look into it; run: chmod 700 " + path;
  }
  return "";
}

}  // namespace mobula::base

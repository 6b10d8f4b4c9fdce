#include "gcs/log/folder_hold.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <string_view>

#include "base/error_text.h"

namespace mobula::gcs {
namespace {

constexpr std::size_t kTextMax = 512;

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

// "2026-11-22 17:42:01 UTC", for people.
std::string WallTime() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%F %T UTC", &parts);
  return text.data();
}

std::string ReadHolder(int fd) {
  std::array<char, kTextMax> text{};
  const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
  std::string_view line(text.data(), count > 0 ? count : 0);
  line = line.substr(0, line.find('\n'));
  return line.empty() ? "a process that has not said which" : std::string(line);
}

bool WriteHolder(int fd, const std::string& text) {
  return ::ftruncate(fd, 0) == 0 && ::pwrite(fd, text.data(), text.size(), 0) ==
                                        static_cast<ssize_t>(text.size());
}

}  // namespace

std::optional<FolderHold> FolderHold::Take(const std::string& folder,
                                           std::string* error) {
  const std::string path = folder + "/holder";
  base::UniqueFd file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) {
    *error = base::WithErrorText("cannot open " + path);
    return std::nullopt;
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    *error = errno == EWOULDBLOCK
                 ? folder + " is in use by " + ReadHolder(file.get())
                 : base::WithErrorText("cannot lock " + path);
    return std::nullopt;
  }
  const std::string holder = "pid " + std::to_string(::getpid()) + " on " +
                             HostName() + " since " + WallTime() + "\n";
  if (!WriteHolder(file.get(), holder)) {
    *error = base::WithErrorText("cannot write " + path);
    return std::nullopt;
  }
  return FolderHold(std::move(file));
}

}  // namespace mobula::gcs

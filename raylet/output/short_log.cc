#include "raylet/output/short_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace mobula::raylet {

bool KeepLogShort(int fd, const std::string& path, std::int64_t bytes_max) {
  struct stat log;
  if (::fstat(fd, &log) != 0 || !S_ISREG(log.st_mode)) return false;
  if (log.st_size <= bytes_max) return false;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_APPEND) == 0) return false;
  std::error_code wrong;
  std::filesystem::copy_file(path, path + ".1",
                             std::filesystem::copy_options::overwrite_existing,
                             wrong);
  return ::ftruncate(fd, 0) == 0;
}

}  // namespace mobula::raylet

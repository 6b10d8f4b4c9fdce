#include "base/shm/arena_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/error_text.h"
#include "base/shm/extent_size.h"

// Newer than the headers of the systems that we build on.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace mobula::base {
namespace {

constexpr std::uint64_t kArenaBytesMax =
    std::numeric_limits<std::int64_t>::max() - kPageBytes;

UniqueFd NewMemory() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(::memfd_create("mobula-arena", kFlags | MFD_NOEXEC_SEAL));
  if (fd.valid() || errno != EINVAL) return fd;
  return UniqueFd(::memfd_create("mobula-arena", kFlags));  // before Linux 6.3
}

}  // namespace

std::optional<ArenaFile> ArenaFile::Make(std::uint64_t byte_count,
                                         std::string* error) {
  MOBULA_CHECK(byte_count > 0 && byte_count <= kArenaBytesMax) << byte_count;
  const std::uint64_t rounded = WholePages(byte_count);
  UniqueFd fd = NewMemory();
  const bool made =
      fd.valid() && ::ftruncate(fd.get(), static_cast<off_t>(rounded)) == 0 &&
      ::fchmod(fd.get(), 0400) == 0 &&
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0;
  if (!made) {
    *error = WithErrorText("cannot make shared memory");
    return std::nullopt;
  }
  return ArenaFile(std::move(fd), rounded);
}

bool ArenaFile::Prefault(std::string* error) {
  int result = 0;
  do {
    result = ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(byte_count_));
  } while (result != 0 && errno == EINTR);
  if (result == 0) return true;
  *error = WithErrorText("cannot take shared memory");
  return false;
}

bool ArenaFile::Write(std::uint64_t offset, std::string_view bytes,
                      std::string* error) {
  MOBULA_CHECK(!is_sealed_, "a sealed arena is not written");
  MOBULA_CHECK(offset <= byte_count_ && bytes.size() <= byte_count_ - offset);
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(),
                                     static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      *error = WithErrorText("cannot write into shared memory");
      return false;
    }
    offset += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<std::string> ArenaFile::Read(std::uint64_t offset,
                                           std::uint64_t byte_count,
                                           std::string* error) const {
  MOBULA_CHECK(offset <= byte_count_ && byte_count <= byte_count_ - offset);
  std::string bytes(byte_count, '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t read =
        ::pread(fd_.get(), bytes.data() + done, bytes.size() - done,
                static_cast<off_t>(offset + done));
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) {
      *error = WithErrorText("cannot read shared memory");
      return std::nullopt;
    }
    done += static_cast<std::size_t>(read);
  }
  return bytes;
}

UniqueFd ArenaFile::Writable(std::string* error) const {
  MOBULA_CHECK(!is_sealed_, "a sealed arena has no new writer");
  UniqueFd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) *error = WithErrorText("cannot hand on shared memory");
  return copy;
}

UniqueFd ArenaFile::ReadOnly(std::string* error) {
  if (!is_sealed_) {
    if (::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE) != 0) {
      *error = WithErrorText("cannot seal shared memory");
      return UniqueFd();
    }
    is_sealed_ = true;
  }
  // A copy of the descriptor would be writable.
  const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
  UniqueFd reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reader.valid()) *error = WithErrorText("cannot open shared memory");
  return reader;
}

}  // namespace mobula::base

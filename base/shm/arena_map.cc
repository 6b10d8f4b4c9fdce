#include "base/shm/arena_map.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <limits>

#include "base/check.h"
#include "base/error_text.h"

namespace mobula::base {

std::unique_ptr<ArenaMap> ArenaMap::Open(const UniqueFd& fd,
                                         std::uint64_t byte_count,
                                         Access access, std::string* error) {
  if (!fd.valid()) {
    *error = "the shared memory did not arrive: no free descriptor";
    return nullptr;
  }
  struct stat state{};
  if (::fstat(fd.get(), &state) != 0) {
    *error = WithErrorText("cannot look at shared memory");
    return nullptr;
  }
  // Beyond its end every access would be a SIGBUS.
  if (byte_count == 0 ||
      byte_count > std::numeric_limits<std::ptrdiff_t>::max() ||
      state.st_size != static_cast<off_t>(byte_count)) {
    *error = "the shared memory is not as long as it was said to be";
    return nullptr;
  }
  const bool writes = access == Access::kWrite;
  void* const start =
      ::mmap(nullptr, byte_count, writes ? PROT_READ | PROT_WRITE : PROT_READ,
             MAP_SHARED, fd.get(), 0);
  if (start == MAP_FAILED) {
    *error = WithErrorText("cannot map shared memory");
    return nullptr;
  }
  // A child that wrote would write into its parent's values.
  if (writes && ::madvise(start, byte_count, MADV_DONTFORK) != 0) {
    *error = WithErrorText("cannot keep shared memory from children");
    ::munmap(start, byte_count);
    return nullptr;
  }
  return std::unique_ptr<ArenaMap>(new ArenaMap(
      std::span<char>(static_cast<char*>(start), byte_count), access));
}

ArenaMap::~ArenaMap() {
  MOBULA_CHECK(::munmap(memory_.data(), memory_.size()) == 0);
}

bool ArenaMap::SetWritable(std::uint64_t begin, std::uint64_t byte_count,
                           bool writable) {
  MOBULA_CHECK(access_ == Access::kWrite, "the mapping is a reader's");
  MOBULA_CHECK(begin <= memory_.size() && byte_count <= memory_.size() - begin);
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t first = (begin + page - 1) / page * page;
  const std::uint64_t end = (begin + byte_count) / page * page;
  if (first >= end) return true;
  const int access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  return ::mprotect(memory_.data() + first, end - first, access) == 0;
}

std::span<char> ArenaMap::writable() const {
  MOBULA_CHECK(access_ == Access::kWrite, "the mapping is a reader's");
  return memory_;
}

}  // namespace mobula::base

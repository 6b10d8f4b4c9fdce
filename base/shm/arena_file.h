// ArenaFile is the memory of an arena, as the raylet holds it: a memfd without
// a name, whose size never changes.
//
//   open --ReadOnly--> sealed (final)
// While it is open its memory may be given to one writer after another, and
// Write fills it. From the first read-only descriptor on nobody maps it for
// writing anew, not even its maker; who did before writes on. Sealed memory
// goes back to the kernel with the last descriptor and the last mapping.
// Threading: none; Make and Prefault take milliseconds for each 4 MiB and
// belong on a thread of their own.
// Failure: nothing, or false, and `error` says what the system said.
#ifndef MOBULA_BASE_SHM_ARENA_FILE_H_
#define MOBULA_BASE_SHM_ARENA_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"

namespace mobula::base {

class ArenaFile {
 public:
  // Of at least so many bytes, rounded up to whole pages; all nought. No memory
  // is taken before it is written or prefaulted.
  static std::optional<ArenaFile> Make(std::uint64_t byte_count,
                                       std::string* error);

  // Takes all of the memory now. In a memory cgroup that has not enough the
  // kernel does not refuse but kills: count before.
  [[nodiscard]] bool Prefault(std::string* error);
  // Before it is sealed; takes memory for the pages that it touches.
  [[nodiscard]] bool Write(std::uint64_t offset, std::string_view bytes,
                           std::string* error);

  // So many bytes from there on; nothing, and why, if the system has none.
  [[nodiscard]] std::optional<std::string> Read(std::uint64_t offset,
                                                std::uint64_t byte_count,
                                                std::string* error) const;

  // For the one writer; not once it is sealed.
  [[nodiscard]] UniqueFd Writable(std::string* error) const;
  // For a reader; the first one seals.
  [[nodiscard]] UniqueFd ReadOnly(std::string* error);

  [[nodiscard]] std::uint64_t byte_count() const { return byte_count_; }
  // False: nobody but writers has seen it, and it may serve another.
  [[nodiscard]] bool is_sealed() const { return is_sealed_; }

 private:
  ArenaFile(UniqueFd fd, std::uint64_t byte_count)
      : fd_(std::move(fd)), byte_count_(byte_count) {}

  UniqueFd fd_;
  std::uint64_t byte_count_;
  bool is_sealed_ = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_ARENA_FILE_H_

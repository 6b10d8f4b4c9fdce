// ArenaMap is an arena's memory as this process sees it, unmapped when it goes.
//
// A reader that writes through it is ended by SIGSEGV. A writer's mapping is
// not there in forked children.
// Threading: a value that is not moved; what is in the memory has rules of its
// own (ExtentHeap).
// Failure: null, and `error` says why: the descriptor did not come, is no
// memory of that size, or the system refused.
#ifndef MOBULA_BASE_SHM_ARENA_MAP_H_
#define MOBULA_BASE_SHM_ARENA_MAP_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace mobula::base {

class ArenaMap {
 public:
  enum class Access { kRead, kWrite };

  // The descriptor may be closed after.
  static std::unique_ptr<ArenaMap> Open(const UniqueFd& fd,
                                        std::uint64_t byte_count, Access access,
                                        std::string* error);
  ~ArenaMap();
  ArenaMap(const ArenaMap&) = delete;
  ArenaMap& operator=(const ArenaMap&) = delete;

  [[nodiscard]] std::string_view view() const {
    return {memory_.data(), memory_.size()};
  }
  // Of a writer's.
  [[nodiscard]] std::span<char> writable() const;
  // The same, of the whole pages within a part of it: whether this process can
  // write them. False, and nothing has changed, where the system refuses.
  [[nodiscard]] bool SetWritable(std::uint64_t begin, std::uint64_t byte_count,
                                 bool writable);

 private:
  ArenaMap(std::span<char> memory, Access access)
      : memory_(memory), access_(access) {}

  const std::span<char> memory_;
  const Access access_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_ARENA_MAP_H_

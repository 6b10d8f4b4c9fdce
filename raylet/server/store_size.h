// StoreBytes decides how much memory the node's large values may have.
//
//   nothing asked   30 % of what is left, at least 16 MiB where that is there
//   30%             of what is left
//   512MiB          just that
//   0               there is no store, and every value rides in its message
// What is left is what the machine, or the cgroup that we are in, has free when
// the node starts, and no more than what the node offers with --memory.
// Threading: pure.
// Failure: nothing, and a sentence that says what is wrong with what was asked.
#ifndef MOBULA_RAYLET_SERVER_STORE_SIZE_H_
#define MOBULA_RAYLET_SERVER_STORE_SIZE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/scheduling/byte_amount.h"

namespace mobula::raylet {

struct MemoryRoom {
  std::uint64_t all_bytes = 0;      // of the machine or the cgroup
  std::uint64_t free_bytes = 0;     // of those, now
  std::uint64_t offered_bytes = 0;  // by the node, to tasks
};

std::optional<std::uint64_t> StoreBytes(
    const std::optional<base::ByteAmount>& asked, const MemoryRoom& room,
    std::string* error);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_STORE_SIZE_H_

// TaskSpec is how a result that lies in the node's store was made: what it
// takes to run its task again.
//
// Of an argument that lies in the store only the name counts: its place may
// have changed since. Short ones are here, copied, so that they keep no block
// of a receive buffer alive.
// Threading: a value; what is shared never changes.
#ifndef MOBULA_RUNTIME_CORE_TASK_SPEC_H_
#define MOBULA_RUNTIME_CORE_TASK_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"

namespace mobula::runtime {

struct TaskSpec {
  base::FunctionId function;
  std::string function_name;
  std::string name;               // of the task, where its options gave it one
  std::vector<base::Value> args;  // none where it is not run again
  base::ResourceVector resources;
  std::optional<base::Placement> placement;
  std::int32_t retries_max = 0;  // -1: no limit
  bool retry_exceptions = false;
  bool is_coroutine = false;
  base::Duration timeout = base::Duration::max();
  std::int32_t attempts = 1;  // charged, the one that gave the result too
};

// How a value looks from afar.
struct Fingerprint {
  std::uint64_t byte_count = 0;
  std::uint64_t digest = 0;  // base/shm/value_digest.h; 0: not known

  // What is not known is like anything.
  [[nodiscard]] bool Differs(const Fingerprint& other) const {
    if (byte_count != other.byte_count) return true;
    return digest != 0 && other.digest != 0 && digest != other.digest;
  }
};

// The task of an object of this owner whose bytes were lost has run again and
// given a value.
struct Remade {
  base::ObjectId object;
  std::string function;
  std::int32_t attempt = 0;
  bool differs = false;  // from what it gave before
  Fingerprint before;
  Fingerprint now;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_TASK_SPEC_H_

// AuditRefs compares what the cores of a node believe about references with
// what is so, at a moment when nothing is on its way.
//
//   for (const std::string& wrong : AuditRefs(scene)) ...
// What is so: the handles of user code, and the refs inside of the values that
// a process keeps. From these everything else follows: each process counts its
// references exactly, each two ends of a loan agree, nothing is kept that
// nobody refers to, and nothing is missing.
// Threading: none.
#ifndef MOBULA_TESTS_OWNERSHIP_REF_AUDIT_H_
#define MOBULA_TESTS_OWNERSHIP_REF_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/value.h"
#include "raylet/objects/object_store.h"
#include "runtime/core/core.h"

namespace mobula::ownership {

// A node, as it is to be looked at.
struct Scene {
  // A process that lives.
  struct Seat {
    const runtime::Core* core = nullptr;
    std::map<base::ObjectId, std::int64_t> handles;  // of its user code
    // What the constructors' arguments of its actors refer to, while they may
    // be made again.
    std::vector<base::ObjectName> held_for_actors;
    std::size_t watches = 0;  // asked for and not told
  };

  std::map<base::ProcessId, Seat> seats;
  const raylet::ObjectStore* store = nullptr;
  std::function<bool(base::ProcessId)> has_ended;
};

// What is wrong, in words.
std::vector<std::string> AuditRefs(const Scene& scene);

// What is left although everybody has dropped all they had.
std::vector<std::string> AuditNoRefs(const Scene& scene);

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_REF_AUDIT_H_

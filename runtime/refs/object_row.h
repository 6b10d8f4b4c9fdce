// ObjectRow is what one process knows of one object, for who looks at it:
// listings, the simulator's audits, tests.
// Threading: a value.
#ifndef MOBULA_RUNTIME_REFS_OBJECT_ROW_H_
#define MOBULA_RUNTIME_REFS_OBJECT_ROW_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::runtime {

struct ObjectRow {
  base::ObjectName name;
  bool is_settled = false;
  bool is_failure = false;
  std::int64_t references = 0;  // handles, calls and values of this process
  // Borrowed: how many mentions its owner has lent to this process.
  std::int64_t received = 0;
  // Own: the same of each other process, in order.
  std::vector<std::pair<base::ProcessId, std::int64_t>> lent;
  // What its value refers to.
  std::vector<base::ObjectName> inside;
};

// The same in short: as long as nothing changes.
struct ObjectGlance {
  base::ObjectName name;
  std::int64_t references = 0;
  const base::Outcome* outcome = nullptr;  // null while it is pending
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_OBJECT_ROW_H_

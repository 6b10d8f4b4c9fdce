// CompareDirectory says how what the control store lists of objects differs
// from what lies in the stores of the living nodes; "" if it does not.
//
//   const std::string wrong = CompareDirectory(answer, {{node, &stored}, ...});
// The control store is told some time after the fact: at rest they agree.
// Threading: a pure function.
#ifndef MOBULA_TESTS_SIM_DIRECTORY_AUDIT_H_
#define MOBULA_TESTS_SIM_DIRECTORY_AUDIT_H_

#include <map>
#include <string>

#include "base/control/control_request.h"
#include "base/ids.h"
#include "raylet/objects/object_store.h"

namespace mobula::sim {

using NodeStores = std::map<base::NodeId, const raylet::ObjectStore*>;

std::string CompareDirectory(const base::ObjectsAnswer& told,
                             const NodeStores& stores);

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_DIRECTORY_AUDIT_H_

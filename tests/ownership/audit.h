// Audit is AuditRefs (ref_audit.h) of a Node of this test.
//
//   node.Settle();  for (const std::string& wrong : Audit(node)) ...
// Threading: none.
#ifndef MOBULA_TESTS_OWNERSHIP_AUDIT_H_
#define MOBULA_TESTS_OWNERSHIP_AUDIT_H_

#include <string>
#include <vector>

#include "tests/ownership/node.h"

namespace mobula::ownership {

// What is wrong, in words.
std::vector<std::string> Audit(const Node& node);

// What is left although every program has dropped all it had.
std::vector<std::string> AuditEmpty(const Node& node);

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_AUDIT_H_

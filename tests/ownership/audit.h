// Audit compares what the cores of a node believe about references with what
// is so, at a moment when nothing is on its way.
//
//   node.Settle();  for (const std::string& wrong : Audit(node)) ...
// What is so: the handles of the programs, and the refs inside of the values
// that a process keeps. From these everything else follows: each process counts
// its references exactly, each two ends of a loan agree, nothing is kept that
// nobody refers to, and nothing is missing.
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

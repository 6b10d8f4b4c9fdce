// MakeMachines makes the machines of a test of the kind that MOBULA_MACHINES
// says: "netns" (network namespaces) or "docker" (containers).
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_MAKE_MACHINES_H_
#define MOBULA_TESTS_MACHINES_MAKE_MACHINES_H_

#include <memory>

#include "tests/machines/machines.h"

namespace mobula::test {

// So many. Never null; see trouble().
std::unique_ptr<Machines> MakeMachines(int count);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_MAKE_MACHINES_H_

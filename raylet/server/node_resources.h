// What this process may use of the machine: CPUs by its affinity mask and its
// cgroup's quota, memory by its cgroup's limit (versions 1 and 2).
// Threading: any.
// Failure: a limit that cannot be read does not apply.
#ifndef MOBULA_RAYLET_SERVER_NODE_RESOURCES_H_
#define MOBULA_RAYLET_SERVER_NODE_RESOURCES_H_

#include <cstdint>
#include <string>

namespace mobula::raylet {

// Of tasks there is one at a time on less than one CPU, too: never below 1.
double DetectCpus(const std::string& root = "");

// The smaller of the machine's memory and the cgroup's limits, in bytes.
std::int64_t DetectMemoryBytes(const std::string& root = "");

// What of that is free now, with what the kernel gives back at once: of the
// machine, and below each of the limits.
std::int64_t DetectFreeMemoryBytes(const std::string& root = "");

std::string HostName();

// Whoever runs out of descriptors before it serves ends in odd ways: what to do
// where a process may open too few files for a node, by its own limit or, if
// `may_raise`, by the one up to which it can raise that; "" where there are
// enough.
std::string WhyTooFewFiles(bool may_raise);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_NODE_RESOURCES_H_
